// Slopes of what rounds to few bits, which is differentiated as if it did not. Steps have no slope to compare with; what is compared is
// the line, or the cubic, that lies nearest to them over a reach of many steps of the rounding.
import { constant, evaluate, gradients, op, topological, type Value } from "@innerloop/graph";
import { randomNumbers } from "../support/numbers.ts";
import { type Differentiated, type Point, sum, total } from "./scalar.ts";

/** Binary places behind the first of each type's numbers. */
const places: Readonly<Record<string, number>> = {
  float16: 10,
  bfloat16: 7,
  float8e4m3fn: 3,
  float8e4m3fnuz: 3,
  float8e5m2: 2,
  float8e5m2fnuz: 2,
  float4e2m1: 1,
};

/** The fewest places that numbers are rounded to on the way; undefined where they are not rounded. */
export function coarsest({ scalar }: Differentiated): number | undefined {
  const rounded = topological([scalar]).flatMap(({ operator, attributes }) => {
    const known = operator.name === "Narrow" ? places[String(attributes.to)] : undefined;
    return known === undefined ? [] : [known];
  });
  return rounded.length > 0 ? Math.min(...rounded) : undefined;
}

/** A way uphill, on which each number moves by about its own size, since rounding is relative. */
function uphill({ scalar, wrt, at }: Differentiated): Record<string, Float64Array> {
  const next = randomNumbers(29);
  return Object.fromEntries(
    Object.entries(wrt).map(([name, value]) => {
      const [slope] = gradients(scalar, [value]);
      const slopes = slope && evaluate([slope], at)[0]!.data;
      const way = (x: number, i: number): number =>
        Number.isFinite(x)
          ? (0.3 + Math.abs(next())) * Math.max(Math.abs(x), 0.1) * (slopes && slopes[i]! < 0 ? -1 : 1)
          : 0;
      return [name, Float64Array.from(at[name]!.data, way)];
    }),
  );
}

/**
 * The slope at 0 of the polynomial that lies nearest to numbers left and right of 0: a cubic, or a line where the steps are so coarse that
 * they would bend it.
 */
function slopeThrough(points: readonly { readonly t: number; readonly odd: number }[], isCubic: boolean): number {
  const moment = (power: number): number => points.reduce((sum, { t }) => sum + t ** power, 0);
  const first = points.reduce((sum, { t, odd }) => sum + odd * t, 0);
  if (!isCubic) return first / moment(2);
  const third = points.reduce((sum, { t, odd }) => sum + odd * t ** 3, 0);
  return (first * moment(6) - third * moment(4)) / (moment(2) * moment(6) - moment(4) ** 2);
}

/** What is wrong with the first and second derivatives of a case that rounds, in words; each may be off by what the rounding hides. */
export function roundedWrong(what: Differentiated, bits: number): string | undefined {
  const widest = bits >= 7 ? 0.25 : 0.5;
  let said: string | undefined;
  // Where a type ends or a length jumps, the place is moved, and the reach made less, until all of it is on one side of that.
  for (let attempt = 0; attempt < 6; attempt++) {
    const at = attempt === 0 ? what.at : moved(what, attempt);
    const wrong = wrongAround({ ...what, at }, bits, attempt % 2 === 0 ? widest : widest / 8);
    if (!wrong) return undefined;
    said ??= wrong;
  }
  return said;
}

/** A place nearby, at which the first input is nearer to zero than the others. */
function moved({ at, wrt }: Differentiated, attempt: number): Point {
  const next = randomNumbers(attempt);
  const [first] = Object.keys(wrt);
  return Object.fromEntries(
    Object.entries(at).map(([name, { shape, data }]) => {
      const factor = name === first ? 0.7 ** (attempt >> 1) : 1;
      const numbers = wrt[name] ? Float64Array.from(data, (x) => factor * x * (1 + 0.3 * next())) : data;
      return [name, { shape, data: numbers }];
    }),
  );
}

function wrongAround(what: Differentiated, bits: number, reach: number): string | undefined {
  const { scalar, wrt, at } = what;
  const way = uphill(what);
  const along = (y: Value): Value =>
    sum(
      Object.entries(wrt).flatMap(([name, value]) => {
        const [slope] = gradients(y, [value]);
        return slope ? [total(op.Mul(slope, constant(way[name]!, at[name]!.shape, slope.dtype)))] : [];
      }),
    );
  const once = along(scalar);
  const twice = along(once);
  const further = (t: number): Point =>
    Object.fromEntries(
      Object.entries(at).map(([name, { shape, data }]) => [
        name,
        { shape, data: Float64Array.from(data, (x, i) => x + t * (way[name]?.[i] ?? 0)) },
      ]),
    );
  const both = (t: number): number[] => evaluate([scalar, once], further(t)).map(({ data }) => data[0]!);
  const next = randomNumbers(31);
  const count = 200;
  const pairs = Array.from({ length: count }, (_, i) => {
    const t = (reach * (i + 0.5 + 0.5 * next())) / count;
    const [ahead, behind] = [both(t), both(-t)];
    return { t, odd: ahead.map((value, which) => (value - behind[which]!) / 2) };
  }).filter(({ odd }) => odd.every(Number.isFinite));
  if (pairs.length < count / 20) return "nothing around it is finite";
  const slope = (which: number): number =>
    slopeThrough(
      pairs.map(({ t, odd }) => ({ t, odd: odd[which]! })),
      bits >= 7,
    );
  const [first, second] = evaluate([once, twice], at).map(({ data }) => data[0]!) as [number, number];
  const [seen, seenOfOnce] = [slope(0), slope(1)];
  const step = 2 ** -bits;
  const isRight =
    Math.abs(first - seen) <= (bits >= 7 ? 3 : 0.5) * step * (Math.abs(first) + Math.abs(seen)) + 1e-12 &&
    Math.abs(second - seenOfOnce) <= 4 * step * (1 + Math.abs(second) + Math.abs(seenOfOnce));
  return isRight ? undefined : `slope ${first}, of a line ${seen}; second ${second}, of a line ${seenOfOnce}`;
}
