// Networks that PyTorch wrote become bundles: what the runtime adapts and predicts is what PyTorch's own derivatives give, and what
// cannot be done is refused with nothing written.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type ExportAdaptableOptions, exportAdaptable } from "@innerloop/export";
import { Learner } from "@innerloop/runtime";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { distance } from "../support/numbers.ts";
import { readRecorded } from "../support/recorded.ts";
import { refusal } from "../support/refusal.ts";

interface Numbers {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

interface Examples {
  readonly support: Numbers;
  readonly query: Numbers;
}

interface Recorded extends Readonly<Record<"pictures" | "texts", Examples>> {
  readonly models: Readonly<Record<string, string>>;
  readonly labels: readonly number[];
  readonly cases: Readonly<Record<string, { readonly losses: readonly number[]; readonly logits: Numbers }>>;
}

const recorded = readRecorded<Recorded>("export/recorded/adaptable.json");
const modelOf = (name: string): Uint8Array => new Uint8Array(Buffer.from(recorded.models[name]!, "base64"));

const batch = ({ shape, data }: Numbers) => ({ shape, data: Float32Array.from(data) });

/** Makes a bundle, adapts it to what is recorded, and asks it what is recorded. */
async function answers(model: string, options: Omit<ExportAdaptableOptions, "out">, names = ["a", "b", "c"]) {
  const out = join(temporaryFolder(), "bundle");
  const made = await exportAdaptable(modelOf(model), { out, name: "net.onnx", ...options });
  const { support, query } = model === "texts" ? recorded.texts : recorded.pictures;
  const learner = await Learner.load(out, { provider: "cpu" });
  try {
    const labels = recorded.labels.map((label) => names[label]!);
    const personal = await learner.adapt({ ...batch(support), labels }, { steps: 5 });
    const predicted = await personal.predictBatch(batch(query));
    return { ...made, out, personal, losses: personal.supportLoss, logits: predicted.flatMap(({ logits }) => logits) };
  } finally {
    await learner.dispose();
  }
}

function expectRecorded(name: string, { losses, logits }: { losses: readonly number[]; logits: readonly number[] }) {
  const wanted = recorded.cases[name]!;
  expect(distance(losses, wanted.losses)).toBeLessThan(1e-5);
  expect(distance(logits, wanted.logits.data)).toBeLessThan(1e-4);
}

const inOne = { steps: 5, rate: 0.05 };

describe("a network that PyTorch wrote", () => {
  it("gets a fresh classifier", async () => {
    const result = await answers("pictures", { head: "ways:3", ...inOne });
    expectRecorded("pictures, ways:3, head", result);
    expect(result.manifest.output).toEqual({ ways: 3 });
    expect(result.moved).toBe(0);
  });

  it("gets a fresh classifier, and all of its weights move", async () => {
    const result = await answers("pictures", { head: "ways:3", train: "all", ...inOne });
    expectRecorded("pictures, ways:3, all", result);
    expect(result.moved).toBe(6 * 28 + 6 + 6 + 12 * 55);
  });

  it("keeps its own classes, of which those that examples are of are learned", async () => {
    const result = await answers("pictures", { head: "keep", ...inOne }, ["2", "5", "7"]);
    expectRecorded("pictures, keep, head", result);
    expect(result.personal.labels).toEqual(["2", "5", "7"]);
  });

  it("gets a head for any number of classes, on the mean of the tokens that are there", async () => {
    const result = await answers("texts", { sizes: { sequence: 8 } });
    expectRecorded("texts, any, head", result);
    expect(result.manifest.output.ways).toBeNull();
    expect(result.notes.join("\n")).toContain('16 numbers of the tensor "hidden"');
  });

  it("may take one example at a time", async () => {
    const options = { head: "ways:3", train: "all", ...inOne };
    const [one, many] = [await answers("pictures, one at a time", options), await answers("pictures", options)];
    expect(distance(one.losses, many.losses)).toBeLessThan(1e-6);
    expect(distance(one.logits, many.logits)).toBeLessThan(1e-5);
  });
});

describe("the bundle", () => {
  it("has each weight once, in a file that both models read", async () => {
    const { manifest, out } = await answers("pictures", { head: "ways:3", train: "all" });
    const { "weights.bin": shared, "adapt.onnx": adapt, "predict.onnx": predict } = manifest.files;
    // Arrays of fewer bytes than a kilobyte are in both.
    expect(shared!.bytes).toBeGreaterThanOrEqual(4 * 12 * 54);
    expect(adapt.bytes + predict.bytes).toBeLessThan(60_000);
    expect(readdirSync(out).sort()).toEqual(["adapt.onnx", "manifest.json", "predict.onnx", "weights.bin"]);
    const learner = await Learner.load(out, { provider: "cpu" });
    const { pictures, labels } = recorded;
    const personal = await learner.adapt({ ...batch(pictures.support), labels: labels.map(String) });
    const restored = await learner.restore(await personal.toBytes());
    const [first, again] = await Promise.all(
      [personal, restored].map((each) => each.predictBatch(batch(pictures.query))),
    );
    expect(again).toEqual(first);
    await learner.dispose();
  });

  it("is another one where only its weights are others", async () => {
    const bytes = modelOf("pictures");
    const identities = await Promise.all(
      [0, 1].map(async (change) => {
        const out = join(temporaryFolder(), "bundle");
        const changed = bytes.slice();
        // A number in the middle of the second convolution's weights.
        const at = Buffer.from(changed).lastIndexOf("conv2.weight") + 1000;
        changed[at] = changed[at]! ^ change;
        const { manifest } = await exportAdaptable(changed, { out });
        return manifest.files["adapt.onnx"].sha256;
      }),
    );
    expect(identities[0]).not.toBe(identities[1]);
  });

  it("says how pictures become numbers, and divides by what it is told", async () => {
    const raw = { mean: [0.5, 0.4, 0.3], std: [0.2, 0.25, 0.5] };
    const { manifest, notes } = await answers("pictures", { raw });
    expect(manifest.input.shape).toEqual([12, 12, 3]);
    expect(manifest.input.preprocessing).toEqual({
      kind: "image",
      width: 12,
      height: 12,
      channels: 3,
      invert: false,
      mean: 0,
      std: 1,
    });
    expect(notes[0]).toBe("an example is a picture of 12×12 pixels and 3 channels");
  });
});

describe("what cannot be done is refused, and nothing is written", () => {
  const cases: [
    what: string,
    model: string,
    options: Omit<ExportAdaptableOptions, "out">,
    code: string,
    says: string,
  ][] = [
    ["a size that is open", "texts", {}, "open-size", "--size sequence=64"],
    ["a tensor that there is not", "pictures", { embedding: "/fc/Gemm_output" }, "unknown-tensor", "makes no tensor"],
    ["a head that there is not", "pictures", { head: "ways:1" }, "bad-option", "ways:N"],
    ["weights that there are not", "pictures", { train: "/nothing/" }, "bad-option", "conv1"],
    ["a word that says nothing", "pictures", { train: "biases" }, "bad-option", "did you mean bias?"],
    ["an input that there is not", "pictures", { set: { state: 0 } }, "unknown-input", "it has picture"],
    ["means of other channels", "pictures", { raw: { mean: [1, 2] } }, "bad-option", "3 channels"],
  ];
  it.each(cases)("%s", async (_, model, options, code, says) => {
    const out = join(temporaryFolder(), "bundle");
    const error = await refusal(exportAdaptable(modelOf(model), { out, ...options }));
    expect(error.code).toBe(code);
    expect(error.exitStatus).toBe(2);
    expect(error.message).toContain(says);
    expect(existsSync(out)).toBe(false);
  });
});
