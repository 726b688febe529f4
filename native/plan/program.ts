// A plan as it runs: words for the kernels, and the memory that they work in.
import { type DType, InnerloopError, sizeOf, type Tensor, type TypedArray } from "@innerloop/schemas/bundle";
import { type Kernels, sizesBeside } from "../addon.ts";
import type { ArraysBeside } from "../beside.ts";
import { type Arrangement, arrangements } from "./arranged.ts";
import { given, made, type Own, ownArrays } from "./arrays.ts";
import { coalesced, overwritten } from "./coalesce.ts";
import { encoded } from "./encode.ts";
import { fused, type Pass } from "./fuse/index.ts";
import { lastingOf } from "./lasting.ts";
import { placesFor } from "./memory.ts";
import { moving } from "./moving.ts";
import { marked } from "./origins.ts";
import { Pace } from "./pace.ts";
import { mostExact, type Plan } from "./plan.ts";
import { refused } from "./refusal.ts";
import { givenAfter, resultsOf, scattered } from "./results.ts";
import { accessesOf, type Step, type Store } from "./steps.ts";
import { Tables } from "./tables.ts";
import { apart } from "./taken.ts";

interface Known {
  readonly at: number;
  readonly numbers: Float32Array;
  /** The array of the model that they are, which the memory has as well. */
  readonly tensor?: Tensor | undefined;
}

/** What a program is made of: all that depends on the model and on sizes. Places and sizes are in numbers. */
export interface Layout {
  readonly words: Int32Array;
  /** How many of them, the first ones, are for the first of runs whose inputs but for one are the same. */
  readonly once: number;
  /** What no run changes, array by array: the memory begins with it. They are copied only where a run reads them, since those of a model are many. */
  readonly known: readonly Known[];
  /** Files beside the model that the words read, in the order in which their places begin after those of results. */
  readonly files: readonly string[];
  /** Large arrays that no run changes, likewise after those of files, each with what may be read behind its numbers. */
  readonly arrays: readonly Float32Array[];
  /** What the words look up by, and where that begins; the memory ends with it. */
  readonly tables: Int32Array;
  readonly tablesAt: number;
  readonly inputs: readonly { readonly name: string; readonly at: number; readonly size: number }[];
  readonly outputs: readonly {
    readonly name: string;
    readonly dtype: DType;
    readonly shape: readonly number[];
    readonly at: number;
    /** Steps write it into the array that a run gives (results.ts). */
    readonly own?: true;
    /** That array is zeros before. */
    readonly cleared?: true;
  }[];
}

export interface LayoutSettings {
  /** Inputs whose numbers are to be there after a run as they were before. */
  readonly lasting?: readonly string[];
  /** Large outputs are written into the arrays that a run gives; else all lie in the memory. */
  readonly own?: boolean;
  /** Files beside the model, which are read where they lie. */
  readonly files?: ArraysBeside;
  // For whoever looks into a program:
  /** Passes that are taken over the steps; all unless given. */
  readonly passes?: readonly Pass[];
  /** The same for what is taken over all steps after them. */
  readonly arranging?: readonly Arrangement[];
  /** Gets the step of each instruction, in the order of the words, but for turns. */
  readonly instructions?: Step[];
}

/** Joins the steps of a plan, gives what they read and write a place, and writes them as words. */
export function layoutOf(
  plan: Plan,
  { lasting = [], own = false, files = new Map(), passes, arranging = arrangements, instructions }: LayoutSettings = {},
): Layout {
  const views = [...plan.outputs];
  const outputs = new Set(views.map(([, { store }]) => store));
  const numberOf = (store: Store) => oneNumber(plan, store);
  const stay = lasting.flatMap((name) => plan.inputs.get(name) ?? []);
  const needed = [...outputs, ...stay].filter(({ depth }) => depth > 0);
  const around = new Set([...needed, ...plan.inputs.values()]);
  const arranged = arranging.reduce<readonly Step[]>(
    (steps, arrangement) => arrangement.apply(steps, around, plan),
    fused(plan.steps, [...outputs], numberOf, passes),
  );
  const joined = marked(arranged, plan.origins);
  const kept = [...needed, ...lastingOf(joined, new Set(stay)).stores];
  const one = coalesced(joined, { fed: [...plan.inputs.values()], kept });
  const ends = { fed: [...plan.inputs.values()].map(one.of), kept: kept.map(one.of) };
  const over = overwritten(moving(one.steps, new Set([...ends.fed, ...ends.kept])), ends);
  const of = (store: Store): Store => over.of(one.of(store));
  const parts = lastingOf(over.steps, new Set(stay.map(of)));
  const fed = [...plan.inputs].map(([name, store]) => ({ name, store: of(store) }));
  const given = views.map(([, view]) => ({ ...view, store: of(view.store) }));
  const inputs = new Set(fed.map(({ store }) => store));
  const results = resultsOf(
    [...parts.first, ...parts.each],
    given.filter(({ store }) => own && !inputs.has(store)),
  );
  const { steps: turning, cleared } = scattered(parts.each, results);
  const steps = [...parts.first, ...turning];
  const read = [...new Set(depthless(steps))].filter((store) => !outputs.has(store));
  const large = read.flatMap((store) => {
    const array = plan.known.computed(store);
    return array ? [[store, array] as const] : [];
  });
  const beside = givenAfter<string | Store>(results, [...files, ...large]);
  const outside = new Map(
    read.flatMap((store) => {
      const lies = plan.known.givenAs(store)?.beside;
      const begin = beside.get(lies?.file ?? store);
      return begin === undefined ? [] : [[store, begin + (lies?.at ?? 0)] as const];
    }),
  );
  const inside = read.filter((store) => !outside.has(store));
  const still = stillPlaces([...inside, ...[...outputs].filter(({ depth }) => depth === 0)]);
  const places = placesFor(
    steps,
    { fed: [...inputs, ...cleared], kept: [...kept.map(of), ...parts.stores], elsewhere: results },
    still.end,
  );
  const at = (store: Store): number =>
    still.at.get(store) ?? outside.get(store) ?? results.get(store) ?? places.at(store)!;
  const tables = new Tables(places.end);
  const wordsOf = (some: readonly Step[]) => encoded(some, at, (numbers) => tables.at(numbers), instructions);
  const [first, each] = [wordsOf(parts.first), wordsOf(turning)];
  const words = new Int32Array(first.length + each.length);
  words.set(first);
  words.set(each, first.length);
  const known = [...still.at].map(([store, place]) => ({
    at: place,
    get numbers() {
      return plan.known.of(store);
    },
    tensor: plan.known.givenAs(store),
  }));
  return {
    words,
    once: first.length,
    known,
    files: [...files.keys()].filter((name) => beside.has(name)),
    arrays: large.flatMap(([store, array]) => (beside.has(store) ? [array] : [])),
    tables: tables.written(),
    tablesAt: places.end,
    inputs: fed.map(({ name, store }) => ({ name, at: at(store), size: store.size })),
    outputs: given.map(({ store, dtype, shape, offset }, i) => {
      if (!made[dtype]) throw refused(`an output of ${dtype}`);
      const place = { name: views[i]![0], dtype, shape, at: at(store) + offset };
      if (!results.has(store)) return place;
      return { ...place, own: true, ...(cleared.has(store) && { cleared: true }) };
    }),
  };
}

interface Output {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Where they are after a run; nothing for one that is written into the array that a run gives. */
  readonly numbers?: Float32Array;
}

export class Program {
  readonly words: Int32Array;
  readonly memory: ArrayBuffer;
  /** Bytes before the memory begins. */
  readonly begin: number;
  readonly #inputs: readonly { readonly name: string; readonly numbers: Float32Array }[];
  readonly #outputs: readonly Output[];
  /** The outputs that are written into the arrays that a run gives. */
  readonly #own: readonly Own[];
  /** Bytes of large arrays that no run changes. */
  readonly #known: number;
  /** What it reads beside the memory, as kernels take it. */
  readonly given: readonly Float32Array[];
  /** Such arrays that were lent. */
  #lent: readonly Float32Array[] | undefined;
  /** Words of runs after the first one. */
  readonly #again: Int32Array;
  readonly #pace = new Pace();

  /** @throws Error where a file is not there that it was made for */
  constructor(
    { words, once, known, files, arrays, tables, tablesAt, inputs, outputs }: Layout,
    kernels: Kernels,
    beside: ArraysBeside = new Map(),
  ) {
    this.words = words;
    this.#again = words.subarray(once);
    const numbers = tablesAt + tables.length + apart;
    this.memory = memoryOf(4 * numbers + 64);
    this.begin = kernels.misaligned(this.memory);
    const floats = new Float32Array(this.memory, this.begin, numbers);
    for (const { at, numbers: some } of known) floats.set(some, at);
    new Int32Array(this.memory, this.begin, numbers).set(tables, tablesAt);
    this.#inputs = inputs.map(({ name, at, size }) => ({ name, numbers: floats.subarray(at, at + size) }));
    this.#outputs = outputs.map(({ name, dtype, shape, at, own }) => ({
      ...{ name, dtype, shape },
      ...(own ? {} : { numbers: floats.subarray(at, at + sizeOf(shape)) }),
    }));
    const ofFiles = files.map((name) => {
      const array = beside.get(name);
      if (!array) throw new Error(`there is no ${name}`);
      return array;
    });
    this.given = [...ofFiles, ...arrays];
    this.#known = arrays.reduce((sum, { byteLength }) => sum + byteLength, 0);
    this.#own = outputs.flatMap(({ name, own, cleared = false, shape }) =>
      own ? { name, size: sizeOf(shape), cleared } : [],
    );
    const bytes = 4 * this.#own.reduce((sum, { size }) => sum + size, 0);
    // The collector looks for arrays once there are so many bytes more of them, and lets all of these go at once.
    if (bytes >= manyBytes) kernels.retain?.(Math.min(2 * bytes + collected, 16 * bytes));
  }

  /** Whether the kernels would run it: one that comes from a file may be anything. */
  isRight({ check }: Kernels): boolean {
    const sizes = sizesBeside(
      this.#own.map(({ size }) => size),
      this.given,
    );
    const isWords = (words: Int32Array) => check === undefined || check(words, this.memory, this.begin, sizes) < 0;
    return isWords(this.words) && isWords(this.#again);
  }

  /** The memory from a place on, as runs have it: what is known stays as it is. */
  at(place: number, size: number): Float32Array {
    return new Float32Array(this.memory, this.begin + 4 * place, size);
  }

  /** What it takes while it is kept. */
  get bytes(): number {
    return this.#known + this.memory.byteLength + this.words.byteLength;
  }

  /** Whether each output has so many rows. */
  hasRows(rows: number): boolean {
    return this.#outputs.every(({ shape }) => shape[0] === rows);
  }

  /**
   * What a run gives; nothing where whole numbers that it is fed are not held exactly, or those that it gives may not be.
   *
   * @param lent numbers are given where they lie, until the next run
   * @param spent results of an earlier run, which nobody reads any more: they are written over
   */
  run(
    kernels: Kernels,
    feeds: Readonly<Record<string, Tensor>>,
    threads = 1,
    lent = false,
    spent: Readonly<Record<string, Tensor>> = {},
  ): Record<string, Tensor> | undefined {
    for (const { name, numbers } of this.#inputs) if (!write(numbers, feeds[name]!)) return undefined;
    const own = ownArrays(this.#own, lent ? this.#lent : undefined, spent);
    if (lent) this.#lent = own;
    this.#run(kernels, threads, this.words, own);
    const results: Record<string, Tensor> = {};
    let next = 0;
    for (const { name, dtype, shape, numbers } of this.#outputs) {
      const data = !numbers ? own[next++] : lent && dtype === "float32" ? numbers : given(dtype, numbers, spent[name]);
      if (!data) return undefined;
      results[name] = { dtype, shape, data };
    }
    return results;
  }

  /**
   * The same in portions of an input's rows, for which the program was made, with all other inputs lasting. The last portion may have rows
   * of the one before it.
   */
  runInPortions(
    kernels: Kernels,
    feeds: Readonly<Record<string, Tensor>>,
    { input, rows }: Portions,
    threads = 1,
  ): Record<string, Tensor> | undefined {
    const all = feeds[input]!;
    const count = all.shape[0]!;
    const results: Record<string, Tensor> = {};
    for (let from = 0; from < count; from += rows) {
      const at = Math.min(from, count - rows);
      for (const { name, numbers } of this.#inputs)
        if (name === input ? !write(numbers, rowsOf(all, at, rows)) : from === 0 && !write(numbers, feeds[name]!))
          return undefined;
      this.#run(kernels, threads, from === 0 ? this.words : this.#again);
      for (const { name, dtype, shape, numbers } of this.#outputs) {
        const data = numbers && made[dtype]!(numbers);
        if (!data) return undefined;
        results[name] ??= { dtype, shape: [count, ...shape.slice(1)], data: emptyLike(data, count / rows) };
        (results[name].data as Float32Array).set(data as Float32Array, (at * data.length) / rows);
      }
    }
    return results;
  }

  #run(kernels: Kernels, threads: number, words = this.words, own: readonly Float32Array[] = []): void {
    const isTimed = threads > 1 && !this.#pace.settled;
    const begin = isTimed ? performance.now() : 0;
    const wrong = kernels.run(words, this.memory, this.begin, this.#pace.threads(threads), own, this.given);
    if (isTimed) this.#pace.took(performance.now() - begin);
    if (wrong === 1)
      throw new InnerloopError("run-failed", "the model looked up an index that is beyond the end of its axis");
    if (wrong !== 0) throw new Error(`the kernels refuse a program with ${wrong}`);
  }
}

/** As many rows of an input at a time. */
export interface Portions {
  readonly input: string;
  readonly rows: number;
}

/** Some rows of a tensor, without a copy. */
export function rowsOf({ dtype, shape: [count = 1, ...row], data }: Tensor, at: number, rows: number): Tensor {
  const size = data.length / count;
  return { dtype, shape: [rows, ...row], data: data.subarray(at * size, (at + rows) * size) };
}

const emptyLike = (data: TypedArray, times: number): TypedArray =>
  new (data.constructor as Float32ArrayConstructor)(Math.round(data.length * times)) as TypedArray;

/** Writes numbers, if all can be held. */
function write(to: Float32Array, { dtype, data }: Tensor): boolean {
  if (dtype === "float32" || dtype === "bool") {
    to.set(data as Float32Array);
    return true;
  }
  for (let i = 0; i < data.length; i++) {
    const whole = Number(data[i]);
    if (whole > mostExact || whole < -mostExact) return false;
    to[i] = whole;
  }
  return true;
}

/** Results from so many bytes on come and go in each run as much memory as the allocator would give back to the system. */
const manyBytes = 2 ** 18;
/** Bytes of arrays, more of them than there were, for which V8's collector begins. */
const collected = 2 ** 26;
/** More than this goes to ONNX Runtime, whose arrays come and go. */
const mostBytes = 2 ** 32;

function memoryOf(bytes: number): ArrayBuffer {
  try {
    if (bytes <= mostBytes) return new ArrayBuffer(bytes);
  } catch {
    // There is not so much.
  }
  throw refused(`a run of ${bytes} bytes`);
}

/** The number that all numbers of a store are, if no run changes them. */
function oneNumber({ known }: Plan, store: Store): number | undefined {
  if (store.depth > 0 || store.size === 0) return undefined;
  const numbers = known.of(known.origin(store));
  let i = 0;
  while (i < numbers.length && numbers[i] === numbers[0]) i++;
  return i === numbers.length ? numbers[0] : undefined;
}

/** Stores that no run changes, of those that steps read. */
function depthless(steps: readonly Step[]): Store[] {
  return steps.flatMap((step) => {
    if (step.kind === "turns") return depthless(step.body);
    return accessesOf(step).reads.flatMap(({ store }) => (store.depth === 0 ? [store] : []));
  });
}

/** Where they lie, one after another. */
function stillPlaces(stores: readonly Store[]) {
  const at = new Map<Store, number>();
  let end = 0;
  for (const store of stores) {
    at.set(store, end);
    end += Math.ceil(store.size / apart) * apart;
  }
  return { at, end };
}
