// Sums, means and largest numbers along axes, and what is made of rows by them.
import { sizeOf } from "@innerloop/schemas/bundle";
import { type Node, refused } from "./file.ts";
import { type Compute, deepest, largest, type Plan, type Value } from "./plan.ts";
import { multiply } from "./products.ts";
import { axisOf, floatOf, inScript, intOf, mostCalls, present, type Shape, scripted } from "./steps.ts";

/** Eight ones, which sums multiply by. */
const ones = (plan: Plan): Value => plan.known(new Array(8).fill(1), [8]);

/** What a reduction makes of a shape, and how many numbers are before, along and after the axes that it takes away. */
function reduction(from: Shape, axes: Shape, kept: boolean) {
  const gone = [...new Set(axes.map((axis) => axisOf(axis, from.length)))].sort((a, b) => a - b);
  if (gone.some((axis, i) => i > 0 && axis !== gone[i - 1]! + 1)) throw refused("a reduction over axes that are apart");
  const shape = from.flatMap((size, axis) => (gone.includes(axis) ? (kept ? [1] : []) : [size]));
  const [first = from.length, end = from.length] = gone.length > 0 ? [gone[0]!, gone.at(-1)! + 1] : [];
  const [outer = 1, terms = 1, inner = 1] = [from.slice(0, first), from.slice(first, end), from.slice(end)].map(sizeOf);
  return { shape, outer, terms, inner };
}

/** Sums over neighbouring axes. */
function summed(plan: Plan, value: Value, axes: Shape, kept: boolean): Value {
  const x = plan.written(value);
  const { shape, outer, terms, inner } = reduction(x.shape, axes, kept);
  const out = plan.room(shape, x.dtype, x.depth);
  const one = { value: ones(plan), row: 0, term: 0 };
  if (inner === 1) {
    // Many in eight sums that are added up: eight at a time, and rounded less.
    const wide = outer === 1 && terms >= 32 && terms % 8 === 0;
    const eight = wide ? plan.room([8], x.dtype, x.depth) : x;
    const [row, count] = wide ? [8, 8] : [terms, terms];
    if (wide) multiply(plan, x.depth, { left: one, right: { value: x, row }, out: eight, m: 1, n: 8, k: terms / 8 });
    const left = { value: eight, row: terms, term: 1 };
    multiply(plan, x.depth, { left, right: { value: one.value, row: 0 }, out, m: outer, n: 1, k: count });
    return out;
  }
  if (outer > mostCalls) throw refused(`sums of ${outer} matrices`);
  for (let i = 0; i < outer; i++) {
    const right = { value: { ...x, at: x.at + 4 * i * terms * inner }, row: inner };
    const to = { ...out, at: out.at + 4 * i * inner };
    multiply(plan, x.depth, { left: one, right, out: to, m: 1, n: inner, k: terms });
  }
  return out;
}

/** The axes of a reduction: an input, an attribute in early opsets, or all. */
function axesOf(plan: Plan, x: Value, axes: Value | undefined, node: Node): number[] {
  const given = axes ? plan.numbers(axes) : [...(node.attributes.axes?.ints ?? [])];
  if (given.length > 0) return given;
  return intOf(node, "noop_with_empty_axes", 0) === 1 ? [] : x.shape.map((_, axis) => axis);
}

export const reduced =
  (finish: (plan: Plan, sum: Value, count: number) => Value, prepare = (_: Plan, x: Value): Value => x): Compute =>
  (plan, [x, axes], node) => {
    const value = present(x, node);
    const along = axesOf(plan, value, axes, node);
    const sum = summed(plan, prepare(plan, value), along, intOf(node, "keepdims", 1) === 1);
    return [finish(plan, sum, sizeOf(value.shape) / Math.max(1, sizeOf(sum.shape)))];
  };

/** Rows along the last axis. */
export const rowwise =
  (compute: (row: Float32Array, to: Float32Array) => void): Compute =>
  (plan, [x], node) => {
    const value = present(x, node);
    const width = value.shape.at(-1) ?? 1;
    if (axisOf(intOf(node, "axis", -1), value.shape.length) !== value.shape.length - 1)
      throw refused(`${node.operator} along another axis than the last`);
    const all = (from: Float32Array, to: Float32Array) => {
      for (let at = 0; at < from.length; at += width)
        compute(from.subarray(at, at + width), to.subarray(at, at + width));
    };
    return [inScript(plan, value, value.shape, "float32", all)];
  };

/** Exponentials of a row less its largest number, and their sum. */
function exponentials(row: Float32Array, to: Float32Array): number {
  const most = largest(row);
  let sum = 0;
  for (let i = 0; i < row.length; i++) {
    to[i] = Math.exp(row[i]! - most);
    sum += to[i]!;
  }
  return sum;
}

export const softmax = (row: Float32Array, to: Float32Array): void => {
  const sum = exponentials(row, to);
  for (let i = 0; i < row.length; i++) to[i]! /= sum;
};

export const logSoftmax = (row: Float32Array, to: Float32Array): void => {
  const less = largest(row) + Math.log(exponentials(row, to));
  for (let i = 0; i < row.length; i++) to[i] = row[i]! - less;
};

/** The largest of numbers over neighbouring axes. */
export const maximum: Compute = (plan, [x, axes], node) => {
  const value = present(x, node);
  const { shape, outer, terms, inner } = reduction(
    value.shape,
    axesOf(plan, value, axes, node),
    intOf(node, "keepdims", 1) === 1,
  );
  if (value.dtype !== "float32" && value.depth > 0 && sizeOf(shape) === 1)
    return [plan.known([plan.largestOf(value)], shape, value.dtype)];
  return [
    inScript(plan, value, shape, value.dtype, (from, to) => {
      to.fill(Number.NEGATIVE_INFINITY);
      for (let o = 0; o < outer; o++)
        for (let term = 0; term < terms; term++)
          for (let i = 0; i < inner; i++) {
            const at = o * inner + i;
            to[at] = Math.max(to[at]!, from[(o * terms + term) * inner + i]!);
          }
    }),
  ];
};

/** Rows of mean 0 and variance 1, times a gain, plus a bias. */
export const layerNormalization: Compute = (plan, inputs, node) => {
  const [x, gain, bias] = inputs.map((value) => plan.written(value));
  const value = present(x, node);
  const axis = axisOf(intOf(node, "axis", -1), value.shape.length);
  const lead = value.shape.slice(0, axis);
  const width = sizeOf(value.shape.slice(axis));
  const epsilon = floatOf(node, "epsilon", 1e-5);
  const depth = deepest(...inputs);
  const statistics = lead.concat(new Array<number>(value.shape.length - axis).fill(1));
  const [out, means, inverses] = [value.shape, statistics, statistics].map((shape) =>
    plan.room(shape, "float32", depth),
  );
  const { machine } = plan;
  const rows = sizeOf(lead);
  plan.works(depth, scripted * sizeOf(value.shape));
  const [g, b] = [present(gain, node).at / 4, bias && bias.at / 4];
  plan.step(depth, () => {
    const { floats } = machine;
    for (let row = 0; row < rows; row++) {
      const [from, to] = [value.at / 4 + row * width, out!.at / 4 + row * width];
      let sum = 0;
      for (let i = 0; i < width; i++) sum += floats[from + i]!;
      const mean = sum / width;
      let squares = 0;
      for (let i = 0; i < width; i++) squares += (floats[from + i]! - mean) ** 2;
      const inverse = 1 / Math.sqrt(squares / width + epsilon);
      [floats[means!.at / 4 + row], floats[inverses!.at / 4 + row]] = [mean, inverse];
      for (let i = 0; i < width; i++)
        floats[to + i] = (floats[from + i]! - mean) * inverse * floats[g + i]! + (b === undefined ? 0 : floats[b + i]!);
    }
  });
  return [out!, means!, inverses!];
};
