// A network that PyTorch exported, beside what autograd says of it: the loss, all gradients, and five steps of gradient descent.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { evaluate, gradients, input, type OnnxModel, op, type Value, writeOnnx } from "@innerloop/graph";
import { openSession } from "@innerloop/runtime/session";
import { decodeSafetensors, type Tensor } from "@innerloop/schemas";

type ByName<T> = Readonly<Record<string, T>>;
type Precision = "float32" | "float64";

/** Which parameter an initializer is. */
interface Stored {
  readonly parameter: string;
  readonly transposed: boolean;
}

/** The parameters of a file's initializers and the losses of five steps that move these; or why PyTorch did not make it. */
interface ReferenceFile {
  readonly exporter?: string;
  readonly parameters?: ByName<Stored>;
  readonly losses?: readonly number[];
}

/** What export.py says of the files of a network. */
export interface Reference {
  readonly rate: number;
  readonly loss: number;
  /** The loss before the exporter rounded factors of the network. */
  readonly published?: number;
  readonly files: ByName<ReferenceFile>;
}

/** How far off what is computed here is, each relative to the largest entry. */
export interface Agreement {
  readonly loss: number;
  /** Of any gradient, and whose it is. */
  readonly gradient: number;
  readonly worst: string;
  /** Of the losses of five steps. */
  readonly steps: number;
  readonly compared: number;
  /** Parameters whose numbers no initializer has: an exporter joined them with others. */
  readonly folded: readonly string[];
}

export const referenceOf = (folder: string): Reference =>
  JSON.parse(readFileSync(join(folder, "reference.json"), "utf8")) as Reference;

/** The mean cross-entropy of logits whose classes are the last axis, or the second of pictures, and its labels. */
function lossOf(logits: Value): { readonly loss: Value; readonly labels: Value } {
  const scores = logits.rank === 3 ? op.Transpose(logits, [0, 2, 1]) : logits;
  const labels = input("labels", [scores.shape[0]!, ...scores.shape.slice(2)], "int64");
  return { labels, loss: op.SoftmaxCrossEntropyLoss(scores, labels) };
}

/** The numbers of outputs for weights by name. */
type Compute = (weights: ByName<Tensor>) => Promise<ByName<Float64Array>>;

const wide = ({ data }: Tensor): Float64Array =>
  data instanceof Float64Array
    ? data
    : data instanceof Float32Array
      ? new Float64Array(data)
      : Float64Array.from(data as Int32Array, Number);

const inFloat64 =
  (outputs: ByName<Value>, feeds: ByName<Tensor>): Compute =>
  async (weights) => {
    const given = Object.entries({ ...feeds, ...weights }).map(([name, tensor]) => [
      name,
      { shape: tensor.shape, data: wide(tensor) },
    ]);
    const results = evaluate(Object.values(outputs), Object.fromEntries(given));
    return Object.fromEntries(Object.keys(outputs).map((name, i) => [name, results[i]!.data]));
  };

async function onRuntime(outputs: ByName<Value>, inputs: readonly Value[], feeds: ByName<Tensor>): Promise<Compute> {
  const session = await openSession(writeOnnx(outputs, { inputs }), { provider: "cpu" });
  return async (weights) => {
    const results = await session.run({ ...feeds, ...weights });
    return Object.fromEntries(Object.entries(results).map(([name, tensor]) => [name, wide(tensor)]));
  };
}

function transpose(data: Float64Array, [rows = 0, columns = 0]: readonly number[]): Float64Array {
  const swapped = new Float64Array(data.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) swapped[j * rows + i] = data[i * columns + j]!;
  return swapped;
}

function largest(data: Float64Array, less?: Float64Array): number {
  let most = 0;
  for (let i = 0; i < data.length; i++) most = Math.max(most, Math.abs(data[i]! - (less?.[i] ?? 0)));
  return most;
}

function plus(a: Float64Array, b: Float64Array, factor: number): Float64Array {
  const sum = new Float64Array(a.length);
  for (let i = 0; i < a.length; i++) sum[i] = a[i]! + factor * b[i]!;
  return sum;
}

/**
 * A file of a network beside the reference: those of float64 in float64, others on ONNX Runtime.
 * @param turns how many steps of gradient descent are compared
 */
export async function checkNetwork(
  folder: string,
  file: string,
  read: (path: string) => OnnxModel,
  turns = 5,
): Promise<Agreement> {
  const { files, loss: wantedLoss, rate } = referenceOf(folder);
  const { tensors } = decodeSafetensors(readFileSync(join(folder, "reference.safetensors")), file);
  const { parameters: stored = {}, losses = [] } = files[file] ?? {};
  const precision: Precision = file.includes("float64") ? "float64" : "float32";
  const model = read(join(folder, file));
  const { loss, labels } = lossOf(model.outputs.logits!);
  const names = Object.keys(model.initializers).filter((name) => stored[name]);
  const found = gradients(
    loss,
    names.map((name) => model.inputs[name]!),
  );
  const slopes = names.flatMap((name, i) => (found[i] ? [[slopeName(name), found[i]] as const] : []));
  const outputs = { loss, ...Object.fromEntries(slopes) };
  const { x, targets } = tensors as { x: Tensor; targets: Tensor };
  const rows = labels.shape.map((dim, axis) => (axis === 0 ? x.shape[0]! : (dim as number)));
  const isWidened = precision === "float64" && x.dtype === "float32";
  const feeds = {
    x: isWidened ? ({ dtype: "float64", shape: x.shape, data: wide(x) } as const) : x,
    labels: { ...targets, shape: rows },
  };
  const compute =
    precision === "float64"
      ? inFloat64(outputs, feeds)
      : await onRuntime(outputs, [...Object.values(model.inputs), labels], feeds);

  let weights: ByName<Tensor> = model.initializers;
  let results = await compute(weights);
  const off = (got: Float64Array | undefined, wanted: number) =>
    Math.abs(got![0]! - wanted) / Math.max(1, Math.abs(wanted));
  const first = off(results.loss, wantedLoss);
  const compared = compareGradients(gathered(results, model, stored), tensors);
  let steps = 0;
  for (const wanted of losses.slice(1, 1 + turns)) {
    weights = descended(weights, gathered(results, model, stored), stored, rate);
    results = await compute(weights);
    steps = Math.max(steps, off(results.loss, wanted));
  }
  return { loss: first, steps, ...compared };
}

const slopeName = (initializer: string): string => `d/${initializer}`;

/** The gradient of each parameter: what its initializers get together. */
function gathered(
  results: ByName<Float64Array>,
  { initializers }: OnnxModel,
  stored: ByName<Stored>,
): Map<string, Float64Array> {
  const sums = new Map<string, Float64Array>();
  for (const [name, { parameter, transposed }] of Object.entries(stored)) {
    const data = results[slopeName(name)];
    if (!data) continue;
    const own = transposed ? transpose(data, initializers[name]!.shape) : data;
    const before = sums.get(parameter);
    sums.set(parameter, before ? plus(own, before, 1) : own);
  }
  return sums;
}

function compareGradients(
  got: ReadonlyMap<string, Float64Array>,
  tensors: ByName<Tensor>,
): Pick<Agreement, "gradient" | "worst" | "compared" | "folded"> {
  const prefix = "float64/";
  const wanted = new Map(
    Object.entries(tensors).flatMap(([name, tensor]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), wide(tensor)]] : [],
    ),
  );
  // What is zero but for rounding, such as the slope of a bias before a normalization, is measured by the others.
  const least = 1e-3 * Math.max(...[...wanted.values()].map((data) => largest(data)));
  let [gradient, worst] = [0, ""];
  for (const [name, data] of got) {
    const expected = wanted.get(name)!;
    const off = largest(data, expected) / Math.max(largest(expected), least);
    if (!(off <= gradient)) [gradient, worst] = [off, name];
  }
  return { gradient, worst, compared: got.size, folded: [...wanted.keys()].filter((name) => !got.has(name)) };
}

/** Weights after a step of gradient descent. */
function descended(
  weights: ByName<Tensor>,
  slopes: ReadonlyMap<string, Float64Array>,
  stored: ByName<Stored>,
  rate: number,
): ByName<Tensor> {
  const moved = ([name, tensor]: [string, Tensor]): [string, Tensor] => {
    const { parameter, transposed } = stored[name] ?? { parameter: "", transposed: false };
    const slope = slopes.get(parameter);
    if (!slope) return [name, tensor];
    const { shape } = tensor;
    const data = plus(wide(tensor), transposed ? transpose(slope, [...shape].reverse()) : slope, -rate);
    return [
      name,
      tensor.dtype === "float64"
        ? { dtype: "float64", shape, data }
        : { dtype: "float32", shape, data: new Float32Array(data) },
    ];
  };
  return Object.fromEntries(Object.entries(weights).map(moved));
}
