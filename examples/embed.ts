// A bundle inside an application: adapt to a user's own examples, predict, save, and take it up again later.
// Run: node examples/dist/embed.js BUNDLE (any bundle for classes; the examples here are made-up numbers)
import { InnerloopError, Learner } from "@innerloop/runtime";

const [bundle = "runs/pipeline"] = process.argv.slice(2);

const learner = await Learner.load(bundle);
console.log(`${learner.manifest.name}, on ${learner.provider.name}: ${learner.provider.reason}`);

// What your application records: numbers in the shape that the bundle takes, each with a word of the user's.
const size = learner.manifest.input.shape.reduce((a, b) => a * b, 1);
const record = (frequency: number, phase: number) =>
  Float32Array.from({ length: size }, (_, i) => (Math.sin(frequency * i + phase) + 1) / 2);
const examples = [
  { label: "wave", data: record(0.05, 0) },
  { label: "wave", data: record(0.05, 0.4) },
  { label: "tap", data: record(0.9, 0) },
  { label: "tap", data: record(0.9, 0.4) },
];

const mine = await learner.adapt(examples);
const { label, probability } = await mine.predict(record(0.9, 0.2));
console.log(`${label}, ${(100 * probability).toFixed(0)} % sure`);

// A few kilobytes to keep: what adapting changed, and the examples, so that it can go on learning.
const saved = await mine.toBytes();
const again = await learner.restore(saved);
console.log(`restored: ${(await again.predict(record(0.9, 0.2))).label}, from ${saved.length} bytes`);

// Whatever is wrong with an input is said before anything runs.
try {
  await mine.predict([1, 2, 3]);
} catch (error) {
  if (error instanceof InnerloopError) console.log(`${error.code}: ${error.message}`);
}
await learner.dispose();
