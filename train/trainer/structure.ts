// How the inner steps of training graphs are laid out: as the user says, or as suits the learner and the engine.
import { heldBytes, type Learner, type LoopStructure, type Value } from "@innerloop/graph";
import { sizeOf } from "@innerloop/schemas";
import { type Engine, engineNamed } from "../engines/index.ts";

/** What may be asked for: `auto`, or one of them. */
export type InnerLoopSetting = "auto" | LoopStructure;

/** Steps that move fewer weights are a few small nodes each, of which turns cost more than they save. */
const fewWeights = 20_000;

/** The fewest steps of which turns are not slower: measured with conv4 and the metamodel. */
const fewSteps = 2;

/** What turns may hold for their derivative before it is better to compute it again, for each graph that runs. */
const mostHeld = 128e6;

/** Where graphs run, as far as the choice goes by it. */
export interface Surroundings {
  readonly engine: Pick<Engine, "name">;
  readonly precision?: "float32" | "float16";
}

/** Whether it is ONNX Runtime on a processor that computes, in float32; convolutions of many examples are then done for some at a time. */
export const onProcessor = ({ engine, precision = "float32" }: Surroundings): boolean =>
  engineNamed(engine.name)?.traits.workers === true && precision === "float32";

/** Whether turns of one body suit: on a processor with ONNX Runtime, where steps are large and there are some. */
function turnsSuit(learner: Learner, steps: number, where: Surroundings): boolean {
  const moved = Object.keys(learner.rates).reduce(
    (sum, name) => sum + sizeOf(learner.parameters[name]?.shape ?? [0]),
    0,
  );
  return onProcessor(where) && steps >= fewSteps && moved > fewWeights;
}

/** What the choice goes by. */
export interface ToLayOut extends Surroundings {
  readonly learner: Learner;
  readonly steps: number;
  readonly setting?: InnerLoopSetting;
}

/**
 * How inner steps are laid out: as is asked for; with `auto`, as turns where these suit, and as checkpoints where turns would hold
 * much.
 * @param asTurns what is computed, with the steps as turns that hold their products
 */
export function structureFor(
  { setting = "auto", learner, steps, ...where }: ToLayOut,
  asTurns: () => readonly Value[],
): LoopStructure {
  if (setting !== "auto") return setting;
  if (!turnsSuit(learner, steps, where)) return "unrolled";
  return heldBytes(asTurns()) > mostHeld ? "checkpoints" : "loop";
}

/** What is built for the structure that {@link structureFor} says: turns that were built to choose are taken as they are. */
export function laidOut<Built extends object>(
  where: ToLayOut,
  build: (structure: LoopStructure) => Built,
  computed: (built: Built) => readonly Value[],
): Built {
  let turns: Built | undefined;
  const structure = structureFor(where, () => {
    turns = build("loop");
    return computed(turns);
  });
  return structure === "loop" && turns ? turns : build(structure);
}
