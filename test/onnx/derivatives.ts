// The derivatives of a node test, once and twice, beside differences in float64: along a direction drawn by chance, which sees
// every entry of every input.
import { constant, evaluate, gradients, op, type Value } from "@innerloop/graph";
import { randomNumbers } from "../support/numbers.ts";
import { coarsest, roundedWrong } from "./rounding.ts";
import { type Differentiated, type Point, sum, total } from "./scalar.ts";

const numberOf = (value: Value, at: Point): number => evaluate([value], at)[0]!.data[0]!;

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
