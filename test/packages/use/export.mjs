// A learner that was hardly trained becomes a bundle, which is verified on ONNX Runtime while it is made.
import { exportBundle } from "@innerloop/export";
import { Linear, MetaDataset, MetaTrainer, maml, openReference, Sequential } from "@innerloop/train";

const data = Array.from({ length: 40 }, (_, i) => Float32Array.of(i % 8, Math.sin(i), 1));
const labels = data.map((_, i) => `class ${i % 8}`);
const dataset = new MetaDataset(data, labels, { ways: 2, shots: 1, queries: 2, inputShape: [3], split: { test: 0.5 } });
const trainer = await MetaTrainer.create(maml(Sequential([3], Linear(2))), { engine: "onnxruntime:cpu" });
const { engine, answer, dispose } = await openReference(trainer.learner, await trainer.weights());
const episodes = [...dataset.episodes(2, { split: "test", start: 0 })];
const { verification } = await exportBundle(trainer.learner, await trainer.weights(), {
  out: "bundle",
  verify: { episodes, engine, reference: answer },
});
await dispose();
await trainer.dispose();
if (verification.largestDifference < 1e-4) console.log("used");
