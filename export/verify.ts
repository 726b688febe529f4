// Running an exported bundle on fresh episodes and comparing it, number by number, with what trained it.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Learner as BundledLearner } from "@innerloop/runtime";
import { InnerloopError, type Manifest, type ManifestFile, type Tensor } from "@innerloop/schemas";
import { sharedFile } from "./graphs.ts";

/** Examples: `x` float32 `[n, ...inputShape]`, `y` labels `[n]` (int32 or int64) or targets float32 `[n, size]`. */
export interface VerificationExamples {
  readonly x: Tensor;
  readonly y: Tensor;
}

/** A fresh episode; its sizes may differ from those of training. */
export interface VerificationEpisode {
  readonly support: VerificationExamples;
  readonly query: VerificationExamples;
}

/** What the training engine makes of an episode. */
export interface ReferenceAnswer {
  /** `[query, ways]`, or `[query, size]` for a regression. */
  readonly logits: Tensor;
  /** Before each step and after the last, `[steps + 1]`; `[1]` where a learner takes no steps. */
  readonly supportLoss: Tensor | readonly number[];
  /** Adapted arrays by name; those that are given are compared too. */
  readonly state?: Readonly<Record<string, Tensor>>;
}

/** How to verify a bundle. */
export interface VerifyOptions {
  readonly episodes: readonly VerificationEpisode[];
  /** Numbers of inner steps to try; 0, 1 and the learner's own when not given. */
  readonly steps?: readonly number[];
  /** The training engine's name. */
  readonly engine: string;
  /** Stops it between two episodes; its reason is thrown. */
  readonly signal?: AbortSignal;
  /** The training engine's answer for an episode, whose labels are numbered in order of first appearance. */
  reference(support: VerificationExamples, query: VerificationExamples, steps: number): Promise<ReferenceAnswer>;
}

/** What a verification found. */
export interface Verification {
  readonly episodes: number;
  /** Over everything compared, relative to the largest entry of what the reference says. */
  readonly largestDifference: number;
  readonly engine: string;
}

/**
 * The largest difference that a bundle may have from what trained it, relative to the largest entry of an output.
 *
 * Both compute in float32, whose rounding (6e-8) grows to 1e-6…1e-5 over a network and some steps; an error in a graph
 * shows at 1e-2 and above. A number within rounding of a kink (an activation at 0, two equal numbers in a pool) may fall
 * to the other side of it, and then takes its share of a gradient along, which moves an episode by more than rounding
 * does. Such episodes are rare and only gradients jump there, outputs do not. So before any step everything has to agree
 * to this figure, and after steps the median episode has to.
 */
export const tolerance = 1e-4;

/** The most that an episode with a number at a kink may differ after steps. */
export const kinkTolerance = 0.1;

/**
 * Runs a bundle's files through the runtime on the processor and compares logits, support losses and adapted arrays with
 * the reference, on every episode and number of steps; with each variant of adapt.onnx, too.
 *
 * @param folder the bundle
 * @throws InnerloopError `verification-failed` where they differ by more than {@link tolerance}
 */
export async function verifyBundle(folder: string, options: VerifyOptions): Promise<Verification> {
  if (options.episodes.length === 0)
    throw new InnerloopError(
      "bad-option",
      "No episodes were given to verify the bundle with; a bundle is written only when it was compared with what trained it; give at least one episode.",
      { exitStatus: 2 },
    );
  const opened = [{ file: "adapt.onnx", learner: await BundledLearner.load(folder, { provider: "cpu" }) }];
  try {
    const { manifest } = opened[0]!.learner;
    for (const file of Object.keys(manifest.files).filter((name) => /^adapt\..+\.onnx$/.test(name)))
      opened.push({ file, learner: await withVariant(folder, manifest, file) });
    const turns = [...new Set(options.steps ?? [0, 1, manifest.innerLoop.steps])].sort((a, b) => a - b);
    let largestDifference = 0;
    for (const steps of turns) {
      const answered: AnsweredEpisode[] = [];
      for (const episode of options.episodes) {
        options.signal?.throwIfAborted();
        answered.push(await answer(manifest, episode, steps, options));
      }
      for (const { file, learner } of opened) {
        const { worst, median } = await differences(learner, answered, steps);
        const most = steps === 0 ? tolerance : kinkTolerance;
        if (worst.size > most) throw failed(worst, file, steps, options.engine);
        if (median.size > tolerance) throw failed(median, file, steps, options.engine);
        largestDifference = Math.max(largestDifference, worst.size);
      }
    }
    return { episodes: options.episodes.length, largestDifference, engine: options.engine };
  } finally {
    for (const { learner } of opened) await learner.dispose();
  }
}

/** The bundle with one of its variants in the place of adapt.onnx: plain ONNX, which the processor runs as well. */
async function withVariant(folder: string, manifest: Manifest, file: string): Promise<BundledLearner> {
  const entry = (manifest.files as Record<string, ManifestFile>)[file]!;
  const changed: Manifest = { ...manifest, files: { ...manifest.files, "adapt.onnx": entry } };
  const others = Object.keys(manifest.files).filter((name) => name === "predict.onnx" || name === sharedFile);
  const read = async (name: string) => [name, await readFile(join(folder, name))] as const;
  const [[, adapt], ...rest] = await Promise.all([read(file), ...others.map(read)]);
  const json = new TextEncoder().encode(JSON.stringify(changed));
  const files = { "manifest.json": json, "adapt.onnx": adapt, ...Object.fromEntries(rest) };
  return BundledLearner.load({ files }, { provider: "cpu" });
}

/** An episode as the runtime numbers its labels, and what the reference says of it. */
interface AnsweredEpisode extends VerificationEpisode {
  /** Of each label number, for classes. */
  readonly names: readonly string[];
  readonly expected: ReferenceAnswer;
}

async function answer(
  { task, labels }: Manifest,
  episode: VerificationEpisode,
  steps: number,
  { reference }: VerifyOptions,
): Promise<AnsweredEpisode> {
  const { support, query, names } = task === "classification" ? numbered(episode, labels) : { ...episode, names: [] };
  return { support, query, names, expected: await reference(support, query, steps) };
}

/** The largest relative difference of an episode, and where it is. NaN counts as infinite. */
interface Difference {
  readonly size: number;
  readonly where: string;
}

/** Over episodes. */
async function differences(
  learner: BundledLearner,
  episodes: readonly AnsweredEpisode[],
  steps: number,
): Promise<{ worst: Difference; median: Difference }> {
  const found: Difference[] = [];
  for (const episode of episodes) found.push(await compare(learner, episode, steps));
  found.sort((a, b) => a.size - b.size);
  return { worst: found.at(-1)!, median: found[Math.floor((found.length - 1) / 2)]! };
}

async function compare(
  learner: BundledLearner,
  { support, query, names, expected }: AnsweredEpisode,
  steps: number,
): Promise<Difference> {
  const classes = learner.manifest.task === "classification";
  const batch = { data: support.x.data as Float32Array, shape: support.x.shape };
  const personal = classes
    ? await learner.adapt({ ...batch, labels: numbers(support.y.data).map((label) => names[label]!) }, { steps })
    : await (learner as unknown as BundledLearner<"regression">).adapt(
        { x: batch, y: { data: support.y.data as Float32Array, shape: support.y.shape } },
        { steps },
      );
  const answers = await personal.predictBatch({ data: query.x.data as Float32Array, shape: query.x.shape });
  const rows = answers.map((answer) => ("logits" in answer ? answer.logits : answer.value));
  const width = expected.logits.shape[1]!;
  const wanted = numbers(expected.logits.data);
  // The runtime gives one logit for each label of the support set; the reference one for each output of the head.
  const columns = classes ? personal.labels.map((label) => names.indexOf(label)) : [...rows[0]!.keys()];
  // A unit of logits and of losses is a nat; a regression has the unit of its data, so there the data say what is large.
  const least = classes ? 1 : 0;
  const state = Object.entries(expected.state ?? {}).map(([name, { data }]) => ({ name, values: numbers(data) }));
  // An array that starts at 0 and hardly moves is all rounding, so arrays count by the largest of them all.
  const leastOfState = largest(state.flatMap(({ values }) => largest(values)));
  const found = [
    difference(
      "logits",
      rows.flat(),
      rows.flatMap((_, row) => columns.map((column) => wanted[row * width + column]!)),
      least,
    ),
    difference("support_loss", personal.supportLoss, tensorOrList(expected.supportLoss), least),
    ...state.map(({ name, values }) =>
      difference(`adapted/${name}`, numbers(personal.state[name]?.data ?? []), values, leastOfState),
    ),
  ];
  return found.reduce((a, b) => (b.size > a.size ? b : a));
}

/** The episode as the runtime numbers it (by first appearance, or by the fixed label set), and the name of each label. */
function numbered(
  { support, query }: VerificationEpisode,
  fixed: readonly string[] | undefined,
): VerificationEpisode & { names: readonly string[] } {
  if (fixed) return { support, query, names: fixed };
  const seen = [...new Set(numbers(support.y.data))];
  const renumber = ({ x, y }: VerificationExamples): VerificationExamples => ({
    x,
    y: { dtype: "int32", shape: y.shape, data: Int32Array.from(numbers(y.data), (label) => seen.indexOf(label)) },
  });
  return { support: renumber(support), query: renumber(query), names: seen.map(String) };
}

const numbers = (data: ArrayLike<number | bigint>): number[] => Array.from(data, Number);
const tensorOrList = (losses: Tensor | readonly number[]): readonly number[] =>
  "data" in losses ? numbers(losses.data) : losses;

const largest = (values: readonly number[]): number =>
  values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

function difference(where: string, actual: readonly number[], expected: readonly number[], least: number): Difference {
  const apart = actual.length === expected.length ? largest(expected.map((value, i) => value - actual[i]!)) : Infinity;
  return {
    where,
    size: Number.isFinite(apart) ? apart / Math.max(least, largest(expected), Number.MIN_VALUE) : Infinity,
  };
}

function failed({ size, where }: Difference, file: string, steps: number, engine: string): InnerloopError {
  return new InnerloopError(
    "verification-failed",
    `The exported bundle, run with ${file}, differs from ${engine}: ${where} after ${steps} steps by ${size.toExponential(1)} of its largest entry; ` +
      `at most ${tolerance.toExponential(0)} was expected; nothing was written; check that the weights belong to this learner, and report it if they do.`,
  );
}
