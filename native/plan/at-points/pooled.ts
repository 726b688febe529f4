// Steps of a pool of 2 x 2 over windows of 3 x 3 places at points.

import { matrixOf } from "../known.ts";
import type { Access, Points, Product, Step, Store } from "../steps.ts";
import type { Beside } from "./beside.ts";
import { type Making, spaced } from "./making.ts";
import { side } from "./pictures.ts";
import { four, type Pool, type Sum, type Windows } from "./pools.ts";
import { windowed } from "./toom.ts";

const pool = 2;
const by = windowed(pool, side);
/** Rows and columns of points, and all of them. */
const square = [by.points, by.points] as const;
export const points = by.points ** 2;

/** A matrix of so many columns, turned. */
const turned = (matrix: readonly number[], columns: number): number[] =>
  Array.from({ length: columns }, (_, column) => matrix.filter((_, i) => i % columns === column)).flat();

const taps = by.taps.flat();
/** Gradients go the other way: from what is given to points, and from there to taps. */
const [fromGiven, toTaps] = [turned(by.gives, by.points), turned(taps, side)];

/** Weights at points, by where they are. */
export type Weights = Map<Store, Map<number, Store>>;

/** What is pooled. The weights are brought to points where they are not there yet. */
export function pooled(plan: Making, { windows, last, stores }: Pool, beside: Beside, there: Weights): Step[] {
  const { n, right, out } = last;
  const { depth } = out.store;
  const [count, channels] = [windowsOf(windows), windows.channels];
  const [values, sums] = [plan.store(points * count * channels, depth), plan.store(points * count * n, depth)];
  const wide = channels * n;
  const each = spaced(wide);
  const known = there.get(right.store)?.get(right.offset);
  const weights = known ?? plan.store(points * each, right.store.depth === 0 ? 0 : depth);
  there.set(right.store, (there.get(right.store) ?? new Map()).set(right.offset, weights));
  const bringing: Points = {
    ...ofWeights(wide, right),
    ...{ what: "points", values: { store: weights, offset: 0, strides: [each, 0, 0, 0] } },
    ...both(plan, taps),
  };
  if (!known && weights.depth === 0) plan.known.run(bringing);
  return [
    ...(known || weights.depth === 0 ? [] : [bringing]),
    ofPicture(plan, windows, values),
    {
      ...{ kind: "product", batch: [points], m: count, n, k: channels, alpha: 1, beta: 0, relu: false },
      left: { store: values, offset: 0, strides: [count * channels, channels, 1] },
      right: { store: weights, offset: 0, strides: [each, n, 1] },
      out: { store: sums, offset: 0, strides: [count * n, n, 1] },
    },
    {
      ...ofPlaces(windows, n, { ...out, store: beside.get(stores[0]!)!.store }),
      ...{ what: "places", values: valuesOf(windows, sums, n) },
      ...both(plan, by.gives),
    },
  ];
}

/** Gradients of weights: what is in place of the last product of each of a sum's parts. */
export function summed(plan: Making, { parts, factor }: Sum, beside: Beside): Map<Product, readonly Step[]> {
  const [
    {
      windows: { channels },
      last: { n },
    },
  ] = parts as [Pool];
  const { out } = parts.at(-1)!.last;
  const { depth } = out.store;
  const wide = channels * n;
  const ofSums = spaced(wide);
  const sums = { store: plan.store(points * ofSums, depth), offset: 0, strides: [ofSums, n, 1] };
  return new Map(
    parts.map(({ windows, last, stores }, i): [Product, Step[]] => {
      const count = windowsOf(windows);
      const [values, given] = [plan.store(points * count * channels, depth), plan.store(points * count * n, depth)];
      const steps: Step[] = [
        ofPicture(plan, windows, values),
        {
          ...ofPlaces(windows, n, { ...last.right, store: beside.get(stores[0]!)!.store }),
          ...{ what: "points", values: valuesOf(windows, given, n) },
          ...both(plan, fromGiven),
        },
        {
          ...{ kind: "product", batch: [points], m: channels, n, k: count, alpha: 1, beta: 1, relu: false },
          left: { store: values, offset: 0, strides: [count * channels, 1, channels] },
          right: { store: given, offset: 0, strides: [count * n, n, 1] },
          ...{ out: sums, ...(i > 0 && { added: sums }) },
        },
      ];
      const back: Points = {
        ...ofWeights(wide, out),
        ...{ what: "places", values: { ...sums, strides: [ofSums, 0, 0, 0] } },
        ...{
          down: matrixOf(
            plan.known,
            toTaps.map((number) => factor * number),
          ),
          across: matrixOf(plan.known, toTaps),
        },
      };
      return [last, i === parts.length - 1 ? [...steps, back] : steps];
    }),
  );
}

export const windowsOf = ({ examples, counts: [down, across] }: Windows): number => examples * down * across;

const both = (plan: Making, matrix: readonly number[]): Pick<Points, "down" | "across"> => ({
  down: matrixOf(plan.known, matrix),
  across: matrixOf(plan.known, matrix),
});

function valuesOf({ examples, counts: [down, across] }: Windows, store: Store, channels: number): Access {
  const example = down * across * channels;
  return { store, offset: 0, strides: [examples * example, example, across * channels, channels] };
}

/** The windows of a picture, all four places of which are in one tile, brought to points. */
function ofPicture(plan: Making, windows: Windows, values: Store): Points {
  const { examples, channels, counts, size, field } = windows;
  return {
    ...{ kind: "points", what: "points", examples, channels, rows: counts[0], columns: counts[1] },
    ...{ steps: [pool, pool], first: [-1, -1], size, tile: square, points: square },
    ...{ field: { ...field, strides: [...field.strides, 1] }, values: valuesOf(windows, values, channels) },
    ...both(plan, by.field),
  };
}

type Tiles = Omit<Points, "what" | "values" | "down" | "across">;

/** Places of a pool that lie beside each other: a tile has two rows of two, and the next one begins after them. */
function ofPlaces({ examples, counts: [down, across] }: Windows, n: number, { store, offset }: Access): Tiles {
  return {
    ...{ kind: "points", examples, channels: n, rows: down, columns: across, tile: [pool, pool], points: square },
    ...{ steps: [pool * across, four], first: [0, 0] },
    size: [pool * across * (down - 1) + pool, four * (across - 1) + pool],
    field: { store, offset: four * offset, strides: [down * across * four * n, pool * n, n, 1] },
  };
}

/** Weights, which are one tile. */
function ofWeights(wide: number, { store, offset }: Access): Tiles {
  return {
    ...{ kind: "points", examples: 1, channels: wide, rows: 1, columns: 1, steps: [1, 1], first: [0, 0] },
    ...{ size: [side, side], tile: [side, side], points: square },
    field: { store, offset, strides: [0, side * wide, wide, 1] },
  };
}
