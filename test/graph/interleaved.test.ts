// Pools of convolutions: their parts stay apart from the products before a pool to the gradients behind it, with the numbers of the
// float64 reference on ONNX Runtime, ties and edges included.
import {
  evaluate,
  grad,
  input,
  lower,
  onnxTarget,
  op,
  type ShapedNumbers,
  topological,
  type Value,
  writeOnnx,
} from "@innerloop/graph";
import { openSession } from "@innerloop/runtime/session";
import { describe, expect, test } from "vitest";
import { distance, randomNumbers, size } from "./numbers.ts";

type Feeds = Readonly<Record<string, ShapedNumbers>>;

const next = randomNumbers(5);
const random = (shape: readonly number[]): ShapedNumbers => ({
  shape,
  data: Float64Array.from({ length: size(shape) }, () => Math.fround(next())),
});

async function onRuntime(outputs: readonly Value[], feeds: Feeds): Promise<Float64Array[]> {
  const session = await openSession(writeOnnx(Object.fromEntries(outputs.map((value, i) => [`out${i}`, value]))));
  const given = session.inputs.map((name) => {
    const { shape, data } = feeds[name]!;
    return [name, { dtype: "float32" as const, shape, data: Float32Array.from(data) }] as const;
  });
  const results = await session.run(Object.fromEntries(given));
  await session.dispose();
  return outputs.map((_, i) => Float64Array.from(results[`out${i}`]!.data as Float32Array));
}

/** Two pools of convolutions, and the slopes of a sum over the second one by the picture and by both weights. */
function pooled(side: number, kernel: number): { readonly outputs: Value[]; readonly feeds: Feeds } {
  const [x, w, v] = [input("x", [8, side, side, 2]), input("w", [3, 3, 2, 16]), input("v", [3, 3, 16, 32])];
  const pads = [1, 1, 1, 1];
  const pool = (value: Value) => op.Relu(op.MaxPooling(value, [kernel, kernel], { strides: [kernel, kernel] }));
  const y = pool(op.Convolution(pool(op.Convolution(x, w, { pads })), v, { pads }));
  const loss = op.ReduceSum(op.Mul(y, op.Add(y, 1)), { keepdims: false });
  // A blank corner makes ties.
  const picture = random([8, side, side, 2]);
  const blank = Float64Array.from(picture.data, (number, i) => (Math.floor(i / 2) % side < side / 2 ? 0 : number));
  return {
    outputs: [y, ...grad(loss, [x, w, v])],
    feeds: { x: { shape: picture.shape, data: blank }, w: random([3, 3, 2, 16]), v: random([3, 3, 16, 32]) },
  };
}

describe.each([
  ["windows that cover everything", 24, 2],
  ["windows of nine places", 18, 3],
  ["windows that leave an edge", 25, 2],
])("%s", (_, side, kernel) => {
  const { outputs, feeds } = pooled(side, kernel);

  test("have the numbers of the reference", async () => {
    const found = await onRuntime(outputs, feeds);
    evaluate(outputs, feeds).forEach(({ data }, i) => {
      expect(distance(found[i]!, data)).toBeLessThan(1e-5);
    });
  });
});

test("nothing takes what a convolution gives apart, or puts what goes back to it together", () => {
  const { outputs } = pooled(24, 2);
  const read = (without: readonly string[]) =>
    topological(lower(outputs, onnxTarget(), { without })).flatMap(({ operator, inputs }) =>
      operator.name === "Gather" ? [inputs[0]!.shape.join()] : [],
    );
  // The first convolution gives 576 places of 16 channels, the second one 144 of 32.
  expect(read([]).filter((shape) => shape === "8,576,16" || shape === "8,144,32")).toEqual([]);
});
