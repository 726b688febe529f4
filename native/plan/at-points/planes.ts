// Windows of 3 x 3 places over pictures that lie as four planes as products at points of tiles (Winograd): the gradients of what a convolution was given that a pool follows, whose
// places have a plane each. Products that give some rows of these pictures each are one then, and who reads what they gave reads that.
import { sizeOf } from "@innerloop/schemas/bundle";
import type { Costs } from "../costs.ts";
import { storesOf, usedBy } from "../fuse/level.ts";
import { matrixOf } from "../known.ts";
import { type Access, type Product, type Step, type Store, sameAccess } from "../steps.ts";
import { type Beside, besideIn, mayBeBeside, type Part } from "./beside.ts";
import { fewest, type Making, spaced, usersIn } from "./making.ts";
import { type Planes, planesOf } from "./picture-in-planes.ts";
import { side } from "./pictures.ts";
import { windowed } from "./toom.ts";

/** Rows and columns that a tile gives: all tiles begin in the same plane. Larger ones were slower, as matrices of six points are. */
const gives = 2;
const by = windowed(gives, side);

/**
 * The same steps, with products at points where that is quicker.
 *
 * @param kept stores that have their numbers before the steps or are read after them
 */
export function planesAtPoints(steps: readonly Step[], kept: ReadonlySet<Store>, plan: Making): Step[] {
  return ofLevel(steps, { kept, users: usersIn(steps), plan });
}

interface Around {
  readonly kept: ReadonlySet<Store>;
  readonly users: ReadonlyMap<Store, readonly Step[]>;
  readonly plan: Making;
}

function ofLevel(steps: readonly Step[], around: Around): Step[] {
  const made: Step[] = [];
  const level = { ...around, order: new Map(steps.map((step, at) => [step, at])) };
  /** Weights at points, by what they are of and how. */
  const weights = new Map<Store, Map<string, Store>>();
  const moved = new Map<Store, Part>();
  for (let at = 0; at < steps.length; at++) {
    const step = steps[at]!;
    if (step.kind === "turns") {
      made.push({ ...step, body: ofLevel(step.body, around) });
    } else {
      const group = groupAt(steps, at);
      const found = group && foundIn(group, level);
      const there = (found && weights.get(found.product.right.store)) ?? new Map<string, Store>();
      if (found && pays(found, around.plan.costs, there)) {
        weights.set(found.product.right.store, there);
        made.push(...madeAtPoints(around.plan, found, there));
        for (const [store, part] of found.parts) moved.set(store, part);
        at += group.length - 1;
        continue;
      }
      made.push(step.kind === "chain" && usedBy(step).some((store) => moved.has(store)) ? besideIn(step, moved) : step);
    }
    for (const store of storesOf(step).writes) weights.delete(store);
  }
  return made;
}

type Group = readonly [Product, ...Product[]];

/** Products that follow each other, of the same factors but for what they look up. */
function groupAt(steps: readonly Step[], at: number): Group | undefined {
  const first = steps[at];
  if (first?.kind !== "product" || !isOfWindows(first)) return undefined;
  const group: [Product, ...Product[]] = [first];
  for (let next = at + 1; next < steps.length; next++) {
    const step = steps[next]!;
    if (step.kind !== "product" || !isOfWindows(step) || step.n !== first.n) break;
    const same = sameAccess(step.left, first.left) && sameAccess(step.right, first.right);
    if (!same || step.lookup!.segment !== first.lookup!.segment) break;
    group.push(step);
  }
  return group;
}

/** Whether it is of pieces of 3 x 3 places and gives all of a store, and nothing else is done to that. */
function isOfWindows({ batch, m, n, lookup, right, out, added, alpha, relu }: Product): boolean {
  const together = ({ strides }: Access): boolean => strides.at(-2) === n && strides.at(-1) === 1;
  const of = lookup?.by === "rows" && lookup.taps === side ** 2 && lookup.segment >= fewest && n >= fewest;
  const plain = sizeOf(batch) === 1 && !added && alpha === 1 && !relu && out.store.depth > 0;
  const whole = out.offset === 0 && out.store.size === m * n;
  return of && plain && together(right) && together(out) && whole;
}

interface Found {
  /** The first one of a group. */
  readonly product: Product;
  readonly planes: Planes;
  /** How much is multiplied. */
  readonly multiplied: number;
  readonly out: Store;
  /** Where stores of products lie in that, where there are several. */
  readonly parts: Beside;
}

interface Level extends Around {
  /** Where steps are. */
  readonly order: ReadonlyMap<Step, number>;
}

function foundIn(group: Group, { kept, users, order, plan }: Level): Found | undefined {
  const [product] = group;
  const at = order.get(product)!;
  const { left, n } = product;
  const writers = (users.get(left.store) ?? []).filter((step) => storesOf(step).writes.includes(left.store));
  if (writers.some((step) => !(order.get(step)! < at))) return undefined;
  const planes = planesOf(group, writers);
  if (!planes) return undefined;
  const multiplied = group.reduce((sum, { m, k }) => sum + m * k * n, 0);
  const found = { product, planes, multiplied };
  if (group.length === 1) return { ...found, out: product.out.store, parts: new Map() };
  const all = sizeOf(planes.size) * n;
  const out = plan.store(planes.examples * all, product.out.store.depth);
  const parts = new Map<Store, Part>();
  let begin = 0;
  for (const each of group) {
    const row = each.out.store.size / planes.examples;
    parts.set(each.out.store, { store: out, row, begin, all });
    begin += row;
  }
  const last = at + group.length - 1;
  const isOurs = (store: Store): boolean =>
    users
      .get(store)!
      .every((step) => group.includes(step as Product) || (order.get(step)! > last && mayBeBeside(step, parts, store)));
  const open = parts.size === group.length && [...parts.keys()].every((store) => !kept.has(store) && isOurs(store));
  return open ? { ...found, out, parts } : undefined;
}

const nameOf = ({ product: { right, n }, planes: { channels, turned } }: Found): string =>
  [right.offset, n, channels, turned].join();

const tilesOf = ({ size: [high, wide] }: Planes): [number, number] => [
  Math.ceil(high / gives),
  Math.ceil(wide / gives),
];

/** Whether what is multiplied less takes longer than what is brought to points and back. */
function pays(found: Found, costs: Costs, there: ReadonlyMap<string, Store>): boolean {
  const { planes, product, multiplied } = found;
  const { examples, channels } = planes;
  const { n, right } = product;
  const points = by.points ** 2;
  const places = examples * sizeOf(tilesOf(planes)) * points;
  const ofWeights = right.store.depth > 0 && !there.has(nameOf(found)) ? (side ** 2 + points) * channels * n : 0;
  const moved = costs.number * places * (channels + n) + costs.weight * ofWeights;
  return multiplied - places * channels * n > moved;
}

function madeAtPoints(plan: Making, found: Found, there: Map<string, Store>): Step[] {
  const { product, planes, out } = found;
  const { examples, channels, size, field, odd, turned } = planes;
  const { n, right } = product;
  const { depth } = out;
  const [points, [rows, columns]] = [by.points, tilesOf(planes)];
  const matrix = (numbers: readonly number[]): Access => matrixOf(plan.known, numbers);
  const made: Step[] = [];
  const name = nameOf(found);
  const each = channels * n;
  const ofWeights = spaced(each);
  const weights = there.get(name) ?? plan.store(points ** 2 * ofWeights, right.store.depth === 0 ? 0 : depth);
  if (!there.has(name)) {
    const taps = matrix(by.taps.flat());
    const [begin, way] = turned ? [(side ** 2 - 1) * each, -1] : [0, 1];
    const bringing: Step = {
      ...{ kind: "points", what: "points", examples: 1, channels: each, rows: 1, columns: 1, steps: [1, 1] },
      ...{ first: [0, 0], size: [side, side], tile: [side, side], points: [points, points] },
      field: { ...right, offset: right.offset + begin, strides: [0, way * side * each, way * each, 1] },
      values: { store: weights, offset: 0, strides: [ofWeights, 0, 0, 0] },
      ...{ down: taps, across: taps },
    };
    if (weights.depth > 0) made.push(bringing);
    else plan.known.run(bringing);
    there.set(name, weights);
  }
  const m = examples * rows * columns;
  const [values, sums] = [plan.store(points ** 2 * m * channels, depth), plan.store(points ** 2 * m * n, depth)];
  const [ofField, ofGives] = [matrix(by.field), matrix(by.gives)];
  const tiles = { examples, rows, columns, steps: [gives, gives] as const, size, points: [points, points] as const };
  /** By point, example, row and column. */
  const ofTiles = (wide: number): number[] => [m * wide, rows * columns * wide, columns * wide, wide];
  return [
    ...made,
    {
      ...{ kind: "points", what: "points", channels, first: [-1, -1], tile: [gives + side - 1, gives + side - 1] },
      ...{ ...tiles, odd, field: { ...field, strides: [...field.strides, 1] } },
      values: { store: values, offset: 0, strides: ofTiles(channels) },
      ...{ down: ofField, across: ofField },
    },
    {
      ...{ kind: "product", batch: [points ** 2], m, n, k: channels, alpha: 1, beta: 0, relu: false },
      left: { store: values, offset: 0, strides: [m * channels, channels, 1] },
      right: { store: weights, offset: 0, strides: [ofWeights, n, 1] },
      out: { store: sums, offset: 0, strides: [m * n, n, 1] },
    },
    {
      ...{ kind: "points", what: "places", channels: n, first: [0, 0], tile: [gives, gives], ...tiles },
      field: { store: out, offset: 0, strides: [sizeOf(size) * n, size[1] * n, n, 1] },
      values: { store: sums, offset: 0, strides: ofTiles(n) },
      ...{ down: ofGives, across: ofGives },
    },
  ];
}
