// Parts of one's own, none of which the library has to know: a layer with parameters, a loss, an algorithm.
// Run: node examples/dist/own-parts.js [batches]
import { op } from "@innerloop/graph";
import {
  Conv2d,
  constantInit,
  crossEntropy,
  Flatten,
  Glyphs,
  gradientLearner,
  type Layer,
  Linear,
  type Loss,
  MetaTrainer,
  type Model,
  ReLU,
  Sequential,
} from "@innerloop/train";

/** A layer with parameters: y = x · gain, one learned gain a channel. */
const Gain: Layer = {
  name: "gain",
  parameters: (input) => ({ gain: constantInit([input.at(-1) as number], 1) }),
  apply: (x, { gain }) => op.Mul(x, gain!),
};

/** A loss: cross-entropy, and a little for logits that are large. */
const calm: Loss = (logits, labels) =>
  op.Add(crossEntropy(logits, labels), op.Mul(1e-3, op.ReduceMean(op.Mul(logits, logits), { keepdims: false })));

/** An algorithm: body-only inner loop, BOIL (Oh et al. 2021): all parameters move but the head's. */
const boil = (model: Model, loss: Loss) =>
  gradientLearner(
    model,
    { algorithm: "boil", order: 2, moves: (name) => !name.startsWith("head.") },
    { loss, innerRate: 0.5, learnRates: true, steps: 3 },
  );

const [batches = "100"] = process.argv.slice(2);
const tasks = new Glyphs();
const strided = { stride: 2 };
const model = Sequential(
  tasks.inputShape,
  Conv2d(16, strided),
  Gain,
  ReLU,
  Conv2d(16, strided),
  Gain,
  ReLU,
  Flatten,
  Linear(5),
);
const trainer = await MetaTrainer.create(boil(model, calm), { optimizer: { kind: "adam", rate: 0.003 }, clip: 10 });

const shape = { ways: 5, shots: 5, queries: 5 };
for (let batch = 0; batch < Number(batches); batch++) {
  const episodes = [0, 1, 2, 3].map((task) => tasks.episode("train", 0, 4 * batch + task, shape));
  const { loss, accuracy } = await trainer.step(episodes);
  if (batch % 10 === 0)
    console.log(`batch ${batch}: loss ${loss.toFixed(3)}, accuracy ${(100 * accuracy).toFixed(0)} %`);
}
await trainer.dispose();
