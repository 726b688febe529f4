// What moving numbers takes on this machine's kernels, beside what products take: measured once, when they are built, and kept beside them, so that all processes plan alike.
import { readFileSync } from "node:fs";
import { windowed } from "./plan/at-points/toom.ts";
import { type Costs, usualCosts } from "./plan/costs.ts";
import { encoded } from "./plan/encode.ts";
import type { Access, Points, Product, Step, Store } from "./plan/steps.ts";
import { apart } from "./plan/taken.ts";
import { processor } from "./processor.ts";

/** The file of kernels' costs, which may not be there. */
export const costsFile = (kernels: string): string => kernels.replace(/\.node$/, ".json");

/** The costs of kernels: as they were measured, or the usual ones of the processor. */
export function costsOf(kernels: string): Costs {
  try {
    const { number, weight } = JSON.parse(readFileSync(costsFile(kernels), "utf8")) as Partial<Costs>;
    if (isCost(number) && isCost(weight)) return { number, weight };
  } catch {
    // Built by an earlier release, or what is there is no costs.
  }
  return usualCosts(...processor());
}

const isCost = (cost: unknown): cost is number => typeof cost === "number" && cost > 0 && Number.isFinite(cost);

/** A program that is timed: words over so many numbers, which may be any, and how many multiplications or moved numbers that is. */
export interface Trial {
  readonly words: readonly number[];
  readonly size: number;
  readonly count: number;
}

/** As often as each step is done in a program, so that a call takes little beside it. */
const often = 8;

/** What is timed: a product, moves to points and back, and weights to points; in sizes of layers with 64 filters. */
export function trials(): Trial[] {
  const by = windowed(3, 3);
  const weights = windowed(4, 3).taps;
  const [examples, channels, rows, wide] = [5, 64, 14, 4096];
  const [m, k, n] = [245, 192, 64];
  const column: Omit<Points, "what" | "tile" | "field" | "across"> = {
    ...{ kind: "points", examples, channels, rows, columns: 1, steps: [1, 1], first: [0, 0], size: [rows, by.points] },
    ...{ points: [1, by.points], values: laid(by.points, examples, rows, channels), down: laid(1) },
  };
  const field = laid(examples, rows, by.points, channels);
  const moved = by.points * examples * rows * channels;
  const product: Product = {
    ...{ kind: "product", batch: [1], m, n, k, alpha: 1, beta: 0, relu: false },
    ...{ left: laid(1, m, k), right: laid(1, k, n), out: laid(1, m, n) },
  };
  const ofWeights: Points = {
    ...{ kind: "points", what: "points", examples: 3, channels: wide, rows: 1, columns: 1, steps: [1, 1] },
    ...{ first: [0, 0], size: [1, 3], tile: [1, 3], points: [1, weights.length], down: laid(1) },
    ...{ field: laid(3, 1, 3, wide), values: laid(weights.length, 3, 1, wide), across: laid(weights.length, 3) },
  };
  return [
    trial(product, m * k * n),
    trial({ ...column, what: "points", tile: [1, by.points], field, across: laid(by.points, by.points) }, moved),
    trial({ ...column, what: "places", tile: [1, 3], field, across: laid(3, by.points) }, moved),
    trial(ofWeights, 3 * (3 + weights.length) * wide),
  ];
}

/** Numbers without gaps. */
function laid(...sizes: readonly number[]): Access {
  const strides = sizes.map((_, i) => sizes.slice(i + 1).reduce((product, size) => product * size, 1));
  return { store: { size: sizes[0]! * strides[0]!, depth: 1 }, offset: 0, strides };
}

function trial(step: Step, count: number): Trial {
  const places = new Map<Store, number>();
  let size = 0;
  const at = (store: Store): number => {
    const place = places.get(store) ?? size;
    places.set(store, place);
    if (place === size) size += (Math.ceil(store.size / apart) + 1) * apart;
    return place;
  };
  const words = encoded(new Array<Step>(often).fill(step), at, () => 0);
  return { words: [...words], size, count: often * count };
}

/** Those measured are rounded to powers of it. */
const grid = Math.SQRT2;
/** What is off by less is about the same: forms that it changes gain or lose some hundredths of the time. */
const much = 2;

/**
 * @param times of the trials, each the least of many: what else the machine does changes them little
 * @param known costs that stay where those measured are about the same, so that machines that are alike, and builds on the same one, plan alike
 */
export function costsFrom(times: readonly number[], known: Costs): Costs {
  const [product = 0, points = 0, places = 0, weights = 0] = times;
  const settled = (cost: number, before: number): number =>
    Math.max(cost / before, before / cost) < much
      ? before
      : Number((grid ** Math.round(Math.log(cost) / Math.log(grid))).toPrecision(3));
  return {
    number: settled((points + places) / 2 / product, known.number),
    weight: settled(weights / product, known.weight),
  };
}
