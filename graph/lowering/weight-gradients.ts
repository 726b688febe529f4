// The ways to compute the weight gradient of a convolution, channels first, on ONNX Runtime's processor.
import { type Dim, multiplyDims } from "../core/dims.ts";
import { at, upTo, zip } from "../core/lists.ts";
import { apply1 } from "../core/operator.ts";
import { isKnown, likelySize, type Shape, sizeOf } from "../core/shapes.ts";
import type { Value } from "../core/value.ts";
import type { Window } from "../core/windows.ts";
import { Mul } from "../ops/arithmetic.ts";
import { transposeLast } from "../ops/internal/transpose.ts";
import { MatMul } from "../ops/linear-algebra.ts";
import { Reshape, Transpose } from "../ops/movement.ts";
import { Concat, Slice } from "../ops/parts.ts";
import { ReduceSum } from "../ops/reduction.ts";
import type { Form } from "./forms.ts";
import { LoweredConv } from "./native-convolution.ts";
import { padded, readsOf } from "./taps.ts";
import { weightGradientByTiles } from "./tiles.ts";

/** The input, the cotangent of the output, and the sizes of these. */
interface Problem {
  /** `[N, C, …space]` */
  readonly x: Value;
  /** `[N, O, …out]` */
  readonly g: Value;
  readonly window: Window;
  readonly examples: Dim;
  readonly channels: number;
  readonly filters: number;
  readonly out: readonly number[];
  readonly taps: number;
  /** How many numbers the taps read, and how many multiplications there are. */
  readonly read: number;
  readonly multiplied: number;
}

/** @param hasPoints whether products at points are exact enough */
export function weightGradientForms(x: Value, g: Value, window: Window, hasPoints: boolean): Form[] {
  const [examples = 1, filters, ...out] = g.shape;
  const channels = at(x.shape, 1);
  if (typeof channels !== "number" || typeof filters !== "number") return [];
  if (!isKnown(out) || !isKnown(x.shape.slice(2))) return [swapped(x, g, window)];
  const taps = sizeOf(window.kernel);
  const read = likelySize([examples]) * channels * sizeOf(out) * taps;
  const multiplied = (read * filters) / window.groups;
  const problem = { x, g, window, examples, channels, filters, out, taps, read, multiplied };
  if (channels === window.groups && filters === channels && taps > 1) return [ofEach(problem), swapped(x, g, window)];
  const forms = [swapped(x, g, window), ...(hasPoints ? weightGradientByTiles(x, g, window) : [])];
  for (const layout of examples === 1 ? [summed] : [summed, folded]) {
    forms.unshift(byColumns(problem, layout));
    if (window.groups === 1 && taps > 1) forms.unshift(byTaps(problem, layout));
    if (taps > 1 && isApart(window)) forms.unshift(byPatches(problem, layout));
  }
  return forms;
}

/** Where examples stand while products are taken. */
interface Layout {
  readonly name: string;
  /** `[N, A, …space]` with what the product sums over last among what is not space. */
  place(x: Value): Value;
  /** A value that `place` made, or what was cut out of it, as `[N?, groups, A/groups, …, places]`. */
  rows(x: Value, groups: number, inner: Shape): Value;
  /** Of `[N, groups, …]`, these two in the order in which products have them. */
  readonly outer: readonly number[];
  /** Products of examples as one. */
  sum(products: Value): Value;
  /** What it costs beside products: numbers moved, and numbers of the weights summed. */
  cost(problem: Problem, weights: number): { readonly moved: number; readonly nodes: number };
}

/** A product for each example, which are added up. */
const summed: Layout = {
  name: "a product an example",
  place: (x) => x,
  rows: (x, groups, inner) => {
    const [examples = 1, channels = 1] = x.shape;
    return Reshape(x, [examples, groups, Number(channels) / groups, ...inner, sizeOf(x.shape.slice(2))]);
  },
  outer: [0, 1],
  sum: (products) =>
    products.shape[0] === 1
      ? Reshape(products, products.shape.slice(1))
      : ReduceSum(products, { axes: [0], keepdims: false }),
  cost: ({ examples }, weights) => ({ moved: examples === 1 ? 0 : 2.5 * weights * likelySize([examples]), nodes: 1 }),
};

/** One product over the places of all examples, which are brought together first. */
const folded: Layout = {
  name: "one product",
  place: (x) => Transpose(x, [1, 0, ...upTo(x.rank).slice(2)]),
  rows: (x, groups, inner) => Reshape(x, [groups, Number(at(x.shape, 0)) / groups, ...inner, sizeOf(x.shape.slice(1))]),
  outer: [1, 0],
  sum: (products) => products,
  cost: ({ x, g }) => ({ moved: 1.2 * (likelySize(x.shape) + likelySize(g.shape)), nodes: 2 }),
};

const weightsShape = ({ filters, channels, window: { kernel, groups } }: Problem): number[] => [
  filters,
  channels / groups,
  ...kernel,
];

/** Products of few columns take as long as if there were some more. */
const fewest = 16;

/** One product with the columns of all taps. */
function byColumns(problem: Problem, layout: Layout): Form {
  const { x, g, window, channels, out, taps, read, multiplied } = problem;
  const { groups } = window;
  const weights = sizeOf(weightsShape(problem));
  const { moved, nodes } = layout.cost(problem, weights);
  const width = (channels / groups) * taps;
  return {
    name: `columns, ${layout.name}`,
    work: {
      products: multiplied * Math.max(1, fewest / width),
      moved: moved + (taps === 1 ? 0 : 4.5 * read) + 5 * weights,
      nodes: nodes + (taps === 1 ? 3 : taps + 4),
    },
    make: () => {
      const reads = readsOf(layout.place(x), window, out).map((tap) => layout.rows(tap, groups, [1]));
      const [first = x, ...others] = reads;
      const joined = others.length > 0 ? Concat([first, ...others], first.rank - 2) : first;
      const columns = Reshape(joined, [...joined.shape.slice(0, -3), width, at(joined.shape, -1)]);
      const products = MatMul(layout.rows(layout.place(g), groups, []), transposeLast(columns));
      return Reshape(layout.sum(products), weightsShape(problem));
    },
  };
}

/** Whether each place is read by one window at most, which lie side by side. */
const isApart = ({ kernel, strides, dilations }: Window): boolean =>
  kernel.every((size, i) => size === strides[i] && (size === 1 || dilations[i] === 1));

/** One product with patches that lie side by side, as rows: one move of all numbers, in runs of a row of a patch. */
function byPatches(problem: Problem, layout: Layout): Form {
  const { x, g, window, channels, out, read, multiplied } = problem;
  const { kernel, before, groups } = window;
  const weights = sizeOf(weightsShape(problem));
  const { moved, nodes } = layout.cost(problem, weights);
  const width = weights / problem.filters;
  return {
    name: `patches, ${layout.name}`,
    work: {
      products: multiplied * Math.max(1, fewest / width),
      moved: moved + 1.5 * read + 5 * weights,
      nodes: nodes + 5,
    },
    make: () => {
      const axes = upTo(kernel.length);
      const space = x.shape.slice(2).map(Number);
      const covered = zip(out, kernel, (places, size) => places * size);
      const behind = axes.map((i) => Math.max(0, at(covered, i) - at(space, i) - at(before, i)));
      const whole = padded(x, before, behind);
      const cut = axes.every((i) => at(whole.shape, i + 2) === at(covered, i))
        ? whole
        : Slice(
            whole,
            axes.map(() => 0),
            covered,
            axes.map((i) => i + 2),
          );
      const split = Reshape(cut, [
        ...[at(x.shape, 0), groups, channels / groups],
        ...axes.flatMap((i) => [at(out, i), at(kernel, i)]),
      ]);
      const [places, taps] = [axes.map((i) => 3 + 2 * i), axes.map((i) => 4 + 2 * i)];
      const patches = Transpose(split, [...layout.outer, ...places, 2, ...taps]);
      const rows = layout.rows(layout.place(g), groups, []);
      const products = MatMul(rows, Reshape(patches, [...rows.shape.slice(0, -2), at(rows.shape, -1), width]));
      return Reshape(layout.sum(products), weightsShape(problem));
    },
  };
}

/** A product a tap, which are put together afterwards: columns take more memory. */
function byTaps(problem: Problem, layout: Layout): Form {
  const { x, g, window, channels, filters, out, taps, read, multiplied } = problem;
  const weights = sizeOf(weightsShape(problem));
  const { moved, nodes } = layout.cost(problem, weights);
  return {
    name: `taps, ${layout.name}`,
    work: {
      products: multiplied * Math.max(1, fewest / channels),
      moved: moved + 2 * read,
      scattered: 1.5 * weights,
      nodes: nodes * taps + 4 * taps + 3,
    },
    make: () => {
      const rows = layout.rows(layout.place(g), 1, []);
      const products = readsOf(layout.place(x), window, out).map((tap) =>
        Reshape(layout.sum(MatMul(rows, transposeLast(layout.rows(tap, 1, [])))), [1, filters, channels]),
      );
      const [first = x, ...others] = products;
      const { kernel } = window;
      const placed = Reshape(Concat([first, ...others], 0), [...kernel, filters, channels]);
      // The last node is no Reshape, which would copy what a graph gives.
      return Transpose(placed, [kernel.length, kernel.length + 1, ...upTo(kernel.length)]);
    },
  };
}

/** Of filters for one channel each: a sum of products for each tap. */
function ofEach({ x, g, window, out, taps, read }: Problem): Form {
  return {
    name: "sums of taps",
    work: { moved: 3 * read, nodes: 4 * taps + 3 },
    make: () => {
      const axes = upTo(x.rank).filter((axis) => axis !== 1);
      const sums = readsOf(x, window, out).map((tap) =>
        Reshape(ReduceSum(Mul(tap, g), { axes, keepdims: false }), [-1, 1]),
      );
      const [first = x, ...others] = sums;
      return Reshape(Concat([first, ...others], 1), [at(g.shape, 1), 1, ...window.kernel]);
    },
  };
}

/** A convolution of the input whose kernel is the cotangent: examples and channels change places, strides and dilations as well. */
function swapped(x: Value, g: Value, { kernel, strides, dilations, before, after, groups }: Window): Form {
  const [examples = 1, channels = 1, ...space] = x.shape;
  const [, filters = 1, ...out] = g.shape;
  const [perGroup, each] = [Number(channels) / groups, Number(filters) / groups];
  const axes = upTo(space.length);
  // Where strides leave some of the input out, there would be more places than taps.
  const last = zip(space, out, (size, places, i) => {
    if (typeof size !== "number" || typeof places !== "number") return at(after, i);
    const reads = (places - 1) * at(strides, i) + (at(kernel, i) - 1) * at(dilations, i) + 1;
    return Math.max(0, reads - size - at(before, i));
  });
  const multiplied = likelySize(g.shape) * perGroup * sizeOf(kernel);
  const weights = Number(filters) * perGroup * sizeOf(kernel);
  return {
    name: "swapped convolution",
    work:
      perGroup === 1 && each === 1
        ? { each: multiplied * 4.6, nodes: 5 }
        : {
            products: multiplied,
            summed: (1.3 * multiplied) / each,
            scattered: 0.4 * likelySize(x.shape) + 2 * weights,
            nodes: 5,
          },
    make: () => {
      const images = Transpose(Reshape(x, [examples, groups, perGroup, ...space]), [
        2,
        1,
        0,
        ...axes.map((i) => i + 3),
      ]);
      const filtersOf = Transpose(Reshape(g, [examples, groups, each, ...out]), [1, 2, 0, ...axes.map((i) => i + 3)]);
      const all = multiplyDims(groups, examples);
      const product = apply1(
        LoweredConv.operator,
        [Reshape(images, [perGroup, all, ...space]), Reshape(filtersOf, [filters, examples, ...out])],
        { strides: dilations, dilations: strides, before, after: last, group: groups },
      );
      const taps = Slice(
        product,
        kernel.map(() => 0),
        kernel,
        axes.map((i) => i + 2),
      );
      return Transpose(taps, [1, 0, ...axes.map((i) => i + 2)]);
    },
  };
}
