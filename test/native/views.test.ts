// Views name the numbers that a copy would have.

import {
  expanded,
  gridOf,
  naturalStrides,
  permuted,
  placesOf,
  reshaped,
  sliced,
  together,
  type Value,
} from "@innerloop/native/plan";
import { sizeOf } from "@innerloop/schemas";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

const wholeOf = (shape: readonly number[]): Value => ({
  ...{ store: { size: sizeOf(shape), depth: 1 }, offset: 0, shape, strides: naturalStrides(shape) },
  ...{ dtype: "float32", depth: 1 },
});

/** Places in their order, by plain counting. */
const places = ({ offset, shape, strides }: Value): number[] =>
  shape.reduce<number[]>(
    (found, size, axis) => found.flatMap((at) => Array.from({ length: size }, (_, i) => at + i * strides[axis]!)),
    [offset],
  );

/** Arrays turned, cut and repeated by chance. */
const views = fc
  .record({
    shape: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }),
    order: fc.array(fc.nat(1000), { minLength: 4, maxLength: 4 }),
    cuts: fc.array(fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 3 })), { maxLength: 2 }),
    times: fc.integer({ min: 1, max: 3 }),
  })
  .map(({ shape, order, cuts, times }) => {
    const axes = shape.map((_, axis) => axis).sort((a, b) => order[a]! - order[b]!);
    const cut = cuts.reduce(
      (view, [start, step]) => {
        const size = view.shape[0]!;
        const first = start % size;
        return sliced(view, 0, first, Math.ceil((size - first) / step), step);
      },
      permuted(wholeOf(shape), axes),
    );
    return times === 1 ? cut : expanded(cut, [times, ...cut.shape]);
  });

describe("views", () => {
  it("list the places of their numbers", () => {
    fc.assert(
      fc.property(views, (view) => {
        expect([...placesOf(view)]).toEqual(places(view));
      }),
    );
  });

  it("lie together where their places follow each other", () => {
    fc.assert(
      fc.property(views, (view) => {
        const all = places(view);
        expect(together(view)).toBe(all.every((place, i) => place === all[0]! + i));
      }),
    );
  });

  it("have the same numbers in another shape, wherever one of distances has them", () => {
    fc.assert(
      fc.property(views, fc.array(fc.nat(1000), { minLength: 3, maxLength: 3 }), (view, choices) => {
        const shape: number[] = [];
        let left = sizeOf(view.shape);
        for (const choice of choices) {
          const divisors = Array.from({ length: left }, (_, i) => i + 1).filter((size) => left % size === 0);
          shape.push(divisors[choice % divisors.length]!);
          left /= shape.at(-1)!;
        }
        shape.push(left);
        const made = reshaped(view, shape);
        if (made) expect({ shape: made.shape, places: places(made) }).toEqual({ shape, places: places(view) });
        else expect(strided(places(view), shape)).toBe(false);
      }),
    );
  });
});

/** Whether some distances along the axes of a shape give these places. */
function strided(all: readonly number[], shape: readonly number[]): boolean {
  const natural = naturalStrides(shape);
  const strides = shape.map((size, axis) => (size === 1 ? 0 : all[natural[axis]!]! - all[0]!));
  return places({ ...wholeOf(shape), offset: all[0]!, strides }).every((place, i) => place === all[i]);
}

describe("grids", () => {
  it("are found where indices are one", () => {
    const axes = fc.array(fc.tuple(fc.integer({ min: 2, max: 4 }), fc.nat(9)), { maxLength: 3 });
    fc.assert(
      fc.property(fc.nat(5), axes, (start, given) => {
        const [sizes, steps] = [given.map(([size]) => size), given.map(([, step]) => step)];
        const indices = places({ ...wholeOf(sizes), offset: start, strides: steps });
        const grid = gridOf(indices);
        expect(grid).toBeDefined();
        const { start: offset, sizes: shape, steps: strides } = grid!;
        expect(places({ ...wholeOf(shape), offset, strides })).toEqual(indices);
      }),
    );
  });

  it("are not where they are none", () => {
    expect(gridOf([0, 1, 3])).toBeUndefined();
    expect(gridOf([0, 1, 4, 6])).toBeUndefined();
  });
});
