// A network that PyTorch exported, beside what autograd says of it: the loss, all gradients, and five steps of gradient descent.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { evaluate, gradients, input, type OnnxModel, op, type Value, writeOnnx } from "@innerloop/graph";
import { openSession } from "@innerloop/runtime/session";
import { decodeSafetensors, type Tensor } from "@innerloop/schemas";

type ByName<T> = Readonly<Record<string, T>>;

/** What export.py says of the files of a network. */
export interface Reference {
  readonly rate: number;
  readonly losses: ByName<readonly number[]>;
  readonly files: ByName<ReferenceFile>;
}
interface ReferenceFile {
  /** Why PyTorch did not make it. */
  readonly exporter?: string;
  /** Which initializer is which parameter. */
  readonly parameters?: ByName<{ readonly parameter: string; readonly transposed: boolean }>;
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

/** Losses and gradients for weights by name. */
type Compute = (weights: ByName<Tensor>) => Promise<ByName<Float64Array>>;

const numbersIn = (data: ArrayLike<number | bigint>): Float64Array =>
  Float64Array.from(data as ArrayLike<number>, Number);

const inFloat64 =
  (outputs: ByName<Value>, feeds: ByName<Tensor>): Compute =>
  async (weights) => {
    const given = Object.entries({ ...feeds, ...weights }).map(([name, { shape, data }]) => [
      name,
      { shape, data: numbersIn(data) },
    ]);
    const results = evaluate(Object.values(outputs), Object.fromEntries(given));
    return Object.fromEntries(Object.keys(outputs).map((name, i) => [name, results[i]!.data]));
  };

async function onRuntime(outputs: ByName<Value>, inputs: readonly Value[], feeds: ByName<Tensor>): Promise<Compute> {
  const session = await openSession(writeOnnx(outputs, { inputs }), { provider: "cpu" });
  return async (weights) => {
    const results = await session.run({ ...feeds, ...weights });
    return Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, numbersIn(data)]));
  };
}

const transpose = (data: Float64Array, [rows = 0, columns = 0]: readonly number[]): Float64Array =>
  Float64Array.from(data, (_, i) => data[(i % rows) * columns + Math.floor(i / rows)]!);

const largest = (data: ArrayLike<number>): number =>
  Array.prototype.reduce.call(data, (most, x) => Math.max(most as number, Math.abs(x as number)), 0) as number;

const apart = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  largest(Float64Array.from(a, (x, i) => x - b[i]!));

/** A file of a network beside the reference: those of float64 in float64, others on ONNX Runtime. */
export async function checkNetwork(
  folder: string,
  file: string,
  read: (path: string) => OnnxModel,
): Promise<Agreement> {
  const { files, losses, rate } = referenceOf(folder);
  const { tensors } = decodeSafetensors(readFileSync(join(folder, "reference.safetensors")), file);
  const parameters = files[file]?.parameters ?? {};
  const precision = file.includes("float64") ? "float64" : "float32";
  const model = read(join(folder, file));
  const { loss, labels } = lossOf(model.outputs.logits!);
  const names = Object.keys(model.initializers).filter((name) => parameters[name]);
  const found = gradients(
    loss,
    names.map((name) => model.inputs[name]!),
  );
  const outputs = {
    loss,
    ...Object.fromEntries(names.flatMap((name, i) => (found[i] ? [[`d/${name}`, found[i]]] : []))),
  };
  const { x, targets } = tensors as { x: Tensor; targets: Tensor };
  const rows = labels.shape.map((dim, axis) => (axis === 0 ? x.shape[0]! : (dim as number)));
  const widened: Tensor = { dtype: "float64", shape: x.shape, data: numbersIn(x.data) };
  const feeds = {
    x: precision === "float64" && x.dtype === "float32" ? widened : x,
    labels: { ...targets, shape: rows },
  };
  const compute =
    precision === "float64"
      ? inFloat64(outputs, feeds)
      : await onRuntime(outputs, [...Object.values(model.inputs), labels], feeds);

  /** The gradient of each parameter: what its initializers get together. */
  const gathered = (results: ByName<Float64Array>): Map<string, Float64Array> => {
    const sums = new Map<string, Float64Array>();
    for (const name of names) {
      const data = results[`d/${name}`];
      if (!data) continue;
      const { parameter, transposed } = parameters[name]!;
      const own = transposed ? transpose(data, model.initializers[name]!.shape) : data;
      const before = sums.get(parameter);
      sums.set(parameter, before ? own.map((v, i) => v + before[i]!) : own);
    }
    return sums;
  };

  let weights: ByName<Tensor> = model.initializers;
  let results = await compute(weights);
  const expected = losses[precision]!;
  const first = gathered(results);
  const all = Object.keys(tensors)
    .filter((name) => name.startsWith("float64/"))
    .map((name) => name.slice("float64/".length));
  const unit = Math.max(...all.map((name) => largest(numbersIn(tensors[`float64/${name}`]!.data))));
  let [gradient, worst, compared] = [0, "", 0];
  for (const [name, data] of first) {
    const wanted = numbersIn(tensors[`float64/${name}`]!.data);
    const off = apart(data, wanted) / Math.max(largest(wanted), 1e-3 * unit);
    compared++;
    if (!(off <= gradient)) [gradient, worst] = [off, name];
  }
  let steps = 0;
  for (const [turn, wanted] of expected.entries()) {
    if (turn > 0) {
      const slopes = gathered(results);
      weights = Object.fromEntries(
        Object.entries(weights).map(([name, tensor]) => [
          name,
          parameters[name] ? descended(tensor, slopes, parameters[name], rate) : tensor,
        ]),
      );
      results = await compute(weights);
    }
    steps = Math.max(steps, Math.abs(results.loss![0]! - wanted) / Math.max(1, Math.abs(wanted)));
    if (turn === 0 && precision === "float64" && all.length > 60) break;
  }
  const start = losses.float64![0]!;
  const firstLoss = (await compute(model.initializers)).loss![0]!;
  const known = new Set(Object.values(parameters).map(({ parameter }) => parameter));
  return {
    loss: Math.abs(firstLoss - start) / Math.max(1, Math.abs(start)),
    gradient,
    worst,
    steps,
    compared,
    folded: all.filter((name) => !known.has(name)),
  };
}

/** A weight after a step of gradient descent. */
function descended(
  tensor: Tensor,
  slopes: ReadonlyMap<string, Float64Array>,
  { parameter, transposed }: { readonly parameter: string; readonly transposed: boolean },
  rate: number,
): Tensor {
  const slope = slopes.get(parameter);
  if (!slope) return tensor;
  const { shape } = tensor;
  const own = transposed ? transpose(slope, [...shape].reverse()) : slope;
  const moved = numbersIn(tensor.data).map((v, i) => v - rate * own[i]!);
  return tensor.dtype === "float64"
    ? { dtype: "float64", shape, data: moved }
    : { dtype: "float32", shape, data: Float32Array.from(moved) };
}
