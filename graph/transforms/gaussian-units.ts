// GELU as exporters write it out, x·(1 + erf(x/√2))/2, seen by a reverse walk as one function of x: what its parts would keep for their
// derivatives is then not kept, and ONNX Runtime runs the forward part as the one kernel that it has for it.
import { uniformOf } from "../core/build.ts";
import type { Value } from "../core/value.ts";
import { Add, Mul, Sub } from "../ops/arithmetic.ts";
import { Erf, Exp } from "../ops/functions.ts";

/** k·x·(1 + erf(s·x)) */
export interface GaussianUnit {
  readonly x: Value;
  /** What lies between x and the result. */
  readonly inner: readonly Value[];
  /** The cotangent of x for that of the result. */
  cotangent(g: Value): Value;
}

/** A value as the unit that it is the result of, if so. */
export function gaussianUnit(result: Value): GaussianUnit | undefined {
  for (const [before, core] of withoutNumbers(result)) {
    const [a, b] = pairOf(core, "Mul");
    if (!a || !b) continue;
    for (const [left, one] of withoutNumbers(a))
      for (const [right, other] of withoutNumbers(b))
        for (const [x, sum] of [
          [one, other],
          [other, one],
        ] as const) {
          const slope = slopeOf(sum, x);
          if (slope === undefined || !(slope > 0)) continue;
          const k = before * left * right;
          const inner = [core, a, b, one, other, ...between(sum, x)].filter((value) => value !== x);
          return { x, inner, cotangent: (g) => Mul(Mul(g, k), derivative(x, slope)) };
        }
  }
  return undefined;
}

/** 1 + erf(s·x) + 2s/√π · x·exp(−s²x²); the number before x is part of the exponent. */
function derivative(x: Value, slope: number): Value {
  const scaled = Mul(x, slope);
  const bell = Exp(Sub(Math.log((2 * slope) / Math.sqrt(Math.PI)), Mul(scaled, scaled)));
  return Add(Add(Erf(scaled), 1), Mul(x, bell));
}

/** A value, and what is left of it without each of the numbers that it is multiplied by, beside their product. */
function withoutNumbers(value: Value): [number, Value][] {
  const found: [number, Value][] = [[1, value]];
  for (let [number, left] = found[0]!; ; found.push([number, left])) {
    const product = withNumber(left, "Mul");
    const quotient = withNumber(left, "Div");
    if (!product && !quotient) return found;
    number *= product ? product.number : 1 / quotient!.number;
    left = (product ?? quotient!).other;
  }
}

/** s where a value is 1 + erf(s·x). */
function slopeOf(value: Value, x: Value): number | undefined {
  const sum = withNumber(value, "Add");
  const scaled = sum?.number === 1 && sum.other.node.operator.name === "Erf" ? sum.other.node.inputs[0] : undefined;
  return scaled && withoutNumbers(scaled).find(([, inner]) => inner === x)?.[0];
}

/** What lies between x and 1 + erf(s·x). */
function between(sum: Value, x: Value): Value[] {
  const erf = withNumber(sum, "Add")!.other;
  const scaled = withoutNumbers(erf.node.inputs[0]!).map(([, value]) => value);
  return [erf, ...scaled.slice(0, scaled.indexOf(x))];
}

function withNumber(value: Value, name: string): { readonly number: number; readonly other: Value } | undefined {
  const [a, b] = pairOf(value, name);
  const [left, right] = [a && uniformOf(a), b && uniformOf(b)];
  if (a && right !== undefined) return { number: right, other: a };
  return b && left !== undefined && name !== "Div" ? { number: left, other: b } : undefined;
}

/** The operands of an operator of that name, of graphs or as a model has it. */
const pairOf = ({ node: { operator, inputs } }: Value, name: string): readonly (Value | undefined)[] =>
  operator.name === name ? inputs : [];
