// A learner and its weights become a bundle: built in memory, written beside its place, verified there, and only then
// moved to it; a refusal leaves nothing behind.
import { createHash } from "node:crypto";
import { open, readFile, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { defaultOpset, irVersion, type Learner, type LoraModel, outlineOnnx, tunedProviders } from "@innerloop/graph";
import {
  behindLinks,
  makeFolder,
  missingFolders,
  putBack,
  removeEmpty,
  replaceFolder,
  sweep,
  syncFolder,
  temporaryIn,
  tryFolder,
} from "@innerloop/runtime/files";
import {
  InnerloopError,
  MANIFEST_VERSION,
  type Manifest,
  misfit,
  type NumericName,
  type Preprocessing,
} from "@innerloop/schemas";
import { type CalibrateOptions, calibrateBundle } from "./calibrate.ts";
import { learnerGraphs, sharedFile, type Weights } from "./graphs.ts";
import { type VerifyOptions, verifyBundle } from "./verify.ts";

/** The factors in a model, and what their products are multiplied by. */
export type Factors = Pick<LoraModel, "adapters" | "scale">;

/** What a bundle says besides what its learner does. */
export interface BundleOptions {
  /** What people call it; the learner's algorithm when not given. */
  readonly name?: string;
  /** How a raw example becomes numbers. */
  readonly preprocessing?: Preprocessing;
  /** What pictures that it was trained on look like, where they are of something on an even ground. */
  readonly content?: Manifest["input"]["content"];
  /** The label set, where the data has a fixed one: one text for each output of a learned head. */
  readonly labels?: readonly string[];
  /** Examples a class that it was trained for. */
  readonly shots?: number;
  readonly training?: NonNullable<Manifest["training"]>;
  readonly metrics?: Readonly<Record<string, number>>;
  /** ai.onnx 17 to 21. */
  readonly opset?: number;
  /** The element types that fixed parameters have in the files, where graphs lack them: float16, bfloat16, int4, …. */
  readonly elements?: Readonly<Record<string, NumericName>>;
  /** Of a model with factors of LoRA: where they are, so that they can be put into its weights. */
  readonly factors?: Factors;
  /** Providers of ONNX Runtime that get an adapt.onnx of their own beside the portable one: `cuda`, `webgpu`, `dml`. */
  readonly variants?: readonly string[];
  readonly producer?: { readonly name: string; readonly version: string };
}

export interface ExportOptions extends BundleOptions {
  /** The bundle's folder, made with the folders above it. A bundle that is there already is replaced, anything else is not. */
  readonly out: string;
  readonly verify: VerifyOptions;
  /** Held-back classes to fit the manifest's `confidence` on; without them it has none. Classification only. */
  readonly calibrate?: CalibrateOptions;
  /** Stops an export between two episodes: nothing is left behind, and its reason is thrown. */
  readonly signal?: AbortSignal;
}

/** A bundle in memory. Its manifest says that it is not verified. */
export interface BuiltBundle {
  readonly manifest: Manifest;
  readonly files: Readonly<Record<string, Uint8Array>>;
}

const bundleFormat = "innerloop-bundle";

const variantFile = (provider: string): `adapt.${string}.onnx` => `adapt.${provider}.onnx`;

/**
 * Builds the files of a bundle: `adapt.onnx`, `predict.onnx`, for a body that normalizes over examples
 * `predict-transductive.onnx`, and the variants `adapt.<provider>.onnx` that are asked for. The same learner, weights and
 * options give the same bytes. Of a learner with parameters that are fixed, what both graphs have of them is in `weights.bin`.
 *
 * @param weights every meta-parameter of the learner, float32
 * @throws InnerloopError `bad-weights`; `bad-option` for labels, preprocessing or variants that do not fit; `open-dim` and `unsupported-operator`
 *   where the learner uses what has no ONNX form
 */
export function buildBundle(learner: Learner, weights: Weights, options: BundleOptions = {}): BuiltBundle {
  const { labels, preprocessing, content, shots, metrics, variants = [] } = options;
  const { opset = defaultOpset, name = learner.algorithm } = options;
  const { producer = { name: "innerloop", version: "0.1.0" } } = options;
  if (!(Number.isInteger(opset) && opset >= 17 && opset <= 21))
    throw badOption(
      `opset ${opset} was given; a whole number from 17 to 21 was expected; ${defaultOpset} is the usual one`,
    );
  if (labels && labels.length !== learner.outputs)
    throw badOption(
      `${labels.length} labels were given; ` +
        (learner.outputs === undefined || learner.task === "regression"
          ? "a learner without a fixed number of classes takes none; leave them out"
          : `the head has ${learner.outputs} outputs; give one label for each`),
    );
  const untuned = variants.find((variant) => !tunedProviders.includes(variant));
  if (untuned !== undefined)
    throw badOption(
      `the variant "${untuned}" was asked for; there are ${tunedProviders.join(", ")}; every other provider runs the portable adapt.onnx`,
    );
  const wrongly = preprocessing && misfit(preprocessing, learner.inputShape);
  if (wrongly) throw badOption(`the ${wrongly}; give the one that the learner was trained with`);
  const { elements } = options;
  const graphs = learnerGraphs(learner, weights, { opset, producer, ...(elements ? { elements } : {}) });
  const { task } = learner;
  const input = {
    shape: [...learner.inputShape],
    dtype: "float32" as const,
    ...(preprocessing ? { preprocessing } : {}),
  };
  const output = task === "regression" ? { ways: null, size: learner.outputs! } : { ways: learner.outputs ?? null };
  const innerLoop = {
    algorithm: learner.algorithm,
    head: learner.head,
    ...(learner.loop ? { loop: learner.loop } : {}),
    steps: learner.testSteps ?? learner.steps,
    rates: graphs.rates,
    ...(shots === undefined ? {} : { shots }),
  };
  const parameters = graphs.parameters.map((parameter) => ({ ...parameter, shape: [...parameter.shape] }));
  const shared = { task, input, output, ...(labels ? { labels: [...labels] } : {}) };
  // A graph whose numbers lie in another file is told from one with others by its own bytes alone.
  const numbers = learner.fixed ? { weights: digestOf(weights) } : {};
  const factors = options.factors ? { factors: options.factors } : {};
  const files: Record<string, Uint8Array> = {
    "adapt.onnx": graphs.adapt(metadata({ ...shared, ...numbers, innerLoop })),
    "predict.onnx": graphs.predict(metadata({ ...shared, ...numbers, parameters, ...factors })),
  };
  for (const provider of variants)
    files[variantFile(provider)] = graphs.adapt(metadata({ ...shared, ...numbers, innerLoop, provider }), provider);
  if (learner.usesBatchStatistics)
    files["predict-transductive.onnx"] = graphs.predict(metadata({ ...shared, parameters }), true);
  const training = { ...options.training, norm: learner.norm, usesBatchStatistics: learner.usesBatchStatistics };
  // A model of a later opset that is a part of the graphs brings its own.
  const written = learner.fixed
    ? Math.max(...Object.entries(files).map(([file, bytes]) => outlineOnnx(bytes, file).opset))
    : opset;
  const beside = graphs.shared();
  if (beside) files[sharedFile] = beside;
  const manifest: Manifest = {
    format: bundleFormat,
    version: MANIFEST_VERSION,
    name,
    created: new Date().toISOString(),
    producer: { ...producer },
    ...shared,
    input: { ...input, ...(content ? { content } : {}) },
    opset: written,
    irVersion: irVersion(written),
    innerLoop,
    parameters,
    files: Object.fromEntries(
      Object.entries(files).map(([file, bytes]) => [
        file,
        { sha256: createHash("sha256").update(bytes).digest("hex"), bytes: bytes.length },
      ]),
    ) as unknown as Manifest["files"],
    verification: { episodes: 0, largestDifference: 0, engine: "none" },
    training,
    ...(metrics ? { metrics: { ...metrics } } : {}),
  };
  return { manifest, files };
}

/**
 * Writes a verified bundle: into a new folder beside `out`, which is run there against the reference, calibrated, and then
 * takes its place. Folders above it are made where they are missing. Whatever goes wrong, nothing is left behind and an earlier
 * bundle at `out` stays as it was.
 *
 * @param weights every meta-parameter of the learner, float32
 * @returns the manifest as written
 * @throws InnerloopError what {@link buildBundle} throws; `verification-failed` with the figure; `folder-taken` where `out`
 *   is something else than a bundle; `write-failed`; the signal's reason where that stopped it
 * @example
 * const manifest = await exportBundle(learner, weights, {
 *   out: "bundle",
 *   verify: { episodes, engine: "onnxruntime:cpu", reference: (support, query, steps) => answer(support, query, steps) },
 * });
 */
export async function exportBundle(learner: Learner, weights: Weights, options: ExportOptions): Promise<Manifest> {
  const built = buildBundle(learner, weights, options);
  const out = await placeFor(options.out);
  const staged = temporaryIn(dirname(out));
  let folders: string[] = [];
  try {
    await writing(out, async () => {
      folders = await makeFolder(staged);
      await sweep(dirname(out));
      for (const [file, bytes] of Object.entries(built.files)) await writeNew(join(staged, file), bytes);
      await writeNew(join(staged, "manifest.json"), json(built.manifest));
    });
    const { verify, calibrate, signal } = options;
    const verification = await verifyBundle(staged, { ...verify, ...(signal ? { signal } : {}) });
    const confidence = calibrate && (await calibrateBundle(staged, { ...calibrate, ...(signal ? { signal } : {}) }));
    signal?.throwIfAborted();
    const manifest: Manifest = { ...built.manifest, verification, ...(confidence ? { confidence } : {}) };
    await writing(out, async () => {
      await rm(join(staged, "manifest.json"));
      await writeNew(join(staged, "manifest.json"), json(manifest));
      await syncFolder(staged);
      await replaceFolder(staged, out);
    });
    return manifest;
  } finally {
    await rm(staged, { recursive: true, force: true }).catch(() => undefined);
    // Only empty folders go, so this does nothing once the bundle is in place.
    await removeEmpty(folders);
  }
}

/** Of all weights, by their names. */
function digestOf(weights: Weights): string {
  const hash = createHash("sha256");
  for (const [name, { data }] of Object.entries(weights))
    hash.update(name).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return hash.digest("hex");
}

/** Each field under `innerloop.<field>`: text as it is, everything else as JSON. */
const metadata = (fields: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries({ format: bundleFormat, version: MANIFEST_VERSION, ...fields }).map(([key, value]) => [
      `innerloop.${key}`,
      typeof value === "string" ? value : JSON.stringify(value),
    ]),
  );

const json = (manifest: Manifest): Uint8Array => new TextEncoder().encode(`${JSON.stringify(manifest, null, 2)}\n`);

/**
 * Finds out whether a bundle can be written to a place, which {@link exportBundle} does first as well: before long work it is
 * worth knowing. An earlier bundle whose replacement was cut off is put back.
 *
 * @returns the place, through links
 * @throws InnerloopError `folder-taken` where something else than a bundle is there; `write-failed`
 */
export async function placeFor(folder: string): Promise<string> {
  let out = folder;
  await writing(folder, async () => {
    await putBack(folder);
    out = await behindLinks(folder);
    const above = await missingFolders(dirname(out));
    await tryFolder(above.length > 0 ? dirname(above.at(-1)!) : dirname(out));
  });
  const there = await stat(out).catch(() => undefined);
  if (!there) return out;
  const manifest = await readFile(join(out, "manifest.json"), "utf8").catch(() => "");
  if (there.isDirectory() && manifest.includes(`"${bundleFormat}"`)) return out;
  throw new InnerloopError(
    "folder-taken",
    `${out}: there is something else than a bundle here; a new folder, or a bundle to replace, was expected; choose another place`,
    { exitStatus: 2 },
  );
}

async function writeNew(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, "wx");
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function writing(out: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    throw new InnerloopError(
      "write-failed",
      `${out}: the bundle was not written (${cause instanceof Error ? cause.message : String(cause)}); nothing was left behind; ` +
        "choose a place that can be written to and has space",
      { cause },
    );
  }
}

function badOption(message: string): InnerloopError {
  return new InnerloopError("bad-option", `${message}.`, { exitStatus: 2 });
}
