// The process that trains on one engine for the loss curves: everything is drawn from seeds, so that engines differ by
// nothing but their rounding.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { answerParent, conv4, type Episode, Glyphs, MetaTrainer, maml, metrics } from "@innerloop/train";
import * as tf from "@tensorflow/tfjs-core";
import type { Curve, CurveOptions, Memory } from "./curve.ts";
import { half } from "./half.ts";

const [engine, text] = process.argv.slice(2) as [string, string];
const { iterations, minutes, filters, tasks, episodes } = JSON.parse(text) as CurveOptions;
const shape = { ways: 5, shots: 1, queries: 5 };

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

function memory(): Memory {
  collect();
  const { numTensors, numBytes } = engine.startsWith("tfjs:") ? tf.memory() : { numTensors: 0, numBytes: 0 };
  return { megabytes: process.memoryUsage.rss() / 2 ** 20, tensors: numTensors, tensorBytes: numBytes };
}

await answerParent(async (): Promise<Curve> => {
  const data = new Glyphs();
  const draw = (split: "train" | "test", index: number): Episode => half(data.episode(split, 1, index, shape));
  const learner = maml(conv4([14, 14, 1], shape.ways, { filters }), { steps: 1, innerRate: 0.4 });
  const trainer = await MetaTrainer.create(learner, {
    engine,
    optimizer: { kind: "adam", rate: 5e-3 },
    clip: 10,
    seed: 1,
  });
  const losses: number[] = [];
  const start = performance.now();
  // What is allocated once, and what grows with the first runs, is there after a third.
  let settled: Memory | undefined;
  let began = start;
  while (losses.length < iterations && performance.now() - start < 60_000 * minutes) {
    const batch = Array.from({ length: tasks }, (_, task) => draw("train", tasks * losses.length + task));
    losses.push((await trainer.step(batch)).loss);
    if (losses.length === 1) began = performance.now();
    if (losses.length === Math.ceil(iterations / 3)) settled = memory();
  }
  const seconds = (performance.now() - began) / 1000 / Math.max(1, losses.length - 1);
  const end = memory();
  const measured = await trainer.evaluate(Array.from({ length: episodes }, (_, index) => draw("test", index)));
  return {
    engine,
    losses,
    accuracy: metrics.estimate(measured.map((it) => it.accuracy)),
    secondsPerIteration: seconds,
    ...(settled ? { memory: { settled, end } } : {}),
  };
});
