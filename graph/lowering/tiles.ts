// Gradients of convolutions over larger pictures, channels first, as products at points: pictures are cut into tiles, of which each is a
// short convolution by itself (Toom 1963, Cook 1966; Winograd 1980). Nine taps over sixteen places take 144 products for a pair of channels,
// and 36 at points; and no columns are gathered.
import { constant } from "../core/build.ts";
import { type Dim, multiplyDims } from "../core/dims.ts";
import { at, upTo, zip } from "../core/lists.ts";
import { isKnown, likelySize, sizeOf } from "../core/shapes.ts";
import type { Value } from "../core/value.ts";
import type { Window } from "../core/windows.ts";
import { Gather } from "../ops/indexing.ts";
import type { SpacedFirst } from "../ops/internal/channels-first.ts";
import { appendZero } from "../ops/internal/slicing.ts";
import { transposeLast } from "../ops/internal/transpose.ts";
import { MatMul } from "../ops/linear-algebra.ts";
import { Reshape } from "../ops/movement.ts";
import { transposedApart } from "./factors.ts";
import type { Form, Work } from "./forms.ts";
import { type AxisForm, axisForm, kronecker, type Matrix, times, transposed } from "./toom-cook.ts";

type Two<T> = readonly [T, T];

/** How an output is cut: the places of a tile along both axes, how many tiles there are, and the form of one. */
interface Tiling {
  readonly side: number;
  readonly sizes: Two<number>;
  readonly counts: Two<number>;
  readonly forms: Two<AxisForm>;
}

/** Places of a tile along an axis: more save more products, and leave more of the last tile empty. */
const sides = [4, 2];

/** The ways to cut an output; none where a tile would need more points than stay exact. */
function tilingsOf({ kernel, strides, dilations, groups }: Window, out: readonly number[]): Tiling[] {
  if (kernel.length !== 2 || groups !== 1 || sizeOf(kernel) === 1 || dilations.some((one) => one !== 1)) return [];
  return sides.flatMap((side): Tiling[] => {
    const sizes = kernel.map((taps) => (taps === 1 ? 1 : side));
    const [h, w] = zip(kernel, strides, (taps, stride, i) =>
      axisForm((at(sizes, i) - 1) * stride + taps, at(sizes, i), { kernel: taps, stride, before: 0 }),
    );
    const [th, tw] = zip(out, sizes, (places, size) => Math.ceil(places / size));
    if (!h || !w || th === undefined || tw === undefined) return [];
    return [{ side, sizes: [at(sizes, 0), at(sizes, 1)], counts: [th, tw], forms: [h, w] }];
  });
}

const part = ({ forms: [h, w] }: Tiling, name: keyof AxisForm): Two<Matrix> => [h[name], w[name]];
const pointsOf = ({ forms: [h, w] }: Tiling): number => h.x.length * w.x.length;
const tilesOf = ({ counts }: Tiling): number => counts[0] * counts[1];

/**
 * The places of a space that tiles read, `[places of a tile, tiles]`; where they lie outside, the place after the last one.
 * @param reach how many places a tile reads along each axis
 * @param step how far the next one starts
 */
function placesIn(
  space: readonly number[],
  reach: Two<number>,
  step: Two<number>,
  before: readonly number[],
  counts: Two<number>,
) {
  const along = (axis: 0 | 1) =>
    upTo(reach[axis]).map((i) => upTo(counts[axis]).map((tile) => tile * step[axis] + i - at(before, axis)));
  const inside = (place: number, axis: number) => place >= 0 && place < at(space, axis);
  const [rows, columns] = [along(0), along(1)];
  return rows.flatMap((own) =>
    columns.flatMap((other) =>
      own.flatMap((row) =>
        other.map((column) => (inside(row, 0) && inside(column, 1) ? row * at(space, 1) + column : sizeOf(space))),
      ),
    ),
  ) as number[];
}

const table = (indices: readonly number[]): Value => constant(indices, [indices.length], "int32");

/** The values of `[N, C, …space]` at the points of each tile: `[points, tiles · N, C]`. */
function atPoints(x: Value, [h, w]: Two<Matrix>, places: readonly number[]): Value {
  const [examples = 1, channels = 1, ...space] = x.shape;
  const size = sizeOf(space);
  const rows = transposeLast(Reshape(x, [multiplyDims(examples, channels), size]));
  const read = Gather(places.includes(Number(size)) ? appendZero(rows, 0) : rows, table(places), 0);
  const [height, width] = [at(h, 0).length, at(w, 0).length];
  const rest = multiplyDims(places.length / (height * width), multiplyDims(examples, channels));
  const values = times(kronecker(h, w), Reshape(read, [height * width, rest]));
  return Reshape(values, [h.length * w.length, multiplyDims(places.length / (height * width), examples), channels]);
}

/** What tiles read of the input, at points. */
function inputAtPoints(x: Value, { strides, kernel, before }: Window, tiling: Tiling): Value {
  const { sizes, counts } = tiling;
  const reach = zip(sizes, kernel, (size, taps, i) => (size - 1) * at(strides, i) + taps);
  const step = zip(sizes, strides, (size, stride) => size * stride);
  const space = x.shape.slice(2).map(Number);
  const places = placesIn(space, [at(reach, 0), at(reach, 1)], [at(step, 0), at(step, 1)], before, counts);
  return atPoints(x, part(tiling, "x"), places);
}

/** What it takes to bring an array to points: it is turned around, looked up, and multiplied. */
function toPoints(numbers: number, tiles: number, [h, w]: Two<Matrix>): Required<Pick<Work, "products" | "moved">> {
  const [from, to] = [at(h, 0).length * at(w, 0).length, h.length * w.length];
  return { products: tiles * from * to, moved: 3 * numbers + tiles * (1.2 * from + 2 * to) };
}

/** The weight gradient: values of the input times values of the cotangent at each point, summed over all tiles. */
export function weightGradientByTiles(x: Value, g: Value, window: Window): Form[] {
  const [examples = 1, channels, ...space] = x.shape;
  const [, filters, ...out] = g.shape;
  if (typeof channels !== "number" || typeof filters !== "number" || !isKnown(out) || !isKnown(space)) return [];
  return tilingsOf(window, out).map((tiling) => {
    const [points, tiles, taps] = [pointsOf(tiling), tilesOf(tiling) * likelySize([examples]), sizeOf(window.kernel)];
    const weights = channels * filters;
    const [ofX, ofG] = [
      toPoints(likelySize(x.shape), tiles * channels, part(tiling, "x")),
      toPoints(likelySize(g.shape), tiles * filters, part(tiling, "y")),
    ];
    return {
      name: `points of tiles of ${tiling.side}`,
      work: {
        products: points * tiles * weights + ofX.products + ofG.products,
        moved: ofX.moved + ofG.moved + weights * (5 * points + 2 * taps),
        nodes: 11,
      },
      make: () => {
        const inner = placesIn(out, tiling.sizes, tiling.sizes, [0, 0], tiling.counts);
        const values = atPoints(g, part(tiling, "y"), inner);
        const products = MatMul(transposeLast(values), inputAtPoints(x, window, tiling));
        const flat = Reshape(products, [points, weights]);
        const slopes = times(transposed(kronecker(...part(tiling, "w"))), flat);
        return Reshape(transposedApart(slopes), [filters, channels, ...window.kernel]);
      },
    };
  });
}

/** The input gradient of stride 1: values of the cotangent times values of the weights at each point, the last tap first. */
export function inputGradientByTiles(g: Value, w: Value, { space, ...window }: SpacedFirst): Form[] {
  const [examples = 1, filters, ...out] = g.shape;
  const channels = at(w.shape, 1);
  if (typeof channels !== "number" || typeof filters !== "number" || !isKnown(out) || !isKnown(space)) return [];
  if (window.strides.some((stride) => stride !== 1)) return [];
  // How a convolution with these weights reads the cotangent.
  const back = { ...window, before: zip(window.kernel, window.before, (taps, pad) => taps - 1 - pad) };
  return tilingsOf(back, space).map((tiling) => {
    const [points, taps] = [pointsOf(tiling), sizeOf(window.kernel)];
    const tiles = tilesOf(tiling) * likelySize([examples]);
    const weights = channels * filters;
    const numbers = likelySize([examples]) * channels * sizeOf(space);
    const ofG = toPoints(likelySize(g.shape), tiles * filters, part(tiling, "x"));
    return {
      name: `points of tiles of ${tiling.side}`,
      work: {
        products: points * (tiles * weights + numbers + taps * weights) + ofG.products,
        moved: ofG.moved + 16 * numbers + weights * (2.5 * points + 2 * taps),
        nodes: 9,
      },
      make: () => {
        const turned = part(tiling, "w").map((matrix) => matrix.map((row) => [...row].reverse()));
        const ofTaps = times(kronecker(at(turned, 0), at(turned, 1)), transposeLast(Reshape(w, [weights, taps])));
        const values = MatMul(inputAtPoints(g, back, tiling), Reshape(ofTaps, [points, filters, channels]));
        return fromPoints(values, tiling, examples, channels, space);
      },
    };
  });
}

/** `[points, tiles · N, O]` as the places that these are for: `[N, O, …out]`. */
function fromPoints(values: Value, tiling: Tiling, examples: Dim, filters: number, out: readonly number[]): Value {
  const { sizes, counts } = tiling;
  const [h, w] = part(tiling, "y");
  const rest = multiplyDims(tilesOf(tiling), multiplyDims(examples, filters));
  const whole = times(transposed(kronecker(h, w)), Reshape(values, [h.length * w.length, rest]));
  const rows = Reshape(whole, [sizes[0] * sizes[1] * tilesOf(tiling), multiplyDims(examples, filters)]);
  const order = upTo(at(out, 0)).flatMap((row) =>
    upTo(at(out, 1)).map((column) => {
      const [i, j] = [row % sizes[0], column % sizes[1]];
      const [ti, tj] = [Math.floor(row / sizes[0]), Math.floor(column / sizes[1])];
      return ((i * sizes[1] + j) * counts[0] + ti) * counts[1] + tj;
    }),
  );
  return Reshape(transposedApart(Gather(rows, table(order), 0)), [examples, filters, ...out]);
}
