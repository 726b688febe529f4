// A model of a file as a network to adapt: examples in, rows of features out, its weights by name.
import {
  type Dim,
  findEmbedding,
  input,
  inputNamesOf,
  type ModelFiles,
  makersOf,
  type OnnxModel,
  op,
  outlineOnnx,
  outputOf,
  type Parameters,
  readOnnx,
  scoresBefore,
  type Value,
  vmap,
  withSizes,
} from "@innerloop/graph";
import { InnerloopError, type NumericName, show, type Tensor } from "@innerloop/schemas";
import { type ExampleOptions, type ExamplePlan, planExample } from "./example.ts";
import { type Use, usesOf } from "./trained.ts";

export interface Network {
  /** The file's name, for messages. */
  readonly source: string;
  readonly plan: ExamplePlan;
  readonly weights: Readonly<Record<string, Tensor>>;
  /** The element types that weights have in the file, where graphs lack them. */
  readonly elements: Readonly<Record<string, NumericName>>;
  /** Examples of the kind, `[n, ...inputShape]`, whose numbers are not there. */
  readonly example: Value;
  /** How many features an example has. */
  readonly width: number;
  /** `[n, ...inputShape]` to features `[n, width]`. */
  features(parameters: Parameters, x: Value): Value;
  /** `[n, ...inputShape]` to what the model itself gives, `[n, outputs]`. */
  outputs(parameters: Parameters, x: Value): Value;
  /** The tensors of the file that features and outputs come from, of one example. */
  raw(x: Value): Readonly<Record<string, Value>>;
  /** The names of the weights that features depend on, and of those that only outputs do. */
  readonly body: ReadonlySet<string>;
  readonly head: ReadonlySet<string>;
  /** How each weight is used in the model. */
  readonly uses: ReadonlyMap<string, Use>;
  /** What was found, in sentences. */
  readonly notes: readonly string[];
  /** What those tensors are called. */
  readonly tensors: { readonly features: string; readonly outputs: string };
}

export interface NetworkOptions extends ExampleOptions {
  /** The files beside the model, where its numbers may be. */
  readonly files?: ModelFiles;
  /** The tensor that features come from; found unless given. */
  readonly embedding?: string;
}

/**
 * Reads a model as a network.
 * @param source the file's name, for messages
 * @param original the file as it was before factors were put into it, which is where tensors are looked for
 * @throws InnerloopError what reading it throws; `unknown-tensor`, `open-size`, `unclear-input` (status 2);
 *   `no-embedding` where features are no rows of numbers
 */
export function readNetwork(
  bytes: Uint8Array,
  source: string,
  options: NetworkOptions,
  original: Uint8Array = bytes,
): Network {
  const outline = outlineOnnx(original, source);
  const { tensor, classifier } = findEmbedding(outline, source, options.embedding);
  const own = scoresBefore(outputOf(outline), makersOf(outline));
  const sized = withSizes(bytes, source, options.sizes ?? {});
  const model = readOnnx(sized, source, {
    outputs: [...new Set([tensor, own])],
    ...(options.files ? { files: options.files } : {}),
  });
  const plan = planExample(model, source, options);
  const spatial = classifier?.type === "Conv" || comesOfConvolution(tensor, outline.nodes);
  const run = batched(model, plan, source);
  const rowsOf =
    (name: string) =>
    (parameters: Parameters, x: Value): Value =>
      run(parameters, x, name, (value, of) => asRow(value, spatial, plan.mask?.(of)));
  const [features, outputs] = [rowsOf(tensor), rowsOf(own)];
  const example = input("x", ["n", ...plan.inputShape]);
  const row = features({}, example);
  const width = row.shape[1];
  if (row.rank !== 2 || typeof width !== "number" || row.dtype !== "float32")
    throw new InnerloopError(
      "no-embedding",
      `${source}: ${show(tensor)} gives ${row} for an example, and a row of a known number of float32 features was expected; ` +
        "name another tensor (--embedding NAME).",
      { exitStatus: 2 },
    );
  const body = weightsOf(row, model);
  const head = new Set([...weightsOf(outputs({}, example), model)].filter((name) => !body.has(name)));
  const from = classifier
    ? `, which ${classifier.type} ${show(classifier.name || classifier.outputs[0])} classifies`
    : "";
  return {
    source,
    plan,
    weights: model.initializers,
    elements: model.elements,
    example,
    width,
    features,
    outputs,
    raw: (x) => model.apply(plan.feed(x)),
    body,
    head,
    uses: usesOf(outline),
    notes: [...plan.notes, `features are ${width} numbers of the tensor ${show(tensor)}${from}`],
    tensors: { features: tensor, outputs: own },
  };
}

type Row = (value: Value, of: Value) => Value;

/**
 * The model as a function of a batch: as it is where it takes one, else an example at a time, for all of them at once.
 */
function batched(
  model: OnnxModel,
  plan: ExamplePlan,
  source: string,
): (parameters: Parameters, x: Value, tensor: string, row: Row) => Value {
  const pick = (parameters: Parameters) =>
    Object.fromEntries(Object.entries(parameters).filter(([name]) => name in model.initializers));
  const whole = (parameters: Parameters, x: Value, tensor: string, row: Row): Value =>
    row(examplesFirst(model.apply({ ...plan.feed(x), ...pick(parameters) })[tensor]!, x.shape[0]), x);
  const single = (parameters: Parameters, x: Value, tensor: string, row: Row): Value => {
    const [rows] = vmap(
      (one) => {
        const result = whole(parameters, op.Unsqueeze(one, [0]), tensor, row);
        if (result.rank === 0 || result.shape[0] !== 1) throw noBatch(result, "an example", tensor);
        return [op.Squeeze(result, [0])];
      },
      [x],
    );
    return rows!;
  };
  const noBatch = (result: Value, given: string, tensor: string): InnerloopError =>
    new InnerloopError(
      "no-batch",
      `${source}: ${show(tensor)} gives ${result} for ${given}, and a row for each example was expected; export the model with an open batch size, ` +
        "or name another tensor (--embedding NAME).",
      { exitStatus: 2 },
    );
  let way: typeof whole | undefined;
  return (parameters, x, tensor, row) => {
    if (way) return way(parameters, x, tensor, row);
    try {
      const result = whole(parameters, x, tensor, row);
      if (result.shape[0] === x.shape[0]) {
        way = whole;
        return result;
      }
    } catch (error) {
      if (!(error instanceof InnerloopError)) throw error;
      const fixed = Object.values(model.inputs).some(({ shape }) => shape[0] === 1);
      if (!fixed) throw error;
    }
    const result = single(parameters, x, tensor, row);
    if (result.shape[0] === x.shape[0] && result.rank > 0) {
      way = single;
      return result;
    }
    throw noBatch(result, `examples ${x}`, tensor);
  };
}

/** The same numbers with the axis of the examples in front, where they stand further behind, as recurrent networks have them. */
function examplesFirst(value: Value, examples: Dim | undefined): Value {
  const places = [...value.shape.keys()].filter((axis) => value.shape[axis] === examples);
  const [place] = places;
  if (place === undefined || place === 0 || places.length > 1) return value;
  return op.Transpose(value, [place, ...[...value.shape.keys()].filter((axis) => axis !== place)]);
}

/** What a tensor has of each example as a row: the mean over tokens that are there, or over places of a map. */
function asRow(value: Value, spatial: boolean, mask: Value | undefined): Value {
  const last = value.rank - 1;
  if (value.rank <= 2) return value;
  if (value.rank === 3 && mask && !spatial && value.shape[1] === mask.shape[1]) {
    const there = op.Unsqueeze(mask, [2]);
    const sum = op.ReduceSum(op.Mul(value, there), { axes: [1], keepdims: false });
    return op.Div(sum, op.Max(op.ReduceSum(there, { axes: [1], keepdims: false }), 1));
  }
  // What has one place alone has its channels before it, whatever made it.
  const isMap = spatial || value.shape.slice(2).every((dim) => dim === 1);
  const places = Array.from({ length: last - 1 }, (_, i) => i + (isMap ? 2 : 1));
  return op.ReduceMean(value, { axes: places, keepdims: false });
}

/** Operators whose results have channels on axis 1. */
const channelled = /Conv|Pool|BatchNormalization|InstanceNormalization|GroupNormalization|LRN/;

/** Operators that may follow one of those without changing where the channels are. */
const pointwise = new Set([
  "Relu",
  "LeakyRelu",
  "Sigmoid",
  "HardSigmoid",
  "HardSwish",
  "Clip",
  "Mul",
  "Add",
  "Elu",
  "Selu",
  "PRelu",
  "Identity",
  "Dropout",
  "Tanh",
]);

/** Whether a tensor has channels on axis 1, as what convolutions give. */
function comesOfConvolution(
  tensor: string,
  nodes: readonly { readonly type: string; readonly inputs: readonly string[]; readonly outputs: readonly string[] }[],
): boolean {
  const made = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const seen = new Set<string>();
  const look = (name: string): boolean => {
    const node = made.get(name);
    if (!node || seen.has(name)) return false;
    seen.add(name);
    if (channelled.test(node.type)) return true;
    return pointwise.has(node.type) && node.inputs.some(look);
  };
  return look(tensor);
}

const weightsOf = (value: Value, model: OnnxModel): Set<string> =>
  new Set([...inputNamesOf([value])].filter((name) => name in model.initializers));
