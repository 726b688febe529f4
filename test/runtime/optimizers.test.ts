// Which optimizers of ONNX Runtime a model is opened with: seen by what ONNX Runtime writes when it has optimized it.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { openDevice } from "@innerloop/runtime/session";
import { decodeModel } from "@innerloop/schemas/onnx";
import { expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { floats, model, node, value } from "./fixture.ts";

/** x + 1 − 1 … in so many nodes, the first of which casts it to what it is; `more` come at the end. */
function chain(nodes: number, more: readonly ReturnType<typeof node>[] = []): Uint8Array {
  const steps = Array.from({ length: nodes }, (_, i) =>
    node(i % 2 ? "Add" : "Sub", [i ? `v${i}` : "same", "one"], [`v${i + 1}`]),
  );
  return model({
    inputs: [value("x", [2])],
    outputs: [value("y", [2])],
    initializers: [floats("one", [], [1])],
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
  const feeds = { x: { dtype: "float32", shape: [2], data: Float32Array.of(0.5, -3) } } as const;
  const { y } = await session.run(feeds);
  await session.dispose();
  const saved = readFileSync(saveTo);
  const again = await device.open(saved, { optimized: true });
  expect((await again.run(feeds)).y).toEqual(y);
  await again.dispose();
  await device.dispose();
  const nodes = decodeModel(saved, "the optimized model").graph?.node ?? [];
  return { y: [...y!.data], casts: nodes.some(({ opType }) => opType === "Cast") };
}

const expected = [0.5, -3].map((x) => Math.fround(Math.tanh(x)));

it.each([
  ["a small model has all", chain(100), false],
  ["a large one goes without those by rules, which take most of the time", chain(600), true],
  [
    "a large one with what they are for has them",
    chain(600, [node("Tanh", ["v600"], ["t"]), node("Clip", ["t"], ["y"])]),
    false,
  ],
])("%s", async (_, bytes, casts) => {
  const found = await optimized(bytes);
  expect(found.casts).toBe(casts);
  found.y.forEach((y, i) => {
    expect(y).toBeCloseTo(expected[i]!, 6);
  });
});
