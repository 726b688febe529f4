// A model as a row of layers. It is traced once, so that every layer knows the shape that reaches it.
import { input, op, type ParameterSpec, type Parameters, scope, type Value } from "@innerloop/graph";
import { InnerloopError } from "@innerloop/schemas";
import type { LayerLike, Pass } from "./layer.ts";
import { applied, row } from "./row.ts";

/** A body that makes features, and a linear head on them. */
export interface Model {
  readonly name: string;
  /** Without the batch axis. */
  readonly inputShape: readonly number[];
  /** Features that the head sees. */
  readonly features: number;
  /** Outputs of the head: ways, or the size of a regression. */
  readonly outputs: number;
  /** All parameters by name; the head's are `head.weight [features, outputs]` and `head.bias [outputs]`. */
  readonly parameters: Readonly<Record<string, ParameterSpec>>;
  readonly norm: string;
  /** Whether some layer normalizes over examples. */
  readonly mixesExamples: boolean;
  /** `[n, ...inputShape]` to features `[n, features]`. */
  body(parameters: Parameters, x: Value, pass?: Pass): Value;
  /** `[n, ...inputShape]` to outputs `[n, outputs]`. */
  apply(parameters: Parameters, x: Value, pass?: Pass): Value;
}

/** The head: features `[n, f]`, `head.weight [f, outputs]`, `head.bias [outputs]`. */
export const applyHead = (features: Value, parameters: Parameters): Value =>
  scope("head", () => op.Add(op.MatMul(features, parameters["head.weight"]!), parameters["head.bias"]!));

/** What a model says of itself besides its layers. */
export interface ModelOptions {
  readonly name?: string;
  readonly norm?: string;
}

/**
 * A model of layers in a row, written as a row; the last one is a `Linear`, its head. The shape of one example comes
 * first, unless the first layer says it.
 * @example
 * const model = Sequential(Linear(10, 5), ReLU, Linear(5, 2));
 * const images = Sequential([28, 28, 1], Conv2d(32), ReLU, MaxPool2d(2), Flatten, Linear(5));
 * @throws InnerloopError where a layer does not fit what reaches it, no shape is given, or the last is no Linear
 */
export function Sequential(...row: readonly LayerLike[] | readonly [readonly number[], ...LayerLike[]]): Model {
  const isShape = (entry: unknown): entry is readonly number[] => Array.isArray(entry);
  const [first] = row;
  if (isShape(first)) return sequential(first, row.slice(1) as LayerLike[]);
  const inputShape = typeof first === "object" ? first.inputShape : undefined;
  if (!inputShape)
    throw new InnerloopError(
      "bad-model",
      "The first layer does not say what shape the examples have; put the shape of one in front, as in Sequential([28, 28, 1], …), or start with Linear(inputs, outputs).",
      { exitStatus: 2 },
    );
  return sequential(inputShape, row as readonly LayerLike[]);
}

/**
 * The same with the layers as an array.
 * @param inputShape the shape of one example, such as `[28, 28, 1]`
 * @example
 * const model = sequential([28, 28, 1], [Conv2d(32), ReLU, MaxPool2d(2), Flatten, Linear(5)]);
 * @throws InnerloopError where a layer does not fit what reaches it, or the last is no Linear
 */
export function sequential(
  inputShape: readonly number[],
  layers: readonly LayerLike[],
  { name = "sequential", norm = "none" }: ModelOptions = {},
): Model {
  const last = layers.at(-1);
  if (!last || typeof last === "function" || last.name !== "dense")
    throw new InnerloopError(
      "bad-model",
      "The last layer has to be Linear: it is the head that adapts to the classes; add one.",
      { exitStatus: 2 },
    );
  const body = row(layers.slice(0, -1));
  const example: Value = input("x", ["n", ...inputShape]);
  const reaching = applied(body, example);
  if (reaching.rank !== 2)
    throw new InnerloopError(
      "bad-model",
      `The head takes rows of features, but what reaches it has the shape [${reaching.shape}]; put Flatten before it.`,
      { exitStatus: 2 },
    );
  const head = Object.entries(last.parameters(reaching.shape)).map(([key, spec]) => [`head.${key}`, spec] as const);
  const parameters = { ...body.parameters(example.shape), ...Object.fromEntries(head) };
  const [features, outputs] = parameters["head.weight"]!.shape as [number, number];
  const run: Model["body"] = (given, x, pass = {}) => body.apply(x, given, pass, "");
  return {
    name,
    inputShape,
    features,
    outputs,
    parameters,
    norm,
    mixesExamples: body.mixesExamples === true,
    body: run,
    apply: (given, x, pass) => applyHead(run(given, x, pass), given),
  };
}
