// The numbers of arrays, laid out row by row: where each index lies, and copies that read or fill such places.
import { at } from "./lists.ts";
import { sameShape } from "./shapes.ts";
import type { NumberArray } from "./value.ts";

/** How far apart neighbours lie along each axis. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides: number[] = [];
  let stride = 1;
  for (const size of [...shape].reverse()) {
    strides.unshift(stride);
    stride *= size;
  }
  return strides;
}

/** `start + Σ index · stride` for every index of a shape, row by row. */
export function placesOf(shape: readonly number[], strides: readonly number[], start = 0): Float64Array {
  return shape.reduce((outer, size, axis) => {
    const stride = at(strides, axis);
    const places = new Float64Array(outer.length * size);
    let n = 0;
    for (const place of outer) for (let i = 0; i < size; i++) places[n++] = place + i * stride;
    return places;
  }, Float64Array.of(start));
}

/** The numbers at some places. */
export function numbersAt(data: Float64Array, places: Float64Array): Float64Array {
  return places.map((place) => at(data, place));
}

/** Folds each number into the entry of `out` at its place, in order. */
export function foldInto(
  out: Float64Array,
  places: Float64Array,
  data: Float64Array,
  step: (total: number, value: number) => number,
): Float64Array {
  data.forEach((value, n) => {
    const place = at(places, n);
    out[place] = step(at(out, place), value);
  });
  return out;
}

/** An array's numbers laid out as broadcasting to `shape` reads them. */
export function broadcastTo(array: NumberArray, shape: readonly number[]): Float64Array {
  if (sameShape(array.shape, shape)) return array.data;
  const strides = stridesOf(array.shape);
  const missing = shape.length - array.shape.length;
  const repeating = shape.map((_, axis) =>
    axis < missing || array.shape[axis - missing] === 1 ? 0 : at(strides, axis - missing),
  );
  return numbersAt(array.data, placesOf(shape, repeating));
}
