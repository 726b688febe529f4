// A model's instructions on native kernels, each timed by itself, with the line of the model that it is of; and the rate of the same kernels' products.
import { type Kernels, NativeModel } from "@innerloop/native";
import {
  arraysOf,
  encoded,
  type Instruction,
  instructionsOf,
  layoutOf,
  type Origins,
  originOf,
  Program,
  planFor,
  readGraph,
  type Step,
  type Store,
} from "@innerloop/native/plan";
import { sizeOf, type Tensor } from "@innerloop/schemas";
import { median, processorTime } from "../contender.ts";
import { builtKernels } from "../ours/kernels.ts";
import { wave } from "./rates.ts";
import type { Subject } from "./subject.ts";
import { type NodeTime, type Product, scopeOf, type Trace } from "./trace.ts";

/** As kernels take them. */
const heldFeeds = (feeds: Subject["feeds"]): Record<string, Tensor> =>
  Object.fromEntries(
    Object.entries(feeds).map(([name, { type, dims, data }]) => [name, { dtype: type, shape: dims, data } as Tensor]),
  );

/** The kind of an instruction, in words. */
function kindOf(step: Step): string {
  if (step.kind === "product") return step.lookup ? `product, ${step.lookup.by} looked up` : "product";
  if (step.kind === "rowwise") return step.what;
  if (step.kind !== "chain") return step.kind;
  if (step.writes.some(({ how }) => how !== "set")) return "chain that sums";
  return step.code.length === 0 ? "copy" : "chain";
}

/** Milliseconds of a call with nothing to run, which is around every instruction that is timed. */
function emptyCall(kernels: Kernels, { memory, begin }: Program): number {
  const none = new Int32Array(0);
  return median(Array.from({ length: 1001 }, () => timed(() => kernels.run(none, memory, begin))));
}

/** @throws Error for an instruction that is none, so that no time of nothing is told */
function ran(outcome: number): void {
  if (outcome !== 0) throw new Error(`the kernels refuse an instruction with ${outcome}`);
}

const theClock = (): number => performance.now();

function timed(work: () => void, now = theClock): number {
  const start = now();
  work();
  return now() - start;
}

interface Timed {
  readonly words: Int32Array;
  readonly step: Step;
  readonly times: number[];
}

/** Runs instructions one by one; turns as often as they turn. */
function runEach(
  list: readonly Instruction[],
  one: (of: Extract<Instruction, { words: Int32Array }>) => void,
  numbers: Float32Array,
): void {
  for (const each of list) {
    if ("words" in each) {
      one(each);
      continue;
    }
    for (let turn = 0; turn < each.count; turn++) {
      numbers[each.turn] = turn;
      runEach(each.body, one, numbers);
    }
  }
}

/** @throws InnerloopError `not-native` for what native kernels do not run */
export function traceNative({ model, feeds, beside = {} }: Subject, threads: number, runs: number): Trace {
  const kernels = builtKernels();
  const fed = heldFeeds(feeds);
  const files = arraysOf(beside, {});
  const graph = readGraph(model, files);
  const origins: Origins = new Map();
  const plan = planFor({ ...graph, inputs: graph.inputs.filter((name) => fed[name]) }, fed, kernels, origins);
  const steps: Step[] = [];
  const layout = layoutOf(plan, { files, instructions: steps });
  const program = new Program(layout, kernels, files);
  const list = instructionsOf(layout.words, steps);
  const { memory, begin, given } = program;
  const around = emptyCall(kernels, program);
  const numbers = new Float32Array(memory, begin, (memory.byteLength - begin) >> 2);
  const found = new Map<Int32Array, Timed>();
  const milliseconds: number[] = [];
  for (let run = 0; run <= runs; run++) {
    // What is fed lies where other numbers come later in a run.
    for (const { name, at } of layout.inputs) numbers.set(Float32Array.from(fed[name]!.data, Number), at);
    const whole = timed(() =>
      runEach(
        list,
        ({ words, step }) => {
          const time = timed(() => ran(kernels.run(words, memory, begin, threads, [], given))) - around;
          if (run === 0) return;
          const known = found.get(words) ?? { words, step, times: [] };
          known.times.push(Math.max(0, time));
          found.set(words, known);
        },
        numbers,
      ),
    );
    if (run > 0) milliseconds.push(whole);
  }
  return { nodes: [...found.values()].map(nodeOf), runs, milliseconds };
}

function nodeOf({ step, times }: Timed): NodeTime {
  const known = {
    ...{ op: kindOf(step), scope: scopeOf(originOf(step)), calls: times.length },
    microseconds: 1000 * median(times) * times.length,
  };
  if (step.kind !== "product") return { ...known, flops: 0 };
  const { m, k, n, batch } = step;
  const product: Product = [sizeOf(batch), m, k, n];
  return { ...known, product, flops: 2 * product[0] * m * k * n * times.length };
}

/** On one thread the processor's time counts, on several the clock's, since those that wait take time as well. */
const clockOf = (threads: number) => (threads === 1 ? processorTime : theClock);

/** Gives milliseconds of each of some runs as their caller sees them, all together. */
export function openNative({ model, feeds, beside = {} }: Subject, threads: number): (runs: number) => number[] {
  const native = new NativeModel(model, builtKernels(), { threads, beside });
  const fed = heldFeeds(feeds);
  const clock = clockOf(threads);
  native.run(fed);
  return (runs) => Array.from({ length: runs }, () => timed(() => native.run(fed), clock));
}

/** Multiplications of a turn in which a product is timed. */
const perTurn = 2e8;
const turns = 3;

/** Flops a microsecond of one product by itself, whose factors and result lie together. */
export function rateNative([batch, m, k, n]: Product, threads: number): number {
  const kernels = builtKernels();
  let end = 0;
  const places = new Map<Store, number>();
  const access = (rows: number, columns: number) => {
    const store: Store = { size: batch * rows * columns, depth: 1 };
    places.set(store, end);
    end += Math.ceil(store.size / 16 + 1) * 16;
    return { store, offset: 0, strides: [rows * columns, columns, 1] };
  };
  const step: Step = {
    ...{ kind: "product", batch: [batch], m, n, k, alpha: 1, beta: 0, relu: false },
    ...{ left: access(m, k), right: access(k, n), out: access(m, n) },
  };
  const words = encoded(
    [step],
    (store) => places.get(store)!,
    () => 0,
  );
  const known = [{ at: 0, numbers: wave(end) }];
  const layout = {
    words,
    once: 0,
    known,
    files: [],
    arrays: [],
    tables: new Int32Array(0),
    tablesAt: end,
    inputs: [],
    outputs: [],
  };
  const { memory, begin } = new Program(layout, kernels);
  const flops = 2 * batch * m * k * n;
  const times = Math.max(1, Math.ceil(perTurn / flops));
  const run = () => {
    for (let i = 0; i < times; i++) kernels.run(words, memory, begin, threads);
  };
  run();
  return (flops * times) / (1000 * median(Array.from({ length: turns }, () => timed(run, clockOf(threads)))));
}
