// Variants of adapt.onnx for providers: what a bundle that carries them holds, that all of it is verified, and that the
// provider they are for runs them with the same numbers.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildBundle, exportBundle, type VerifyOptions, verifyBundle } from "@innerloop/export";
import { type Learner, tunedProviders } from "@innerloop/graph";
import { Learner as Bundled } from "@innerloop/runtime";
import { openDevice, openSession } from "@innerloop/runtime/session";
import type { Manifest, Tensor } from "@innerloop/schemas";
import { decodeModel } from "@innerloop/schemas/onnx";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { distance } from "../support/numbers.ts";
import { learners, randomEpisode, randomWeights, unrolled } from "./learners.ts";

const scalar = (value: number): Tensor => ({ dtype: "int64", shape: [], data: BigInt64Array.of(BigInt(value)) });
const hashOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

function verification(learner: Learner, weights: Record<string, Tensor>): VerifyOptions {
  const episodes = [1, 2].map((shots, seed) => randomEpisode(learner, 4, shots, 1, seed));
  return { episodes, engine: "float64", steps: [0, 2], reference: unrolled(learner, weights) };
}

/** The names of operators in a model, in the bodies of loops too. */
function operatorsOf(bytes: Uint8Array): Set<string> {
  const found = new Set<string>();
  const visit = ({ node }: NonNullable<ReturnType<typeof decodeModel>["graph"]>): void => {
    for (const { opType, attribute } of node ?? []) {
      found.add(opType ?? "");
      for (const { g } of attribute ?? []) if (g) visit(g);
    }
  };
  visit(decodeModel(bytes, "the model").graph!);
  return found;
}

const portsOf = (bytes: Uint8Array) => {
  const { graph } = decodeModel(bytes, "the model");
  return [graph?.input, graph?.output, graph?.initializer?.filter(({ name }) => !name?.startsWith("constant/"))];
};

describe.each(["maml, conv4, layer norm", "maml, conv4, batch norm", "maml, resnet12", "prototypes"])("%s", (name) => {
  const learner = learners[name]!();
  const weights = randomWeights(learner);

  it("has one for each provider with another way, which computes what the portable one does", async () => {
    const plain = buildBundle(learner, weights);
    const built = buildBundle(learner, weights, { variants: tunedProviders });
    const names = tunedProviders.map((provider) => `adapt.${provider}.onnx`);
    expect(Object.keys(built.files).sort()).toEqual([...Object.keys(plain.files), ...names].sort());
    for (const file of Object.keys(plain.files)) expect(hashOf(built.files[file]!)).toBe(hashOf(plain.files[file]!));
    expect(operatorsOf(built.files["adapt.onnx"]!)).not.toContain("Conv");
    const { support } = randomEpisode(learner, 4, 2, 1);
    const expected = await unrolled(learner, weights)(support, support, 3);
    for (const file of names) {
      const bytes = built.files[file]!;
      expect(built.manifest.files).toHaveProperty([file], { sha256: hashOf(bytes), bytes: bytes.length });
      expect(operatorsOf(bytes)).toContain("Conv");
      expect(portsOf(bytes)).toEqual(portsOf(built.files["adapt.onnx"]!));
      const session = await openSession(bytes, { provider: "cpu" });
      const results = await session.run({ support_x: support.x, support_y: support.y, steps: scalar(3) });
      await session.dispose();
      for (const [parameter, { data }] of Object.entries(expected.state))
        expect(distance(results[`adapted/${parameter}`]!.data, data), parameter).toBeLessThan(5e-5);
      expect(distance(results.support_loss!.data, expected.supportLoss as number[])).toBeLessThan(2e-5);
    }
  });
});

describe("a bundle with variants", () => {
  const learner = learners["maml, conv4, layer norm"]!();
  const weights = randomWeights(learner);
  const exported = async () => {
    const out = join(temporaryFolder(), "bundle");
    const verify = verification(learner, weights);
    const manifest = await exportBundle(learner, weights, { out, verify, variants: ["webgpu", "cuda"] });
    return { out, verify, manifest };
  };

  it("is verified with each of them", async () => {
    const { out, verify, manifest } = await exported();
    expect(manifest.verification.largestDifference).toBeLessThan(1e-4);
    expect(Object.keys(manifest.files)).toEqual(
      expect.arrayContaining(["adapt.onnx", "adapt.webgpu.onnx", "adapt.cuda.onnx", "predict.onnx"]),
    );
    // The same learner, trained otherwise.
    const { files } = buildBundle(learner, randomWeights(learner, 2), { variants: ["cuda"] });
    const other = files["adapt.cuda.onnx"]!;
    const changed: Manifest = JSON.parse(readFileSync(join(out, "manifest.json"), "utf8"));
    changed.files["adapt.cuda.onnx"] = { sha256: hashOf(other), bytes: other.length };
    writeFileSync(join(out, "adapt.cuda.onnx"), other);
    writeFileSync(join(out, "manifest.json"), JSON.stringify(changed));
    await expect(verifyBundle(out, verify)).rejects.toMatchObject({
      code: "verification-failed",
      message: expect.stringMatching(/run with adapt\.cuda\.onnx, differs from float64: \S+ after 0 steps/),
    });
  });

  it.each(["cpu", "coreml", "tpu", ""])("is refused for %s, which has no way of its own", (provider) => {
    expect(() => buildBundle(learner, weights, { variants: ["webgpu", provider] })).toThrow(
      expect.objectContaining({
        code: "bad-option",
        exitStatus: 2,
        message: expect.stringContaining(`the variant "${provider}" was asked for; there are cuda, webgpu, dml;`),
      }),
    );
  });

  it("adapts on WebGPU as on the processor", async ({ skip }) => {
    // In software counts: VK_ICD_FILENAMES may name a Vulkan driver such as SwiftShader's.
    const device = await openDevice({ provider: "webgpu" }).catch((cause: Error) => skip(`absent: ${cause.message}`));
    await device.dispose();
    const { out, verify } = await exported();
    const [{ support }] = verify.episodes as [VerifyOptions["episodes"][number]];
    const examples = {
      data: support.x.data as Float32Array,
      shape: support.x.shape,
      labels: Array.from(support.y.data, String),
    };
    const [cpu, gpu] = await Promise.all(
      (["cpu", "webgpu"] as const).map(async (provider) => {
        const bundled = await Bundled.load(out, { provider });
        const { state, supportLoss } = await bundled.adapt(examples, { steps: 3 });
        const { reason } = bundled.provider;
        await bundled.dispose();
        return { state, supportLoss, reason };
      }),
    );
    expect(gpu!.reason).toBe("asked for by name");
    expect(distance(gpu!.supportLoss, cpu!.supportLoss)).toBeLessThan(5e-5);
    for (const [name, { data }] of Object.entries(cpu!.state))
      expect(distance(gpu!.state[name]!.data, data), name).toBeLessThan(1e-4);
  });
});
