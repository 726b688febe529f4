// What tests of the compiler's passes have in common: a graph run with passes and without, and what there is of it.
import { lower, onnxTarget, op, topological, type Value, writeOnnx } from "@innerloop/graph";
import { openSession } from "@innerloop/runtime/session";
import type { Tensor } from "@innerloop/schemas";
import { randomNumbers, size } from "./numbers.ts";

const next = randomNumbers(3);
export const random = (shape: readonly number[]): Tensor => ({
  dtype: "float32",
  shape,
  data: Float32Array.from({ length: size(shape) }, () => next()),
});
export const sumOf = (value: Value): Value => op.ReduceSum(value, { keepdims: false });

export type Values = Readonly<Record<string, Value>>;
export type Feeds = Readonly<Record<string, Tensor>>;

export async function run(
  outputs: Values,
  feeds: Feeds,
  without: readonly string[] = [],
): Promise<Record<string, Tensor>> {
  const session = await openSession(writeOnnx(outputs, { passes: { without } }));
  const results = await session.run(feeds);
  await session.dispose();
  return results;
}

/** The largest difference, over the largest number. */
export function apart(a: Readonly<Record<string, Tensor>>, b: Readonly<Record<string, Tensor>>): number {
  let [difference, most] = [0, 0];
  for (const [name, { data }] of Object.entries(a))
    data.forEach((x, i) => {
      most = Math.max(most, Math.abs(Number(x)));
      difference = Math.max(difference, Math.abs(Number(x) - Number(b[name]!.data[i])));
    });
  return difference / most;
}

export const lowered = (outputs: Values, without: readonly string[] = []) =>
  topological(lower(Object.values(outputs), onnxTarget(), { without })).filter(({ inputs }) => inputs.length > 0);

/** Nodes that go over so many numbers or more. */
export const walks = (least: number) => (nodes: ReturnType<typeof lowered>) =>
  nodes.filter(
    ({ operator, inputs, outputs }) =>
      operator.family !== "movement" &&
      [...inputs, ...outputs].some((value) => value && size(value.shape.map(Number)) >= least),
  ).length;
export const named = (name: string) => (nodes: ReturnType<typeof lowered>) =>
  nodes.filter(({ operator }) => operator.name === name).length;

/** Multiplications of all products. */
export const multiplied = (nodes: ReturnType<typeof lowered>): number =>
  nodes
    .filter(({ operator }) => operator.name === "MatMul" || operator.name === "Gemm")
    .reduce((sum, { inputs: [a], outputs: [y] }) => sum + size(y.shape.map(Number)) * Number(a!.shape.at(-1)), 0);
