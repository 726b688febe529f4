// The trained body of a conv4 bundle, for those who build on it by other means: its weights, and what it makes of images.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { input } from "@innerloop/graph";
import { Learner } from "@innerloop/runtime";
import { openSession } from "@innerloop/runtime/session";
import { InnerloopError, type Manifest, sizeOf, type Tensor } from "@innerloop/schemas";
import { conv4, type Model, openEngine } from "@innerloop/train";

/** A conv4 with weights. */
export interface Body {
  readonly model: Model;
  /** Of all its convolutions and norms. */
  readonly weights: Readonly<Record<string, Tensor>>;
}

export const strides = [2, 2, 2, 1] as const;

/** Whether grey paper changes what a bundle answers: it does unless the body standardizes its input, which weights do not show. */
async function seesPaper(bundle: string): Promise<boolean> {
  const learner: Learner = await Learner.load(bundle, { provider: "cpu" });
  try {
    const size = sizeOf(learner.manifest.input.shape);
    const pattern = (seed: number) => Float32Array.from({ length: size }, (_, i) => Number((i * seed) % 7 < 2));
    const mine = await learner.adapt(
      ["a", "b"].map((label, i) => ({ label, data: pattern(3 + i) })),
      { steps: 0 },
    );
    const [white, grey] = [(value: number) => value, (value: number) => 0.3 + 0.6 * value].map((paper) =>
      mine.predict(pattern(5).map(paper)),
    );
    const [first, other] = [(await white!).logits, (await grey!).logits];
    const largest = Math.max(...first.map(Math.abs));
    return first.some((value, i) => Math.abs(value - other[i]!) > 1e-2 * largest);
  } finally {
    await learner.dispose();
  }
}

/** The body that a bundle predicts with. @throws InnerloopError where it is no conv4, or one that standardizes its input */
export async function bodyOf(bundle: string): Promise<Body> {
  const manifest = JSON.parse(await readFile(join(bundle, "manifest.json"), "utf8")) as Manifest;
  const session = await openSession(join(bundle, "predict.onnx"), { provider: "cpu" });
  const { defaults } = session;
  await session.dispose();
  const weights = Object.fromEntries(Object.entries(defaults).filter(([name]) => !name.startsWith("head.")));
  const first = weights["conv1.weight"];
  if (!first || Object.keys(weights).length !== 12)
    throw new InnerloopError(
      "wrong-bundle",
      `${bundle} has the parameters ${Object.keys(weights).join(", ")}; a bundle of a conv4 with layer norm was expected, as the preset omniglot-5way-1shot makes.`,
      { exitStatus: 2 },
    );
  if (!(await seesPaper(bundle)))
    throw new InnerloopError(
      "wrong-bundle",
      `The body of ${bundle} standardizes its input, which what it is compared with here does not; train one with --input raw.`,
      { exitStatus: 2 },
    );
  return { model: conv4(manifest.input.shape, 5, { filters: first.shape[3]!, strides }), weights };
}

/** What a body makes of images, in batches of one size. */
export async function openFeatures({ model, weights }: Body) {
  const { engine } = await openEngine("onnxruntime:cpu");
  const batch = 100;
  const parameters = Object.fromEntries(Object.entries(weights).map(([name, { shape }]) => [name, input(name, shape)]));
  const size = sizeOf(model.inputShape);
  const x = input("x", [batch, ...model.inputShape]);
  const program = await engine.compile({ outputs: { features: model.body(parameters, x) } });
  return {
    width: model.features,
    /** `[n, ...inputShape]` to `[n, features]`. */
    async of(images: Tensor): Promise<Float32Array> {
      const n = images.shape[0]!;
      const rows = new Float32Array(n * model.features);
      for (let start = 0; start < n; start += batch) {
        const data = new Float32Array(batch * size);
        data.set((images.data as Float32Array).subarray(start * size, (start + batch) * size));
        const feeds = { ...weights, x: { dtype: "float32", shape: [batch, ...model.inputShape], data } as const };
        const { features } = await program.run(feeds);
        const used = Math.min(batch, n - start) * model.features;
        rows.set((features!.data as Float32Array).subarray(0, used), start * model.features);
      }
      return rows;
    },
    async close() {
      await program.dispose();
      await engine.dispose();
    },
  };
}
