// The derivatives of a node test, once and twice, beside differences in float64: along a direction drawn by chance, which sees
// every entry of every input.
import { constant, evaluate, gradients, type OnnxModel, op, type ShapedNumbers, type Value } from "@innerloop/graph";
import { sizeOf } from "@innerloop/schemas";
import { randomNumbers } from "../support/numbers.ts";
import type { NodeCase } from "./cases.ts";
import { numbersOf } from "./numbers.ts";
import { coarsest, roundedWrong } from "./rounding.ts";

type Point = Readonly<Record<string, ShapedNumbers>>;

const isFloat = ({ dtype }: Value): boolean => dtype === "float32" || dtype === "float64";
const numberOf = (value: Value, at: Point): number => evaluate([value], at)[0]!.data[0]!;
const total = (x: Value): Value => op.ReduceSum(op.Cast(x, "float64"), { keepdims: false });
const sum = (values: readonly Value[]): Value => values.reduce((a, b) => op.Add(a, b), constant(0, [], "float64"));
const fixed = (shape: Value["shape"]): shape is readonly number[] => shape.every((dim) => typeof dim === "number");

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

/** A direction: numbers for each input that is moved. */
type Direction = Readonly<Record<string, Float64Array>>;

const moved = (at: Point, direction: Direction, by: number): Point =>
  Object.fromEntries(
    Object.entries(at).map(([name, { shape, data }]) => {
      const way = direction[name];
      return [name, way ? { shape, data: Float64Array.from(data, (x, i) => x + by * way[i]!) } : { shape, data }];
    }),
  );

/** The slope of a scalar along a direction, by central differences. */
function slope(scalar: Value, at: Point, direction: Direction): number {
  const h = 1e-6;
  return (numberOf(scalar, moved(at, direction, h)) - numberOf(scalar, moved(at, direction, -h))) / (2 * h);
}

/** The same as a value, by the derivatives of the graph. */
function slopeOf({ scalar, wrt, at }: Differentiated, direction: Direction): Value {
  const found = gradients(scalar, Object.values(wrt));
  const terms = Object.keys(wrt).flatMap((name, i) => {
    const g = found[i];
    return g ? [total(op.Mul(g, constant(direction[name]!, at[name]!.shape, g.dtype)))] : [];
  });
  return sum(terms);
}

const close = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-5 * (1 + Math.abs(a) + Math.abs(b));

/**
 * What is wrong with the first and second derivatives of a case, in words.
 *
 * At a kink one-sided slopes differ, and what a case takes may lie on one, or where a logarithm has no slope; there the
 * point is moved a little, where the derivatives then have to be right. What rounds to few bits has steps, which a
 * difference this small does not see beyond.
 */
export function derivativesWrong(what: Differentiated): string | undefined {
  const next = randomNumbers(17);
  const directions = [0, 1].map(
    (): Direction =>
      Object.fromEntries(
        Object.keys(what.wrt).map((name) => [name, Float64Array.from({ length: what.at[name]!.data.length }, next)]),
      ),
  );
  const [u, v] = directions as [Direction, Direction];
  const once = slopeOf(what, u);
  const twice = slopeOf({ ...what, scalar: once }, v);
  let said: string | undefined;
  for (let attempt = 0; attempt < 4; attempt++) {
    const at = attempt === 0 ? what.at : nudged(what, next);
    const slopes = [numberOf(once, at), slope(what.scalar, at, u), numberOf(twice, at), slope(once, at, v)] as const;
    const right = close(slopes[0], slopes[1]) && close(slopes[2], slopes[3]);
    if (right) return undefined;
    said ??= `slope ${slopes[0]}, by differences ${slopes[1]}; second ${slopes[2]}, by differences ${slopes[3]}`;
  }
  const bits = coarsest(what);
  return bits === undefined ? said : roundedWrong(what, bits);
}

/** A point nearby: every number moved by up to a tenth of itself, and what is none replaced. */
const nudged = ({ at, wrt }: Differentiated, next: () => number): Point =>
  Object.fromEntries(
    Object.entries(at).map(([name, { shape, data }]) => [
      name,
      wrt[name]
        ? {
            shape,
            data: Float64Array.from(data, (x) => (Number.isFinite(x) ? x : 0.5) * (1 + 0.1 * next()) + 0.003 * next()),
          }
        : { shape, data },
    ]),
  );
