// Runs a model under ONNX Runtime's profiler, and reads from its trace which node took how long by itself, and how much it multiplied.
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sizeOf } from "@innerloop/schemas";
import type { InferenceSession, Tensor } from "onnxruntime-node";
import { median } from "../contender.ts";
import { openOrt, type Subject } from "./subject.ts";

/** What of a subject is run. */
type Profiled = Pick<Subject, "model" | "beside" | "feeds">;

/** Sizes of a product. */
export type Product = readonly [batch: number, m: number, k: number, n: number];

/** One node of the optimized graph, over all runs. */
export interface NodeTime {
  readonly op: string;
  /** Where in the model it was made: "step1/conv2", "step1/conv2/grad"; empty where no name tells. */
  readonly scope: string;
  readonly calls: number;
  /** Of all calls, without the nodes inside it: as many times the median, so that what interrupts a run counts for little. */
  readonly microseconds: number;
  /** Multiplications and additions of products, of all calls. */
  readonly flops: number;
  /** The product that it is; absent for what is none. */
  readonly product?: Product;
}

interface TraceEvent {
  readonly cat: string;
  readonly name: string;
  readonly tid: number;
  readonly ts: number;
  readonly dur: number;
  readonly args?: {
    readonly op_name?: string;
    readonly input_type_shape?: readonly Readonly<Record<string, readonly number[]>>[];
    readonly output_type_shape?: readonly Readonly<Record<string, readonly number[]>>[];
  };
}

/** Milliseconds of each of some runs, after one that does not count. */
async function timesOf(
  session: InferenceSession,
  feeds: Readonly<Record<string, Tensor>>,
  runs: number,
): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i <= runs; i++) {
    const start = performance.now();
    await session.run(feeds);
    if (i > 0) times.push(performance.now() - start);
  }
  return times;
}

/** The events of some runs after one that does not count. */
async function eventsOf(
  subject: Profiled,
  threads: number,
  runs: number,
): Promise<{ events: TraceEvent[]; milliseconds: number[] }> {
  const folder = await mkdtemp(join(tmpdir(), "innerloop-profile-"));
  try {
    const session = await openOrt(subject, {
      intraOpNumThreads: threads,
      enableProfiling: true,
      profileFilePrefix: join(folder, "trace"),
    });
    const milliseconds = await timesOf(session, subject.feeds, runs);
    session.endProfiling();
    await session.release();
    const [file] = await readdir(folder);
    const all: TraceEvent[] = JSON.parse(await readFile(join(folder, file!), "utf8"));
    const started = all.filter(({ name }) => name === "model_run").map(({ ts, dur }) => ts + dur);
    const first = Math.min(...started);
    const events = all.filter(({ cat, name, ts }) => cat === "Node" && name.endsWith("_kernel_time") && ts >= first);
    return { events, milliseconds };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Milliseconds of a run as its caller sees it, without a profiler: the median of some, after one that does not count. */
export async function timeOf(subject: Profiled, threads: number, runs: number): Promise<number> {
  const session = await openOrt(subject, { intraOpNumThreads: threads });
  const times = await timesOf(session, subject.feeds, runs);
  await session.release();
  return median(times);
}

const shapesOf = (list: readonly Readonly<Record<string, readonly number[]>>[] = []) =>
  list.map((each) => Object.values(each)[0] ?? []);

const products = new Set(["MatMul", "FusedMatMul", "Gemm", "FusedGemm"]);
const convolutions = new Set(["Conv", "FusedConv"]);

/** What a node multiplies and adds up, from the shapes that it ran on. */
export function productOf(
  op: string,
  [a = [], b = []]: readonly (readonly number[])[],
  [y = []]: readonly (readonly number[])[],
): { flops: number; product?: Product } {
  if (products.has(op)) {
    const [m, n] = [y.at(-2) ?? 1, y.at(-1) ?? 1];
    // Either may be transposed: the other size of the first factor's last two is what is summed over.
    const k = op.endsWith("MatMul") && a.length < 2 ? sizeOf(a) : ((a.at(-2) ?? 1) * (a.at(-1) ?? 1)) / m;
    const batch = sizeOf(y) / (m * n);
    return { flops: 2 * batch * m * k * n, product: [batch, m, k, n] };
  }
  const perFilter = sizeOf(b) / (b[0] ?? 1);
  if (convolutions.has(op)) return { flops: 2 * sizeOf(y) * perFilter };
  return { flops: op === "ConvTranspose" ? 2 * sizeOf(a) * perFilter : 0 };
}

/** Where in the model a node was made, by its name. */
export const scopeOf = (name: string): string => name.split("/").slice(0, -1).join("/");

/** Each event's time without what lies inside it, as the body of a Loop does. */
function alone(events: readonly TraceEvent[]): Map<TraceEvent, number> {
  const own = new Map(events.map((event) => [event, event.dur]));
  for (const thread of new Set(events.map(({ tid }) => tid))) {
    const around: TraceEvent[] = [];
    const sorted = events.filter(({ tid }) => tid === thread).sort((a, b) => a.ts - b.ts || b.dur - a.dur);
    for (const event of sorted) {
      while (around.length > 0 && around.at(-1)!.ts + around.at(-1)!.dur <= event.ts) around.pop();
      const outer = around.at(-1);
      if (outer && event.dur < outer.dur) own.set(outer, own.get(outer)! - event.dur);
      around.push(event);
    }
  }
  return own;
}

export interface Trace {
  readonly nodes: readonly NodeTime[];
  readonly runs: number;
  /** Of each run as its caller sees it, the profiler's own time included. */
  readonly milliseconds: readonly number[];
}

export async function traceOf(subject: Profiled, threads: number, runs: number): Promise<Trace> {
  const { events, milliseconds } = await eventsOf(subject, threads, runs);
  const own = alone(events);
  const nodes = new Map<string, NodeTime & { readonly times: number[] }>();
  for (const event of events) {
    const op = event.args?.op_name ?? "unknown";
    const name = event.name.slice(0, -"_kernel_time".length);
    const { flops, product } = productOf(
      op,
      shapesOf(event.args?.input_type_shape),
      shapesOf(event.args?.output_type_shape),
    );
    const before = nodes.get(name);
    const times = [...(before?.times ?? []), Math.max(0, own.get(event)!)];
    nodes.set(name, {
      op,
      scope: scopeOf(name),
      calls: times.length,
      microseconds: median(times) * times.length,
      times,
      flops: (before?.flops ?? 0) + flops,
      ...(product ? { product } : {}),
    });
  }
  return { nodes: [...nodes.values()].map(({ times: _, ...node }) => node), runs, milliseconds };
}
