// One number out of a node test, whose derivatives see every entry of every output.
import { constant, evaluate, type OnnxModel, op, type ShapedNumbers, type Value } from "@innerloop/graph";
import { sizeOf } from "@innerloop/schemas";
import { randomNumbers } from "../support/numbers.ts";
import type { NodeCase } from "./cases.ts";
import { numbersOf } from "./numbers.ts";

export type Point = Readonly<Record<string, ShapedNumbers>>;

const isFloat = ({ dtype }: Value): boolean => dtype === "float32" || dtype === "float64";
const fixed = (shape: Value["shape"]): shape is readonly number[] => shape.every((dim) => typeof dim === "number");

/** The sum of an array, in float64. */
export const total = (x: Value): Value => op.ReduceSum(op.Cast(x, "float64"), { keepdims: false });
export const sum = (values: readonly Value[]): Value =>
  values.reduce((a, b) => op.Add(a, b), constant(0, [], "float64"));

/** A scalar and what it is differentiated by, at a point. */
export interface Differentiated {
  readonly scalar: Value;
  readonly wrt: Readonly<Record<string, Value>>;
  readonly at: Point;
}

/** One number out of the float outputs of a case, in which every entry has a weight of its own; undefined where there are no floats. */
export function scalarOf(test: NodeCase, model: OnnxModel): Differentiated | undefined {
  const next = randomNumbers(test.name.length);
  const at: Record<string, ShapedNumbers> = {};
  for (const [name, { shape, data }] of Object.entries(model.initializers))
    at[name] = { shape, data: Float64Array.from(data as ArrayLike<number>, Number) };
  for (const given of test.inputs) if (model.inputs[given.name]) at[given.name] = numbersOf(given);
  const wrt = Object.fromEntries(Object.entries(model.inputs).filter(([, value]) => isFloat(value)));
  const outputs = Object.values(model.outputs).filter(isFloat);
  if (outputs.length === 0 || Object.keys(wrt).length === 0) return undefined;
  const values = evaluate(outputs, at);
  const terms = outputs.flatMap((y, i) => {
    if (!fixed(y.shape))
      return values[i]!.data.every(Number.isFinite) ? total(op.Sin(op.Add(op.Mul(y, 1.3), 0.7))) : [];
    const weights = constant(Float64Array.from({ length: sizeOf(y.shape) }, next), y.shape, y.dtype);
    // What is infinite, as the score of a masked position, has no slope.
    const there = Float64Array.from(values[i]!.data, (v) => (Number.isFinite(v) ? 1 : 0));
    const finite = there.includes(0) ? op.Where(constant(there, y.shape, "bool"), y, constant(0, [], y.dtype)) : y;
    return total(op.Mul(finite, weights));
  });
  return terms.length > 0 ? { scalar: sum(terms), wrt, at } : undefined;
}
