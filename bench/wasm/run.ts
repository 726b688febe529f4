// The command `wasm`: would an engine of our own, in WebAssembly with fused kernels, beat ONNX Runtime? What each multiplies in a second, of
// the shapes of conv4, and how long a workload would take at that rate if all else took no time.
import { encodeModel, onnx } from "@innerloop/schemas/onnx";
import { InferenceSession } from "onnxruntime-node";
import { processorTime } from "../contender.ts";
import { machine, type Outcome, tell } from "../outcome.ts";
import { subjectOf } from "../profile/subject.ts";
import { traceOf } from "../profile/trace.ts";
import { fixed, table } from "../report.ts";
import { handProduct, isPossible, type Tile } from "./kernel.ts";

export interface WasmOptions {
  readonly workloads: readonly string[];
  readonly small: boolean;
  readonly json: boolean;
}

type Shape = readonly [m: number, k: number, n: number];

/** Products of conv4 with 64 filters: layers of 5 and of 30 examples, and weight gradients of the second and third one. */
const shapes: readonly Shape[] = [
  [245, 576, 64],
  [80, 576, 64],
  [1470, 576, 64],
  [576, 245, 64],
  [576, 80, 64],
];

const tiles: readonly Omit<Tile, "fused">[] = [
  { rows: 4, vectors: 4 },
  { rows: 3, vectors: 4 },
  { rows: 4, vectors: 2 },
];

/** Products in a model, so that what a call takes beside them counts for little. */
const products = 8;
const [rounds, milliseconds, warm] = [9, 40, 1500];

const wave = (size: number) => Float32Array.from({ length: size }, (_, i) => Math.sin(i));

/** The least milliseconds of the processor that work takes. */
async function leastOf(work: () => unknown, enough = milliseconds): Promise<number> {
  await work();
  const start = processorTime();
  await work();
  const times = Math.max(1, Math.ceil(enough / Math.max(0.01, processorTime() - start)));
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const before = processorTime();
    for (let i = 0; i < times; i++) await work();
    least = Math.min(least, (processorTime() - before) / times);
  }
  return least;
}

/** GFLOP a second. */
const rateOf = (flops: number, milliseconds: number): number => flops / milliseconds / 1e6;

/** A model of products of one factor with several others, of each of which a row comes out. */
function modelOf([m, k, n]: Shape): Uint8Array {
  const info = (name: string, dims: readonly number[]) => ({
    name,
    type: {
      tensorType: { elemType: onnx.TensorProto.DataType.FLOAT, shape: { dim: dims.map((dimValue) => ({ dimValue })) } },
    },
  });
  const numbers = Array.from({ length: products }, (_, i) => i);
  const int64 = (name: string, value: bigint) => ({
    name,
    dataType: onnx.TensorProto.DataType.INT64,
    dims: [1],
    rawData: new Uint8Array(BigInt64Array.of(value).buffer),
  });
  return encodeModel({
    irVersion: 8,
    opsetImport: [{ domain: "", version: 17 }],
    graph: {
      name: "products",
      input: [info("a", [m, k]), ...numbers.map((i) => info(`b${i}`, [k, n]))],
      output: numbers.map((i) => info(`row${i}`, [1, n])),
      initializer: [int64("zero", 0n), int64("one", 1n)],
      node: numbers.flatMap((i) => [
        { opType: "MatMul", input: ["a", `b${i}`], output: [`y${i}`] },
        { opType: "Slice", input: [`y${i}`, "zero", "one", "zero"], output: [`row${i}`] },
      ]),
    },
  });
}

/** By ONNX Runtime on one thread of the processor: its native library, or its WebAssembly. */
async function rateBy(library: "onnxruntime-node" | "onnxruntime-web", shape: Shape): Promise<number> {
  const { InferenceSession, Tensor, env } = await import(library);
  env.wasm.numThreads = 1;
  const session = await InferenceSession.create(modelOf(shape), {
    executionProviders: [library === "onnxruntime-node" ? "cpu" : "wasm"],
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
  });
  const [m, k, n] = shape;
  const factors = Array.from({ length: products }, (_, i) => [`b${i}`, new Tensor("float32", wave(k * n), [k, n])]);
  const feeds = { a: new Tensor("float32", wave(m * k), [m, k]), ...Object.fromEntries(factors) };
  try {
    // A host compiles WebAssembly anew for speed while it runs.
    for (const start = performance.now(); performance.now() - start < warm; ) await session.run(feeds);
    return rateOf(2 * m * k * n * products, await leastOf(() => session.run(feeds)));
  } finally {
    await session.release();
  }
}

/** By the quickest of the kernels that are written by hand; undefined where this host takes none. */
async function rateByHand(shape: Shape, fused: boolean): Promise<number | undefined> {
  const [m, k, n] = shape;
  const rates: number[] = [];
  for (const tile of tiles) {
    if (!isPossible({ ...tile, fused })) continue;
    const { multiply } = handProduct({ ...tile, fused }, shape, wave(m * k), wave(k * n));
    rates.push(rateOf(2 * m * k * n, await leastOf(multiply, milliseconds / 4)));
  }
  return rates.length > 0 ? Math.max(...rates) : undefined;
}

interface Rates {
  readonly shape: Shape;
  /** GFLOP a second. */
  readonly native: number;
  readonly web: number;
  readonly hand: number;
  readonly handFused?: number;
}

interface Bound {
  readonly workload: string;
  /** Milliseconds of a run, and of its nodes that multiply matrices. */
  readonly run: number;
  readonly products: number;
  readonly gflop: number;
}

async function boundOf(workload: string, small: boolean): Promise<Bound> {
  const { model, feeds } = await subjectOf(workload, { sizes: {}, small });
  const session = await InferenceSession.create(model, { intraOpNumThreads: 1, logSeverityLevel: 3 });
  const least = await leastOf(() => session.run(feeds));
  await session.release();
  const { nodes, runs } = await traceOf({ model, feeds }, 1, 20);
  const multiplying = nodes.filter(({ flops }) => flops > 0);
  return {
    workload,
    run: least,
    products: multiplying.reduce((sum, { microseconds }) => sum + microseconds, 0) / runs / 1000,
    gflop: multiplying.reduce((sum, { flops }) => sum + flops, 0) / runs / 1e9,
  };
}

export async function wasm({ workloads, small, json }: WasmOptions): Promise<Outcome> {
  const rates: Rates[] = [];
  for (const shape of small ? shapes.slice(0, 1) : shapes) {
    tell(`products ${shape.join("×")}`);
    const handFused = await rateByHand(shape, true);
    rates.push({
      shape,
      native: await rateBy("onnxruntime-node", shape),
      web: await rateBy("onnxruntime-web", shape),
      hand: (await rateByHand(shape, false)) ?? 0,
      ...(handFused === undefined ? {} : { handFused }),
    });
  }
  const bounds: Bound[] = [];
  for (const workload of workloads) {
    tell(workload);
    bounds.push(await boundOf(workload, small));
  }
  if (json) return { text: JSON.stringify({ machine: machine(), rates, bounds }, null, 2), status: 0 };
  const best = Math.max(...rates.map(({ hand, handFused = 0 }) => Math.max(hand, handFused)));
  const { processor, node } = machine();
  const text = [
    table(
      ["product, GFLOP/s", "onnxruntime-node", "onnxruntime-web", "by hand", "by hand, fused"],
      rates.map(({ shape, native: here, web, hand, handFused }) => [
        shape.join("×"),
        ...[here, web, hand].map((rate) => rate.toFixed(0)),
        handFused === undefined ? "–" : handFused.toFixed(0),
      ]),
    ),
    "",
    table(
      ["a run, ms", "by ONNX Runtime", "its products", "GFLOP", "by hand, products alone", "÷ ONNX Runtime"],
      bounds.map(({ workload, run, products: multiplying, gflop }) => [
        workload,
        ...[run, multiplying, gflop].map(fixed),
        fixed((1000 * gflop) / best),
        fixed((1000 * gflop) / best / run),
      ]),
    ),
    "",
    `one thread, time of the processor; by hand: WebAssembly SIMD, factors packed beforehand, the best of ${tiles.length} tiles; "–": this Node ` +
      "has no relaxed SIMD; by hand, products alone: the least that an engine of such kernels could take, with all else for nothing; " +
      `${processor}, Node ${node}`,
  ].join("\n");
  return { text, status: 0 };
}
