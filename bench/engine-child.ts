// A process that trains on one engine: says the loss of its first iteration, then times as many as it is asked for.
import { conv4, Glyphs, MetaTrainer, maml } from "@innerloop/train";
import { contender } from "./contender.ts";
import type { FromEngine, ToEngine } from "./engines.ts";

const engine = process.argv[2]!;
const tasks = 4;

const say = (message: FromEngine): void => void process.send!(message);

try {
  const data = new Glyphs();
  const learner = maml(conv4(data.inputShape, 5), { steps: 1, innerRate: 0.1 });
  const trainer = await MetaTrainer.create(learner, { engine });
  const draw = (index: number) => data.episode("train", 0, index, { ways: 5, shots: 1, queries: 5 });
  const batch = Array.from({ length: tasks }, (_, index) => draw(index));
  const { loss } = await trainer.step(batch);
  const side = contender(() => trainer.step(batch));
  process.on("message", ({ times }: ToEngine) => {
    side.run(times).then(
      (milliseconds) => say({ milliseconds }),
      (cause: Error) => say({ failure: cause.message }),
    );
  });
  say({ loss, way: trainer.strategy });
} catch (cause) {
  say({ failure: (cause as Error).message });
}
