// What a user hands in becomes tensors here, and whatever is wrong with it is said here, before ONNX Runtime sees it.
// Values are copied, so a caller may reuse its buffers at once.
import { InnerloopError, type Manifest, type Tensor } from "@innerloop/schemas/bundle";

/** What a bundle's learner does. */
export type Task = Manifest["task"];

/** The numbers of an example, row-major. Bytes of a picture are not taken: they are not preprocessed yet. */
export type Numbers = Float32Array | Float64Array | readonly number[];

/** One example; `shape` is the bundle's `input.shape` and may be left out. */
export interface Example {
  readonly data: Numbers;
  readonly shape?: readonly number[];
}

/** One example of a class; any text is a label. */
export interface LabelledExample extends Example {
  readonly label: string;
}

/** n examples in one array, `shape` is `[n, ...input.shape]`. */
export interface Batch {
  readonly data: Numbers;
  readonly shape: readonly number[];
}

/** n examples and their n labels. */
export interface LabelledBatch extends Batch {
  readonly labels: readonly string[];
}

/** n points of a function: `x` is `[n, ...input.shape]`, `y` is `[n, output.size]`. */
export interface RegressionExamples {
  readonly x: Batch;
  readonly y: Batch;
}

/** What {@link Learner.adapt} takes, by task. */
export type Support<T extends Task> = T extends "regression"
  ? RegressionExamples
  : readonly LabelledExample[] | LabelledBatch;

/** A support set as tensors; `columns[i]` is the logit that `labels[i]` has. Both are empty for a regression. */
export interface PackedSupport {
  readonly x: Tensor;
  readonly y: Tensor;
  readonly labels: readonly string[];
  readonly columns: readonly number[];
}

/**
 * A support set for `adapt.onnx`. Labels become 0…n-1 in order of first appearance, or, where the bundle has a fixed
 * label set, their place in it.
 *
 * @throws InnerloopError `bad-input`.
 */
export function packSupport(manifest: Manifest, examples: Support<Task>): PackedSupport {
  if (manifest.task === "regression") return packPoints(manifest, examples);
  let x: Tensor;
  let given: readonly unknown[];
  if (Array.isArray(examples)) {
    const list: readonly Partial<LabelledExample>[] = examples;
    given = list.map((example) => example?.label);
    x = stack(manifest, list, (index) => `example ${index} (label ${show(given[index])})`);
  } else {
    const batch = examples as LabelledBatch;
    if (!isBatch(batch) || !Array.isArray(batch.labels)) {
      throw badInput(
        "examples of an unknown form were given; expected a list of { label, data }, or { data, shape, labels }",
      );
    }
    x = packBatch(manifest.input.shape, batch, "the examples");
    given = batch.labels;
    if (given.length !== x.shape[0]) {
      throw badInput(`${x.shape[0]} examples and ${given.length} labels were given; give one label for each example`);
    }
  }
  if (given.length === 0)
    throw badInput("no examples were given; give at least one example of each of two or more labels");
  const { labels, columns, indices } = indexLabels(manifest, given);
  return { x, y: { dtype: "int32", shape: [indices.length], data: indices }, labels, columns };
}

/**
 * Queries for `predict.onnx`, float32 `[n, ...input.shape]`.
 *
 * @param queries a list of examples, or a batch in one array
 * @throws InnerloopError `bad-input`.
 */
export function packQueries(manifest: Manifest, queries: readonly (Numbers | Example)[] | Batch): Tensor {
  if (isBatch(queries)) return packBatch(manifest.input.shape, queries, "the queries");
  if (!Array.isArray(queries))
    throw badInput("queries of an unknown form were given; expected a list of examples, or { data, shape }");
  const list: readonly (Numbers | Example)[] = queries;
  return stack(
    manifest,
    list.map((query) => (isExample(query) ? query : { data: query })),
    (index) => (list.length === 1 ? "the query" : `query ${index}`),
  );
}

function packPoints(manifest: Manifest, examples: unknown): PackedSupport {
  const { x, y } = (examples ?? {}) as Partial<RegressionExamples>;
  if (!isBatch(x) || !isBatch(y)) {
    throw badInput(
      "examples of an unknown form were given; a regression expects { x: { data, shape }, y: { data, shape } }",
    );
  }
  const packed = {
    x: packBatch(manifest.input.shape, x, "x"),
    y: packBatch([manifest.output.size ?? 1], y, "y"),
  };
  const [points = 0] = packed.x.shape;
  if (points === 0) throw badInput("no examples were given; give at least one point");
  if (points !== packed.y.shape[0]) {
    throw badInput(`x has ${points} examples and y has ${packed.y.shape[0]}; give one y for each x`);
  }
  return { ...packed, labels: [], columns: [] };
}

/** Numbers the labels, and refuses label sets that no head can be fitted to. */
function indexLabels(manifest: Manifest, given: readonly unknown[]) {
  given.forEach((label, index) => {
    if (typeof label !== "string" || label === "") {
      throw badInput(`example ${index} has the label ${show(label)}; a label is a text that is not empty`);
    }
  });
  const seen = [...new Set(given as readonly string[])];
  const fixed = manifest.labels;
  const unknown = fixed && seen.find((label) => !fixed.includes(label));
  if (fixed && unknown !== undefined) {
    throw badInput(`the label ${show(unknown)} was given; this bundle knows ${listing(fixed)}; use one of these`);
  }
  const { ways } = manifest.output;
  if (ways !== null && seen.length > ways) {
    throw badInput(
      `${seen.length} different labels were given (${listing(seen)}); this bundle tells up to ${ways} apart; give fewer`,
    );
  }
  if (seen.length < 2) {
    throw badInput(
      `every example has the label ${show(seen[0])}; at least two different labels were expected: there is nothing to tell apart`,
    );
  }
  const labels = fixed ? fixed.filter((label) => seen.includes(label)) : seen;
  const columns = labels.map((label, index) => (fixed ? fixed.indexOf(label) : index));
  const columnOf = new Map(labels.map((label, index) => [label, columns[index]!]));
  return { labels, columns, indices: Int32Array.from(given as readonly string[], (label) => columnOf.get(label)!) };
}

function stack(manifest: Manifest, examples: readonly Partial<Example>[], name: (index: number) => string): Tensor {
  const { shape } = manifest.input;
  const size = sizeOf(shape);
  const data = new Float32Array(examples.length * size);
  examples.forEach((example, index) => {
    if (!isNumbers(example?.data)) throw notNumbers(name(index), example?.data);
    if (example.shape !== undefined && !sameShape(example.shape, shape)) {
      throw badInput(`${name(index)} has the shape ${brackets(example.shape)}; this bundle takes ${brackets(shape)}`);
    }
    if (example.data.length !== size) {
      throw badInput(
        `${name(index)} has ${example.data.length} values; this bundle takes ${size} (${brackets(shape)})`,
      );
    }
    copy(example.data, data, index * size, () => name(index));
  });
  return { dtype: "float32", shape: [examples.length, ...shape], data };
}

function packBatch(shape: readonly number[], batch: Batch, name: string): Tensor {
  const [count, ...rest] = batch.shape;
  if (!isNumbers(batch.data)) throw notNumbers(name, batch.data);
  if (count === undefined || !(Number.isInteger(count) && count >= 0) || !sameShape(rest, shape)) {
    throw badInput(
      `${name} have the shape ${brackets(batch.shape)}; expected [n, ${shape.join(", ")}] with n examples`,
    );
  }
  const size = sizeOf(shape);
  if (batch.data.length !== count * size) {
    throw badInput(
      `${name} hold ${batch.data.length} values; the shape ${brackets(batch.shape)} needs ${count * size}`,
    );
  }
  const data = new Float32Array(count * size);
  copy(batch.data, data, 0, (position) => `example ${Math.floor(position / size)} of ${name}`);
  return { dtype: "float32", shape: [...batch.shape], data };
}

function copy(from: Numbers, to: Float32Array, offset: number, name: (position: number) => string): void {
  to.set(from, offset);
  for (let position = 0; position < from.length; position++) {
    if (Number.isFinite(to[offset + position])) continue;
    throw badInput(
      `${name(position)} holds ${show(from[position])} at position ${position}; every value must be a finite 32-bit number; ` +
        "check how the example was made",
    );
  }
}

function isNumbers(value: unknown): value is Numbers {
  return (
    value instanceof Float32Array ||
    value instanceof Float64Array ||
    (Array.isArray(value) && typeof value[0] !== "object")
  );
}

function isExample(value: unknown): value is Example {
  return typeof value === "object" && value !== null && "data" in value;
}

function isBatch(value: unknown): value is Batch {
  return isExample(value) && Array.isArray(value.shape);
}

function notNumbers(name: string, value: unknown): InnerloopError {
  const kind = ArrayBuffer.isView(value) ? value.constructor.name : value === null ? "null" : typeof value;
  const advice = kind.startsWith("Uint8") ? "; preprocess the bytes as the manifest's input.preprocessing says" : "";
  return badInput(`${name} is given as ${kind}; a Float32Array, Float64Array or list of numbers was expected${advice}`);
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((dim, axis) => dim === b[axis]);
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, 1);
}

function brackets(shape: readonly number[]): string {
  return `[${shape.join(", ")}]`;
}

function show(value: unknown): string {
  return typeof value === "string" ? `"${value}"` : String(value);
}

function listing(labels: readonly string[]): string {
  const shown = labels.slice(0, 12).map(show).join(", ");
  return labels.length > 12 ? `${shown} and ${labels.length - 12} more` : shown;
}

function badInput(message: string): InnerloopError {
  return new InnerloopError("bad-input", message, { exitStatus: 2 });
}
