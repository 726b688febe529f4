// The whole way in one program: meta-train on the embedded characters, export, and measure the bundle as a device would
// run it, on characters that training never saw. Run: node examples/dist/pipeline.js [iterations] [folder]
import { exportBundle } from "@innerloop/export";
import { Learner } from "@innerloop/runtime";
import { completeConfig, metrics, openReference, runTraining } from "@innerloop/train";

const [iterations = "300", out = "pipeline-bundle"] = process.argv.slice(2);

const config = completeConfig({
  preset: "quickstart",
  iterations: Number(iterations),
  validation: { every: 100, episodes: 40 },
});
const { learner, weights, tasks } = await runTraining({
  config,
  onValidation: ({ iteration, accuracy }) =>
    console.log(`after ${iteration} iterations: ${(100 * accuracy.mean).toFixed(1)} % on held-back characters`),
});

const shape = { ways: 5, shots: 1, queries: 5 };
const reference = await openReference(learner, weights);
const { verification } = await exportBundle(learner, weights, {
  out,
  shots: 1,
  ...(tasks.preprocessing ? { preprocessing: tasks.preprocessing } : {}),
  verify: {
    episodes: [0, 1, 2].map((index) => tasks.episode("val", 7, index, shape)),
    engine: reference.engine,
    reference: reference.answer,
  },
});
await reference.dispose();
console.log(`${out}: differs from training by ${verification.largestDifference.toExponential(1)} at most`);

const device = await Learner.load(out);
const accuracies: number[] = [];
for (let index = 0; index < 50; index++) {
  const { support, query } = tasks.episode("test", 8, index, shape);
  const labels = Array.from(support.y.data, String);
  const mine = await device.adapt({ data: support.x.data as Float32Array, shape: support.x.shape, labels });
  const answers = await mine.predictBatch({ data: query.x.data as Float32Array, shape: query.x.shape });
  const predicted = answers.map(({ label }) => Number(label));
  accuracies.push(metrics.accuracy(predicted, query.y.data as Int32Array));
}
await device.dispose();
const { mean, ci95 } = metrics.estimate(accuracies);
console.log(`unseen characters, 5-way 1-shot: ${(100 * mean).toFixed(1)} ± ${(100 * ci95).toFixed(1)} %`);
