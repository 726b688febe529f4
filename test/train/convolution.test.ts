// How convolutions are written for ONNX Runtime: which form a provider gets, and that conv4 adapts and learns alike by both.
import { input, onnxTargetFor, op, tunedProviders, type Value, vmap, writeOnnx } from "@innerloop/graph";
import type { Tensor } from "@innerloop/schemas";
import { decodeModel } from "@innerloop/schemas/onnx";
import { type Engine, metaGradient, openEngine, openReference, parameterValues } from "@innerloop/train";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { learners, randomEpisode, randomWeights } from "../export/learners.ts";
import { distance } from "../support/numbers.ts";

const forms = ["columns", "native"] as const;

/** The operators of a model, by name. */
const operatorsOf = (bytes: Uint8Array): Set<string> =>
  new Set((decodeModel(bytes, "the model").graph?.node ?? []).map(({ opType }) => opType ?? ""));

describe("the form", () => {
  const written = (y: Value, ...[provider, options]: Parameters<typeof onnxTargetFor>) =>
    operatorsOf(writeOnnx({ y }, { target: onnxTargetFor(provider, options) })).has("Conv");
  const images = op.Convolution(input("x", ["n", 6, 6, 2]), input("w", [3, 3, 2, 4]));

  it.each([
    ["cuda", true],
    ["webgpu", true],
    ["dml", true],
    ["coreml", false],
    ["cpu", false],
    ["wasm", false],
    ["another one", false],
  ])("that suits %s is native: %s", (provider, native) => {
    expect(written(images, provider)).toBe(native);
    expect(tunedProviders.includes(provider)).toBe(native);
    expect(written(images, provider, { convolution: "native" })).toBe(true);
    expect(written(images, provider, { convolution: "columns" })).toBe(false);
  });

  it.each([
    ["cuda", false],
    ["webgpu", true],
    ["dml", true],
    ["cpu", false],
  ])("that suits %s where each task has weights of its own is native: %s", (provider, native) => {
    const [x, w] = [input("x", [4, 2, 6, 6, 2]), input("w", [4, 3, 3, 2, 4])];
    const [y] = vmap((a, b) => [op.Convolution(a, b)], [x, w]);
    expect(written(y!, provider)).toBe(native);
  });

  it("of series and volumes is columns everywhere", () => {
    const series = op.Convolution(input("x", [2, 6, 2]), input("w", [3, 2, 4]));
    const volumes = op.Convolution(input("x", [2, 4, 4, 4, 2]), input("w", [2, 2, 2, 2, 4]));
    for (const y of [series, volumes]) expect(written(y, "webgpu")).toBe(false);
  });
});

describe("conv4 on onnxruntime:cpu", () => {
  const engines: Partial<Record<(typeof forms)[number], Engine>> = {};
  beforeAll(async () => {
    for (const convolution of forms) {
      engines[convolution] = (await openEngine("onnxruntime:cpu", { convolution })).engine;
    }
  });
  afterAll(() => Promise.all(Object.values(engines).map((engine) => engine.dispose())));

  const learner = learners["maml, conv4, layer norm"]!();
  const weights = randomWeights(learner);
  const episodes = [1, 2].map((seed) => randomEpisode(learner, 5, 1, 2, seed));

  it("adapts alike", async () => {
    const [{ support, query }] = episodes as [(typeof episodes)[number]];
    const answers = await Promise.all(
      forms.map(async (form) => (await openReference(learner, weights, engines[form]!)).answer(support, query, 3)),
    );
    const [columns, native] = answers as [(typeof answers)[number], (typeof answers)[number]];
    expect(distance(native.logits.data, columns.logits.data)).toBeLessThan(2e-5);
    expect(distance(native.supportLoss.data, columns.supportLoss.data)).toBeLessThan(2e-5);
    for (const [name, { data }] of Object.entries(columns.state))
      expect(distance(native.state[name]!.data, data), name).toBeLessThan(2e-5);
  });

  it.each([undefined, 2])("has the same second-order meta-gradient, tasks at once: %s", async (tasks) => {
    const sizes = { support: 5, query: 10, ways: 5 };
    const { loss, gradients } = metaGradient(learner, parameterValues(learner), sizes, tasks);
    const graph = { outputs: { loss, ...prefixed("gradient/", gradients) } };
    const feeds: Record<string, Tensor> = { ...weights, ...(tasks ? batched(episodes) : batched(episodes, 0)) };
    const [columns, native] = await Promise.all(
      forms.map(async (form) => {
        const { serialize, load } = engines[form]!.portable!;
        const bytes = serialize(graph);
        expect(operatorsOf(bytes).has("ConvTranspose")).toBe(form === "native");
        const program = await load(bytes);
        const results = await program.run(
          Object.fromEntries(program.inputs.map(({ name }) => [name, feeds[name]!] as const)),
        );
        await program.dispose();
        return results;
      }),
    );
    expect(Object.keys(native!).length).toBe(1 + Object.keys(weights).length);
    for (const [name, { data }] of Object.entries(columns!)) {
      expect(data.some((value) => value !== 0 && value !== 0n)).toBe(true);
      expect(distance(native![name]!.data, data), name).toBeLessThan(2e-5);
    }
  });
});

const prefixed = (prefix: string, values: Readonly<Record<string, Value>>) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [prefix + name, value]));

type Episode = ReturnType<typeof randomEpisode>;

/** The inputs of one episode, or of all with an axis of tasks in front. */
function batched(episodes: readonly Episode[], one?: number): Record<string, Tensor> {
  const joined = (part: "support" | "query", of: "x" | "y"): Tensor => {
    const tensors = episodes.map((episode) => episode[part][of]);
    if (one !== undefined) return tensors[one]!;
    const numbers = tensors.flatMap(({ data }) => Array.from(data as Float32Array));
    const data = of === "x" ? Float32Array.from(numbers) : Int32Array.from(numbers);
    return { dtype: tensors[0]!.dtype, shape: [tensors.length, ...tensors[0]!.shape], data };
  };
  return {
    support_x: joined("support", "x"),
    support_y: joined("support", "y"),
    query_x: joined("query", "x"),
    query_y: joined("query", "y"),
  };
}
