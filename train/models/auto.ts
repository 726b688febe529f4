// Which model suits data, where a config leaves it to them: by what an example is, and how large.
import { InnerloopError, type ModelConfig, type Preprocessing } from "@innerloop/schemas";
import { namedConv1d } from "./conv1d.ts";
import { namedConv4 } from "./conv4.ts";
import { namedMlp } from "./mlp.ts";
import type { ModelSetting, NamedModel } from "./named.ts";

/** What a config says where the data choose the model. */
export const autoModel = "auto";

/** A model that data chose, with all that was decided for it. */
export interface ChosenModel {
  readonly model: ModelConfig;
  /** Why, in words that follow the model's name: "for pictures of 84×84". */
  readonly because: string;
}

/** What is known of examples before any is drawn. */
export interface ExampleFacts {
  readonly inputShape: readonly number[];
  readonly preprocessing?: Preprocessing;
}

/**
 * The model that suits examples, with its settings; what a config gives beside `auto` is kept.
 * @throws InnerloopError `no-effect` (status 2) for a setting that the model has not
 */
export function chooseModel({ kind: _, ...given }: ModelConfig, facts: ExampleFacts): ChosenModel {
  const { named, because } = suitedTo(facts);
  for (const setting of Object.keys(given) as ModelSetting[])
    if (!(setting in named.options))
      throw new InnerloopError(
        "no-effect",
        `The setting ${setting} has no effect: ${named.name} was chosen ${because}, and has no such setting. Leave it out, or name a model that has it (--model).`,
        { exitStatus: 2 },
      );
  return { model: { kind: named.name, ...named.suited?.(facts.inputShape, given), ...given }, because };
}

function suitedTo({ inputShape, preprocessing }: ExampleFacts): { named: NamedModel; because: string } {
  const size = inputShape.join("×");
  if (preprocessing?.kind === "sound")
    return { named: namedConv1d, because: `for sounds of ${inputShape[0]} frames of ${inputShape[1]} bands` };
  if (inputShape.length === 3) return { named: namedConv4, because: `for pictures of ${size}` };
  if (inputShape.length === 2)
    return { named: namedConv1d, because: `for windows of ${inputShape[0]} samples of ${inputShape[1]} channels` };
  return {
    named: namedMlp,
    because: inputShape.length === 1 ? `for rows of ${size} numbers` : `for examples of ${size}`,
  };
}
