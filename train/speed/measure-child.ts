// The process that measures how fast an engine trains.
import { maml } from "../algorithms/index.ts";
import { Glyphs } from "../data/index.ts";
import { answerParent } from "../engines/index.ts";
import { conv4 } from "../models/index.ts";
import { MetaTrainer } from "../trainer/meta-trainer.ts";
import { rateOf } from "./rate.ts";

const [engine, seconds] = [process.argv[2]!, Number(process.argv[3])];
const tasks = 4;

await answerParent(async () => {
  const data = new Glyphs();
  const learner = maml(conv4(data.inputShape, 5), { steps: 1, innerRate: 0.1 });
  const trainer = await MetaTrainer.create(learner, { engine });
  let drawn = 0;
  const episode = () => data.episode("train", 0, drawn++, { ways: 5, shots: 1, queries: 5 });
  return rateOf(() => trainer.step(Array.from({ length: tasks }, episode)), seconds);
});
