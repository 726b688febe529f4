// Between numbers and sizes: the entries of a list taken as sizes of axes, and sizes as the entries of a list. So a shape, a start
// or a length may be computed while a graph runs.
import { constant, constantOf } from "../../core/build.ts";
import { addDims, type Dim, divideDims } from "../../core/dims.ts";
import { at, zip } from "../../core/lists.ts";
import { apply1, applying, define, unfit, zeroDerivative } from "../../core/operator.ts";
import { fixed, type Shape } from "../../core/shapes.ts";
import { freshSizes, tellersOf } from "../../core/told.ts";
import { madeBy, type One, type Operator, type Value } from "../../core/value.ts";
import { placesAlong, reachOf, type Window } from "../../core/windows.ts";
import { Add, Div } from "../arithmetic.ts";
import { Concat } from "./slicing.ts";

const asSizes: Operator<{ readonly fresh: readonly string[] }, One, One> = define({
  name: "AsSizes",
  family: "graph",
  summary: "int64 numbers, of which each is a size that whatever follows may have",
  writtenAs: "Identity",
  infer([list], { fresh }) {
    if (list.dtype !== "int64" || list.rank > 1 || (list.rank === 1 && list.shape[0] !== fresh.length))
      throw unfit("AsSizes", [list], `an int64 list of ${fresh.length} was expected.`);
    return [{ dtype: "int64", shape: list.shape }];
  },
  gradient: zeroDerivative,
  batch(inputs) {
    throw unfit("AsSizes", inputs, "a size cannot differ from task to task.");
  },
  evaluate({ inputs: [list], attributes: { fresh }, bind }) {
    for (const [i, symbol] of fresh.entries()) bind(symbol, at(list.data, i));
    return [list.data];
  },
});
/** How the nodes are known that take numbers for sizes. */
export const AsSizes = { operator: asSizes };

const asNumbers: Operator<{ readonly dims: Shape; readonly scalar: boolean }, readonly Value[], One> = define({
  name: "AsNumbers",
  family: "graph",
  summary: "sizes as int64 numbers",
  writtenAs: "Identity",
  infer: (_, { dims, scalar }) => [{ dtype: "int64", shape: scalar ? [] : [dims.length] }],
  gradient: zeroDerivative,
  batch(inputs) {
    throw unfit("AsNumbers", inputs, "a size cannot differ from task to task.");
  },
  evaluate: ({ attributes: { dims }, resolve }) => [Float64Array.from(dims, resolve)],
});

/** Sizes as an int64 list. */
export const AsNumbers = applying(asNumbers, (dims: Shape): Value => numbersOf(dims, false));

/** A size as an int64 scalar. */
export const sizeNumber = (dim: Dim): Value => numbersOf([dim], true);

function numbersOf(dims: Shape, scalar: boolean): Value {
  if (dims.every((dim) => typeof dim === "number")) return constant(dims, scalar ? [] : [dims.length], "int64");
  return apply1(asNumbers, tellersOf(dims), { dims, scalar });
}

/**
 * The entries of an int64 list, or the one of a scalar, as sizes: numbers where they are known, the sizes that they were made of,
 * or names that stand for what the list has when the graph runs.
 * @throws InnerloopError where the list has an open length
 */
export function sizesOf(list: Value): readonly Dim[] {
  const known = constantOf(list);
  if (known) return [...known.data];
  const counted = madeBy(list, AsNumbers);
  if (counted) return counted.attributes.dims;
  const taken = madeBy(list, AsSizes);
  if (taken) return taken.attributes.fresh;
  const joined = madeBy(list, Concat);
  if (joined) return joined.inputs.flatMap(sizesOf);
  const length = list.rank === 0 ? 1 : fixed(at(list.shape, 0), "a list of sizes");
  const fresh = freshSizes("size", [list], length);
  apply1(asSizes, [list], { fresh });
  return fresh;
}

/** A size divided by a number and rounded down; where that need not come out even, a graph that runs computes it. */
export const dividedSize = (dim: Dim, by: Dim): Dim =>
  typeof dim === "number" && typeof by === "number"
    ? Math.floor(dim / by)
    : (divideDims(dim, by) ?? at(sizesOf(Div(sizeNumber(dim), sizeNumber(by))), 0));

/** What tells sizes that a window leaves: needed as long as such a size may be asked for. */
const counts = new Map<string, Value>();

/** The sizes that a window leaves of a space, where only a run tells some of them. */
export function openPlaces(space: Shape, window: Window): Pick<Window, "out" | "fresh"> {
  const places = space.map((size, axis) => placesAlong(size, window, axis));
  if (places.every((size) => size !== undefined)) return {};
  const fresh: string[] = [];
  const out = zip(places, space, (known, size, axis) => {
    if (known !== undefined) return known;
    const reach = reachOf({ kernel: at(window.kernel, axis), dilation: at(window.dilations, axis) });
    const free = sizeNumber(addDims(size, at(window.before, axis) + at(window.after, axis) - reach));
    const count = Add(Div(free, at(window.strides, axis)), 1);
    const symbol = String(at(sizesOf(count), 0));
    counts.set(symbol, count);
    fresh.push(symbol);
    return symbol;
  });
  return { out, fresh };
}
