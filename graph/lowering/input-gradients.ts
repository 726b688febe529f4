// The ways to compute the input gradient of a convolution, channels first, on ONNX Runtime's processor.
import { addDims, multiplyDims } from "../core/dims.ts";
import { at, upTo, zip } from "../core/lists.ts";
import { apply1 } from "../core/operator.ts";
import { likelySize, sizeOf } from "../core/shapes.ts";
import type { Value } from "../core/value.ts";
import { reachOf, type Window } from "../core/windows.ts";
import type { SpacedFirst } from "../ops/internal/channels-first.ts";
import { transposeLast } from "../ops/internal/transpose.ts";
import { MatMul } from "../ops/linear-algebra.ts";
import { Reshape, Transpose } from "../ops/movement.ts";
import type { Form } from "./forms.ts";
import { LoweredConv, LoweredConvTranspose, onnxWindow } from "./native-convolution.ts";
import { reversed } from "./slices.ts";
import { inputGradientByTiles } from "./tiles.ts";

const every = (list: readonly number[], number: number): boolean => list.every((entry) => entry === number);

/** Channels in a block of ONNX Runtime's blocked convolutions. */
const block = 16;

/**
 * @param g `[N, O, …out]`
 * @param w `[O, C/g, ...kernel]`
 * @param isFixed whether the file has the weights for good: then they are turned once, and blocked convolutions take them
 * @param hasPoints whether products at points are exact enough
 */
export function inputGradientForms(
  g: Value,
  w: Value,
  window: SpacedFirst,
  isFixed: boolean,
  hasPoints: boolean,
): Form[] {
  return [
    product(g, w, window, isFixed),
    turnedConvolution(g, w, window, isFixed),
    transposed(g, w, window, isFixed),
    // Weights that a file has for good would be held at points besides.
    ...(hasPoints && !isFixed ? inputGradientByTiles(g, w, window) : []),
  ].filter((form) => form !== undefined);
}

/** A convolution of one tap is a product. */
function product(g: Value, w: Value, { space, ...window }: SpacedFirst, isFixed: boolean): Form | undefined {
  const { kernel, strides, before, after, groups } = window;
  if (groups > 1 || ![...kernel, ...strides].every((n) => n === 1) || !every([...before, ...after], 0))
    return undefined;
  const [examples = 1, filters = 1, ...out] = g.shape;
  const channels = at(w.shape, 1);
  return {
    name: "product",
    work: {
      products: likelySize(g.shape) * Number(channels),
      ...(!isFixed && { scattered: likelySize(w.shape) }),
      nodes: 2,
    },
    make: () => {
      const rows = Reshape(g, [examples, filters, sizeOf(out)]);
      return Reshape(MatMul(transposeLast(Reshape(w, [filters, channels])), rows), [examples, channels, ...space]);
    },
  };
}

/**
 * Weights `[O, C/g, ...kernel]` for the way back, `[C, O/g, ...kernel]`: the last tap first. Of weights that a file has for good each of these
 * nodes leaves a copy until a session is ready, so there are as few as can be.
 */
function turned(w: Value, { kernel, groups }: Window): Value {
  const [filters = 1, perGroup = 1] = w.shape;
  const taps = sizeOf(kernel);
  const axes = upTo(kernel.length).map((i) => i + 2);
  const flipped = taps === 1 ? w : reversed(w, axes);
  if (groups === 1) return Transpose(flipped, [1, 0, ...axes]);
  const shape = [multiplyDims(perGroup, groups), Number(filters) / groups, ...kernel];
  if (perGroup === 1 && filters === groups) return Reshape(flipped, shape);
  const split = Reshape(flipped, [groups, Number(filters) / groups, perGroup, ...kernel]);
  return Reshape(Transpose(split, [0, 2, 1, ...axes.map((axis) => axis + 1)]), shape);
}

/** A convolution with turned weights, where the stride is 1. */
function turnedConvolution(g: Value, w: Value, { space, ...window }: SpacedFirst, isFixed: boolean): Form | undefined {
  const { kernel, strides, dilations, before, after, groups } = window;
  const reaches = kernel.map((taps, i) => reachOf({ kernel: taps, dilation: at(dilations, i) }));
  const around = (pads: readonly number[]) => zip(reaches, pads, (reach, pad) => reach - 1 - pad);
  const pads = { before: around(before), after: around(after) };
  if (!every(strides, 1) || ![...pads.before, ...pads.after].every((pad) => pad >= 0)) return undefined;
  const [filters = 1, perGroup = 1] = w.shape.map(Number);
  const [examples, places] = [likelySize(g.shape.slice(0, 1)), likelySize(space)];
  const multiplied = examples * places * (perGroup * groups) * (filters / groups) * sizeOf(kernel);
  const isOfEach = perGroup === 1 && filters === groups;
  const perGroupBack = filters / groups;
  // Blocked ones want whole blocks, and pad what they give to such.
  const blocked = isFixed && kernel.length === 2 && (isOfEach ? groups >= 8 : perGroup >= 8);
  const padding = isOfEach ? 1 : (Math.ceil(perGroup / block) * block) / perGroup;
  const around2 = examples * (likelySize(g.shape.slice(1)) + places * perGroup * groups);
  const columns = examples * places * groups * perGroupBack * sizeOf(kernel);
  return {
    name: "turned convolution",
    work: {
      ...(isOfEach && { each: multiplied * (blocked ? 0.4 : 0.9) }),
      ...(!isOfEach && blocked && { blocked: multiplied * padding, moved: around2 }),
      ...(!isOfEach && !blocked && { products: multiplied, moved: columns + likelySize(w.shape) }),
      // Every tap of the weights changes its place twice, the second time in rows of few numbers.
      ...(!isFixed && { scattered: 3 * likelySize(w.shape) }),
      nodes: isFixed ? 1 : 4,
    },
    make: () => apply1(LoweredConv.operator, [g, turned(w, window)], onnxWindow({ ...window, ...pads }, groups)),
  };
}

/** ONNX's ConvTranspose, where it can be told the size that comes out. */
function transposed(g: Value, w: Value, { space, ...window }: SpacedFirst, isFixed: boolean): Form | undefined {
  const { kernel, strides, dilations, before, after, groups } = window;
  const out = g.shape.slice(2);
  const differences = zip(space, out, (size, places, i) => {
    const reach = reachOf({ kernel: at(kernel, i), dilation: at(dilations, i) });
    const given = addDims(multiplyDims(addDims(places, -1), at(strides, i)), reach);
    return addDims(size, multiplyDims(addDims(given, -at(before, i) - at(after, i)), -1));
  });
  const known = differences.filter((size) => typeof size === "number");
  const extra = known.length === differences.length ? known : every(strides, 1) ? strides.map(() => 0) : undefined;
  const fits = extra?.every(
    (more, i) => more === 0 || (more > 0 && (more < at(strides, i) || more < at(dilations, i))),
  );
  if (!extra || !fits) return undefined;
  const [filters = 1, perGroup = 1] = w.shape.map(Number);
  const multiplied = likelySize(g.shape) * perGroup * sizeOf(kernel);
  const columns = (multiplied / filters) * groups;
  const isOfEach = perGroup === 1 && filters === groups;
  return {
    name: "transposed convolution",
    work: {
      ...(isOfEach ? { each: multiplied } : { products: multiplied, summed: columns }),
      ...(!isFixed && !isOfEach && { moved: likelySize(w.shape) * 2.5 }),
      nodes: 1,
    },
    make: () => apply1(LoweredConvTranspose.operator, [g, w], { ...onnxWindow(window, groups), outputPadding: extra }),
  };
}
