// Pictures at points of tiles (Toom, Cook, Winograd): a model looks the places of all tiles up and multiplies them by the products of two small matrices. Here tiles
// are read where the picture lies, and go through one matrix after the other.
import { sizeOf } from "@innerloop/schemas/bundle";
import { spaced } from "../at-points/making.ts";
import { matrixOf } from "../known.ts";
import type { Plan } from "../plan.ts";
import { type Access, mostSide, type Store } from "../steps.ts";
import { accessOf, permuted, reshaped, type Value } from "../views.ts";

/** Channels below which vectors of them would be mostly empty. */
const fewestChannels = 4;
/** Channels from which on it is worth looking at a product for what it is. */
const manyChannels = 256;
/** How far a number may be from the product that it is taken for, of the largest one: roundings of both. */
const rounding = 2 ** -22;

/** Where tiles lie in a picture. */
interface Tiles {
  readonly tile: readonly [number, number];
  readonly counts: readonly [number, number];
  readonly steps: readonly [number, number];
  readonly first: readonly [number, number];
  readonly size: readonly [number, number];
}

/** The product of a matrix that is known and of places of tiles that are looked up; nothing, where these are none. */
export function atPoints(plan: Plan, left: Value, right: Value): Value | undefined {
  if (left.depth > 0 || left.shape.length !== 2 || right.shape.length !== 2) return undefined;
  const [points = 0, places = 0] = left.shape;
  if (Math.max(points, places) > mostSide ** 2) return undefined;
  const looked = plan.pending.gatheredFrom(right);
  if (looked?.axis !== 0 || looked.source.shape.length !== 2) return undefined;
  const rows = withoutZeros(plan, looked.source);
  const tiles = tilesOf(looked.indices, places, rows.shape[0]!);
  const pair = tiles && factors(plan.numbers(left), points, tiles.tile);
  const picture = pair && pictureOf(plan, rows);
  if (!picture || picture.channels < fewestChannels) return undefined;
  const { examples, channels, place, example, from } = picture;
  const out = plan.room([points, right.shape[1]!], "float32", right.depth);
  const { tile, counts, steps, first, size } = tiles;
  const [ofExample, ofRow] = [channels, counts[1] * examples * channels];
  plan.step(out.depth, {
    ...{ kind: "points", what: "points", examples, channels, rows: counts[0], columns: counts[1], steps, first, size },
    ...{ tile, points: [pair.down.length / tile[0], pair.across.length / tile[1]] },
    field: { ...from, strides: [example, size[1] * place, place, 1] },
    values: { store: out.store, offset: 0, strides: [right.shape[1]!, ofExample, ofRow, examples * channels] },
    ...matricesOf(plan, pair),
  });
  return out;
}

/** Columns from which on it is worth looking at a product for what its matrix is. */
const manyColumns = 1024;

/**
 * The product of a small matrix that is known, or of one of two small ones, and of rows whose numbers lie together, for each place of an axis before these; nothing, where there
 * are none.
 */
export function bySmall(plan: Plan, left: Value, right: Value): Value | undefined {
  const { shape, depth } = right;
  if (left.depth > 0 || depth === 0 || left.shape.length !== 2 || shape.length < 2 || shape.length > 3)
    return undefined;
  const [rows = 0, places = 0] = left.shape;
  const [columns, times] = [shape.at(-1)!, shape.length > 2 ? shape[0]! : 1];
  const [least, most] = [Math.min(rows, places), Math.max(rows, places)];
  if (columns < manyColumns || least < 2 || most > mostSide ** 2) return undefined;
  const form = smallOf(plan.numbers(left), rows, places);
  if (!form || (times > 1 && form.from[0] > 1)) return undefined;
  const from = plan.real(right);
  const [ofPlace, ofRow, column] = [0, ...from.strides].slice(-3) as [number, number, number];
  if (column !== 1) return undefined;
  const grows = rows > places;
  // Rows of squares are many at once.
  const apart = grows && form.from[0] > 1 ? spaced(columns) : columns;
  const batch = shape.slice(0, -2);
  const out = { ...plan.room([...batch, rows, apart], "float32", depth), shape: [...batch, rows, columns] };
  const taken = { store: from.store, offset: from.offset, apart: ofRow, ofPlace };
  const given = { store: out.store, offset: out.offset, apart, ofPlace: rows * apart };
  const [what, few, many] = grows ? (["points", taken, given] as const) : (["places", given, taken] as const);
  const [tile, points] = grows ? [form.from, form.into] : [form.into, form.from];
  const size = [times * tile[0], tile[1]] as const;
  plan.step(out.depth, {
    ...{ kind: "points", what, examples: 1, channels: columns, rows: times, columns: 1, steps: tile, first: [0, 0] },
    ...{ size, tile, points },
    field: {
      store: few.store,
      offset: few.offset,
      strides: [0, times > 1 ? few.ofPlace : tile[1] * few.apart, few.apart, 1],
    },
    values: { store: many.store, offset: many.offset, strides: [many.apart, 0, times > 1 ? many.ofPlace : 0, 0] },
    ...matricesOf(plan, form),
  });
  if (times === 1) noteProduct(left, right, out);
  return out;
}

/** A matrix as a step of points takes it, from squares of places or from a row of them. */
function smallOf(numbers: readonly number[], rows: number, places: number): Small | undefined {
  if (Math.max(rows, places) <= mostSide)
    return { down: Float32Array.of(1), across: Float32Array.from(numbers), from: [1, places], into: [1, rows] };
  const side = Math.sqrt(places);
  if (!Number.isInteger(side) || side > mostSide || rows > mostSide ** 2) return undefined;
  const pair = factors(numbers, rows, [side, side]);
  return pair && { ...pair, from: [side, side], into: [pair.down.length / side, pair.across.length / side] };
}

interface Small extends Pair {
  /** Rows and columns of what goes in, and of what comes out. */
  readonly from: readonly [number, number];
  readonly into: readonly [number, number];
}

/** What products of a small matrix that is known are of. */
const multiplied = new WeakMap<Store, { readonly left: Value; readonly right: Value }>();

/** Notes what a product is of, for whoever wants it turned around. */
export function noteProduct(left: Value, right: Value, { store, shape }: Value): void {
  const small = left.depth === 0 && right.depth > 0 && shape.length === 2 && sizeOf(left.shape) <= mostSide ** 4;
  if (small && shape[1]! >= manyChannels && right.strides[1] === 1) multiplied.set(store, { left, right });
}

/** The numbers of a product of a small matrix by values at points, turned around: the places of each tile side by side. Nothing, where it is no such product. */
export function turnedPlaces(plan: Plan, value: Value): Value | undefined {
  const found = multiplied.get(value.store);
  if (!found) return undefined;
  const axes = value.shape.flatMap((size, axis) => (size === 1 ? [] : [{ size, apart: value.strides[axis]! }]));
  const [first, second] = axes;
  if (axes.length !== 2 || first!.apart !== 1 || second!.apart !== first!.size) return undefined;
  const [channels, places] = [first!.size, second!.size];
  const { left, right } = found;
  const points = left.shape[1]!;
  if (channels * places !== value.store.size) return undefined;
  for (let down = 2; down <= mostSide; down++) {
    const across = points / down;
    if (!Number.isInteger(across) || across < 2 || across > mostSide) continue;
    const pair = factors(plan.numbers(left), places, [down, across]);
    if (!pair) continue;
    const tile = [pair.down.length / down, pair.across.length / across] as const;
    const out = plan.room([channels, places], "float32", value.depth);
    plan.step(out.depth, {
      ...{ kind: "points", what: "places", examples: 1, channels, rows: 1, columns: 1, steps: tile, first: [0, 0] },
      ...{ size: tile, tile, points: [down, across] },
      field: { store: out.store, offset: 0, strides: [0, tile[1], 1, places] },
      values: { ...accessOf(plan.real(right)), strides: [right.strides[0]!, 0, 0, 0] },
      ...matricesOf(plan, pair),
    });
    return reshaped(out, value.shape);
  }
  return undefined;
}

/** Rows without a last one of zeros, which is read for what is outside. */
function withoutZeros(plan: Plan, source: Value): Value {
  const joined = plan.pending.partsOf(source);
  const [rows, zeros] = joined?.axis === 0 && joined.parts.length === 2 ? joined.parts : [];
  return rows && zeros && zeros.shape[0] === 1 && plan.pending.isZeros(zeros) ? rows : source;
}

interface Picture {
  readonly examples: number;
  readonly channels: number;
  /** Distances of places and of examples. */
  readonly place: number;
  readonly example: number;
  readonly from: Pick<Access, "store" | "offset">;
}

/** Rows [places, N · C] as pictures whose channels lie together; nothing, where these do not. */
function pictureOf(plan: Plan, rows: Value): Picture | undefined {
  const [size = 0, wide = 0] = rows.shape;
  const before = plan.pending.before(permuted(rows, [1, 0]));
  if (before && before.shape.length > 2) {
    const [examples = 0, channels = 0, ...space] = before.shape;
    const real = plan.real(before);
    const order = permuted(real, [...space.map((_, axis) => axis + 2), 0, 1]);
    const seen = sizeOf(space) === size ? reshaped(order, [size, examples, channels]) : undefined;
    const [place = 0, example = 0, channel] = seen?.strides ?? [];
    if (seen && channel === 1) return { examples, channels, place, example, from: seen };
  }
  const real = plan.real(rows);
  return real.strides[1] === 1
    ? { examples: 1, channels: wide, place: real.strides[0]!, example: 0, from: real }
    : undefined;
}

/**
 * Places of tiles in a picture of `size` places, row by row: those of all tiles for each place of a tile, beyond the end where they are outside. Nothing, where they
 * are none of tiles that go on evenly.
 */
function tilesOf(indices: readonly number[], places: number, size: number): Tiles | undefined {
  const count = indices.length / places;
  if (!Number.isInteger(count)) return undefined;
  for (let height = 2; height <= mostSide; height++) {
    const width = places / height;
    if (!Number.isInteger(width) || width < 2 || width > mostSide) continue;
    const columns = widthOf(indices, count, height, width, size);
    const found =
      columns && size % columns === 0 ? evenly(indices, count, [height, width], [size / columns, columns]) : undefined;
    if (found) return found;
  }
  return undefined;
}

/** How far the rows of a picture are apart, by the first place of a tile that has one below it. */
function widthOf(
  indices: readonly number[],
  count: number,
  height: number,
  width: number,
  size: number,
): number | undefined {
  const below = width * count;
  for (let i = 0; i < (height - 1) * below; i++)
    if (indices[i]! < size && indices[i + below]! < size) return indices[i + below]! - indices[i]!;
  return undefined;
}

function evenly(
  indices: readonly number[],
  count: number,
  tile: readonly [number, number],
  size: readonly [number, number],
): Tiles | undefined {
  const [rows, columns] = size;
  if (!(columns > 0)) return undefined;
  const inside = rows * columns;
  /** Where a tile begins, by the first of its places that is inside. */
  const begin = (of: number): readonly [number, number] | undefined => {
    for (let i = 0; i < tile[0] * tile[1]; i++) {
      const at = indices[i * count + of]!;
      if (at < inside) return [Math.floor(at / columns) - Math.floor(i / tile[1]), (at % columns) - (i % tile[1])];
    }
    return undefined;
  };
  const first = begin(0);
  if (!first) return undefined;
  let across = 1;
  while (across < count && begin(across)?.[0] === first[0]) across++;
  const down = count / across;
  const steps = [
    down > 1 ? (begin(across)?.[0] ?? first[0]) - first[0] : 1,
    across > 1 ? begin(1)![1] - first[1] : 1,
  ] as const;
  if (!Number.isInteger(down)) return undefined;
  for (let i = 0, at = 0; i < tile[0]; i++)
    for (let j = 0; j < tile[1]; j++)
      for (let t = 0; t < count; t++, at++) {
        const y = first[0] + Math.floor(t / across) * steps[0] + i;
        const x = first[1] + (t % across) * steps[1] + j;
        const outside = y < 0 || x < 0 || y >= rows || x >= columns;
        if (outside ? indices[at]! < inside : indices[at] !== y * columns + x) return undefined;
      }
  return { tile, counts: [down, across], steps, first, size };
}

interface Pair {
  readonly down: Float32Array;
  readonly across: Float32Array;
}

/** Both matrices as a step reads them. */
const matricesOf = ({ known }: Plan, { down, across }: Pair): Record<keyof Pair, Access> => ({
  down: matrixOf(known, down),
  across: matrixOf(known, across),
});

/** Two matrices whose products a matrix has, with a column for each pair of columns; nothing, where there are none. */
function factors(numbers: readonly number[], rows: number, tile: readonly [number, number]): Pair | undefined {
  const [height, width] = tile;
  const columns = height * width;
  const most = numbers.reduce((so, number, i) => (Math.abs(number) > Math.abs(numbers[so]!) ? i : so), 0);
  const [pivot, row, column] = [numbers[most]!, Math.floor(most / columns), most % columns];
  if (pivot === 0) return undefined;
  for (let across = 1; across <= Math.min(rows, mostSide); across++) {
    const down = rows / across;
    if (!Number.isInteger(down) || down > mostSide) continue;
    const at = (p: number, q: number, i: number, j: number): number =>
      numbers[(p * across + q) * columns + i * width + j]!;
    const own = { p: Math.floor(row / across), q: row % across, i: Math.floor(column / width), j: column % width };
    const first = Float32Array.from({ length: down * height }, (_, n) =>
      at(Math.floor(n / height), own.q, n % height, own.j),
    );
    const second = Float32Array.from(
      { length: across * width },
      (_, n) => at(own.p, Math.floor(n / width), own.i, n % width) / pivot,
    );
    const fits = numbers.every((number, n) => {
      const [r, c] = [Math.floor(n / columns), n % columns];
      const product =
        first[Math.floor(r / across) * height + Math.floor(c / width)]! * second[(r % across) * width + (c % width)]!;
      return Math.abs(product - number) <= rounding * Math.abs(pivot);
    });
    if (fits) return { down: first, across: second };
  }
  return undefined;
}
