// The tutorial of docs/tutorial.md as one program: a network trained the plain way, MAML by hand and from the library,
// meta-training, evaluation on classes never seen, and the learner running on plain ONNX Runtime.
import { pathToFileURL } from "node:url";
import { exportBundle } from "@innerloop/export";
import {
  type ExampleValues,
  evaluate,
  grad,
  innerLoop,
  input,
  type Learner as LearnerGraphs,
  op,
  type Parameters,
  type Value,
} from "@innerloop/graph";
import { Learner, type Tensor } from "@innerloop/runtime";
import {
  Conv2d,
  crossEntropy,
  drawGlyph,
  Flatten,
  fit,
  Linear,
  type Loss,
  MaxPool2d,
  MetaDataset,
  MetaTrainer,
  type Model,
  maml,
  metrics,
  openReference,
  ReLU,
  random,
  Sequential,
} from "@innerloop/train";

/** How long to train: the tutorial's own numbers unless others are given. */
export interface Length {
  readonly epochs?: number;
  readonly batches?: number;
  readonly episodes?: number;
}

/** Points of two classes: the sign of a curved function of ten numbers. */
function twoClasses(n = 1000): { inputs: Tensor; targets: Tensor } {
  const draw = random(1);
  const data = Float32Array.from({ length: n * 10 }, () => draw.normal());
  const label = (i: number) => (data[i * 10]! + data[i * 10 + 1]! ** 2 > 1 ? 1 : 0);
  return {
    inputs: { dtype: "float32", shape: [n, 10], data },
    targets: { dtype: "int32", shape: [n], data: Int32Array.from({ length: n }, (_, i) => label(i)) },
  };
}

/** II. The basics: a model, a loss, an optimizer, ten epochs. */
export async function basics({ epochs = 10 }: Length = {}): Promise<number> {
  const { inputs, targets } = twoClasses();
  const model = Sequential(Linear(10, 5), ReLU, Linear(5, 2));

  const { predict } = await fit(model, inputs, targets, {
    loss: crossEntropy,
    optimizer: { kind: "adam", rate: 0.001 },
    batch: 10,
    epochs,
    onEpoch: ({ epoch, loss }) => console.log(`Epoch ${epoch}, Loss: ${loss.toFixed(4)}`),
  });

  const predicted = metrics.argmax((await predict(inputs)).data as Float32Array, 2);
  const accuracy = metrics.accuracy(predicted, targets.data as Int32Array);
  console.log(`Accuracy: ${accuracy.toFixed(3)}`);
  return accuracy;
}

/** II. A layer and a loss of one's own are plain functions over values. */
export async function ownParts({ epochs = 10 }: Length = {}): Promise<void> {
  const { inputs, targets } = twoClasses();

  const Mish = (x: Value) => op.Mul(x, op.Tanh(op.Softplus(x)));
  const smoothed: Loss = (logits, labels) => {
    const everyClass = op.Neg(op.ReduceMean(op.LogSoftmax(logits), { keepdims: false }));
    return op.Add(op.Mul(0.9, crossEntropy(logits, labels)), op.Mul(0.1, everyClass));
  };

  const model = Sequential(Linear(10, 5), Mish, Linear(5, 2));
  await fit(model, inputs, targets, {
    loss: smoothed,
    batch: 10,
    epochs,
    onEpoch: ({ epoch, loss }) => console.log(`Epoch ${epoch}, Loss: ${loss.toFixed(4)}`),
  });
}

/** III. MAML by hand: the meta-loss of one task, and its exact gradient. */
export function metaGradient(
  model: Model,
  theta: Parameters,
  support: ExampleValues,
  query: ExampleValues,
  { steps = 5, innerRate = 0.01, order = 2 as 1 | 2 } = {},
): { metaLoss: Value; gradients: Value[] } {
  const loss = (p: Parameters, { x, y }: ExampleValues) => crossEntropy(model.apply(p, x), y);
  const rates = Object.fromEntries(Object.keys(theta).map((name) => [name, innerRate]));

  const { adapted } = innerLoop((p) => loss(p, support), theta, { steps, rates, order });
  const metaLoss = loss(adapted, query);
  return { metaLoss, gradients: grad(metaLoss, Object.values(theta)) };
}

/** III. How much of the meta-gradient the second-order term is, on one small task. */
export function secondOrderShare(innerRate = 0.01): number {
  const model = Sequential(Linear(10, 5), ReLU, Linear(5, 2));
  const { inputs, targets } = twoClasses(20);
  const numbers: Record<string, Tensor> = { x: inputs, y: targets };
  const values = Object.entries(model.parameters).map(([name, { shape, initialize }], i): [string, Value] => {
    numbers[name] = { dtype: "float32", shape, data: initialize(random(2, i)) };
    return [name, input(name, shape)];
  });
  const rows = (from: number, to: number): ExampleValues => ({
    x: op.Slice(input("x", [20, 10]), [from], [to], [0]),
    y: op.Slice(input("y", [20], "int64"), [from], [to], [0]),
  });
  const gradientOf = (order: 1 | 2) => {
    const { gradients } = metaGradient(model, Object.fromEntries(values), rows(0, 10), rows(10, 20), {
      innerRate,
      order,
    });
    const feeds = Object.entries(numbers).map(([name, { shape, data }]) => [
      name,
      { shape, data: Array.from(data, Number) },
    ]);
    return evaluate(gradients, Object.fromEntries(feeds)).flatMap(({ data }) => [...data]);
  };
  const [exact, first] = [gradientOf(2), gradientOf(1)];
  const length = (vector: readonly number[]) => Math.hypot(...vector);
  return length(exact.map((entry, i) => entry - first[i]!)) / length(exact);
}

/** IV. The data: characters of 200 classes by 20 hands each, 14×14 pixels. */
export function characters(classes = 200, hands = 20): MetaDataset {
  const data: Float32Array[] = [];
  const labels: string[] = [];
  for (let id = 0; id < classes; id++)
    for (let hand = 0; hand < hands; hand++) {
      data.push(halved(drawGlyph(id, hand)));
      labels.push(`character-${id}`);
    }

  return new MetaDataset(data, labels, {
    ways: 5,
    shots: 5,
    queries: 5,
    inputShape: [14, 14, 1],
    split: { test: 0.2 },
  });
}

/** 28×28 bytes to 14×14 numbers from 0 to 1, each the mean of four. */
function halved(glyph: Uint8Array): Float32Array {
  return Float32Array.from({ length: 14 * 14 }, (_, i) => {
    const at = 56 * Math.floor(i / 14) + 2 * (i % 14);
    return (glyph[at]! + glyph[at + 1]! + glyph[at + 28]! + glyph[at + 29]!) / (4 * 255);
  });
}

/** IV. The model: two convolutions, each pooled, and a dense layer under the head. */
export function metaModel(inputShape: readonly number[], ways: number): Model {
  return Sequential(
    inputShape,
    Conv2d(32, { kernel: 3, stride: 1, padding: 1 }),
    ReLU,
    MaxPool2d(2),
    Conv2d(64, { kernel: 3, stride: 1, padding: 1 }),
    ReLU,
    MaxPool2d(2),
    Flatten,
    Linear(128),
    ReLU,
    Linear(ways),
  );
}

/** IV. Meta-training. */
export async function metaTrain(
  dataset: MetaDataset,
  { epochs = 10, batches = 20 }: Length = {},
): Promise<MetaTrainer> {
  const model = metaModel(dataset.inputShape, 5);
  const learner = maml(model, { innerRate: 0.01, steps: 5 });
  const trainer = await MetaTrainer.create(learner, { optimizer: { kind: "adam", rate: 0.001 } });

  for (let epoch = 1; epoch <= epochs; epoch++) {
    let batch = 0;
    for (const episodes of dataset.batches(batches, 4)) {
      const { loss } = await trainer.step(episodes);
      console.log(`Epoch ${epoch}, Batch ${++batch}, Loss: ${loss.toFixed(4)}`);
    }
  }
  return trainer;
}

/** What V measures. */
export interface Scores {
  readonly accuracy: metrics.Estimate;
  readonly recall: number;
  readonly f1: number;
}

/** V. Accuracy, recall and F1 on classes that were held back, after so many inner steps on each task's support set. */
export async function test(
  trainer: MetaTrainer,
  dataset: MetaDataset,
  steps: number,
  { episodes = 100 }: Length = {},
): Promise<Scores> {
  const tasks = [...dataset.episodes(episodes, { split: "test", start: 0 })];
  const reports = await trainer.evaluate(tasks, { steps });

  const predicted = reports.flatMap((report) => [...metrics.argmax(report.predictions.data as Float32Array, 5)]);
  const truth = tasks.flatMap(({ query }) => [...(query.y.data as Int32Array)]);
  const matrix = metrics.confusionMatrix(predicted, truth, 5);
  const accuracy = metrics.estimate(reports.map((report) => report.accuracy));
  return { accuracy, recall: metrics.macroRecall(matrix), f1: metrics.macroF1(matrix) };
}

function show(title: string, { accuracy, recall, f1 }: Scores): void {
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  console.log(
    `${title}: accuracy ${percent(accuracy.mean)} ± ${percent(accuracy.ci95)}, recall ${percent(recall)}, F1 ${percent(f1)}`,
  );
}

/** Afterwards: two plain ONNX files, checked against the trainer's own numbers. */
export async function ship(trainer: MetaTrainer, dataset: MetaDataset, out: string): Promise<void> {
  const learner: LearnerGraphs = trainer.learner;
  const weights = await trainer.weights();
  const reference = await openReference(learner, weights);
  const episodes = [...dataset.episodes(5, { split: "test", start: 1000 })];
  const { engine, answer } = reference;
  const { verification } = await exportBundle(learner, weights, {
    out,
    verify: { episodes, engine, reference: answer },
  });
  await reference.dispose();
  console.log(`${out}: differs from the trainer by ${verification.largestDifference.toExponential(1)} at most`);
}

/** Afterwards: on the device, the bundle learns five characters from five drawings of each. */
export async function adaptOnDevice(bundle: string): Promise<number> {
  const names = ["house", "tree", "river", "bird", "fire"];
  const drawing = (which: number, hand: number) => halved(drawGlyph(100_000 + which, hand));

  const learner = await Learner.load(bundle);
  const examples = names.flatMap((label, which) =>
    [0, 1, 2, 3, 4].map((hand) => ({ label, data: drawing(which, hand) })),
  );
  const mine = await learner.adapt(examples);
  let right = 0;
  for (const [which, name] of names.entries())
    for (let hand = 5; hand < 15; hand++) if ((await mine.predict(drawing(which, hand))).label === name) right++;
  await learner.dispose();

  console.log(`On the device: ${right} of 50 new drawings named rightly`);
  return right / 50;
}

/** The whole tutorial, in order. */
export async function tutorial(out: string, length: Length = {}): Promise<{ before: Scores; after: Scores }> {
  console.log("\n— Ten numbers, two classes");
  await basics(length);
  console.log("\n— The same with a layer and a loss of one's own");
  await ownParts(length);

  console.log("\n— The second-order term of the meta-gradient");
  for (const rate of [0.01, 0.1, 1])
    console.log(`Inner rate ${rate}: ${(100 * secondOrderShare(rate)).toFixed(1)} % of the gradient`);

  console.log("\n— Meta-training");
  const dataset = characters();
  const trainer = await metaTrain(dataset, length);

  console.log("\n— Classes never trained on");
  const before = await test(trainer, dataset, 0, length);
  const after = await test(trainer, dataset, 5, length);
  show("Not adapted", before);
  show("Adapted, 5 steps", after);
  show("Adapted, 10 steps", await test(trainer, dataset, 10, length));

  console.log("\n— On plain ONNX Runtime");
  await ship(trainer, dataset, out);
  await trainer.dispose();
  await adaptOnDevice(out);
  return { before, after };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await tutorial(process.argv[2] ?? "runs/tutorial");
