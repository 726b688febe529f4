// Steps of a plan that operators are made of: numbers one by one, whatever is repeated, and numbers that are looked up.
import { type DType, sizeOf } from "@innerloop/schemas/bundle";
import { type Node, refused } from "./file.ts";
import { deepest, mostBytes, type Plan, type Value } from "./plan.ts";

export type Shape = readonly number[];

const lanes = 4;
/** A number that JavaScript computes takes as long as so many multiplications of a product. */
export const scripted = 30;
/** A step is so many calls at most. */
export const mostCalls = 64;

export const intOf = ({ attributes }: Node, name: string, otherwise: number): number =>
  attributes[name]?.ints[0] ?? otherwise;
export const floatOf = ({ attributes }: Node, name: string, otherwise: number): number =>
  attributes[name]?.float ?? otherwise;

export function present(value: Value | undefined, { operator }: Node): Value {
  if (value) return value;
  throw refused(`${operator} without an input that it needs`);
}

export const axisOf = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

/** The same numbers in another shape, or said to be of another dtype. */
export const seen = (plan: Plan, value: Value, shape: Shape, dtype: DType = value.dtype): Value => {
  if (sizeOf(shape) !== sizeOf(value.shape)) throw refused(`[${value.shape}] in the shape [${shape}]`);
  const { turned: _, ...written } = plan.written(value);
  return { ...written, shape, dtype };
};

export function broadcast(shapes: readonly Shape[]): number[] {
  const rank = Math.max(...shapes.map(({ length }) => length));
  return Array.from({ length: rank }, (_, axis) => {
    const sizes = shapes.map((shape) => shape[axis - rank + shape.length] ?? 1).filter((size) => size !== 1);
    if (sizes.some((size) => size !== sizes[0])) throw refused(`shapes [${shapes.join("] and [")}] together`);
    return sizes[0] ?? 1;
  });
}

/** Distances of the numbers of an array along the axes of what it is repeated to, in numbers. */
export function distances(shape: Shape, out: Shape): number[] {
  let apart = 1;
  const result = new Array<number>(out.length).fill(0);
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1) result[axis - shape.length + out.length] = apart;
    apart *= shape[axis]!;
  }
  return result;
}

/** All places of some axes, by the distances of each operand along them. */
export function places(sizes: Shape, steps: readonly Shape[]): number[][] {
  return sizes.reduce<number[][]>(
    (found, size, axis) =>
      found.flatMap((place) =>
        Array.from({ length: size }, (_, i) => place.map((start, operand) => start + i * steps[operand]![axis]!)),
      ),
    [steps.map(() => 0)],
  );
}

/** Number by number, operands repeated to the shape of the result. */
export function numberwise(plan: Plan, name: string, operands: readonly Value[], dtype: DType): Value {
  const read = operands.map((value) => plan.written(value));
  const shape = broadcast(read.map((value) => value.shape));
  const out = plan.room(shape, dtype, deepest(...read));
  if (sizeOf(shape) === 0) return out;
  // Axes that all operands go along alike are one.
  const apart = [...read.map((value) => distances(value.shape, shape)), distances(shape, shape)];
  const sizes: number[] = [];
  const steps: number[][] = apart.map(() => []);
  shape.forEach((size, axis) => {
    if (size === 1) return;
    const before = sizes.length - 1;
    const joined = before >= 0 && apart.every((each, i) => steps[i]![before] === each[axis]! * size);
    if (joined) sizes[before]! *= size;
    else sizes.push(size);
    for (const [i, each] of apart.entries()) {
      if (joined) steps[i]!.pop();
      steps[i]!.push(each[axis]!);
    }
  });
  if (sizes.length === 0) {
    sizes.push(1);
    for (const each of steps) each.push(1);
  }
  const [n = 1, rows = 1] = [sizes.at(-1), sizes.at(-2)];
  const modes = read.map((_, i) => (steps[i]!.at(-1) === 1 ? "v" : "s")).join("");
  const routine = plan.machine.routines[`${name} ${modes}`]!;
  const starts = places(sizes.slice(0, -2), steps);
  if (starts.length > mostCalls) throw refused(`${name} over ${sizes.length} axes`);
  const rowSteps = steps.map((each) => 4 * (each.at(-2) ?? 0));
  const vectors = Math.ceil(n / lanes);
  for (const start of starts) {
    const words = [out.at + 4 * start.at(-1)!, rowSteps.at(-1)!, rows, vectors];
    for (const [i, value] of read.entries()) words.push(value.at + 4 * start[i]!, rowSteps[i]!);
    plan.step(out.depth, called(routine, words));
  }
  return out;
}

/** A call with its words, of which none is a list at run time. */
export function called(routine: (...words: readonly number[]) => void, words: readonly number[]): () => void {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0, i = 0, j = 0] = words;
  return () => routine(a, b, c, d, e, f, g, h, i, j);
}

/** A function of JavaScript of the numbers of one array. */
export function inScript(
  plan: Plan,
  value: Value,
  shape: Shape,
  dtype: DType,
  compute: (from: Float32Array, to: Float32Array) => void,
): Value {
  const { machine } = plan;
  const read = plan.written(value);
  const out = plan.room(shape, dtype, read.depth);
  const [from, fromEnd] = [read.at / 4, read.at / 4 + sizeOf(read.shape)];
  const [to, toEnd] = [out.at / 4, out.at / 4 + sizeOf(shape)];
  plan.works(out.depth, scripted * (toEnd - to));
  plan.step(out.depth, () => compute(machine.floats.subarray(from, fromEnd), machine.floats.subarray(to, toEnd)));
  return out;
}

/** An array whose numbers are numbers of another, by their places there. */
export function looked(plan: Plan, value: Value, shape: Shape, sourcesOf: () => Int32Array): Value {
  if (4 * sizeOf(shape) > mostBytes) throw refused(`an array of shape [${shape}]`);
  const sources = sourcesOf();
  return inScript(plan, value, shape, value.dtype, (from, to) => {
    for (let i = 0; i < sources.length; i++) to[i] = from[sources[i]!]!;
  });
}

/** The places that are read along axes, by their distances. */
export function sourcesOf(shape: Shape, apart: Shape): Int32Array {
  return Int32Array.from(places(shape, [apart]), ([place]) => place!);
}

export const scalar = (plan: Plan, value: number): Value => plan.known([value], []);
export const scaled = (plan: Plan, value: Value, by: number): Value =>
  by === 1 ? value : numberwise(plan, "Mul", [value, scalar(plan, by)], "float32");
