// Products of windows of 3 x 3 places as products at points along columns and rows (Winograd): four by four places of what is given come of 36 products of all channels,
// in the place of 144. What is moved is more than along columns alone, and weights are four times as many numbers.
import type { Costs } from "../costs.ts";
import { matrixOf } from "../known.ts";
import { type Points, type Product, type Step, type Store, sameAccess } from "../steps.ts";
import { formOf, type Segment, strideOf } from "./forms.ts";
import { type Gain, gainOf, goneOver } from "./gain.ts";
import { bringingIn, type Level, shareOf } from "./levels.ts";
import { type Making, spaced } from "./making.ts";
import { lyingDown, side } from "./pictures.ts";
import { inPanels, type Pictured, scaled } from "./whole.ts";

/** Some rows and some columns of windows of some examples, in tiles that are alike. */
interface Part {
  /** The first example, and how many there are. */
  readonly first: number;
  readonly examples: number;
  readonly rows: Segment;
  readonly columns: Segment;
  /** How far what is at a point is from what is at the one before: values, and their sums. */
  readonly values: number;
  readonly sums: number;
  /** By which others find its values. */
  readonly name: string;
}

/** Windows in tiles of rows and columns. */
export interface Squares extends Pictured {
  readonly parts: readonly Part[];
  /** Distances of rows and of columns that are read. */
  readonly apart: readonly [number, number];
  /** What the weights are at points, by which others find them there. */
  readonly name: string;
}

/** The same windows in squares; nothing, where they have other taps, lie apart, or do not lie evenly. */
export function squaresOf({ product, panels, picture }: Pictured): Squares | undefined {
  const { taps, steps, examples, channels, field, turned, tapsApart } = picture;
  if (taps[0] !== side || taps[1] !== side || steps[0] !== 1 || steps[1] !== 1) return undefined;
  const [down, across] = picture.places.map(strideOf);
  if (down === undefined || across === undefined) return undefined;
  const [rows, columns] = [formOf(lyingDown(picture)).segments, formOf(picture).segments];
  const points = [rows[0]!.by.points, columns[0]!.by.points] as const;
  const places = [rows, columns].map((some) => some.reduce((all, { tiles, by }) => all + tiles * by.points, 0));
  if (points[0] * points[1] * channels * product.n > mostWeights) return undefined;
  const each = places[0]! * places[1]! * (channels + product.n);
  if (each > 2 * mostNumbers) return undefined;
  const most = Math.max(1, Math.floor(mostNumbers / each));
  const together = Math.ceil(examples / Math.ceil(examples / most));
  const lie = [field.offset, channels, ...field.strides, ...picture.size, down, across];
  const parts: Part[] = [];
  for (let first = 0; first < examples; first += together)
    for (const ofRows of rows)
      for (const ofColumns of columns) {
        const count = Math.min(together, examples - first);
        const tiles = count * ofRows.tiles * ofColumns.tiles;
        const tile = [ofRows, ofColumns].map(({ gives, tiles, reads, by }) => [gives, tiles, reads, by.points]);
        parts.push({
          ...{ first, examples: count, rows: ofRows, columns: ofColumns },
          ...{ values: spaced(tiles * channels), sums: spaced(tiles * product.n) },
          name: ["squares", ...lie, ...tile, first, count].join(),
        });
      }
  const lieIn = [product.right.offset, panels.columns, panels.count, panels.apart, channels, ...turned, ...tapsApart];
  return { product, panels, picture, parts, apart: [down, across], name: ["squares", ...lieIn, ...points].join() };
}

/** Numbers of a layer's weights at points up to which squares pay; and of what is given and comes of it there, some examples at a time: more go to memory and come back, which pays for one example of up to twice as many. */
const [mostWeights, mostNumbers] = [2 ** 22, 2 ** 20];

const pointsOf = ({ rows, columns }: Part): number => rows.by.points * columns.by.points;
/** Matrices of weights: the first part has all points. */
const matrixOfWeights = ({ product: { n }, picture: { channels } }: Squares): number => spaced(channels * n);

/** What is gained by squares. */
export function gainOfSquares(squares: Squares, costs: Costs, level: Level): Gain {
  const { product, picture, parts, name } = squares;
  const { channels, field } = picture;
  const matrix = channels * product.n;
  let [multiplied, numbers] = [0, goneOver(product)];
  for (const part of parts) {
    const tiles = part.examples * part.rows.tiles * part.columns.tiles;
    multiplied += pointsOf(part) * tiles * matrix;
    numbers += pointsOf(part) * tiles * (product.n + channels * shareOf(field.store, part.name, level));
  }
  const weights = { name, read: side ** 2 * matrix, given: pointsOf(parts[0]!) * matrix };
  return gainOf(product, { multiplied, numbers, weights }, costs, level);
}

/** What windows are in squares. */
export function squared(squares: Squares, plan: Making, level: Level, holds: boolean): Step[] {
  const { product, panels, picture, parts, name } = squares;
  const { m, n, out, added, alpha, beta } = product;
  const { channels, windowsApart, windows, examples, field } = picture;
  const made: Step[] = [];
  const brought = bringingIn(level, plan, product.out.store.depth, made);
  const all = pointsOf(parts[0]!);
  const across = parts[0]!.columns.by.points;
  const ofWeights = matrixOfWeights(squares);
  const weights = brought(product.right.store, name, all * ofWeights, (to) => [weightsAt(plan, squares, to)], holds);
  if (added && !(sameAccess(added, out) && beta === 1)) made.push(scaled(product, added));
  const [row = 0] = out.strides;
  const ofExample = (m / examples) * row;
  const wide = channels * panels.columns;
  const ofPanel = panels.count === 1 ? [] : [wide];
  const none = panels.count === 1 ? [] : [0];
  for (const part of parts) {
    const { rows, columns, first } = part;
    const values = brought(field.store, part.name, pointsOf(part) * part.values, (to) => [
      valuesAt(plan, squares, part, to),
    ]);
    const [high, low] = [rows.by.points, columns.by.points];
    const sums = plan.store(high * low * part.sums, out.store.depth);
    const tiles = rows.tiles * columns.tiles;
    made.push({
      ...{
        kind: "product",
        batch: [high, low, ...(panels.count === 1 ? [] : [panels.count])],
        m: part.examples * tiles,
      },
      ...{ n: panels.columns, k: channels, alpha: 1, beta: 0, relu: false },
      left: { store: values, offset: 0, strides: [low * part.values, part.values, ...none, channels, 1] },
      right: {
        ...{ store: weights, offset: 0 },
        strides: [across * ofWeights, ofWeights, ...ofPanel, panels.columns, 1],
      },
      out: inPanels({ store: sums, offset: 0, strides: [n, 1] }, panels, low * part.sums, part.sums),
    } satisfies Product);
    made.push({
      ...{ kind: "points", what: "places", ...(added && { beta: 1 }), examples: part.examples, channels: n },
      ...{ rows: rows.tiles, columns: columns.tiles, steps: [rows.gives, columns.gives] },
      ...{ first: [rows.from, columns.from], size: windows, tile: [rows.gives, columns.gives], points: [high, low] },
      field: {
        ...{ ...out, offset: out.offset + first * ofExample },
        strides: [ofExample, windowsApart[0] * row, windowsApart[1] * row, 1],
      },
      values: { store: sums, offset: 0, strides: [part.sums, tiles * n, columns.tiles * n, n] },
      down: matrixOf(plan.known, rows.by.gives),
      across: matrixOf(plan.known, alpha === 1 ? columns.by.gives : columns.by.gives.map((number) => alpha * number)),
    } satisfies Points);
  }
  return made;
}

/** The step that brings weights to points, those of each panel by themselves. */
function weightsAt(plan: Making, squares: Squares, to: Store): Points {
  const { product, panels, picture, parts } = squares;
  const { turned, tapsApart, channels } = picture;
  const { rows, columns } = parts[0]!;
  const wide = channels * panels.columns;
  const taps = ({ by }: Segment, turns: boolean) => by.taps.flatMap((ofTaps) => (turns ? ofTaps.toReversed() : ofTaps));
  return {
    ...{ kind: "points", what: "points", examples: panels.count, channels: wide, rows: 1, columns: 1, steps: [1, 1] },
    ...{ first: [0, 0], size: [side, side], tile: [side, side], points: [rows.by.points, columns.by.points] },
    field: { ...product.right, strides: [panels.apart, tapsApart[0] * wide, tapsApart[1] * wide, 1] },
    values: { store: to, offset: 0, strides: [matrixOfWeights(squares), wide, 0, 0] },
    down: matrixOf(plan.known, taps(rows, turned[0])),
    across: matrixOf(plan.known, taps(columns, turned[1])),
  };
}

/** The step that brings what tiles read to points. */
function valuesAt(plan: Making, { picture, apart }: Squares, part: Part, to: Store): Points {
  const { rows, columns, values, first, examples } = part;
  const { channels, size, field, places } = picture;
  const [ofExample = 0] = field.strides;
  const width = (of: Segment): number => of.by.field.length / of.by.points;
  const ofRow = columns.tiles * channels;
  return {
    ...{ kind: "points", what: "points", examples, channels, rows: rows.tiles, columns: columns.tiles },
    ...{ steps: [rows.gives, columns.gives], first: [rows.reads, columns.reads], size },
    ...{ tile: [width(rows), width(columns)], points: [rows.by.points, columns.by.points] },
    field: {
      ...{ store: field.store, offset: field.offset + first * ofExample + places[0][0]! + places[1][0]! },
      strides: [ofExample, ...apart, 1],
    },
    values: { store: to, offset: 0, strides: [values, rows.tiles * ofRow, ofRow, channels] },
    ...{ down: matrixOf(plan.known, rows.by.field), across: matrixOf(plan.known, columns.by.field) },
  };
}
