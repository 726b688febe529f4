// Products of windows of 3 x 3 places as products at points along the columns (Toom and Cook): a few columns of what is given come of fewer products than they have taps. Rows
// of windows stay terms of products and are looked up as before, so that these are long enough to be quick, and little is moved.
import { sizeOf } from "@innerloop/schemas";
import type { Costs } from "./costs.ts";
import { storesOf } from "./fuse/level.ts";
import { type Known, matrixOf } from "./known.ts";
import { type Picture, pictureOf, side } from "./pictures.ts";
import type { Access, Points, Product, Step, Store } from "./steps.ts";
import { type Bilinear, mostSums, whole, windowed } from "./toom.ts";

/** What these steps are made with: a plan. */
interface Making {
  store(size: number, depth: number): Store;
  readonly known: Pick<Known, "of" | "run">;
}

/** Channels and filters below which vectors of them would be mostly empty. */
const fewest = 16;
/** The same steps, with products at points where that is quicker. */
export function windowsAtPoints(steps: readonly Step[], plan: Making, costs: Costs): Step[] {
  const writers = new Map<Store, Step[]>();
  for (const step of steps)
    for (const store of storesOf(step).writes) writers.set(store, [...(writers.get(store) ?? []), step]);
  const weights: Weights = new Map();
  return steps.flatMap((step): readonly Step[] => {
    for (const store of storesOf(step).writes) weights.delete(store);
    if (step.kind === "turns") return [{ ...step, body: windowsAtPoints(step.body, plan, costs) }];
    if (step.kind !== "product" || !isOfWindows(step)) return [step];
    const picture = pictureOf(step, writers.get(step.left.store) ?? []);
    if (!picture) return [step];
    const form = formOf(picture);
    const there = weights.get(step.right.store)?.get(nameOf(step, form));
    if (!pays(step, picture, form, { number: costs.number, weight: there ? 0 : costs.weight })) return [step];
    const brought = there ?? plan.store(form.weights.length * side * picture.channels * step.n, depthOf(step));
    if (there) return madeAtPoints(plan, step, { picture, form, weights: brought });
    weights.set(step.right.store, (weights.get(step.right.store) ?? new Map()).set(nameOf(step, form), brought));
    return [...bringing(plan, step, form, brought), ...madeAtPoints(plan, step, { picture, form, weights: brought })];
  });
}

/** Weights at points, by what they are of and how. */
type Weights = Map<Store, Map<string, Store>>;

const nameOf = ({ right, n, lookup }: Product, { weights }: Form): string =>
  [right.offset, n, lookup!.segment, ...weights].join();

const depthOf = ({ right, out }: Product): number => (right.store.depth === 0 ? 0 : out.store.depth);

/** Whether it is of pieces of 3 x 3 places, and nothing else is done to what comes of them. */
function isOfWindows({ batch, n, lookup, right, out, added, alpha, relu }: Product): boolean {
  const [rightRow, rightColumn] = right.strides.slice(-2);
  const of = lookup?.by === "rows" && lookup.taps === side ** 2 && lookup.segment >= fewest && n >= fewest;
  const plain = sizeOf(batch) === 1 && !added && alpha === 1 && !relu && out.store.depth > 0;
  return of && plain && rightRow === n && rightColumn === 1;
}

/** Some columns of windows, in tiles that are alike. */
interface Segment {
  readonly by: Bilinear;
  /** The first column, how many of them a tile gives, and how many tiles there are. */
  readonly from: number;
  readonly gives: number;
  readonly tiles: number;
  /** The first column that the first tile reads, of those that are read. */
  readonly reads: number;
}

interface Form {
  readonly segments: readonly Segment[];
  /** Columns that tiles read: from which on, how far apart, and how many. */
  readonly read: { readonly from: number; readonly apart: number; readonly count: number };
  /** What of the middle column of taps has a product of its own: nothing, unless windows are two columns apart. */
  readonly middle: boolean;
  /** Columns of taps as points need them, a row for each point; the first one is the middle column where that has its own product. */
  readonly weights: readonly (readonly number[])[];
}

function formOf({ windows: [, count], steps: [, step], first: [, first], size: [, wide] }: Picture): Form {
  if (step === 1) {
    const sizes = Array.from({ length: mostSums(side) - 1 }, (_, i) => i + 2);
    const pointsOf = (gives: number): number => Math.ceil(count / gives) * (gives + side - 1);
    const gives = sizes.reduce((best, size) => (pointsOf(size) < pointsOf(best) ? size : best));
    const by = windowed(gives, side);
    const segments = [{ by, from: 0, gives, tiles: Math.ceil(count / gives), reads: first }];
    return { segments, read: { from: 0, apart: 1, count: wide }, middle: false, weights: by.taps };
  }
  // Outer taps read every second column, and the middle one those between.
  const from = first & 1;
  const read = { from, apart: 2, count: Math.ceil((wide - from) / 2) };
  const reads = Math.floor(first / 2);
  const most = mostSums(2) - 1;
  const alone = reads === -1 && read.count === count - 1 && count <= mostSums(2);
  const segments: Segment[] = [];
  if (alone) segments.push({ by: whole(read.count, 2), from: 0, gives: count, tiles: 1, reads: 0 });
  else {
    const tiles = Math.floor(count / most);
    const [rest, at] = [count % most, tiles * most];
    if (tiles > 0) segments.push({ by: windowed(most, 2), from: 0, gives: most, tiles, reads });
    if (rest > 0) segments.push({ by: windowed(rest, 2), from: at, gives: rest, tiles: 1, reads: reads + at });
  }
  const weights = segments[0]!.by.taps.map(([a = 0, b = 0]) => [a, 0, b]);
  return { segments, read, middle: true, weights: [[0, 1, 0], ...weights] };
}

/** Whether what is multiplied less takes longer than what is brought to points and back. */
function pays(
  { m, n, k, right }: Product,
  { examples, channels, windows, size }: Picture,
  form: Form,
  costs: Costs,
): boolean {
  const points = form.segments.reduce((sum, { tiles, by }) => sum + tiles * by.points, 0);
  const multiplied = windows[0] * (points + (form.middle ? windows[1] : 0)) * side * channels * n;
  const numbers = examples * points * (size[0] * channels + windows[0] * n);
  const ofWeights = right.store.depth > 0 ? (side ** 2 + side * form.weights.length) * channels * n : 0;
  return m * k * n - examples * multiplied > costs.number * numbers + costs.weight * ofWeights;
}

/** The step that brings weights to points; none where that has been done, since no run changes them. */
function bringing(plan: Making, { n, lookup, right }: Product, { weights }: Form, to: Store): Step[] {
  const wide = lookup!.segment * n;
  const step: Points = {
    ...{ kind: "points", what: "points", examples: side, channels: wide, rows: 1, columns: 1, steps: [1, 1] },
    ...{ first: [0, 0], size: [1, side], tile: [1, side], points: [1, weights.length] },
    field: { ...right, strides: [side * wide, 0, wide, 1] },
    values: { store: to, offset: 0, strides: [side * wide, wide, 0, 0] },
    ...{ down: matrixOf(plan.known, [1]), across: matrixOf(plan.known, weights.flat()) },
  };
  if (to.depth > 0) return [step];
  plan.known.run(step);
  return [];
}

interface Made {
  readonly picture: Picture;
  readonly form: Form;
  readonly weights: Store;
}

function madeAtPoints(plan: Making, product: Product, { picture, form, weights }: Made): Step[] {
  const { n, out } = product;
  const { depth } = out.store;
  const { examples, channels, windows, steps, first, size, field } = picture;
  const [ofExample = 0, ofRow = 0, ofColumn = 0] = field.strides;
  const one = matrixOf(plan.known, [1]);
  const made: Step[] = [];
  const each = side * channels * n;
  const [row] = out.strides.slice(-2);
  const results = { ...out, strides: [windows[0] * windows[1] * row!, windows[1] * row!, row!] };
  /** Products of windows of so many columns beside each other. */
  const multiplied = (
    batch: number,
    columns: number,
    { left, by, right, to, added }: { left: Access; by: readonly number[]; right: number; to: Access; added?: Access },
  ): Product => ({
    ...{ kind: "product", batch: [batch], m: examples * windows[0] * columns, n, k: side * channels },
    left,
    lookup: { by: "rows", taps: side, segment: channels, table: tableOf(picture, columns, by) },
    right: { store: weights, offset: right * each, strides: [each, n, 1] },
    ...{ out: to, ...(added && { added }), alpha: 1, beta: added ? 1 : 0, relu: false },
  });
  // Few columns need the first points of those that more columns need.
  const right = Number(form.middle);
  for (const { by, from, gives, tiles, reads } of form.segments) {
    const { points } = by;
    const [ofValues, ofSums] = [examples * size[0] * tiles * channels, examples * windows[0] * tiles * n];
    const [values, sums] = [plan.store(points * ofValues, depth), plan.store(points * ofSums, depth)];
    made.push({
      ...{ kind: "points", what: "points", examples, channels, rows: size[0], columns: tiles, steps: [1, gives] },
      ...{
        first: [0, reads],
        size: [size[0], form.read.count],
        tile: [1, by.field.length / points],
        points: [1, points],
      },
      field: {
        ...{ store: field.store, offset: field.offset + form.read.from * ofColumn },
        strides: [ofExample, ofRow, form.read.apart * ofColumn, 1],
      },
      values: { store: values, offset: 0, strides: [ofValues, size[0] * tiles * channels, tiles * channels, channels] },
      ...{ down: one, across: matrixOf(plan.known, by.field) },
    });
    made.push(
      multiplied(points, tiles, {
        left: { store: values, offset: 0, strides: [ofValues, 0, 0] },
        by: [size[0] * tiles * channels, tiles * channels, channels, 0],
        right,
        to: { store: sums, offset: 0, strides: [ofSums, n, 1] },
      }),
      {
        ...{ kind: "points", what: "places", examples, channels: n, rows: windows[0], columns: tiles },
        ...{ steps: [1, gives], first: [0, from], size: windows, tile: [1, gives], points: [1, points] },
        field: { ...results, strides: [...results.strides, 1] },
        values: { store: sums, offset: 0, strides: [ofSums, windows[0] * tiles * n, tiles * n, n] },
        ...{ down: one, across: matrixOf(plan.known, by.gives) },
      },
    );
  }
  if (!form.middle) return made;
  const to = { ...out, strides: [0, row!, 1] };
  const begin = (first[1] + 1) * ofColumn;
  const left = { store: field.store, offset: field.offset, strides: [0, 0, 0] };
  return [
    ...made,
    multiplied(1, windows[1], { left, by: [ofExample, ofRow, steps[1] * ofColumn, begin], right: 0, to, added: to }),
  ];
}

/** The rows of windows, where these have a column each, by the distances of examples, rows and windows, and where the first one begins. */
function tableOf(
  { examples, windows, steps, first, size }: Picture,
  columns: number,
  by: readonly number[],
): Int32Array {
  const [ofExample = 0, ofRow = 0, ofColumn = 0, begin = 0] = by;
  const table = new Int32Array(examples * windows[0] * columns * side);
  let i = 0;
  for (let example = 0; example < examples; example++)
    for (let row = 0; row < windows[0]; row++)
      for (let column = 0; column < columns; column++)
        for (let tap = 0; tap < side; tap++) {
          const y = row * steps[0] + first[0] + tap;
          const inside = y >= 0 && y < size[0];
          table[i++] = inside ? begin + example * ofExample + y * ofRow + column * ofColumn : -1;
        }
  return table;
}
