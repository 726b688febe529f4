// How fast a runtime multiplies matrices here and now: of the shapes that a graph has, and large ones.
import { sizeOf } from "@innerloop/schemas";
import { encodeModel, onnx } from "@innerloop/schemas/onnx";
import { Tensor } from "onnxruntime-node";
import { quantile } from "../contender.ts";
import { type NodeTime, type Product, type Trace, traceOf } from "./trace.ts";

/** The largest of a graph's products, which together are nearly all of its arithmetic. */
const mostShapes = 12;
const large: Product = [1, 768, 768, 768];

/** Small numbers that need no generator. */
export const wave = (size: number) => Float32Array.from({ length: size }, (_, i) => Math.sin(i));

const { DataType } = onnx.TensorProto;

/** Flops a microsecond of one product by itself in ONNX Runtime, from the trace of some runs: the call around it does not count. */
export async function rateOf([batch, m, k, n]: Product, threads: number): Promise<number> {
  const lead = batch === 1 ? [] : [batch];
  const info = (name: string, dims: readonly number[]) => ({
    name,
    type: { tensorType: { elemType: DataType.FLOAT, shape: { dim: dims.map((dimValue) => ({ dimValue })) } } },
  });
  const shapes = { a: [...lead, m, k], b: [...lead, k, n] };
  const model = encodeModel({
    irVersion: 8,
    opsetImport: [{ domain: "", version: 17 }],
    graph: {
      name: "product",
      input: [info("a", shapes.a), info("b", shapes.b)],
      output: [info("y", [...lead, m, n])],
      node: [{ opType: "MatMul", input: ["a", "b"], output: ["y"], name: "product" }],
    },
  });
  const feeds = Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [name, new Tensor("float32", wave(sizeOf(shape)), shape)]),
  );
  const flops = 2 * batch * m * k * n;
  const rates: number[] = [];
  for (let turn = 0; turn < 3; turn++) {
    const { nodes } = await traceOf({ model, feeds }, threads, Math.max(3, Math.min(50, Math.ceil(2e8 / flops))));
    rates.push(...nodes.map((node) => node.flops / Math.max(1, node.microseconds)));
  }
  return quantile(rates, 0.5);
}

export interface Rates {
  /** GFLOP a second of a large square product. */
  readonly large: number;
  /** Of the graph's own shapes, each weighed by its arithmetic; absent where it has no products. */
  readonly shapes?: number;
}

/** @param rate flops a microsecond of one product by itself */
export async function matMulRates(
  { nodes }: Pick<Trace, "nodes">,
  rate: (product: Product) => number | Promise<number>,
): Promise<Rates> {
  const by = new Map<string, { product: Product; flops: number }>();
  for (const { product, flops } of nodes as readonly NodeTime[])
    if (product) by.set(product.join(), { product, flops: (by.get(product.join())?.flops ?? 0) + flops });
  const most = [...by.values()].sort((a, b) => b.flops - a.flops).slice(0, mostShapes);
  let [flops, microseconds] = [0, 0];
  for (const each of most) {
    flops += each.flops;
    microseconds += each.flops / (await rate(each.product));
  }
  const whole = (await rate(large)) / 1000;
  return { large: whole, ...(microseconds > 0 ? { shapes: flops / microseconds / 1000 } : {}) };
}
