// A finished run, opened again from its folder, for whoever exports or looks at it.
import type { Learner } from "@innerloop/graph";
import { type CheckpointHeader, InnerloopError, type Tensor } from "@innerloop/schemas";
import { isSpec, KeptTasks, type TaskSource } from "../data/index.ts";
import { readCheckpoint } from "./checkpoint.ts";
import { knownTasks, learnerOf, tasksOf } from "./data.ts";
import { enoughExamples } from "./held-back.ts";
import { keptEpisodes } from "./kept-episodes.ts";

/** A finished run, opened: its learner, and the weights that did best. Data that only a program has are a few kept episodes. */
export async function openRun(
  folder: string,
  { data }: { readonly data?: string } = {},
): Promise<{
  header: CheckpointHeader;
  learner: Learner;
  tasks: TaskSource;
  weights: Readonly<Record<string, Tensor>>;
}> {
  const { header, best } = await readCheckpoint(folder);
  const config = { ...header.config, ...(data === undefined ? {} : { data }) };
  const known = knownTasks(header, config);
  const tasks =
    known && !isSpec(known.name)
      ? new KeptTasks(known, await keptEpisodes(folder, known.name))
      : enoughExamples(await tasksOf(config, known), config).tasks;
  const learner = learnerOf(header.config, known ?? tasks);
  const wanted = learner.inputShape.join();
  if (tasks.kind !== learner.task || tasks.inputShape.join() !== wanted)
    throw new InnerloopError(
      "wrong-data",
      `${folder} was trained on ${header.tasks?.name ?? header.config.data}, a ${learner.task} of examples [${learner.inputShape}], but ` +
        `${tasks.name} is a ${tasks.kind} of examples [${tasks.inputShape}]; give the data of the run (--data).`,
      { exitStatus: 2 },
    );
  return { header, learner, tasks, weights: best };
}
