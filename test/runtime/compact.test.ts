// A small adapt.onnx runs in another form than it has as a file: what has an initializer is not fed, and the outputs come as one. What a learner
// gets of it is what the file gives, to the bit.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Learner } from "@innerloop/runtime";
import { openSession } from "@innerloop/runtime/session";
import type { Tensor } from "@innerloop/schemas";
import { describe, expect, it } from "vitest";
import { type FixtureName, writeBundle } from "./fixture.ts";
import { noise } from "./oracle.ts";

const CPU = { provider: "cpu" } as const;
const labels = ["b", "a", "c", "a", "b", "c"];
const classes = Int32Array.of(0, 1, 2, 1, 0, 2);
const int64 = (value: number): Tensor => ({ dtype: "int64", shape: [], data: BigInt64Array.of(BigInt(value)) });

/** A learner of a bundle, examples for it by a seed, and what adapt.onnx as it is gives for them. */
async function opened(name: FixtureName) {
  const folder = writeBundle(name);
  const regression = name === "line";
  const learner = await Learner.load(folder, CPU);
  const session = await openSession(readFileSync(join(folder, "adapt.onnx")), CPU);
  const shape = [labels.length, ...learner.manifest.input.shape];
  const size = shape.reduce((product, dim) => product * dim);
  const adapt = (seed: number, options = {}) => {
    const x = { data: noise(seed, size), shape };
    const y = { data: noise(seed + 1, labels.length), shape: [labels.length, 1] };
    const examples = regression ? { x, y } : { ...x, labels };
    return learner.adapt(examples as never, options);
  };
  const byFile = (seed: number, more: Readonly<Record<string, Tensor>> = {}) =>
    session.run({
      support_x: { dtype: "float32", shape, data: noise(seed, size) },
      support_y: regression
        ? { dtype: "float32", shape: [labels.length, 1], data: noise(seed + 1, labels.length) }
        : { dtype: "int32", shape: [labels.length], data: classes },
      steps: int64(learner.manifest.innerLoop.steps),
      ...more,
    });
  const dispose = async () => {
    await learner.dispose();
    await session.dispose();
  };
  return { learner, adapt, byFile, dispose };
}

type Adapted = Awaited<ReturnType<Learner["adapt"]>>;

function expectSame({ state, supportLoss }: Adapted, results: Readonly<Record<string, Tensor>>) {
  expect(supportLoss).toEqual(Array.from(results.support_loss!.data as Float32Array));
  const made = Object.entries(results).filter(([name]) => name.startsWith("adapted/"));
  expect(state).toEqual(Object.fromEntries(made.map(([name, tensor]) => [name.slice("adapted/".length), tensor])));
}

describe.each(["line", "linear", "prototypes"] as const)("a small adapt.onnx (%s)", (name) => {
  it("gives what the file gives, whoever else calls meanwhile", async () => {
    const { adapt, byFile, dispose } = await opened(name);
    const seeds = Array.from({ length: 8 }, (_, i) => 10 * i + 1);
    const all = await Promise.all(seeds.map((seed) => adapt(seed)));
    for (const [i, seed] of seeds.entries()) expectSame(all[i]!, await byFile(seed));
    await dispose();
  });

  it("is saved and restored whole, though the arrays of a state may share their memory", async () => {
    const { learner, adapt, byFile, dispose } = await opened(name);
    const bytes = await (await adapt(3)).toBytes();
    const again = (await learner.restore(bytes)) as Adapted;
    expectSame(again, await byFile(3));
    await dispose();
  });
});

it("a run that feeds what has an initializer, such as a rate or a start, takes the file as it is", async () => {
  const { adapt, byFile, dispose } = await opened("linear");
  const half: Tensor = { dtype: "float32", shape: [], data: Float32Array.of(0.5) };
  const [plain, slower, watched] = await Promise.all([
    adapt(5),
    adapt(5, { rate: 0.5 }),
    adapt(5, { onProgress: () => undefined }),
  ]);
  expectSame(plain, await byFile(5));
  expectSame(slower, await byFile(5, { rate: half }));
  expect(watched.supportLoss).toEqual(plain.supportLoss);
  expect(watched.state).toEqual(plain.state);
  expect(slower.supportLoss).not.toEqual(plain.supportLoss);
  await dispose();
});
