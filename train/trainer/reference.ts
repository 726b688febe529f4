// What an exported bundle is compared with: the training engine's own answer for an episode.
import { input, type Learner } from "@innerloop/graph";
import type { Tensor } from "@innerloop/schemas";
import type { ExampleTensors } from "../data/index.ts";
import { type Engine, openEngine } from "../engines/index.ts";
import { adapted, episodeArrays } from "../names.ts";
import { parameterValues } from "./objective.ts";
import { only } from "./state.ts";

/** What a learner makes of an episode. */
export interface ReferenceAnswer {
  /** `[query, outputs]` */
  readonly logits: Tensor;
  /** Before each step and after the last. */
  readonly supportLoss: Tensor;
  /** The adapted arrays by name. */
  readonly state: Readonly<Record<string, Tensor>>;
}

/** Answers of a learner with given weights, computed by an engine. */
export interface Reference {
  /** The engine's name. */
  readonly engine: string;
  /** Adapts to the support set in so many steps and predicts the queries. */
  readonly answer: (support: ExampleTensors, query: ExampleTensors, steps: number) => Promise<ReferenceAnswer>;
  /** Frees the engine, unless it was open before. */
  readonly dispose: () => Promise<void>;
}

/**
 * What export verifies a bundle against.
 * @param engine an engine's name, `auto`, or an open engine, which stays the caller's
 * @throws InnerloopError where the engine is not there
 * @example
 * const reference = await openReference(learner, weights);
 * const { engine, answer } = reference;
 * await exportBundle(learner, weights, { out, verify: { episodes, engine, reference: answer } });
 * await reference.dispose();
 */
export async function openReference(
  learner: Learner,
  weights: Readonly<Record<string, Tensor>>,
  engine: string | Engine = "auto",
): Promise<Reference> {
  const opened = typeof engine === "string" ? (await openEngine(engine)).engine : engine;
  return {
    engine: opened.name,
    answer: (support, query, steps) => answerOf(opened, learner, weights, support, query, steps),
    dispose: async () => {
      if (typeof engine === "string") await opened.dispose();
    },
  };
}

async function answerOf(
  engine: Engine,
  learner: Learner,
  weights: Readonly<Record<string, Tensor>>,
  support: ExampleTensors,
  query: ExampleTensors,
  steps: number,
): Promise<ReferenceAnswer> {
  const classes = learner.task === "classification";
  const ways = classes ? (learner.outputs ?? 1 + Math.max(...(support.y.data as Int32Array))) : 1;
  const parameters = parameterValues(learner);
  const names = episodeArrays;
  const x = input(names.support.x, support.x.shape);
  const y = input(names.support.y, support.y.shape, classes ? "int64" : "float32");
  const masked = learner.outputs !== undefined;
  const { state, losses } = learner.adapt(parameters, { x, y }, { steps, ways, masked, balanced: true });
  const logits = learner.predict(parameters, state, input(names.query.x, query.x.shape), { absolute: true });
  const program = await engine.compile({ outputs: { logits, losses, ...adapted.named(state) } });
  try {
    const examples = { [names.support.x]: support.x, [names.support.y]: support.y, [names.query.x]: query.x };
    const { found, others } = adapted.split(await program.run(only(program, { ...weights, ...examples })));
    return { logits: others.logits!, supportLoss: others.losses!, state: found };
  } finally {
    await program.dispose();
  }
}
