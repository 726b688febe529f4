// Networks that PyTorch wrote become bundles: what the runtime adapts and predicts is what PyTorch's own derivatives give, and what
// cannot be done is refused with nothing written.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type ExportAdaptableOptions, exportAdaptable, mergeAdapted } from "@innerloop/export";
import { constant, input, mergeLora, op, writeOnnx } from "@innerloop/graph";
import { Learner, type Personal } from "@innerloop/runtime";
import { openSession } from "@innerloop/runtime/session";
import type { Tensor } from "@innerloop/schemas";
import { decodeModel } from "@innerloop/schemas/onnx";
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

const arraysOf = (state: Readonly<Record<string, Tensor>>) =>
  Object.fromEntries(
    Object.entries(state).map(([name, { shape, data }]) => [name, { shape, data: data as Float32Array }]),
  );

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

/** The model's own classes that examples are of. */
const own = ["2", "5", "7"];

const inOne = { steps: 5, rate: 0.05, optimizer: "sgd" } as const;

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

  it.each([
    ["momentum", { kind: "momentum", momentum: 0.5 }],
    ["adamw, clip 1", { kind: "adamw", clip: 1 }],
  ] as const)("goes the way of PyTorch's optimizer: %s", async (name, optimizer) => {
    const options = { head: "keep", train: "all", optimizer, rate: optimizer.kind === "adamw" ? 0.002 : 0.02 } as const;
    expectRecorded(`pictures, keep, all, ${name}`, await answers("pictures", options, own));
  });

  it("starts a fresh classifier at the first look at the loss, where an optimizer moves the body", async () => {
    const optimizer = { kind: "momentum", momentum: 0.5 } as const;
    const options = { head: "ways:3", train: "all", optimizer, rate: 0.01, headRate: 0.1 };
    expectRecorded("pictures, ways:3, all, momentum", await answers("pictures", options));
  });

  it("ends where a loss is reached, or nothing is gained any more", async () => {
    const plain = { head: "ways:3", ...inOne } as const;
    const { losses } = await answers("pictures", plain);
    const least = (losses[2]! + losses[3]!) / 2;
    const stopped = await answers("pictures", { ...plain, stop: { loss: least } });
    // The turn that sees the loss takes one more step, which is judged at the end.
    expect(distance(stopped.losses, losses.slice(0, 5))).toBeLessThan(1e-6);
    // Every step of such a length is taken back, and the second in a row ends it.
    const wild = { head: "keep", train: "all", optimizer: "sgd", rate: 1e9, stop: { patience: 2 } } as const;
    const refused = await answers("pictures", wild, own);
    expect(refused.losses.length).toBe(4);
    expect(refused.losses.at(-1)).toBe(refused.losses[0]);
    // A step that leaves the loss as it is, is kept.
    const flat = { head: "keep", train: "all", optimizer: "sgd", rate: 0, stop: { patience: 1 } } as const;
    expect((await answers("pictures", flat, own)).losses.length).toBe(6);
  });

  it("gets factors of LoRA beside its weights", async () => {
    const options = { head: "keep", train: "lora:2", alpha: 4, rate: 0.01 };
    const result = await answers("pictures", options, own);
    expectRecorded("pictures, keep, lora:2", result);
    expect(result.manifest.parameters.map(({ name }) => name).sort()).toEqual([
      "lora/conv1.weight/down",
      "lora/conv1.weight/up",
      "lora/conv2.weight/down",
      "lora/conv2.weight/up",
      "lora/fc.weight/down",
      "lora/fc.weight/up",
    ]);
  });

  it("computes the model again in the place of keeping it, with the same numbers", async () => {
    for (const [model, options] of [
      ["pictures", { head: "ways:3", train: "all", rate: 0.01, optimizer: "momentum" }],
      ["texts", { head: "ways:3", train: ["lora:2", "bias"], sizes: { sequence: 8 } }],
      ["texts", { train: "all", optimizer: "sgd", sizes: { sequence: 8 } }],
    ] as const) {
      const kept = await answers(model, options);
      const again = await answers(model, { ...options, recompute: true });
      expect(distance(again.losses, kept.losses)).toBeLessThan(1e-6);
      expect(distance(again.logits, kept.logits)).toBeLessThan(1e-5);
      expect(again.manifest.files["adapt.onnx"].bytes).toBeGreaterThan(kept.manifest.files["adapt.onnx"].bytes);
    }
  });

  it("has them put into its weights, in a file without factors", async () => {
    const options = { head: "keep", train: "lora:2", alpha: 4, rate: 0.01 };
    const { personal, logits } = await answers("pictures", options, own);
    const merged = mergeLora(modelOf("pictures"), "net.onnx", arraysOf(personal.state), { rank: 2, alpha: 4 });
    const session = await openSession(merged, { provider: "cpu" });
    const { shape, data } = recorded.pictures.query;
    const [n, height, width, channels] = shape as [number, number, number, number];
    const turned = Float32Array.from({ length: data.length }, (_, i) => {
      const [image, channel] = [
        Math.floor(i / (channels * height * width)),
        Math.floor(i / (height * width)) % channels,
      ];
      return data[(image * height * width + (i % (height * width))) * channels + channel]!;
    });
    const picture = { dtype: "float32", shape: [n, channels, height, width], data: turned } as const;
    const found = (await session.run({ picture })).logits!.data as Float32Array;
    await session.dispose();
    const wanted = [0, 1, 2].flatMap((row) => own.map((name) => found[row * 10 + Number(name)]!));
    expect(distance(logits, wanted)).toBeLessThan(1e-5);
  });

  it("has several sets of them on one bundle, switched by taking another, and put into a file of its own each", async () => {
    for (const [model, options] of [
      ["pictures", { head: "ways:3", train: ["lora:2", "bias"], alpha: 4, rate: 0.05 }],
      ["texts", { head: "any", train: "lora:2", rate: 0.05, sizes: { sequence: 8 } }],
    ] as const) {
      const out = join(temporaryFolder(), "bundle");
      await exportAdaptable(modelOf(model), { out, name: "net.onnx", ...options });
      const { support, query } = recorded[model];
      const learner = await Learner.load(out, { provider: "cpu" });
      const sets = ["one", "other"];
      const answersOf = (personal: Personal) =>
        personal.predictBatch(batch(query)).then((each) => each.flatMap(({ logits }) => logits));
      const before = await Promise.all(
        sets.map(async (name, turn) => {
          const labels = recorded.labels.map((label, row, { length }) =>
            turn === 0 ? "abc"[label]! : "bca"[Math.floor((3 * row) / length)]!,
          );
          const personal = await learner.adapt({ ...batch(support), labels }, { steps: 5 });
          await personal.save(join(out, "..", `${name}.safetensors`));
          return answersOf(personal);
        }),
      );
      for (const [i, name] of [...sets.entries(), ...sets.entries()]) {
        const again = await learner.restore(join(out, "..", `${name}.safetensors`));
        expect(await answersOf(again)).toEqual(before[i]);
      }
      expect(distance(before[0]!, before[1]!)).toBeGreaterThan(0.01);
      for (const [i, name] of sets.entries()) {
        const { bytes, labels, merged } = await mergeAdapted(out, join(out, "..", `${name}.safetensors`));
        expect([...labels].sort()).toEqual(["a", "b", "c"]);
        const written = decodeModel(bytes, name).graph!;
        // What the factors were for is in the weights: none is left, and no product with one.
        expect(merged).toBeGreaterThan(1);
        expect(written.initializer!.map((tensor) => tensor.name).filter((each) => /^lora/.test(each!))).toEqual([]);
        expect(written.input!.map((each) => each.name)).toEqual(["query_x"]);
        const session = await openSession(bytes, { provider: "cpu" });
        const x = { dtype: "float32", ...batch(query) } as const;
        const found = (await session.run({ query_x: x })).logits!.data as Float32Array;
        expect(distance([...found], before[i]!)).toBeLessThan(1e-5);
        await session.dispose();
      }
      await learner.dispose();
    }
  });

  it("keeps its own classes, of which those that examples are of are learned", async () => {
    const result = await answers("pictures", { head: "keep", ...inOne }, own);
    expectRecorded("pictures, keep, head", result);
    expect(result.personal.labels).toEqual(["2", "5", "7"]);
  });

  it("gets a head for any number of classes, on the mean of the tokens that are there", async () => {
    const result = await answers("texts", { sizes: { sequence: 8 } });
    expectRecorded("texts, any, head", result);
    expect(result.manifest.output.ways).toBeNull();
    expect(result.notes.join("\n")).toContain('16 numbers of the tensor "hidden"');
  });

  it("gets one by class means", async () => {
    const result = await answers("texts", { head: "means", sizes: { sequence: 8 } });
    expectRecorded("texts, means, head", result);
    expect(result.manifest).toMatchObject({ output: { ways: null }, innerLoop: { head: "prototypes" } });
  });

  it("may take one example at a time", async () => {
    const options = { head: "ways:3", train: "all", ...inOne };
    const [one, many] = [await answers("pictures, one at a time", options), await answers("pictures", options)];
    expect(distance(one.losses, many.losses)).toBeLessThan(1e-6);
    expect(distance(one.logits, many.logits)).toBeLessThan(1e-5);
  });
});

it("takes a model with further inputs and large constants", async () => {
  const [x, state] = [input("x", ["n", 600]), input("state", [2, 3])];
  const table = constant(
    Array.from({ length: 1800 }, (_, i) => Math.sin(i)),
    [600, 3],
  );
  const weight = input("w", [600, 3]);
  const shifted = op.Add(op.MatMul(op.Tanh(x), op.Add(weight, table)), op.ReduceSum(state, { axes: [0] }));
  const model = writeOnnx(
    { features: shifted },
    {
      inputs: [x, state],
      fixed: new Set(["w"]),
      initializers: { w: { dtype: "float32", shape: [600, 3], data: new Float32Array(1800).fill(0.5) } },
    },
  );
  const out = join(temporaryFolder(), "bundle");
  const { manifest, notes } = await exportAdaptable(model, { out, set: { state: 2 } });
  expect(manifest.input.shape).toEqual([600]);
  expect(notes.at(-1)).toBe('features are 3 numbers of the tensor "features"');
  // Weight and constant are in the shared file, once each.
  expect(manifest.files["weights.bin"]!.bytes).toBe(Math.ceil((1800 * 4) / 64) * 64 + 1800 * 4);
  expect(manifest.files["predict.onnx"].bytes).toBeLessThan(7200);
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

describe("features", () => {
  const sequence = input("x", ["batch", 5, 4]);
  const row = input("x", ["batch", 12]);
  it.each([
    // As recurrent networks have them: steps before examples.
    [
      "of steps before examples",
      op.Tanh(op.Concat([op.Transpose(sequence, [1, 0, 2]), op.Transpose(sequence, [1, 0, 2])], 2)),
      8,
    ],
    ["of a map with one place", op.Sigmoid(op.Reshape(row, [0, 12, 1, 1])), 12],
  ])("%s are those of an example", async (_, y, width) => {
    const out = join(temporaryFolder(), "bundle");
    const { notes } = await exportAdaptable(writeOnnx({ y }), { out, name: "net.onnx" });
    expect(notes.join()).toContain(`features are ${width} numbers`);
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
    ["a rank that is none", "pictures", { train: "lora:0" }, "bad-option", "lora:8"],
    ["factors beside nothing", "pictures", { train: "lora:2", adapters: () => false }, "no-weights", "no weight"],
    ["a loss that there is not", "pictures", { loss: "hinge" }, "bad-option", "cross-entropy"],
    ["a loss of values for classes", "pictures", { loss: "huber" }, "bad-option", "--head keep"],
    ["a loss of an embedding that stays", "pictures", { loss: "triplet" }, "bad-option", "--train all"],
    ["an optimizer that there is not", "pictures", { optimizer: "lion" as "adam" }, "bad-option", "adamw"],
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
