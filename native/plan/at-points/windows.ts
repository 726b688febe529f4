// Products of windows as products at points along the columns (Toom and Cook): a few columns of what is given come of fewer products than they have taps. Rows
// of windows stay terms of products and are looked up as before, so that these are long enough to be quick, and little is moved. Or in squares (squares.ts).
import type { Costs } from "../costs.ts";
import { storesOf } from "../fuse/level.ts";
import { matrixOf } from "../known.ts";
import { type Access, type Chain, type Points, type Product, type Step, type Store, sameAccess } from "../steps.ts";
import { columnsIn, type Form, formOf, type Rows, rowsIn, type Segment } from "./forms.ts";
import { type Gain, gainOf, goneOver } from "./gain.ts";
import { bringingIn, type Level, shareOf } from "./levels.ts";
import { fewest, type Making, spaced, writersIn } from "./making.ts";
import { lyingDown, middleOf, pictureOf, rowsOfWindows } from "./pictures.ts";
import { gainOfSquares, squared, squaresOf } from "./squares.ts";
import { inPanels, type Pictured, scaled, type Whole, wholeOf } from "./whole.ts";

/** The same steps, with products at points where that is quicker. */
export function windowsAtPoints(steps: readonly Step[], plan: Making): Step[] {
  return inLevel(steps, plan, { there: new Map(), written: new Set(), count: 1, before: [] });
}

function inLevel(steps: readonly Step[], plan: Making, level: Level): Step[] {
  const writers = writersIn(steps);
  return steps.flatMap((step): readonly Step[] => {
    const { writes } = storesOf(step);
    const before: Step[] = [];
    let made: readonly Step[] = [];
    if (step.kind === "turns") {
      const inner = { outer: level, there: new Map(), written: new Set(writes), count: step.count, before };
      made = [{ ...step, body: inLevel(step.body, plan, inner) }];
    } else if (step.kind === "product") made = atPoints(step, writers.get(step.left.store) ?? [], plan, level);
    for (const store of writes) level.there.delete(store);
    return made.length > 0 ? [...before, ...made] : [step];
  });
}

/** A product by its picture, and in which form it may be done. */
interface Windowed extends Pictured {
  readonly form: Form;
  /** Rows that are read, as they lie evenly. */
  readonly rows: readonly Rows[];
  /** What its weights, and values of each segment, are at points, by which others find them there. */
  readonly names: { readonly weights: string; readonly values: readonly string[] };
}

type Read = Pick<Windowed, "picture" | "form" | "rows">;

/** What it is at points; nothing, where it stays as it is. */
function atPoints(product: Product, writers: readonly Step[], plan: Making, level: Level): readonly Step[] {
  const whole = isOfWindows(product) ? wholeOf(product) : undefined;
  if (!whole) return [];
  const { panels, examples } = whole;
  // What is zeros in one example need not be so in the others of a batch.
  const one = pictureOf(product, examples.count > 1 ? [] : writers);
  if (!one || (examples.count > 1 && one.examples > 1)) return [];
  const field = { ...one.field, strides: [examples.apart] };
  const picture = examples.count > 1 ? { ...one, examples: examples.count, field } : one;
  const { m, n, out, relu } = whole.product;
  if (!relu) return picturedAtPoints({ product: whole.product, panels, picture }, plan, level);
  const between = { store: plan.store(m * n, out.store.depth), offset: 0, strides: [n, 1] };
  const made = picturedAtPoints({ product: { ...whole.product, out: between }, panels, picture }, plan, level);
  return made.length > 0 ? [...made, withoutNegative(whole.product, between)] : [];
}

/** The same, of windows of that picture. */
function picturedAtPoints({ product, panels, picture: found }: Pictured, plan: Making, level: Level): readonly Step[] {
  const picture = found.taps[1] === 1 ? lyingDown(found) : found;
  const whole = formOf(picture, picture.taps[1]);
  const rows = rowsIn(picture, whole);
  const column = whole.middle ? middleOf(picture) : undefined;
  if (!rows || (whole.middle && !column)) return [];
  const pictured = { product, panels, picture };
  const before: Windowed = { ...pictured, form: whole, rows, names: namesOf(pictured, whole) };
  const { gain, holds } = gainOfColumns(before, plan.costs, level);
  const squares = squaresOf(pictured);
  const ofSquares = squares && gainOfSquares(squares, plan.costs, level);
  if (ofSquares && ofSquares.gain > Math.max(0, gain)) return squared(squares, plan, level, ofSquares.holds);
  if (gain <= 0) return [];
  const hasRows = column && picture.taps[0] > 1;
  const middle = hasRows ? picturedAtPoints({ ...middleOfProduct(pictured), picture: column }, plan, level) : [];
  // Nobody but a product of the middle column needs its weights as they are.
  const form = middle.length > 0 ? { ...whole, weights: whole.weights.slice(1) } : whole;
  const windows = form === whole ? before : { ...before, form, names: namesOf(pictured, form) };
  const made: Step[] = [];
  const brought = bringingIn(level, plan, product.out.store.depth, made);
  const size = form.weights.length * weightsOf(windows);
  const { names } = windows;
  const weights = brought(product.right.store, names.weights, size, (to) => [weightsAt(plan, windows, to)], holds);
  const values = form.segments.map((segment, i) => {
    const each = valuesOf(windows, segment);
    return brought(picture.field.store, names.values[i]!, segment.by.points * each, (to) =>
      valuesAt(plan, windows, segment, { store: to, begin: 0, each }),
    );
  });
  return [...made, ...multiplied(plan, windows, { weights, values, middle })];
}

/** The part of a product that is of the middle column of taps. */
const middleOfProduct = ({ product, panels, picture }: Pictured): Pick<Whole, "product" | "panels"> => {
  const { taps, channels, tapsApart } = picture;
  const offset = product.right.offset + tapsApart[1] * channels * panels.columns;
  const right = { ...product.right, offset };
  return { product: { ...product, k: taps[0] * channels, relu: false, right }, panels };
};

/** Whether it is of pieces of some places, of weights that lie together. */
function isOfWindows({ n, lookup, right, out }: Product): boolean {
  const [rightRow, rightColumn] = right.strides.slice(-2);
  const of = lookup?.by === "rows" && lookup.taps > 1 && lookup.segment >= fewest && n >= fewest;
  return of && out.store.depth > 0 && rightRow === n && rightColumn === 1;
}

function namesOf({ product: { right }, panels, picture }: Pictured, form: Form): Windowed["names"] {
  const { channels, taps, turned, tapsApart, examples, field, places } = picture;
  const lieIn = [right.offset, panels.columns, panels.count, panels.apart];
  const weights = [...lieIn, channels, ...taps, ...turned, ...tapsApart, ...form.weights].join();
  // Rows of all examples, whichever way they are rows of so many examples.
  const rows: number[] = [];
  for (let example = 0; example < examples; example++)
    for (let row = 0; row < places[0].length; row++) rows.push(example * field.strides[0]! + places[0][row]!);
  const lie = `${rows};${columnsIn({ picture, form })}`;
  const values = form.segments.map(({ by, gives, tiles, reads }) =>
    [field.offset, channels, lie, gives, tiles, reads, by.field].join(),
  );
  return { weights, values };
}

/** How far weights at a point are from those at the one before. */
const weightsOf = ({ product: { n }, picture: { taps, channels } }: Windowed): number => spaced(taps[0] * channels * n);
/** Numbers at each point of what tiles read, and of what they give. */
const valuesOf = ({ picture: { examples, size, channels } }: Windowed, { tiles }: Segment): number =>
  examples * size[0] * tiles * channels;
const sumsOf = ({ product: { n }, picture: { examples, windows } }: Windowed, { tiles }: Segment): number =>
  examples * windows[0] * tiles * n;

/** What is gained along columns. */
function gainOfColumns(windows: Windowed, costs: Costs, level: Level): Gain {
  const { product, picture, form, names } = windows;
  const each = picture.taps[0] * picture.channels * product.n;
  let multiplied = form.middle ? product.m * each : 0;
  let numbers = goneOver(product, form.middle);
  for (const [i, segment] of form.segments.entries()) {
    const { points } = segment.by;
    multiplied += points * segment.tiles * picture.examples * picture.windows[0] * each;
    numbers += points * sumsOf(windows, segment);
    numbers += points * valuesOf(windows, segment) * shareOf(picture.field.store, names.values[i]!, level);
  }
  const weights = { name: names.weights, read: picture.taps[1] * each, given: form.weights.length * each };
  return gainOf(product, { multiplied, numbers, weights }, costs, level);
}

/** The step that brings weights to points. */
function weightsAt(plan: Making, windows: Windowed, to: Store): Points {
  const { product, panels, picture, form } = windows;
  const { taps, turned, tapsApart, channels } = picture;
  const wide = channels * panels.columns;
  const across = form.weights.flatMap((ofTaps) => (turned[1] ? ofTaps.toReversed() : ofTaps));
  return {
    ...{ kind: "points", what: "points", examples: taps[0], channels: wide, rows: panels.count, columns: 1 },
    ...{ steps: [1, 1], first: [0, 0], size: [panels.count, taps[1]], tile: [1, taps[1]] },
    points: [1, form.weights.length],
    field: { ...product.right, strides: [tapsApart[0] * wide, panels.apart, tapsApart[1] * wide, 1] },
    values: { store: to, offset: 0, strides: [weightsOf(windows), wide, taps[0] * wide, 0] },
    ...{ down: matrixOf(plan.known, [1]), across: matrixOf(plan.known, across) },
  };
}

/** Where values at points go: so many numbers are at each point, and these begin there. */
interface Values {
  readonly store: Store;
  readonly begin: number;
  readonly each: number;
}

/** Steps that bring what tiles read to points. */
export function valuesAt(plan: Making, windows: Read, segment: Segment, { store, begin, each }: Values): Points[] {
  const { picture, form, rows } = windows;
  const { by, gives, tiles, reads } = segment;
  const { examples, channels, size, field, places } = picture;
  const [first, second = first] = columnsIn(windows) as [number, number?];
  const [down, across] = [matrixOf(plan.known, [1]), matrixOf(plan.known, by.field)];
  const ofRow = tiles * channels;
  return rows.map((some) => ({
    ...{ kind: "points", what: "points", examples, channels, rows: some.count, columns: tiles, steps: [1, gives] },
    ...{
      first: [0, reads],
      size: [some.count, form.read.count],
      tile: [1, by.field.length / by.points],
      points: [1, by.points],
    },
    field: {
      ...{ store: field.store, offset: field.offset + places[0][some.from]! + first },
      strides: [field.strides[0]!, some.stride, second - first, 1],
    },
    values: {
      ...{ store, offset: begin + some.from * ofRow },
      strides: [each, size[0] * ofRow, some.apart * ofRow, channels],
    },
    ...{ down, across },
  }));
}

interface Brought {
  readonly weights: Store;
  /** Of each segment. */
  readonly values: readonly Store[];
  /** What gives the sums of the middle column; nothing, where that is a product of all its taps. */
  readonly middle: readonly Step[];
}

/** Products of what is at points, and what comes of them at its places. */
function multiplied(plan: Making, windows: Windowed, { weights, values, middle }: Brought): Step[] {
  const { product, panels, picture, form } = windows;
  const { m, n, out, added, alpha, beta } = product;
  const { examples, channels, taps, windows: counts, windowsApart, field, places } = picture;
  const [row = 0] = out.strides;
  const k = taps[0] * channels;
  /** Products of the filters of a panel each, as many matrices as there are points. */
  const byPanel = { batch: panels.count === 1 ? [] : [panels.count], n: panels.columns, k };
  const ofPanel = panels.count === 1 ? [] : [k * panels.columns];
  const ofLeft = panels.count === 1 ? [0, 0] : [0, 0, 0];
  const ofWeights = weightsOf(windows);
  const lookup = { by: "rows", taps: taps[0], segment: channels } as const;
  // Few columns need the first points of those that more columns need.
  const ofPoints = (form.weights.length - form.segments[0]!.by.points) * ofWeights;
  const made: Step[] = [...middle];
  if (form.middle && middle.length === 0) {
    const [rows, columns] = middleOf(picture)!.places;
    const table = rowsOfWindows(picture, { ofExample: field.strides[0]!, rows, columns, apart: windowsApart });
    made.push({
      ...{ kind: "product", ...byPanel, m, alpha, beta, relu: false },
      left: { store: field.store, offset: field.offset, strides: ofLeft },
      lookup: { ...lookup, table },
      right: { store: weights, offset: 0, strides: [...ofPanel, panels.columns, 1] },
      out: inPanels(out, panels),
      ...(added && { added: inPanels(added, panels) }),
    });
  } else if (made.length === 0 && added && !(sameAccess(added, out) && beta === 1)) made.push(scaled(product, added));
  const adds = made.length > 0 || added !== undefined;
  const results = {
    ...out,
    strides: [counts[0] * counts[1] * row, windowsApart[0] * row, windowsApart[1] * row, 1],
  };
  const down = matrixOf(plan.known, [alpha]);
  form.segments.forEach((segment, i) => {
    const { by, from, gives, tiles } = segment;
    const { points } = by;
    const [ofValues, ofSums] = [valuesOf(windows, segment), sumsOf(windows, segment)];
    const sums = plan.store(points * ofSums, out.store.depth);
    const ofRow = tiles * channels;
    const table = rowsOfWindows(picture, {
      ofExample: picture.size[0] * ofRow,
      rows: places[0].map((_, y) => y * ofRow),
      columns: Array.from({ length: tiles }, (_, tile) => tile * channels),
      apart: [tiles, 1],
    });
    made.push(
      {
        ...{ kind: "product", ...byPanel, batch: [points, ...byPanel.batch], m: examples * counts[0] * tiles },
        left: { store: values[i]!, offset: 0, strides: [ofValues, ...ofLeft] },
        lookup: { ...lookup, table },
        right: { store: weights, offset: ofPoints, strides: [ofWeights, ...ofPanel, panels.columns, 1] },
        out: inPanels({ store: sums, offset: 0, strides: [n, 1] }, panels, ofSums),
        ...{ alpha: 1, beta: 0, relu: false },
      },
      {
        ...{ kind: "points", what: "places", ...(adds && { beta: 1 }), examples, channels: n, rows: counts[0] },
        ...{ columns: tiles, steps: [1, gives], first: [0, from], size: counts, tile: [1, gives], points: [1, points] },
        field: results,
        values: { store: sums, offset: 0, strides: [ofSums, counts[0] * tiles * n, tiles * n, n] },
        ...{ down, across: matrixOf(plan.known, by.gives) },
      },
    );
  });
  return made;
}

/** What a product gives, of sums of which what is below zero is made zero. */
const withoutNegative = ({ m, n, out }: Product, from: Access): Chain => ({
  ...{ kind: "chain", shape: [m, n], reads: [from], code: [{ name: "relu", operands: [{ register: 0 }] }] },
  writes: [{ ...out, register: 1, how: "set" }],
});
