// What a step of points means, in plain loops.
import type { Access, Points } from "@innerloop/native/plan";

/** An array that may be read and written at places. */
interface Array64 {
  get(place: number): number;
  set(place: number, number: number): void;
}

/** Takes a step of points. */
export function points(step: Points, arrayOf: (access: Access) => Array64): number {
  const { what, beta = 0, examples, channels, rows, columns, steps, first, size, tile, odd = [0, 0] } = step;
  const [field, values, down, across] = [step.field, step.values, step.down, step.across].map(arrayOf) as [
    Array64,
    Array64,
    Array64,
    Array64,
  ];
  const at = ({ offset, strides }: Access, ...place: readonly number[]): number =>
    place.reduce((sum, each, axis) => sum + each * (strides[axis] ?? 1), offset);
  const factor = (p: number, q: number, i: number, j: number): number =>
    what === "points"
      ? down.get(step.down.offset + p * tile[0] + i) * across.get(step.across.offset + q * tile[1] + j)
      : down.get(step.down.offset + i * step.points[0] + p) * across.get(step.across.offset + j * step.points[1] + q);
  const pairs = ([a, b]: readonly [number, number]): (readonly [number, number])[] =>
    Array.from({ length: a * b }, (_, n) => [Math.floor(n / b), n % b] as const);
  for (let example = 0; example < examples; example++)
    for (const [row, column] of pairs([rows, columns]))
      for (let c = 0; c < channels; c++) {
        const placeOf = (i: number, j: number): number | undefined => {
          const [y, x] = [row * steps[0] + first[0] + i, column * steps[1] + first[1] + j];
          const inside = y >= 0 && x >= 0 && y < size[0] && x < size[1];
          const parity = [y, x].map((place, axis) => (odd[axis] ? place % 2 : 0)) as [number, number];
          const half = [y, x].map((place, axis) => (odd[axis] ? Math.floor(place / 2) : place)) as [number, number];
          return inside ? at(step.field, example, ...half, c) + parity[0] * odd[0] + parity[1] * odd[1] : undefined;
        };
        const placeOfValue = (p: number, q: number): number =>
          at(step.values, p * step.points[1] + q, example, row, column) + c;
        if (what === "points") {
          for (const [p, q] of pairs(step.points)) {
            let sum = beta && values.get(placeOfValue(p, q));
            for (const [i, j] of pairs(tile)) {
              const place = placeOf(i, j);
              if (place !== undefined) sum += factor(p, q, i, j) * field.get(place);
            }
            values.set(placeOfValue(p, q), sum);
          }
        } else
          for (const [i, j] of pairs(tile)) {
            const place = placeOf(i, j);
            if (place === undefined) continue;
            let sum = beta && field.get(place);
            for (const [p, q] of pairs(step.points)) sum += factor(p, q, i, j) * values.get(placeOfValue(p, q));
            field.set(place, sum);
          }
      }
  return 0;
}
