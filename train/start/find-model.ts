// Which model a bundle has that does not say it: the one that has the same arrays and gives the same answers.
import { Learner } from "@innerloop/runtime";
import { InnerloopError, type Manifest, type ModelConfig, sizeOf, type Tensor } from "@innerloop/schemas";
import { buildLearner } from "../algorithms/index.ts";
import { buildModel, type Model } from "../models/index.ts";
import { random } from "../random.ts";
import { openReference } from "../trainer/reference.ts";

type Weights = Readonly<Record<string, Tensor>>;

/** Answers that differ by more, relative to the largest of them, are another model's. */
const tolerance = 1e-3;

/** Classes of the task that models are compared on, with one example and one question each. */
const ways = 3;

/** @throws InnerloopError `bad-start` (status 2) where none does */
export async function findModel(folder: string, manifest: Manifest, weights: Weights): Promise<ModelConfig> {
  const candidates = candidatesFor(manifest, weights).filter((config) => fits(config, manifest, weights));
  if (candidates.length > 0 && manifest.task === "classification") {
    const answers = await bundleAnswers(folder, manifest);
    for (const config of candidates) if (await agrees(config, manifest, weights, answers)) return config;
  } else if (candidates.length === 1) return candidates[0]!;
  throw new InnerloopError(
    "bad-start",
    `The bundle "${manifest.name}" does not say which model it has, and none of the named models computes what it does; ` +
      "start from a bundle of a named model (train --model), or export its run again.",
    { exitStatus: 2 },
  );
}

/** What the arrays leave open is tried. */
function candidatesFor({ training }: Manifest, weights: Weights): ModelConfig[] {
  const widths = (layer: RegExp) =>
    Object.entries(weights).flatMap(([name, { shape }]) => (layer.test(name) ? [shape.at(-1)!] : []));
  const norm = training?.norm as ModelConfig["norm"];
  const filters = widths(/^conv\d+\.weight$/);
  const hidden = widths(/^dense\d+\.weight$/);
  const shared = norm ? { norm } : {};
  const usual = [{ strides: [2, 2, 2, 1] }, { pool: true }, { strides: [2, 2, 2, 2] }];
  const strided = [...usual, { strides: filters.map(() => 1) }];
  const blocks = strided.flatMap((how) =>
    (["polarity-free", "standardized", "raw"] as const).flatMap((input) =>
      (["flat", "mean"] as const).map((pooling) => ({ ...shared, ...how, input, pooling, filters })),
    ),
  );
  return [
    ...blocks.map((settings) => ({ kind: "conv4", ...settings })),
    { kind: "metamodel" },
    { kind: "resnet12", ...shared },
    { kind: "mlp", hidden },
  ];
}

/** Whether a model has the arrays of a bundle, and no others. */
function fits(config: ModelConfig, { input, output, parameters }: Manifest, weights: Weights): boolean {
  let model: Model;
  try {
    model = buildModel(config, input.shape, output.ways ?? output.size ?? ways);
  } catch {
    return false;
  }
  const own = Object.entries(model.parameters).filter(([name]) => !name.startsWith("head."));
  const theirs = Object.keys(weights).filter((name) => !/^(head\.|rate\/)/.test(name));
  const head = parameters.find(({ name }) => name === "head.weight");
  return (
    own.length === theirs.length &&
    own.every(([name, { shape }]) => weights[name]?.shape.join() === shape.join()) &&
    (head === undefined || head.shape[0] === model.features)
  );
}

/** A task of random numbers, and what the bundle answers. */
async function bundleAnswers(folder: string, { input, innerLoop }: Manifest) {
  const draw = random(0);
  const examples = (): Tensor => ({
    dtype: "float32",
    shape: [ways, ...input.shape],
    data: Float32Array.from({ length: ways * sizeOf(input.shape) }, () => draw.uniform()),
  });
  const [support, query] = [examples(), examples()];
  const learner = await Learner.load(folder, { provider: "cpu", threads: 1, task: "classification" });
  try {
    const labels = Array.from({ length: ways }, (_, i) => learner.manifest.labels?.[i] ?? String(i));
    const batch = ({ data, shape }: Tensor) => ({ data: data as Float32Array, shape });
    const personal = await learner.adapt({ ...batch(support), labels }, { steps: innerLoop.steps });
    const answers = await personal.predictBatch(batch(query));
    return { support, query, logits: answers.map(({ logits }) => logits) };
  } finally {
    await learner.dispose();
  }
}

async function agrees(
  config: ModelConfig,
  { input, output, innerLoop, task }: Manifest,
  weights: Weights,
  { support, query, logits }: Awaited<ReturnType<typeof bundleAnswers>>,
): Promise<boolean> {
  const learner = buildLearner(
    {
      algorithm: innerLoop.algorithm,
      head: innerLoop.head ?? "learned",
      ...(innerLoop.loop ? { loop: innerLoop.loop } : {}),
      steps: innerLoop.steps,
      innerRate: 1,
      learnRates: true,
      maxInnerRate: 1e6,
    },
    buildModel(config, input.shape, output.ways ?? ways),
    task,
  );
  if (!Object.entries(learner.parameters).every(([name, { shape }]) => weights[name]?.shape.join() === shape.join()))
    return false;
  const reference = await openReference(learner, weights);
  try {
    const y: Tensor = { dtype: "int32", shape: [ways], data: Int32Array.from({ length: ways }, (_, i) => i) };
    const answer = await reference.answer({ x: support, y }, { x: query, y }, innerLoop.steps);
    const width = answer.logits.shape[1]!;
    const pairs = logits.flatMap((row, i) => row.map((value, j) => [value, Number(answer.logits.data[i * width + j])]));
    const largest = Math.max(...pairs.map(([value]) => Math.abs(value!)));
    return pairs.every(([value, other]) => Math.abs(value! - other!) <= tolerance * largest);
  } finally {
    await reference.dispose();
  }
}
