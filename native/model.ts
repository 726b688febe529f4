// A model, read once, and planned for the sizes that it meets.
import { type DType, InnerloopError, sizeOf, type Tensor } from "@innerloop/schemas/bundle";
import type { Kernels } from "./addon.ts";
import { type ArraysBeside, arraysOf, contentsOf, type FilesBeside, letGo } from "./beside.ts";
import { digestOf, type KeptPrograms, keyOf, type Largest, packed, unpacked } from "./kept.ts";
import { readOutline } from "./outline.ts";
import { largest, type Plan, settles } from "./plan/plan.ts";
import { planFor } from "./plan/planned.ts";
import { type Layout, layoutOf, type Portions, Program, rowsOf } from "./plan/program.ts";
import { isRefusal, refused } from "./plan/refusal.ts";
import { type Model, type Outline, type Port, readGraph } from "./read.ts";

/** Programs that are kept, and bytes that they may have together; the newest one is kept whatever it has. */
const mostPrograms = 8;
/** Runs after which one may take the place of another: making it takes as long as many of them. */
const runsBetween = 64;
const mostBytes = 2 ** 28;
/** Sets of sizes that are remembered as ones that are not computed here. */
const mostRefused = 64;

/** Numbers of an input's rows that are computed at a time, and of what all rows share, so that the processor holds both near by. */
const [mostOfRows, mostShared] = [2 ** 14, 2 ** 18];

/** What programs are told apart by. */
interface Meeting {
  /** Of each input of the model; nothing for one that is not fed. */
  readonly feeds: readonly (Fed | undefined)[];
  readonly fetches: readonly string[];
  /** The input that is fed in portions, with one of them among the feeds. */
  readonly portions?: string;
}

interface Fed {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly size: number;
  /** The whole number that it is, if it stands alone. */
  readonly number?: number | bigint | undefined;
}

/** Settings of a {@link NativeModel}. */
export interface ModelSettings {
  /** Threads of one run, the one that calls among them; 1 unless given. Results are the same with any number. */
  readonly threads?: number;
  /** An input each of whose rows has a row of every output of its own, which depends on no other row: many are taken in portions. */
  readonly apart?: string;
  /** Where programs are kept for later processes. */
  readonly kept?: KeptPrograms;
  /** Files whose numbers initializers of the model have (its external data), by the names that it calls them. They are not to change while the model is there. */
  readonly beside?: FilesBeside;
}

interface Planned extends Meeting {
  readonly program: Program;
  readonly largest: Largest;
}

export class NativeModel {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** The inputs as the model declares them. */
  readonly ports: readonly Port[];
  /** Where programs are kept the bytes stay until one is made, for which the graph is read; else large initializers stay in them as long. */
  #bytes: Uint8Array | undefined;
  #graph: Model | undefined;
  readonly #initializers: Outline["initializers"];
  readonly #kernels: Kernels;
  readonly #kept: KeptPrograms | undefined;
  readonly #beside: ArraysBeside;
  readonly #threads: number;
  readonly #apart: string | undefined;
  /** Of the bytes and files beside them, where programs are kept. */
  readonly #digest: string;
  readonly #dtypes: readonly DType[];
  /** The last used first. */
  #planned: readonly Planned[] = [];
  #refused: readonly Meeting[] = [];
  /** Runs since a program took the place of another. */
  #runs = 0;

  /**
   * @param bytes are not to change before the first run
   * @throws InnerloopError `onnx-unreadable`; `not-native` for a model that is not computed here. Where programs are kept, nodes are read for the first
   *   run that finds none, which gives nothing where something is wrong with them
   */
  constructor(bytes: Uint8Array, kernels: Kernels, { threads = 1, apart, kept, beside = {} }: ModelSettings = {}) {
    this.#kernels = kernels;
    this.#apart = apart;
    this.#threads = threads;
    this.#kept = kept;
    this.#beside = arraysOf(beside, kernels);
    this.#digest = kept ? [digestOf(bytes), ...Object.entries(contentsOf(beside)).flat()].join() : "";
    this.#bytes = kept ? bytes : undefined;
    this.#graph = kept ? undefined : readGraph(bytes, this.#beside);
    const outline = this.#graph ?? readOutline(bytes);
    this.inputs = outline.inputs;
    this.outputs = outline.outputs;
    this.ports = outline.ports;
    this.#initializers = new Map([...outline.initializers].map(([name, { shape }]) => [name, { shape }]));
    this.#dtypes = this.ports.map(({ dtype }) => dtype);
  }

  /**
   * What a run gives; nothing where it is not computed here, what is fed wrongly included.
   *
   * @param lent arrays may be such that a later run writes over
   * @param spent results of an earlier run, which nobody reads any more: arrays of these may be given again
   * @throws InnerloopError `run-failed` for an index beyond the end of its axis
   */
  run(
    feeds: Readonly<Record<string, Tensor>>,
    fetches: readonly string[] = this.outputs,
    lent = false,
    spent?: Readonly<Record<string, Tensor>>,
  ): Record<string, Tensor> | undefined {
    this.#runs++;
    const portions = this.#apart === undefined ? undefined : this.#portionsOf(feeds, this.#apart);
    if (portions) {
      const { input, rows } = portions;
      const one = { ...feeds, [input]: rowsOf(feeds[input]!, 0, rows) };
      const known = this.#known(one, fetches, input);
      const planned = known ?? (this.#shared(one, input) > mostShared ? undefined : this.#new(one, fetches, input));
      if (planned?.program.hasRows(rows) && !planned.largest.has(input))
        return planned.program.runInPortions(this.#kernels, feeds, portions, this.#threads);
    }
    const planned = this.#known(feeds, fetches) ?? this.#new(feeds, fetches);
    return planned?.program.run(this.#kernels, feeds, this.#threads, lent, spent);
  }

  /** Portions with few rows that are computed twice; nothing where all are computed at once. */
  #portionsOf(feeds: Readonly<Record<string, Tensor>>, input: string): Portions | undefined {
    const { shape: [count = 0] = [], data } = feeds[input] ?? {};
    if (!data || count <= 1 || !Number.isInteger(data.length / count)) return undefined;
    const most = Math.max(1, Math.floor((mostOfRows * count) / data.length)) * this.#threads;
    if (count <= most) return undefined;
    const least = Math.ceil(count / most);
    let parts = least;
    for (let more = least; more <= 2 * least; more++) if (rowsIn(more, count) < rowsIn(parts, count)) parts = more;
    return { input, rows: Math.ceil(count / parts) };
  }

  /** How many numbers all rows of an input share. */
  #shared(feeds: Readonly<Record<string, Tensor>>, input: string): number {
    let numbers = 0;
    for (const name in feeds) if (name !== input) numbers += feeds[name]!.data.length;
    for (const [name, { shape }] of this.#initializers) if (!feeds[name]) numbers += sizeOf(shape);
    return numbers;
  }

  #known(feeds: Readonly<Record<string, Tensor>>, fetches: readonly string[], portions?: string): Planned | undefined {
    const at = this.#planned.findIndex((each) => {
      if (each.portions !== portions || !this.#meets(each, feeds, fetches)) return false;
      for (const [name, most] of each.largest) if (largest(feeds[name]!.data) !== most) return false;
      return true;
    });
    if (at > 0) this.#planned = [this.#planned[at]!, ...this.#planned.toSpliced(at, 1)];
    return this.#planned[at < 0 ? this.#planned.length : 0];
  }

  /** Whether a run is one of those. */
  #meets(meeting: Meeting, feeds: Readonly<Record<string, Tensor>>, fetches: readonly string[]): boolean {
    if (fetches !== meeting.fetches && !alike(fetches, meeting.fetches)) return false;
    let count = 0;
    for (const name in feeds) if (feeds[name]) count++;
    for (const [i, name] of this.inputs.entries()) {
      const [fed, feed] = [meeting.feeds[i], feeds[name]];
      if (feed) count--;
      if (!fed || !feed) {
        if (fed || feed) return false;
        continue;
      }
      if (fed.dtype !== feed.dtype || fed.size !== feed.data.length || !alike(fed.shape, feed.shape)) return false;
      if (fed.number !== undefined && fed.number !== feed.data[0]) return false;
    }
    return count === 0;
  }

  #new(feeds: Readonly<Record<string, Tensor>>, fetches: readonly string[], portions?: string): Planned | undefined {
    if (this.#refused.some((each) => this.#meets(each, feeds, fetches)) || !this.#fits(feeds, fetches))
      return undefined;
    const isFull = this.#planned.length === mostPrograms;
    if (isFull && this.#runs < runsBetween) return undefined;
    const meeting: Meeting = {
      fetches: [...fetches],
      feeds: this.inputs.map((name, i) => {
        const tensor = feeds[name];
        if (!tensor) return undefined;
        const { dtype, shape, data } = tensor;
        const number = settles({ ...tensor, dtype: this.#dtypes[i]! }) ? (data[0] as number | bigint) : undefined;
        return { dtype, shape: [...shape], size: data.length, number };
      }),
      ...(portions === undefined ? {} : { portions }),
    };
    try {
      const planned = { ...meeting, ...this.#found(meeting, feeds) };
      let bytes = planned.program.bytes;
      const others = this.#planned.slice(0, mostPrograms - 1).filter(({ program }) => {
        bytes += program.bytes;
        return bytes <= mostBytes;
      });
      this.#planned = [planned, ...others];
      this.#settle();
      if (isFull) this.#runs = 0;
      return planned;
    } catch (cause) {
      if (!isRefusal(cause)) throw cause;
      this.#refused = [meeting, ...this.#refused.slice(0, mostRefused - 1)];
      return undefined;
    }
  }

  /** Whether these are inputs and outputs of the model, of its types. What is wrong, whoever runs it elsewhere says. */
  #fits(feeds: Readonly<Record<string, Tensor>>, fetches: readonly string[]): boolean {
    const right = this.inputs.every((name, i) => {
      const tensor = feeds[name];
      if (!tensor) return this.#initializers.has(name);
      const { dtype, shape, data } = tensor;
      const widened = dtype === "int32" && this.#dtypes[i] === "int64";
      return (widened || dtype === this.#dtypes[i]) && data.length === sizeOf(shape);
    });
    const unknown = Object.keys(feeds).some((name) => !this.inputs.includes(name));
    return right && !unknown && fetches.every((name) => this.outputs.includes(name));
  }

  /** As an earlier process left it, or made. */
  #found(meeting: Meeting, feeds: Readonly<Record<string, Tensor>>): Pick<Planned, "program" | "largest"> {
    const key = this.#kept ? keyOf(this.#kernels, this.#digest, meeting) : "";
    const bytes = this.#kept?.find(key);
    const before = bytes && restored(bytes, this.#kernels, this.#beside);
    if (before && [...before.largest].every(([name, number]) => largest(feeds[name]!.data) === number)) return before;
    const { plan, layout } = this.#made(key, feeds, meeting);
    const program = new Program(layout, this.#kernels, this.#beside);
    this.#share(layout, program);
    plan.known.release(layout.arrays);
    this.#kernels.release?.(layout.tables.buffer as ArrayBuffer);
    for (const array of this.#beside.values()) letGo(array, this.#kernels);
    return { program, largest: plan.largest };
  }

  #made(key: string, feeds: Readonly<Record<string, Tensor>>, { fetches, portions }: Meeting) {
    try {
      const plan = this.#plan(feeds, fetches);
      const lasting = portions === undefined ? [] : this.inputs.filter((name) => name !== portions);
      const layout = layoutOf(plan, { lasting, own: portions === undefined, files: this.#beside });
      this.#kept?.keep(key, packed(layout, plan.largest));
      return { plan, layout };
    } catch (cause) {
      this.#kept?.leave?.(key);
      throw cause;
    }
  }

  /** Initializers that a program has are read from its memory, for other sizes: nobody writes them there. */
  #share({ known }: Layout, program: Program): void {
    const places = new Map(known.map(({ tensor, at }) => [tensor, at]));
    this.#hold((tensor) => {
      const at = places.get(tensor);
      return at === undefined ? tensor : { ...shaped(tensor), data: program.at(at, sizeOf(tensor.shape)) };
    });
  }

  /** All others have their own numbers, so that neither a file's bytes nor the memory of a program that is let go stays for them. */
  #settle(): void {
    const memories = new Set(this.#planned.map(({ program }) => program.memory));
    this.#hold((tensor) => {
      const { data } = tensor;
      const stays = memories.has(data.buffer as ArrayBuffer) || data.byteLength === data.buffer.byteLength;
      return { ...shaped(tensor), data: stays ? data : data.slice() };
    });
  }

  #hold(as: (tensor: Tensor) => Tensor): void {
    if (!this.#graph) return;
    const initializers = [...this.#graph.initializers].map(
      ([name, tensor]) => [name, tensor.beside ? tensor : as(tensor)] as const,
    );
    this.#graph = { ...this.#graph, initializers: new Map(initializers) };
  }

  #read(): Model {
    try {
      this.#graph ??= readGraph(this.#bytes!, this.#beside);
      this.#bytes = undefined;
      return this.#graph;
    } catch (cause) {
      if (cause instanceof InnerloopError) throw refused("a model that is not read here");
      throw cause;
    }
  }

  #plan(feeds: Readonly<Record<string, Tensor>>, fetches: readonly string[]): Plan {
    const { nodes, initializers } = this.#read();
    // What is not fed is known.
    const inputs = this.inputs.filter((name) => feeds[name]);
    const widened = Object.fromEntries(
      inputs.map((name): [string, Tensor] => {
        const [feed, dtype] = [feeds[name]!, this.#dtypes[this.inputs.indexOf(name)]!];
        return [
          name,
          feed.dtype === dtype ? feed : { ...feed, dtype, data: BigInt64Array.from(feed.data as Int32Array, BigInt) },
        ];
      }),
    );
    return planFor({ inputs, outputs: fetches, nodes, initializers }, widened, this.#kernels);
  }
}

const shaped = ({ dtype, shape }: Tensor): Omit<Tensor, "data"> => ({ dtype, shape });

/** Rows that so many portions have in all. */
const rowsIn = (parts: number, count: number): number => parts * Math.ceil(count / parts);

/** A program as it was kept; nothing where it cannot be used. */
function restored(
  bytes: Uint8Array,
  kernels: Kernels,
  beside: ArraysBeside,
): Pick<Planned, "program" | "largest"> | undefined {
  try {
    const { layout, largest } = unpacked(bytes);
    const program = new Program(layout, kernels, beside);
    return program.isRight(kernels) ? { program, largest } : undefined;
  } catch {
    return undefined;
  }
}

function alike<Item>(a: readonly Item[], b: readonly Item[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
