// Losses that a network of a file is adapted by: of its outputs, or of its features alone.
import { constant, oneHot, op, readOnnx, type Value } from "@innerloop/graph";
import { InnerloopError, show, suggest } from "@innerloop/schemas";

/** What a loss may look at besides values and targets. */
export interface LossContext {
  /** Of the examples, `[n]`, 1 in the mean: each class then weighs the same. */
  readonly weights?: Value;
}

export interface AdaptLoss {
  readonly name: string;
  /** What its targets are: class numbers int64 `[n]`, or values `[n, size]`. */
  readonly task: "classification" | "regression";
  /** What it looks at: `[n, outputs]`, or features `[n, width]` whose squares sum to 8 in the mean at the start. */
  readonly on: "outputs" | "features";
  /** A scalar. */
  of(values: Value, targets: Value, context: LossContext): Value;
}

/** Settings of losses; each has those that its name suggests. */
export interface LossSettings {
  /** Of `cross-entropy`: the share of each label that is spread over all classes (Szegedy et al. 2016); 0 unless given. */
  readonly smoothing?: number;
  /** Of `cross-entropy`: what each class weighs, where there is a number of classes. */
  readonly classWeights?: readonly number[];
  /** Of `huber`: where it becomes straight; 1 unless given. */
  readonly delta?: number;
  /** Of `triplet` and `contrastive`: how far apart others have to be; 1 and 4 unless given. */
  readonly margin?: number;
}

const mean = (each: Value, weights?: Value): Value =>
  op.ReduceMean(weights ? op.Mul(each, weights) : each, { keepdims: false });
const sumOf = (x: Value): Value => op.ReduceSum(x, { keepdims: false });
const lastSum = (x: Value): Value => op.ReduceSum(x, { axes: [1], keepdims: false });

/** Softmax cross-entropy in the mean. */
function crossEntropy({ smoothing = 0, classWeights }: LossSettings): AdaptLoss["of"] {
  return (logits, labels, { weights }) => {
    const own = op.SoftmaxCrossEntropyLoss(logits, labels, { reduction: "none" });
    const spread = () => op.Neg(op.ReduceMean(op.LogSoftmax(logits, 1), { axes: [1], keepdims: false }));
    const each = smoothing === 0 ? own : op.Add(op.Mul(1 - smoothing, own), op.Mul(smoothing, spread()));
    if (!classWeights) return mean(each, weights);
    const known = op.ReduceSum(op.Mul(oneHot(labels, classWeights.length), constant(classWeights)), {
      axes: [1],
      keepdims: false,
    });
    return op.Div(mean(op.Mul(each, known), weights), mean(known, weights));
  };
}

/** Each class against all others, by logistic regression: ln(1 + e^z) − z where it is the class. */
const binary: AdaptLoss["of"] = (logits, labels, { weights }) => {
  const hot = oneHot(labels, logits.shape[1]!);
  const each = op.Sub(op.Softplus(logits), op.Mul(hot, logits));
  return mean(op.ReduceMean(each, { axes: [1], keepdims: false }), weights);
};

const squared: AdaptLoss["of"] = (values, targets) => {
  const error = op.Sub(values, targets);
  return mean(op.Mul(error, error));
};

const absolute: AdaptLoss["of"] = (values, targets) => mean(op.Abs(op.Sub(values, targets)));

/** Squared near 0 and straight from `delta` on (Huber 1964): with a = min(|e|, δ), a·|e| − a²/2. */
const huber =
  ({ delta = 1 }: LossSettings): AdaptLoss["of"] =>
  (values, targets) => {
    const size = op.Abs(op.Sub(values, targets));
    const near = op.Min(size, delta);
    return mean(op.Sub(op.Mul(near, size), op.Mul(0.5, op.Mul(near, near))));
  };

/** 1 − cos of the angle between answer and target. */
const cosine: AdaptLoss["of"] = (values, targets) => {
  const lengths = op.Mul(lastSum(op.Mul(values, values)), lastSum(op.Mul(targets, targets)));
  return mean(op.Sub(1, op.Div(lastSum(op.Mul(values, targets)), op.Sqrt(op.Add(lengths, 1e-12)))));
};

/** `[n, n]`: squared distances, and 1 where two examples are of one class. */
function pairs(features: Value, labels: Value): { distances: Value; same: Value } {
  const squares = op.ReduceSum(op.Mul(features, features), { axes: [1], keepdims: true });
  const products = op.MatMul(features, op.Transpose(features));
  const distances = op.Relu(op.Sub(op.Add(squares, op.Transpose(squares)), op.Mul(2, products)));
  const column = op.Unsqueeze(labels, [1]);
  return { distances, same: op.Cast(op.Equal(column, op.Transpose(column)), "float32") };
}

/** Over all triplets of an example, one of its class and another (Schroff et al. 2015): max(0, d(a, p) − d(a, n) + margin). */
const triplet =
  ({ margin = 1 }: LossSettings): AdaptLoss["of"] =>
  (features, labels) => {
    const { distances, same } = pairs(features, labels);
    const apart = op.Sub(op.Unsqueeze(distances, [2]), op.Unsqueeze(distances, [1]));
    const which = op.Mul(op.Unsqueeze(same, [2]), op.Unsqueeze(op.Sub(1, same), [1]));
    const each = op.Mul(which, op.Relu(op.Add(apart, margin)));
    return op.Div(sumOf(each), op.Max(sumOf(which), 1));
  };

/** Over all pairs (Hadsell et al. 2006): d² of one class, max(0, margin − d)² of two. */
const contrastive =
  ({ margin = 4 }: LossSettings): AdaptLoss["of"] =>
  (features, labels) => {
    const { distances, same } = pairs(features, labels);
    // The root has no slope at 0, where two examples are one.
    const near = op.Relu(op.Sub(margin, op.Sqrt(op.Add(distances, 1e-6))));
    return mean(op.Add(op.Mul(same, distances), op.Mul(op.Sub(1, same), op.Mul(near, near))));
  };

type Named = Omit<AdaptLoss, "name" | "of"> & {
  readonly settings: readonly (keyof LossSettings)[];
  make(settings: LossSettings): AdaptLoss["of"];
};

const classes = { task: "classification", on: "outputs" } as const;
const values = { task: "regression", on: "outputs", settings: [] } as const;
const embeddings = { task: "classification", on: "features", settings: ["margin"] } as const;

const named: Readonly<Record<string, Named>> = {
  "cross-entropy": { ...classes, settings: ["smoothing", "classWeights"], make: crossEntropy },
  binary: { ...classes, settings: [], make: () => binary },
  squared: { ...values, make: () => squared },
  absolute: { ...values, make: () => absolute },
  huber: { ...values, settings: ["delta"], make: huber },
  cosine: { ...values, make: () => cosine },
  triplet: { ...embeddings, make: triplet },
  contrastive: { ...embeddings, make: contrastive },
};

/** The names of the losses. */
export const lossNames: readonly string[] = Object.keys(named);

/**
 * A loss by its name.
 * @throws InnerloopError `bad-option` (status 2) for a name that there is not, or a setting that it has not
 */
export function lossNamed(name: string, settings: LossSettings = {}): AdaptLoss {
  const known = Object.hasOwn(named, name) ? named[name] : undefined;
  if (!known) {
    const near = suggest(name, lossNames);
    throw badOption(
      `the loss ${show(name)} was asked for; ${lossNames.join(", ")}, or an .onnx file, were expected${near === undefined ? "" : `; did you mean ${near}?`}`,
    );
  }
  const stranger = Object.keys(settings).find((setting) => !known.settings.some((own) => own === setting));
  if (stranger !== undefined)
    throw badOption(`the loss ${name} has no setting ${show(stranger)}; it has ${known.settings.join(", ") || "none"}`);
  const wrong = Object.values(settings)
    .flat()
    .find((value) => !(Number.isFinite(value) && value >= 0));
  if (wrong !== undefined) throw badOption(`a setting of the loss is ${show(wrong)}; a number from 0 was expected`);
  return { name, task: known.task, on: known.on, of: known.make(settings) };
}

/**
 * A loss that an ONNX model computes: of outputs and targets, its first two inputs, to a scalar. Whole numbers as targets are classes.
 * @param source the file's name, for messages
 * @throws InnerloopError what reading it throws; `bad-loss` (status 2) where it is no such function
 */
export function lossOfFile(bytes: Uint8Array, source: string): AdaptLoss {
  const model = readOnnx(bytes, source);
  const own = Object.entries(model.initializers).map(
    ([name, { shape, data }]) => [name, constant(Float64Array.from(data, Number), shape)] as const,
  );
  const [first, second, ...more] = Object.keys(model.inputs).filter((name) => !(name in model.initializers));
  const [output, ...others] = Object.keys(model.outputs);
  const targets = second === undefined ? undefined : model.inputs[second];
  const scalar = output === undefined ? undefined : model.outputs[output];
  const size = scalar?.shape.reduce((product: number, dim) => (dim === 1 ? product : Number.NaN), 1);
  if (!first || !second || !targets || more.length > 0 || !output || others.length > 0 || size !== 1)
    throw new InnerloopError(
      "bad-loss",
      `${source} takes ${[first, second, ...more].filter(Boolean).join(", ") || "nothing"} and gives ${scalar ?? "nothing"}; a loss takes outputs and targets, in this order, and gives a scalar.`,
      { exitStatus: 2 },
    );
  const integers = targets.dtype === "int64" || targets.dtype === "int32";
  return {
    name: source,
    task: integers ? "classification" : "regression",
    on: "outputs",
    of(values, given) {
      const results = model.apply({
        ...Object.fromEntries(own),
        [first]: values,
        [second]: op.Cast(given, targets.dtype),
      });
      return op.Reshape(results[output]!, []);
    },
  };
}

const badOption = (message: string): InnerloopError =>
  new InnerloopError("bad-option", `${message}.`, { exitStatus: 2 });
