// Models of a few nodes, computed by the kernels for small networks and by ONNX Runtime.
import { openOwn, openSession } from "@innerloop/runtime/session";
import { small } from "@innerloop/runtime/small";
import type { Tensor } from "@innerloop/schemas";
import type { onnx } from "@innerloop/schemas/onnx";
import { expect } from "vitest";
import { model, value } from "./fixture.ts";
import { noise } from "./oracle.ts";

export const CPU = { provider: "cpu" } as const;
export const provider = { name: "cpu", reason: "", rejected: [] } as const;
export const [INT64, BOOL] = [7, 9];
export const sizeOf = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1);
export const float = (shape: readonly number[], seed = 1): Tensor => ({
  dtype: "float32",
  shape,
  data: noise(seed, sizeOf(shape)),
});
export type Node = onnx.NodeProto.$Properties;
export const list = (name: string, numbers: number[]) => ({ name, ints: numbers, type: 7 });
export const number = (name: string, f: number) => ({ name, f, type: 1 });
export const withAttributes = (made: Node, ...attribute: NonNullable<Node["attribute"]>): Node => ({
  ...made,
  attribute,
});

export function expectNear(actual: Tensor, expected: Tensor, most = 2e-6) {
  expect([actual.dtype, actual.shape]).toEqual([expected.dtype, expected.shape]);
  const [a, b] = [Array.from(actual.data, Number), Array.from(expected.data, Number)];
  const size = Math.max(1e-3, ...b.filter(Number.isFinite).map(Math.abs));
  for (const [i, x] of b.entries()) {
    if (Number.isFinite(x)) expect(Math.abs(a[i]! - x) / size).toBeLessThan(most);
    else expect(a[i]).toBe(x);
  }
}

const never = () => Promise.reject(new Error("left to ONNX Runtime"));

/** Runs a model of some nodes here and by ONNX Runtime. */
export async function compare(
  feeds: Readonly<Record<string, Tensor>>,
  nodes: Node[],
  initializers: onnx.TensorProto.$Properties[] = [],
  output = 1,
) {
  const bytes = model({
    inputs: Object.entries(feeds).map(([name, { shape, dtype }]) =>
      value(name, shape, { float32: 1, int64: INT64, bool: BOOL }[dtype as "float32"]),
    ),
    outputs: [value("out", nodes.at(-1)!.opType === "Shape" ? [2] : [], output)].map(({ name, type }) => ({
      name: name!,
      type: { tensorType: { elemType: type!.tensorType!.elemType! } },
    })),
    initializers,
    nodes,
  });
  const [ours, theirs] = [await openOwn(small, bytes, { provider }, never), await openSession(bytes, CPU)];
  const expected = await theirs.run(feeds);
  // The second run goes by the plan of the first.
  for (let turn = 0; turn < 2; turn++) expectNear((await ours.run(feeds)).out!, expected.out!);
  await ours.dispose();
  await theirs.dispose();
}
