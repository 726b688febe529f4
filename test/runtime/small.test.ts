// Small networks adapt by kernels of our own, in WebAssembly: whole bundles beside the same without it, and what it leaves to ONNX Runtime.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Learner } from "@innerloop/runtime";
import { type OwnKernels, openOwn, openSession } from "@innerloop/runtime/session";
import { small } from "@innerloop/runtime/small";
import type { Tensor } from "@innerloop/schemas";
import { takesSteps } from "@innerloop/schemas/bundle";
import type { onnx } from "@innerloop/schemas/onnx";
import { describe, expect, it } from "vitest";
import { floats, ints, model, node, value, writeBundle } from "./fixture.ts";
import { noise } from "./oracle.ts";
import { CPU, expectNear, float, type Node, provider, sizeOf } from "./small-models.ts";

const recorded = (name: string) => fileURLToPath(new URL(`../compatibility/0.1.0/${name}`, import.meta.url));

describe.each([
  ["line", 0, () => writeBundle("line")],
  ["linear", 0, () => writeBundle("linear")],
  ["prototypes", 0, () => writeBundle("prototypes")],
  ["sinusoids, whose steps are guarded", 0, () => recorded("sinusoids")],
  // Of three classes it computes more than is quicker here.
  ["characters, with convolutions and norms", 1, () => recorded("characters")],
] as const satisfies readonly (readonly [string, number, () => string])[])("a bundle of %s", (_, leaves, folderOf) => {
  const folder = folderOf();

  async function opened() {
    const left = new Set<string>();
    const kernels: OwnKernels = {
      open(bytes, options) {
        expect(options.threads).toBe(2);
        const its = small.open(bytes, options)!;
        const { inputs, outputs } = its;
        return {
          ...{ inputs, outputs },
          run(...args) {
            const results = its.run(...args);
            if (!results) left.add(String(inputs));
            return results;
          },
        };
      },
    };
    const [ours, theirs] = [
      await Learner.load(folder, { ...CPU, threads: 2, kernels }),
      await Learner.load(folder, CPU),
    ];
    const { task, input } = theirs.manifest;
    const support = (seed: number, labels: readonly string[]) => {
      const shape = [labels.length, ...input.shape];
      const x = { data: noise(seed, sizeOf(shape)), shape };
      const y = { data: noise(seed + 1, labels.length), shape: [labels.length, 1] };
      return (task === "regression" ? { x, y } : { ...x, labels }) as never;
    };
    return {
      ours,
      theirs,
      support,
      left: () => [...left].filter((inputs) => inputs.includes("support_x")).length,
      dispose: () => Promise.all([ours.dispose(), theirs.dispose()]),
    };
  }

  it("adapts as without it, for any examples, steps and rates", async () => {
    const { ours, theirs, support, left, dispose } = await opened();
    const rates = takesSteps(theirs.manifest) ? [{ steps: 3, rate: 0.5 }] : [];
    for (const labels of [
      ["a", "b"],
      ["b", "a", "a", "b", "b"],
      ["a", "b", "c", "a", "c"],
      ["a", "b", "c"],
    ])
      for (const options of [{}, { steps: 0 }, ...rates]) {
        const examples = support(labels.length, labels);
        const [mine, other] = [await ours.adapt(examples, options), await theirs.adapt(examples, options)];
        const list = (data: readonly number[]): Tensor => ({
          dtype: "float32",
          shape: [data.length],
          data: Float32Array.from(data),
        });
        expectNear(list(mine.supportLoss), list(other.supportLoss), 1e-5);
        for (const [name, tensor] of Object.entries(other.state)) expectNear(mine.state[name]!, tensor, 1e-5);
        const query = {
          data: noise(7, 3 * sizeOf(theirs.manifest.input.shape)),
          shape: [3, ...theirs.manifest.input.shape],
        };
        const answers = await Promise.all([mine, other].map((personal) => personal.predictBatch(query)));
        const [answer, expected] = answers.map((rows) =>
          list(rows.flatMap((row) => ("logits" in row ? row.logits : (row as unknown as { value: number[] }).value))),
        );
        expectNear(answer!, expected!, 1e-4);
      }
    expect(left()).toBe(leaves);
    await dispose();
  });

  it("gives the same to the bit again, step by step, and after others", async () => {
    const { ours, support, dispose } = await opened();
    const examples = support(1, ["a", "b", "b", "a"]);
    const once = await ours.adapt(examples);
    await ours.adapt(support(5, ["b", "a", "b", "b"]));
    const watched = await ours.adapt(examples, { onProgress: () => undefined });
    for (const again of [await ours.adapt(examples), watched]) {
      expect(again.state).toEqual(once.state);
      expect(again.supportLoss).toEqual(once.supportLoss);
    }
    await dispose();
  });

  it("keeps results apart from what later runs compute, over more sizes than it keeps plans for", async () => {
    const { ours, theirs, support, dispose } = await opened();
    const labels = (count: number) => Array.from({ length: count }, (_, i) => (i % 2 === 0 ? "a" : "b"));
    const first = await ours.adapt(support(1, labels(2)));
    const before = structuredClone(first.state);
    for (let count = 3; count < 13; count++) await ours.adapt(support(count, labels(count)));
    expect(first.state).toEqual(before);
    const [again, other] = [await ours.adapt(support(1, labels(2))), await theirs.adapt(support(1, labels(2)))];
    expect(again.state).toEqual(before);
    for (const [name, tensor] of Object.entries(other.state)) expectNear(again.state[name]!, tensor, 1e-5);
    await dispose();
  });
});

describe("leaves to ONNX Runtime", () => {
  const asked = (bytes: Uint8Array) => {
    let times = 0;
    const usual = async () => {
      times++;
      return openSession(bytes, CPU);
    };
    return { session: openOwn(small, bytes, { provider }, usual), times: () => times };
  };
  const one = (x: readonly (number | string)[], nodes: Node[], initializers: onnx.TensorProto.$Properties[] = []) =>
    model({
      inputs: [value("x", x)],
      outputs: [{ name: "out", type: { tensorType: { elemType: 1 } } }],
      initializers,
      nodes,
    });

  it("an operator that it has no kernel for, once for all runs", async () => {
    const bytes = one(["n"], [node("Cosh", ["x"], ["out"])]);
    const { session, times } = asked(bytes);
    for (const n of [3, 4, 3]) {
      const x = float([n]);
      const { out } = await (await session).run({ x });
      expectNear(out!, { ...x, data: Float32Array.from(x.data as Float32Array, Math.cosh) });
    }
    expect(times()).toBe(1);
    await (await session).dispose();
  });

  it("runs of much arithmetic, and no others of the same model", async () => {
    const weight = floats("w", [64, 64], Array.from(noise(2, 64 * 64)));
    const { session, times } = asked(one(["n", 64], [node("MatMul", ["x", "w"], ["out"])], [weight]));
    await (await session).run({ x: float([1, 64]) });
    expect(times()).toBe(0);
    expect((await (await session).run({ x: float([64, 64]) })).out!.shape).toEqual([64, 64]);
    expect(times()).toBe(1);
    await (await session).dispose();
  });

  it("what is no model, which it says", async () => {
    const bytes = readFileSync(join(recorded("sinusoids"), "adapt.onnx")).subarray(0, 500);
    await expect(asked(bytes).session).rejects.toMatchObject({ code: "onnx-unreadable" });
  });

  it("what cannot be, whose error is ONNX Runtime's", async () => {
    const { session, times } = asked(one([2, 3], [node("Reshape", ["x", "to"], ["out"])], [ints("to", [1], [7])]));
    await expect((await session).run({ x: float([2, 3]) })).rejects.toMatchObject({ code: expect.any(String) });
    expect(times()).toBe(1);
  });

  it("everything where a host does not allow WebAssembly", async () => {
    const { WebAssembly: whole } = globalThis as unknown as { WebAssembly: { Module: unknown } };
    const { Module } = whole;
    whole.Module = class {
      constructor() {
        throw new Error("refused by its policy");
      }
    };
    try {
      const { session, times } = asked(one([2], [node("Neg", ["x"], ["out"])]));
      await session;
      expect(times()).toBe(1);
    } finally {
      whole.Module = Module;
    }
  });
});

it("takes labels for what they are: more classes, another plan", async () => {
  const folder = writeBundle("prototypes");
  const learner = await Learner.load(folder, { ...CPU, kernels: small });
  const usual = await Learner.load(folder, CPU);
  const shape = [4, ...learner.manifest.input.shape];
  for (const labels of [
    ["a", "b", "a", "b"],
    ["a", "b", "c", "d"],
    ["a", "b", "c", "a"],
  ]) {
    const examples = { data: noise(3, sizeOf(shape)), shape, labels };
    const [mine, other] = [await learner.adapt(examples), await usual.adapt(examples)];
    for (const [name, tensor] of Object.entries(other.state)) expectNear(mine.state[name]!, tensor, 1e-5);
  }
  await learner.dispose();
  await usual.dispose();
});
