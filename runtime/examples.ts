// What a user hands in becomes tensors here, and whatever is wrong with it is said here, before ONNX Runtime sees it.
// Values are copied, so a caller may reuse its buffers.
import { type InnerloopError, kindOf, type Manifest, show, sizeOf, type Tensor } from "@innerloop/schemas/bundle";
import { badInput } from "./refusal.ts";

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

/** Examples without labels: a list of them, or one array. */
export type Examples = readonly (Numbers | Example)[] | Batch;

/** What {@link Learner.adapt} takes, by task. */
export type Support<T extends Task> = T extends "regression"
  ? RegressionExamples
  : readonly LabelledExample[] | LabelledBatch;

/** n examples that a caller handed in, whose number and shapes are checked. */
export interface Rows {
  readonly count: number;
  /**
   * Copies the values of one.
   *
   * @throws InnerloopError `bad-input` for what is not a finite float32.
   */
  copy(index: number, to: Float32Array, offset?: number): void;
}

/** Examples and what each is of: a label, or the values of a regression. */
export interface LabelledRows {
  readonly x: Rows;
  readonly labels?: readonly string[];
  readonly y?: Rows;
}

/** An example that a Personal keeps: `label` is absent and `y` there for a regression. */
export interface Kept {
  readonly id: string;
  readonly label?: string;
  readonly x: Float32Array;
  readonly y?: Float32Array;
}

/** A support set as tensors; `columns[i]` is the logit that `labels[i]` has. Both are empty for a regression. */
export interface PackedSupport {
  readonly x: Tensor;
  readonly y: Tensor;
  readonly labels: readonly string[];
  readonly columns: readonly number[];
}

/**
 * Examples with labels or values, of any number from 1.
 *
 * @throws InnerloopError `bad-input`.
 */
export function readSupport(manifest: Manifest, examples: Support<Task>): LabelledRows {
  if (manifest.task === "regression") return readPoints(manifest, examples);
  if (Array.isArray(examples)) {
    const list: readonly Partial<LabelledExample>[] = examples;
    const labels = list.map((example) => example?.label as string);
    return labelled(
      manifest,
      rowsOf(manifest.input.shape, list, (index) => `example ${index} (label ${show(labels[index])})`),
      labels,
    );
  }
  const batch = examples as LabelledBatch;
  if (!isBatch(batch) || !Array.isArray(batch.labels))
    throw unknownForm("examples", "a list of { label, data }, or { data, shape, labels }");
  const x = rowsOfBatch(manifest.input.shape, batch, "the examples");
  if (batch.labels.length !== x.count)
    throw badInput(`${x.count} examples and ${batch.labels.length} labels were given; give one label for each example`);
  return labelled(manifest, x, batch.labels);
}

/**
 * Examples of one label.
 *
 * @throws InnerloopError `bad-input`.
 */
export function readExamples(manifest: Manifest, label: string, examples: Numbers | Example | Examples): LabelledRows {
  const many = isBatch(examples)
    ? examples.shape.length > manifest.input.shape.length
    : Array.isArray(examples) && (examples.length === 0 || typeof examples[0] === "object");
  const x = readRows(manifest, (many ? examples : [examples]) as Examples, "example");
  return labelled(manifest, x, new Array<string>(x.count).fill(label));
}

/**
 * What an example is of: a label, or the values of a regression.
 *
 * @throws InnerloopError `bad-input`.
 */
export function readTarget(manifest: Manifest, target: unknown): Pick<Kept, "label" | "y"> {
  if (manifest.task === "regression") {
    const y = new Float32Array(manifest.output.size ?? 1);
    rowsOf([y.length], [{ data: target as Numbers }], () => "the value").copy(0, y);
    return { y };
  }
  checkLabel(manifest, target, "the example");
  return { label: target };
}

/**
 * Examples without labels, as many as there are.
 *
 * @param noun how messages name one
 * @throws InnerloopError `bad-input`.
 */
export function readRows(manifest: Manifest, examples: Examples, noun: "example" | "query"): Rows {
  const plural = noun === "query" ? "queries" : "examples";
  if (isBatch(examples)) return rowsOfBatch(manifest.input.shape, examples, `the ${plural}`);
  if (!Array.isArray(examples)) throw unknownForm(plural, "a list of examples, or { data, shape }");
  const list: readonly (Numbers | Example)[] = examples;
  return rowsOf(
    manifest.input.shape,
    list.map((example) => (isExample(example) ? example : { data: example })),
    (index) => (list.length === 1 ? `the ${noun}` : `${noun} ${index}`),
  );
}

/**
 * Copies of examples, to keep and to learn from.
 *
 * @throws InnerloopError `bad-input`, also for an example whose values are all the same: there is nothing in it.
 */
export function takeExamples(manifest: Manifest, { x, labels, y }: LabelledRows): Omit<Kept, "id">[] {
  const { shape } = manifest.input;
  const take = (rows: Rows, index: number, size: number) => {
    const data = new Float32Array(size);
    rows.copy(index, data);
    return data;
  };
  return Array.from({ length: x.count }, (_, index) => {
    const data = take(x, index, sizeOf(shape));
    if (y !== undefined) return { x: data, y: take(y, index, manifest.output.size ?? 1) };
    const label = labels![index]!;
    const [first] = data;
    // A row of features may well hold one number throughout; a picture or a window of a sensor that does is blank.
    if (data.length > 1 && (first === 0 || shape.length > 1) && data.every((value) => value === first))
      throw badInput(
        `example ${index} (label ${show(label)}) is blank: all of its ${data.length} values are ${first}; ` +
          "nothing can be learned from it; check how it was made, or leave it out",
      );
    return { label, x: data };
  });
}

/** The different labels, in order of first appearance, or in that of the bundle's fixed set. */
export function labelsOf(manifest: Manifest, examples: readonly Kept[]): string[] {
  const seen = new Set(examples.flatMap(({ label }) => label ?? []));
  return manifest.labels?.filter((label) => seen.has(label)) ?? [...seen];
}

/** The logit of each label: its place in the bundle's fixed set, or in the order of the labels. */
export const columnsOf = ({ labels: fixed }: Manifest, labels: readonly string[]): number[] =>
  labels.map((label, index) => fixed?.indexOf(label) ?? index);

/** Why these examples cannot be adapted to yet, if so: there are none, or there is nothing to tell apart. */
export function tooFew(manifest: Manifest, examples: readonly Kept[]): InnerloopError | undefined {
  const regression = manifest.task === "regression";
  if (examples.length === 0) {
    const least = regression ? "point" : "example of each of two or more labels";
    return badInput(`no examples were given; give at least one ${least}`);
  }
  const labels = regression ? [] : labelsOf(manifest, examples);
  if (regression || labels.length > 1) return undefined;
  return badInput(
    `every example has the label ${show(labels[0])}; at least two different labels were expected: there is nothing to tell apart`,
  );
}

/**
 * A support set for `adapt.onnx`. Labels become 0…n-1 in order of first appearance, or, where the bundle has a fixed
 * label set, their place in it.
 *
 * @throws InnerloopError `bad-input` for more labels than the bundle tells apart.
 */
export function packSupport(manifest: Manifest, examples: readonly Kept[]): PackedSupport {
  const { input, output } = manifest;
  const x = join(
    examples.map((example) => example.x),
    input.shape,
  );
  if (manifest.task === "regression")
    return {
      x,
      y: join(
        examples.map((example) => example.y!),
        [output.size ?? 1],
      ),
      labels: [],
      columns: [],
    };
  const labels = labelsOf(manifest, examples);
  if (output.ways !== null && labels.length > output.ways)
    throw badInput(
      `${labels.length} different labels were given (${listing(labels)}); this bundle tells up to ${output.ways} apart; give fewer`,
    );
  const columns = columnsOf(manifest, labels);
  const columnOf = new Map(labels.map((label, index) => [label, columns[index]!]));
  const y = Int32Array.from(examples, ({ label }) => columnOf.get(label!)!);
  return { x, y: { dtype: "int32", shape: [y.length], data: y }, labels, columns };
}

/** Values of equal length, one after the other: `[n, ...shape]`. */
export function join(rows: readonly Float32Array[], shape: readonly number[]): Tensor {
  const data = new Float32Array(rows.length * sizeOf(shape));
  rows.forEach((row, index) => {
    data.set(row, index * row.length);
  });
  return { dtype: "float32", shape: [rows.length, ...shape], data };
}

function readPoints(manifest: Manifest, examples: unknown): LabelledRows {
  const points = (examples ?? {}) as Partial<RegressionExamples>;
  if (!isBatch(points.x) || !isBatch(points.y))
    throw badInput(
      "examples of an unknown form were given; a regression expects { x: { data, shape }, y: { data, shape } }",
    );
  const x = rowsOfBatch(manifest.input.shape, points.x, "x");
  const y = rowsOfBatch([manifest.output.size ?? 1], points.y, "y");
  if (x.count !== y.count) throw badInput(`x has ${x.count} examples and y has ${y.count}; give one y for each x`);
  return { x, y };
}

function labelled(manifest: Manifest, x: Rows, labels: readonly string[]): LabelledRows {
  labels.forEach((label, index) => {
    checkLabel(manifest, label, `example ${index}`);
  });
  return { x, labels };
}

function checkLabel({ labels: fixed }: Manifest, label: unknown, whose: string): asserts label is string {
  if (typeof label !== "string" || label === "")
    throw badInput(`${whose} has the label ${show(label)}; a label is a text that is not empty`);
  if (fixed?.includes(label) === false)
    throw badInput(`the label ${show(label)} was given; this bundle knows ${listing(fixed)}; use one of these`);
}

function rowsOf(
  shape: readonly number[],
  examples: readonly Partial<Example>[],
  name: (index: number) => string,
): Rows {
  const size = sizeOf(shape);
  examples.forEach((example, index) => {
    if (!isNumbers(example?.data)) throw notNumbers(name(index), example?.data);
    if (example.shape !== undefined && !sameShape(example.shape, shape))
      throw badInput(`${name(index)} has the shape ${brackets(example.shape)}; this bundle takes ${brackets(shape)}`);
    if (example.data.length !== size)
      throw badInput(
        `${name(index)} has ${example.data.length} values; this bundle takes ${size} (${brackets(shape)})`,
      );
  });
  return {
    count: examples.length,
    copy: (index, to, offset) => copy(examples[index]!.data!, 0, size, to, offset, () => name(index)),
  };
}

function rowsOfBatch(shape: readonly number[], batch: Batch, name: string): Rows {
  const [count, ...rest] = batch.shape;
  if (!isNumbers(batch.data)) throw notNumbers(name, batch.data);
  if (count === undefined || !(Number.isInteger(count) && count >= 0) || !sameShape(rest, shape))
    throw badInput(
      `${name} have the shape ${brackets(batch.shape)}; expected [n, ${shape.join(", ")}] with n examples`,
    );
  const size = sizeOf(shape);
  if (batch.data.length !== count * size)
    throw badInput(
      `${name} hold ${batch.data.length} values; the shape ${brackets(batch.shape)} needs ${count * size}`,
    );
  return {
    count,
    copy: (index, to, offset) => copy(batch.data, index * size, size, to, offset, () => `example ${index} of ${name}`),
  };
}

function copy(from: Numbers, start: number, size: number, to: Float32Array, offset = 0, name: () => string): void {
  for (let position = 0; position < size; position++) {
    const value = from[start + position];
    // A list may hold anything, and what is no number would become one: null and "" 0, true 1.
    if (typeof value === "number" && Number.isFinite(Math.fround(value))) to[offset + position] = value;
    else
      throw badInput(
        `${name()} holds ${show(value)} at position ${position}; every value must be a finite 32-bit number; ` +
          "check how the example was made",
      );
  }
}

function isNumbers(value: unknown): value is Numbers {
  return /^Float(32|64)Array$/.test(kindOf(value)) || (Array.isArray(value) && typeof (value[0] ?? 0) !== "object");
}

function isExample(value: unknown): value is Example {
  return typeof value === "object" && value !== null && "data" in value;
}

function isBatch(value: unknown): value is Batch {
  return isExample(value) && Array.isArray(value.shape);
}

function notNumbers(name: string, value: unknown): InnerloopError {
  const kind = kindOf(value) || (value === null ? "null" : typeof value);
  const advice = /^U?int/i.test(kind) ? "; learner.example makes one of raw input" : "";
  return badInput(`${name} is given as ${kind}; a Float32Array, Float64Array or list of numbers was expected${advice}`);
}

function unknownForm(what: string, expected: string): InnerloopError {
  return badInput(`${what} of an unknown form were given; expected ${expected}`);
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return Array.isArray(a) && a.length === b.length && a.every((dim, axis) => dim === b[axis]);
}

function brackets(shape: readonly number[]): string {
  return Array.isArray(shape) ? `[${shape.map(show).join(", ")}]` : show(shape);
}

/** The first of many labels, as messages name them. */
export function listing(labels: readonly string[]): string {
  const shown = labels.slice(0, 12).map(show).join(", ");
  return labels.length > 12 ? `${shown} and ${labels.length - 12} more` : shown;
}
