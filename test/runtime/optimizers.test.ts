// Which optimizers of ONNX Runtime a model is opened with: seen by what ONNX Runtime writes when it has optimized it.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { openDevice } from "@innerloop/runtime/session";
import { decodeModel } from "@innerloop/schemas/onnx";
import { expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { floats, ints, model, node, value } from "./fixture.ts";

/** x + 1 − 1 … in so many nodes, the first of which casts it to what it is; `more` come at the end. */
function chain(
  nodes: number,
  more: readonly ReturnType<typeof node>[] = [],
  stored: readonly ReturnType<typeof floats>[] = [],
): Uint8Array {
  const steps = Array.from({ length: nodes }, (_, i) =>
    node(i % 2 ? "Add" : "Sub", [i ? `v${i}` : "same", "one"], [`v${i + 1}`]),
  );
  return model({
    inputs: [value("x", [1, 2])],
    outputs: [value("y", [1, 2])],
    initializers: [floats("one", [], [1]), ...stored],
    nodes: [
      node("Cast", ["x"], ["same"], { to: 1 }),
      ...steps,
      ...(more.length > 0 ? more : [node("Tanh", [`v${nodes}`], ["y"])]),
    ],
  });
}

async function optimized(bytes: Uint8Array) {
  const device = await openDevice({ provider: "cpu" });
  const saveTo = join(temporaryFolder(), "optimized.onnx");
  const session = await device.open(bytes, { saveTo });
  const feeds = { x: { dtype: "float32", shape: [1, 2], data: Float32Array.of(0.5, -3) } } as const;
  const { y } = await session.run(feeds);
  await session.dispose();
  const saved = readFileSync(saveTo);
  const again = await device.open(saved, { optimized: true });
  expect((await again.run(feeds)).y).toEqual(y);
  await again.dispose();
  await device.dispose();
  const nodes = decodeModel(saved, "the optimized model").graph?.node ?? [];
  return { y: [...y!.data], operators: nodes.map(({ opType }) => opType) };
}

const [zeros, ones] = [floats("zeros", [2], [0, 0]), floats("ones", [2], [1, 1])];
/** With the epsilon of ONNX, 10⁻⁵, one. */
const spread = floats("spread", [2], [1 - 1e-5, 1 - 1e-5]);

/** The end of a chain: a norm over the batch that changes nothing, with a gain. */
const normed = (gain: string) => [
  node("Tanh", ["v600"], ["t"]),
  node("BatchNormalization", ["t", gain, "zeros", "zeros", "spread"], ["y"]),
];
/** e⁰ for each feature, of the input. */
const computed = [
  node("Squeeze", ["x"], ["row"]),
  node("Mul", ["row", "zeros"], ["nothing"]),
  node("Exp", ["nothing"], ["gain"]),
];

const expected = [0.5, -3].map((x) => Math.fround(Math.tanh(x)));

it.each([
  ["a small model has all", chain(100), false],
  ["a large one goes without those by rules, which take most of the time", chain(600), true],
  [
    "a large one with what they are for has them",
    chain(600, [node("Tanh", ["v600"], ["t"]), node("Clip", ["t"], ["y"])]),
    false,
  ],
  [
    "a convolution of weights that the caller gives is nothing for them",
    chain(
      600,
      [
        node("Unsqueeze", ["v600", "axis"], ["weight"]),
        node("Unsqueeze", ["x", "axis"], ["data"]),
        node("Conv", ["data", "weight"], ["sum"]),
        node("Mul", ["sum", "zero"], ["none"]),
        node("Squeeze", ["none"], ["number"]),
        node("Tanh", ["v600"], ["t"]),
        node("Add", ["t", "number"], ["y"]),
      ],
      [floats("zero", [], [0]), ints("axis", [1], [2])],
    ),
    true,
  ],
  [
    "so has one with a norm over the batch whose gain the file has",
    chain(600, normed("ones"), [zeros, ones, spread]),
    false,
  ],
  ["and not one that computes that gain", chain(600, [...computed, ...normed("gain")], [zeros, spread]), true],
  [
    "of a large one, numbers of the file alone are worked out",
    chain(
      600,
      [node("Exp", ["zeros"], ["sure"]), node("Tanh", ["v600"], ["t"]), node("Mul", ["t", "sure"], ["y"])],
      [zeros],
    ),
    true,
    "Exp",
  ],
])("%s", async (_, bytes, casts, folded?: string) => {
  const found = await optimized(bytes);
  expect(found.operators.includes("Cast")).toBe(casts);
  expect(found.operators).not.toContain(folded);
  found.y.forEach((y, i) => {
    expect(y).toBeCloseTo(expected[i]!, 6);
  });
});
