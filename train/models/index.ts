// Models: layers, rows of them, and the named ones.
import { InnerloopError, type ModelConfig } from "@innerloop/schemas";
import { inWords, registry } from "../registry.ts";
import { autoModel } from "./auto.ts";
import { namedConv1d } from "./conv1d.ts";
import { namedConv4 } from "./conv4.ts";
import { isModelFile, modelOfFile } from "./imported.ts";
import { namedMetamodel } from "./metamodel.ts";
import { namedMlp } from "./mlp.ts";
import type { ModelSetting } from "./named.ts";
import { namedResnet12 } from "./resnet12.ts";
import type { Model } from "./sequential.ts";

export { autoModel, type ChosenModel, chooseModel, type ExampleFacts } from "./auto.ts";
export { type Conv1dOptions, conv1d } from "./conv1d.ts";
export { type Conv4Options, conv4 } from "./conv4.ts";
export { notesOnWeights } from "./fresh.ts";
export { importedModel, isModelFile } from "./imported.ts";
export * from "./layers.ts";
export { metamodel } from "./metamodel.ts";
export { mlp } from "./mlp.ts";
export type { ModelSetting, NamedModel } from "./named.ts";
export { type Resnet12Options, resnet12 } from "./resnet12.ts";
export { applyHead, type Model, type ModelOptions, Sequential, sequential } from "./sequential.ts";

/** One line each, in the order in which help names them; the first that takes a setting is what an error names for it. */
export const models = registry("model", [namedMlp, namedMetamodel, namedConv4, namedConv1d, namedResnet12]);

/** What `model.kind` may be. */
export const modelChoices: readonly string[] = [autoModel, ...models.names];

/** What is known of a model's settings: one that data choose may turn out to have any of them. */
export const settingsOfModel = (kind: string): readonly ModelSetting[] =>
  (kind === autoModel ? models.all : isModelFile(kind) ? [] : [models.named(kind)]).flatMap(
    ({ options }) => Object.keys(options) as ModelSetting[],
  );

/**
 * The model that a run config names, or that of the .onnx file whose path it has, for examples of a shape.
 * @throws InnerloopError (status 2) `unknown-option` for a model that there is not; `bad-model` where it does not fit the examples
 */
export function buildModel(config: ModelConfig, inputShape: readonly number[], outputs: number): Model {
  if (isModelFile(config.kind)) return modelOfFile(config.kind, inputShape, outputs, config.weights);
  const model = models.named(config.kind);
  if (model.accepts(inputShape)) return model.build(inputShape, outputs, config);
  const others = models.all.flatMap((model) => (model.accepts(inputShape) ? [model.name] : []));
  throw new InnerloopError(
    "bad-model",
    `The model ${model.name} takes ${model.takes}, but the examples have the shape [${inputShape}]; use --model ${inWords(others, "or")}.`,
    { exitStatus: 2 },
  );
}
