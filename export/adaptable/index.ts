// Somebody's ONNX model becomes a bundle: read, given a head, verified against the file itself, and written.
import { addLora, type Learner, type LoraModel, numbersFrom } from "@innerloop/graph";
import type { Manifest } from "@innerloop/schemas";
import { exportBundle, placeFor } from "../bundle.ts";
import { learnerOf } from "./learner.ts";
import { type Network, readNetwork } from "./network.ts";
import { type AdaptableOptions, loraRank, planLearner, trainWords } from "./options.ts";
import { compareWithFile, openReference, randomEpisodes } from "./reference.ts";

export { type EncodedOptions, type Encoder, openEncoder } from "./encoded.ts";
export type { RawInput } from "./example.ts";
export { type AdaptLoss, type LossContext, type LossSettings, lossNamed, lossNames, lossOfFile } from "./losses.ts";
export { type OptimizerOptions, optimizerKinds } from "./optimizer.ts";
export type { AdaptableOptions } from "./options.ts";

export interface ExportAdaptableOptions extends AdaptableOptions {
  /** The bundle's folder, made with the folders above it. A bundle that is there already is replaced, anything else is not. */
  readonly out: string;
  /** What messages and the manifest call the model. */
  readonly name?: string;
  /** Of a model whose own outputs are kept: what its classes are called; their numbers from 0 unless given. */
  readonly labels?: readonly string[];
  readonly opset?: number;
  /** Stops it: nothing is left behind, and its reason is thrown. */
  readonly signal?: AbortSignal;
}

export interface Adaptable {
  readonly manifest: Manifest;
  /** What was found in the model, in sentences. */
  readonly notes: readonly string[];
  /** How many numbers move in an adaptation, and how many the model has. */
  readonly moved: number;
  readonly size: number;
}

const episodes = 2;

/**
 * Makes a bundle of an ONNX model, as it is on disk: to adapt on a device to a few examples.
 *
 * @param model the bytes of the file
 * @throws InnerloopError what reading the model throws; `unknown-tensor`, `no-embedding`, `open-size`, `unclear-input`, `bad-option`
 *   (status 2); `verification-failed`; `folder-taken`; `write-failed`. Nothing is written then.
 * @example
 * const { manifest, notes } = await exportAdaptable(await readFile("encoder.onnx"), { out: "bundle", head: "any" });
 */
export async function exportAdaptable(model: Uint8Array, options: ExportAdaptableOptions): Promise<Adaptable> {
  const { name = "model", out, signal, opset } = options;
  await placeFor(out);
  const { bytes, adapters, scale } = withFactors(model, name, options);
  const network = readNetwork(bytes, name, options, model);
  const used = adapters.filter(({ down }) => isUsed(network, down, options));
  const factors = used.flatMap(({ down, up }) => [down, up]);
  const plan = planLearner(network, options, factors);
  const moving = Object.keys(plan.moved);
  const learner = learnerOf(network, plan);
  const weights = Object.fromEntries(Object.keys(learner.parameters).map((each) => [each, network.weights[each]!]));
  await compareWithFile(model, network, network.weights, options.files);
  signal?.throwIfAborted();
  const labels = labelsOf(learner, options.labels);
  // Where each number moves by the sign of its gradient, what has none moves by rounding.
  const reference = openReference(learner, weights, plan.optimizer === undefined, plan.stop);
  try {
    const manifest = await exportBundle(learner, weights, {
      out,
      name: name.replace(/\.onnx$/i, ""),
      ...(network.plan.preprocessing ? { preprocessing: network.plan.preprocessing } : {}),
      ...(labels ? { labels } : {}),
      ...(used.length > 0 ? { factors: { adapters: used, scale } } : {}),
      ...(opset === undefined ? {} : { opset }),
      elements: Object.fromEntries(Object.entries(network.elements).filter(([each]) => learner.fixed?.has(each))),
      ...(signal ? { signal } : {}),
      verify: {
        episodes: randomEpisodes(network, learner, episodes),
        steps: [0, 1, Math.min(plan.steps, moving.length > 0 ? 2 : 10)],
        engine: reference.engine,
        reference: reference.reference,
      },
    });
    return {
      manifest,
      notes: network.notes,
      moved: sum(moving.map((each) => network.weights[each]!.data.length)),
      size: sum(Object.values(network.weights).map(({ data }) => data.length)),
    };
  } finally {
    await reference.dispose();
  }
}

/** The model with factors beside its weights, where these are what moves. */
function withFactors(model: Uint8Array, name: string, options: AdaptableOptions): LoraModel {
  const rank = loraRank(trainWords(options));
  if (rank === undefined) return { bytes: model, adapters: [], scale: 1 };
  const { alpha, adapters: of } = options;
  return addLora(model, name, {
    rank,
    random: numbersFrom(3),
    ...(alpha === undefined ? {} : { alpha }),
    ...(of ? { of } : {}),
  });
}

const isUsed = ({ body, head }: Network, name: string, options: AdaptableOptions): boolean =>
  body.has(name) || (options.head === "keep" && head.has(name));

/** A model's own classes have names; where nobody says which, their numbers. */
function labelsOf(
  { head, task, outputs }: Learner,
  given: readonly string[] | undefined,
): readonly string[] | undefined {
  if (head !== "learned" || task !== "classification") return given;
  return given ?? Array.from({ length: outputs! }, (_, i) => String(i));
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);
