// Where numbers of an array lie that has not been written: as pieces of another one, by a table. What comes again for each example is in the table once.
import { sizeOf } from "@innerloop/schemas/bundle";
import { placesOf, type Shape, together, type Value } from "./views.ts";

/** The numbers of a store as pieces of another that lie together. */
export interface Pieces {
  readonly from: Value;
  readonly segment: number;
  /** Where each piece begins, {@link nowhere} for zeros. */
  readonly table: Int32Array;
  /** The table is one of so many alike, each `apart` numbers further on than the one before. */
  readonly times: number;
  readonly apart: number;
}

export const nowhere = -1;

type Laid = Pick<Value, "offset" | "shape" | "strides">;

/** How many numbers of the store the table is of. */
const covered = ({ table, segment }: Pieces): number => table.length * segment;

/** How far what lies `distance` further on in a store is in what its pieces are of; nothing, where the table does not tell that for all places. */
function carried(distance: number, pieces: Pieces | undefined): number | undefined {
  if (!pieces) return distance;
  const times = distance / covered(pieces);
  return Number.isInteger(times) ? times * pieces.apart : undefined;
}

/** A view of the first place of its first axis, for which `times` places of it stand; of all places, where the others do not follow from the first. */
interface Head {
  readonly first: Laid;
  readonly times: number;
  readonly apart: number;
}

/** @param pieces of the view's store, if its numbers lie elsewhere */
export function headOf(view: Laid, pieces: Pieces | undefined): Head {
  const [times = 1] = view.shape;
  const apart = times > 1 ? carried(view.strides[0]!, pieces) : undefined;
  if (apart === undefined) return { first: view, times: 1, apart: 0 };
  return { first: { ...view, shape: view.shape.with(0, 1), strides: view.strides.with(0, 0) }, times, apart };
}

/** Where pieces of `run` numbers at places of a store begin whose own numbers lie elsewhere, and their size; nothing where one is cut there. */
export function within(places: Int32Array, run: number, under: Pieces): Pick<Pieces, "segment" | "table"> | undefined {
  const { segment: whole, table, apart } = under;
  const segment = divisor(run, whole);
  const taps = run / segment;
  const found = new Int32Array(places.length * taps);
  const all = table.length;
  let i = 0;
  for (let p = 0; p < places.length; p++) {
    const begin = places[p]!;
    for (let tap = 0; tap < taps; tap++) {
      const place = begin + tap * segment;
      const piece = Math.floor(place / whole);
      const beyond = place - piece * whole;
      if (beyond + segment > whole) return undefined;
      const round = Math.floor(piece / all);
      const start = table[piece - round * all]!;
      found[i++] = start === nowhere ? nowhere : start + round * apart + beyond;
    }
  }
  return { segment, table: found };
}

/** Pieces of `segment` numbers of a part, put where each place of the axes before has them: from `start` on, `whole` apart, `each` of them. */
export function putPieces(
  to: Int32Array,
  { table, segment: own }: Pieces,
  segment: number,
  { start, whole, each }: { readonly start: number; readonly whole: number; readonly each: number },
): void {
  const times = own / segment;
  for (let begin = start, from = 0; begin < to.length; begin += whole, from += each)
    for (let k = 0; k < each; k++) {
      const beyond = (from + k) % times;
      const piece = table[(from + k - beyond) / times]!;
      to[begin + k] = piece === nowhere ? nowhere : piece + beyond * segment;
    }
}

/** A table that comes again. */
function repeated(table: Int32Array, times: number, apart: number): Int32Array {
  if (times === 1) return table;
  const all = new Int32Array(table.length * times);
  all.set(table);
  for (let from = 0, to = table.length; to < all.length; from++, to++) {
    const start = all[from]!;
    all[to] = start === nowhere ? nowhere : start + apart;
  }
  return all;
}

/** Each of the first, with each of the second added. */
export function sums(first: Int32Array, second: Int32Array): Int32Array {
  if (second.length === 1 && second[0] === 0) return first;
  const all = new Int32Array(first.length * second.length);
  let i = 0;
  for (let a = 0; a < first.length; a++) {
    const begin = first[a]!;
    for (let b = 0; b < second.length; b++) all[i++] = begin + second[b]!;
  }
  return all;
}

/** A view whose last axes that lie together, none before `least`, are taken away, and how many numbers they have. */
export function lastRun({ offset, shape, strides }: Laid, least: number): { run: number; view: Laid } {
  let first = shape.length;
  while (first > least && together({ shape, strides }, first - 1)) first--;
  const run = sizeOf(shape.slice(first));
  const rest = (sizes: Shape, with_: number) => sizes.map((size, axis) => (axis < first ? size : with_));
  return { run, view: { offset, shape: rest(shape, 1), strides: rest(strides, 0) } };
}

export function divisor(a: number, b: number): number {
  return b === 0 ? a : divisor(b, a % b);
}

/** Rows that are looked up, `width` numbers each, of places of a batch. */
interface Rows {
  readonly offset: number;
  /** Axes of the batch. */
  readonly lead: Shape;
  readonly along: Shape;
  readonly rows: number;
  readonly row: number;
  readonly width: number;
}

/** Where the rows of the first place lie, and how far apart those of the others are along each axis of the batch. */
interface Found extends Pick<Pieces, "segment" | "table"> {
  readonly taps: number;
  readonly steps: readonly number[];
}

/** Where rows lie: `apart`, where each place of the batch has them elsewhere; nothing, where they begin or end within pieces. */
export function rowsIn(pieces: Pieces, { offset, lead, along, rows, row, width }: Rows): Found | "apart" | undefined {
  const head = headOf({ offset, shape: lead, strides: along }, pieces);
  // Rows that come again as the table does are looked up once.
  const [each, by] = againAfter(pieces, rows, row);
  const shape = [...head.first.shape, each];
  const found = within(placesOf({ offset, shape, strides: [...head.first.strides, row] }), width, pieces);
  if (!found) return undefined;
  const { segment, table } = found;
  const taps = width / segment;
  const places = sizeOf(head.first.shape);
  const steps = places === 1 ? lead.map(() => 0) : batchSteps(table, each * taps, head.first.shape);
  if (!steps) return "apart";
  const first = places === 1 ? table : table.slice(0, each * taps);
  return {
    ...{ segment, taps, table: repeated(first, rows / each, by) },
    steps: head.times === 1 ? steps : [head.apart, ...steps.slice(1)],
  };
}

/** After how many rows they lie as the first ones do, and how much further on. */
function againAfter(pieces: Pieces, rows: number, row: number): readonly [each: number, by: number] {
  const each = covered(pieces) / row;
  return each > 0 && each < rows && Number.isInteger(each) && rows % each === 0 ? [each, pieces.apart] : [rows, 0];
}

/** How far what places of a batch look up lies apart along each axis, if the first place tells it for all. */
function batchSteps(table: Int32Array, length: number, lead: Shape): number[] | undefined {
  const steps: number[] = [];
  let inner = length * sizeOf(lead);
  for (const size of lead) {
    const whole = inner;
    inner /= size;
    const step = stepOf(table, inner, whole);
    if (step === undefined) return undefined;
    steps.push(step);
  }
  return steps;
}

/** How far a number is from the one so many places before it, within parts of `whole` places each; nothing, where not all are as far. */
export function stepOf(table: Int32Array, places: number, whole = table.length): number | undefined {
  let step: number | undefined;
  for (let begin = 0; begin < table.length; begin += whole)
    for (let i = begin; i + places < begin + whole; i++) {
      const here = table[i]!;
      const there = table[i + places]!;
      if (here < 0 !== there < 0) return undefined;
      if (here < 0) continue;
      step ??= there - here;
      if (there - here !== step) return undefined;
    }
  return step ?? 0;
}
