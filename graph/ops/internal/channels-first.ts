// Convolution as ONNX has it, channels first: the same trilinear form as in convolving.ts, whose three partial maps are each
// other's derivatives. x [N, C, …space], w [O, C/groups, ...kernel], y [N, O, …space]. A target with none of them has the
// operators of channels last between transposes.
import { multiplyDims } from "../../core/dims.ts";
import { mayAgree } from "../../core/fresh.ts";
import { at, upTo } from "../../core/lists.ts";
import { apply1, define, unfit } from "../../core/operator.ts";
import { fixed, type Shape, sizeOf } from "../../core/shapes.ts";
import type { One, Operator, Two, Value } from "../../core/value.ts";
import { placesAlong, type Window, windowOutput, windowTable } from "../../core/windows.ts";
import { Add } from "../arithmetic.ts";
import { allBatched, ReduceSum, Reshape } from "./broadcasting.ts";
import { ConvolutionWeightGradient, convolution, convolutionInputGradient } from "./convolving.ts";
import { Transpose } from "./transpose.ts";

/** A window, and the space that the input has: the output's does not tell it. */
export type SpacedFirst = Window & { readonly space: Shape };

type WithBias = readonly [x: Value, w: Value, bias?: Value | undefined];

const axesFrom = (count: number, from: number): number[] => upTo(count).map((i) => from + i);

/** `[…lead, C, …space]` as `[…lead, …space, C]`, for one or two leading axes. */
function last(x: Value, spatial: number): Value {
  const lead = x.rank - spatial - 1;
  return Transpose(x, [...upTo(lead), ...axesFrom(spatial, lead + 1), lead]);
}
function first(x: Value, spatial: number): Value {
  const lead = x.rank - spatial - 1;
  return Transpose(x, [...upTo(lead), lead + spatial, ...axesFrom(spatial, lead)]);
}
/** Weights `[T?, O, C/g, ...kernel]` as `[T?, ...kernel, C/g, O]`, and back. */
function weightsLast(w: Value, spatial: number): Value {
  const lead = w.rank - spatial - 2;
  return Transpose(w, [...upTo(lead), ...axesFrom(spatial, lead + 2), lead + 1, lead]);
}
function weightsFirst(w: Value, spatial: number): Value {
  const lead = w.rank - spatial - 2;
  return Transpose(w, [...upTo(lead), lead + spatial + 1, lead + spatial, ...axesFrom(spatial, lead)]);
}

const knownSpace = (shape: Shape, spatial: number): number[] =>
  shape.slice(shape.length - spatial).map((dim) => fixed(dim, "Convolution"));

/** For each product of the three maps, its places in x, w and y. */
function forEachProduct(
  xShape: readonly number[],
  yShape: readonly number[],
  window: Window,
  visit: (x: number, w: number, y: number) => void,
): void {
  const [examples, channels, filters] = [at(xShape, 0), at(xShape, 1), at(yShape, 1)];
  const [space, out] = [xShape.slice(2), yShape.slice(2)];
  const [perGroup, filtersPerGroup] = [channels / window.groups, filters / window.groups];
  const { table } = windowTable(space, window, out);
  const [inside, places, taps] = [sizeOf(space), sizeOf(out), table.length];
  for (let n = 0; n < examples; n++)
    for (let o = 0; o < filters; o++) {
      const from = Math.floor(o / filtersPerGroup) * perGroup;
      for (let c = 0; c < perGroup; c++)
        table.forEach((reads, tap) => {
          const [xAt, yAt] = [(n * channels + from + c) * inside, (n * filters + o) * places];
          const wAt = (o * perGroup + c) * taps + tap;
          reads.forEach((read, place) => {
            if (read !== inside) visit(xAt + read, wAt, yAt + place);
          });
        });
    }
}

function summed(length: number, run: (add: (to: number, product: number) => void) => void): readonly [Float64Array] {
  const out = new Float64Array(length);
  run((to, product) => {
    out[to] = at(out, to) + product;
  });
  return [out];
}

/** Images of tasks that share weights are more images; with weights of their own they go the way of channels last. */
function foldTasks(x: Value, run: (folded: Value) => Value): One {
  const [tasks, examples] = [at(x.shape, 0), at(x.shape, 1)];
  const y = run(Reshape(x, [multiplyDims(tasks, examples), ...x.shape.slice(2)]));
  return [Reshape(y, [tasks, examples, ...y.shape.slice(1)])];
}

/** A bias per channel, of one task or of many, shaped to be added to `[T?, N, O, …space]`. */
const perChannel = (bias: Value, spatial: number): Value =>
  Reshape(bias, [
    ...bias.shape.slice(0, -1),
    ...(bias.rank > 1 ? [1] : []),
    at(bias.shape, -1),
    ...new Array<number>(spatial).fill(1),
  ]);

/** Says what the sizes of an output are that only a run tells. */
export function bindSpace(
  { out, fresh }: Window,
  space: readonly number[],
  bind: (symbol: string, size: number) => void,
): void {
  for (const [axis, size] of (out ?? []).entries())
    if (typeof size === "string" && fresh?.includes(size)) bind(size, at(space, axis));
}

/** The convolution by way of channels last. */
function convolved(x: Value, w: Value, window: Window): Value {
  const spatial = window.kernel.length;
  return first(apply1(convolution, [last(x, spatial), weightsLast(w, spatial)], window), spatial);
}

export const conv: Operator<Window, WithBias, One> = define({
  name: "Conv",
  family: "convolution",
  summary: "convolution, channels first, with strides, dilations, padding and groups",
  since: 11,
  traits: { float16: "product" },
  infer([x, w, bias], window) {
    const spatial = window.kernel.length;
    const expected = `needs x [N, channels, …${spatial} axes…] and w [filters, channels/group, ${window.kernel}]`;
    if (x.rank !== spatial + 2 || w.rank !== x.rank || w.dtype !== x.dtype) throw unfit("Conv", [x, w], expected);
    const [channels, perGroup, filters] = [at(x.shape, 1), at(w.shape, 1), at(w.shape, 0)];
    const grouped = typeof filters === "number" && filters % window.groups === 0;
    const fits = mayAgree(channels, multiplyDims(perGroup, window.groups)) && grouped;
    if (!fits || (bias && (bias.rank !== 1 || bias.shape[0] !== filters)))
      throw unfit(
        "Conv",
        [x, w, bias],
        `${expected}; the channels (${channels}, in ${window.groups} groups) do not fit.`,
      );
    const out = window.out ?? x.shape.slice(2).map((size, axis) => placesAlong(size, window, axis));
    if (out.some((size) => typeof size === "number" && size < 1))
      throw unfit("Conv", [x, w], `the kernel [${window.kernel}] is larger than the padded input.`);
    const places = out.map((size) => {
      if (size === undefined)
        throw unfit("Conv", [x, w], `the strides [${window.strides}] do not divide an open size.`);
      return size;
    });
    return [{ dtype: x.dtype, shape: [at(x.shape, 0), filters, ...places] }];
  },
  gradient: ({ inputs: [x, w, bias], cotangents: [g], attributes, needs }) => [
    needs(0) ? apply1(convInputGradient, [g, w], { ...attributes, space: x.shape.slice(2) }) : undefined,
    needs(1) ? apply1(convWeightGradient, [x, g], attributes) : undefined,
    bias && needs(2) ? ReduceSum(g, { axes: upTo(g.rank).filter((axis) => axis !== 1), keepdims: false }) : undefined,
  ],
  batch([x, w, bias], [hasX = false, hasW = false, hasBias = false], window) {
    if (hasX && !hasW && !hasBias) return foldTasks(x, (folded) => apply1(conv, [folded, w, bias], window));
    const tasks = (): Value => convolved(...allBatched<Two>([x, w], [hasX, hasW]), window);
    const shared = (): Value =>
      hasX ? foldTasks(x, (folded) => apply1(conv, [folded, w], window))[0] : apply1(conv, [x, w], window);
    const y = hasW ? tasks() : shared();
    return [bias ? Add(y, perChannel(bias, window.kernel.length)) : y];
  },
  decompose([x, w, bias], window) {
    const y = convolved(x, w, window);
    return [bias ? Add(y, perChannel(bias, window.kernel.length)) : y];
  },
  evaluate({ inputs: [x, w, bias], attributes, shapes: [open], bind }) {
    const space = attributes.out ? windowOutput(x.shape.slice(2), attributes) : open.slice(2);
    bindSpace(attributes, space, bind);
    const shape = [...open.slice(0, 2), ...space];
    const places = sizeOf(space);
    const [sums] = summed(sizeOf(shape), (add) =>
      forEachProduct(x.shape, shape, attributes, (i, j, k) => add(k, at(x.data, i) * at(w.data, j))),
    );
    return [bias ? sums.map((sum, i) => sum + at(bias.data, Math.floor(i / places) % at(shape, 1))) : sums];
  },
  work: ([, w]) => w.data.length,
});

export const convInputGradient: Operator<SpacedFirst, Two, One> = define({
  name: "ConvInputGradient",
  family: "convolution",
  summary: "the map y ↦ x that is transposed to a Conv with given weights, as ConvTranspose has it",
  infer: ([g, w], { groups, space }) => [
    { dtype: g.dtype, shape: [at(g.shape, 0), multiplyDims(at(w.shape, 1), groups), ...space] },
  ],
  gradient: ({ inputs: [g, w], cotangents: [c], attributes: { space: _, ...window }, needs }) => [
    needs(0) ? apply1(conv, [c, w], window) : undefined,
    needs(1) ? apply1(convWeightGradient, [c, g], window) : undefined,
  ],
  batch([g, w], flags, attributes) {
    if (!flags[1]) return foldTasks(g, (folded) => apply1(convInputGradient, [folded, w], attributes));
    const [every, weights] = allBatched<Two>([g, w], flags);
    return [transposed(every, weights, attributes)];
  },
  decompose: ([g, w], attributes) => [transposed(g, w, attributes)],
  evaluate: ({ inputs: [g, w], attributes, shapes: [shape] }) =>
    summed(sizeOf(shape), (add) =>
      forEachProduct(shape, g.shape, attributes, (i, j, k) => add(i, at(g.data, k) * at(w.data, j))),
    ),
  work: ([, w]) => w.data.length,
});

/** The input gradient by way of channels last. */
function transposed(g: Value, w: Value, { space, ...window }: SpacedFirst): Value {
  const spatial = window.kernel.length;
  const attributes = { ...window, space: knownSpace(space, spatial) };
  return first(apply1(convolutionInputGradient, [last(g, spatial), weightsLast(w, spatial)], attributes), spatial);
}

const convWeightGradient: Operator<Window, Two, One> = define({
  name: "ConvWeightGradient",
  family: "convolution",
  summary: "the map y ↦ w that is transposed to a Conv of a given input",
  infer: ([x, g], { kernel, groups }) => [
    {
      dtype: x.dtype,
      shape: [at(g.shape, 1), fixed(at(x.shape, 1), "ConvWeightGradient") / groups, ...kernel],
    },
  ],
  gradient: ({ inputs: [x, g], cotangents: [c], attributes, needs }) => [
    needs(0) ? apply1(convInputGradient, [g, c], { ...attributes, space: x.shape.slice(2) }) : undefined,
    needs(1) ? apply1(conv, [x, c], attributes) : undefined,
  ],
  batch(inputs, flags, window) {
    const [x, g] = allBatched<Two>(inputs, flags);
    return [weightsOf(x, g, window)];
  },
  decompose: ([x, g], window) => [weightsOf(x, g, window)],
  evaluate: ({ inputs: [x, g], attributes, shapes: [shape] }) =>
    summed(sizeOf(shape), (add) =>
      forEachProduct(x.shape, g.shape, attributes, (i, j, k) => add(j, at(x.data, i) * at(g.data, k))),
    ),
  work: ([, g]) => g.data.length,
});

/** The weight gradient by way of channels last. */
function weightsOf(x: Value, g: Value, window: Window): Value {
  const spatial = window.kernel.length;
  return weightsFirst(
    apply1(ConvolutionWeightGradient.operator, [last(x, spatial), last(g, spatial)], window),
    spatial,
  );
}

/** By which the nodes of these are known. */
export const ConvInputGradient = { operator: convInputGradient };
export const ConvWeightGradient = { operator: convWeightGradient };
