// A model as a row of layers. It is traced once, so that every layer knows the shape that reaches it.
import { input, op, type ParameterSpec, type Parameters, scope, type Value } from "@innerloop/graph";
import { InnerloopError } from "@innerloop/schemas";
import type { Layer, LayerLike, Pass } from "./layers.ts";

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
  const counts = new Map<string, number>();
  const named = layers.map((layer): { layer: LayerLike; where: string } => {
    if (layer === last) return { layer, where: "head" };
    const kind = typeof layer === "function" ? layer.name || "layer" : layer.name;
    const n = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, n);
    return { layer, where: `${kind}${n}` };
  });
  const parameters: Record<string, ParameterSpec> = {};
  const run = (x: Value, given: Parameters, pass: Pass, part: readonly { layer: LayerLike; where: string }[]): Value =>
    part.reduce(
      (value, { layer, where }) =>
        scope(where, () =>
          typeof layer === "function" ? layer(value) : layer.apply(value, own(layer, where, value, given), pass, where),
        ),
      x,
    );
  const own = (layer: Layer, where: string, value: Value, given: Parameters): Parameters =>
    Object.fromEntries(Object.keys(layer.parameters(value.shape)).map((key) => [key, given[`${where}.${key}`]!]));
  // Tracing: inputs stand for the parameters, made as each layer says what it needs.
  let traced: Value = input("x", ["n", ...inputShape]);
  for (const { layer, where } of named) {
    if (typeof layer === "function") {
      traced = layer(traced);
      continue;
    }
    const specs = layer.parameters(traced.shape);
    for (const [key, spec] of Object.entries(specs)) parameters[`${where}.${key}`] = spec;
    if (where === "head" && traced.rank !== 2)
      throw new InnerloopError(
        "bad-model",
        `The head takes rows of features, but what reaches it has the shape [${traced.shape}]; put Flatten before it.`,
        { exitStatus: 2 },
      );
    traced = layer.apply(
      traced,
      Object.fromEntries(Object.entries(specs).map(([key, spec]) => [key, input(key, spec.shape)])),
      {},
      where,
    );
  }
  const [features, outputs] = parameters["head.weight"]!.shape as [number, number];
  const body = (given: Parameters, x: Value, pass: Pass = {}) => run(x, given, pass, named.slice(0, -1));
  return {
    name,
    inputShape,
    features,
    outputs,
    parameters,
    norm,
    mixesExamples: layers.some((layer) => typeof layer !== "function" && layer.mixesExamples === true),
    body,
    apply: (given, x, pass) => applyHead(body(given, x, pass), given),
  };
}
