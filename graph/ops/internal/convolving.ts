// Convolution as one trilinear form ⟨y, x ∗ w⟩: its three partial maps are operators, and each one's derivatives are
// the other two. Channels last: x [N, …space, C], w [...kernel, C/groups, O], y [N, …space, O]. Each may have a task
// axis in front (all three or none): every task then has its own weights. How they are computed is a target's choice.
import { apply } from "../../core/build.ts";
import { type Dim, multiplyDims } from "../../core/dims.ts";
import { at } from "../../core/lists.ts";
import { apply1, define, unfit } from "../../core/operator.ts";
import { fixed, type Shape, sizeOf } from "../../core/shapes.ts";
import type { One, Operator, Two, Value } from "../../core/value.ts";
import { type Window, windowOutput, windowTable } from "../../core/windows.ts";
import { allBatched, Reshape } from "./broadcasting.ts";

/** A window, and the space that the input has: the output's does not tell it. */
type Spaced = Window & { readonly space: readonly number[] };

/** Whether operands of a convolution have a task axis, and their parts. */
export function convolutionParts(
  x: Shape,
  window: Window,
): { tasks: readonly Dim[]; examples: Dim; space: number[]; channels: number } {
  const tasks = x.slice(0, x.length - window.kernel.length - 2);
  const [examples = 1, ...rest] = x.slice(tasks.length);
  const sizes = rest.map((dim) => fixed(dim, "Convolution"));
  return { tasks, examples, space: sizes.slice(0, -1), channels: at(sizes, -1) };
}

/** The three maps share one loop: for each tap, channel and filter, `visit` with these places in x, w and y. */
function forEachProduct(
  xShape: readonly number[],
  yShape: readonly number[],
  window: Window,
  visit: (x: number, w: number, y: number) => void,
): void {
  const spatial = window.kernel.length;
  const tasks = xShape.length === spatial + 3 ? at(xShape, 0) : 1;
  const examples = at(xShape, -spatial - 2);
  const space = xShape.slice(-spatial - 1, -1);
  const [channels, filters] = [at(xShape, -1), at(yShape, -1)];
  const [perGroup, filtersPerGroup] = [channels / window.groups, filters / window.groups];
  const out = yShape.slice(-spatial - 1, -1);
  const { table } = windowTable(space, window, out);
  const [inside, places] = [sizeOf(space), sizeOf(out)];
  const weights = table.length * perGroup * filters;
  for (let n = 0; n < tasks * examples; n++)
    for (let p = 0; p < places; p++)
      table.forEach((reads, tap) => {
        const read = at(reads, p);
        if (read === inside) return;
        const [xAt, yAt] = [(n * inside + read) * channels, (n * places + p) * filters];
        const wAt = Math.floor(n / examples) * weights + tap * perGroup * filters;
        for (let o = 0; o < filters; o++) {
          const first = Math.floor(o / filtersPerGroup) * perGroup;
          for (let c = 0; c < perGroup; c++) visit(xAt + first + c, wAt + c * filters + o, yAt + o);
        }
      });
}

/** Sums products of two arrays into a third: `add` says which places. */
function summed(length: number, run: (add: (to: number, product: number) => void) => void): readonly [Float64Array] {
  const out = new Float64Array(length);
  run((to, product) => {
    out[to] = at(out, to) + product;
  });
  return [out];
}

/** Task axes folded together or added, so that an operator's batching rule is the operator with one task axis. */
function batched<A extends Window>(
  operator: Operator<A, Two, One>,
  [a, b]: Two,
  flags: readonly boolean[],
  attributes: A,
  original: Two,
  sharesWeights: boolean,
): One {
  const hasTasks = original[0].rank === attributes.kernel.length + 3;
  const run = (inputs: Two): Value => apply<Window, Two, One>(operator, inputs, attributes)[0];
  if (sharesWeights && flags[0] && !flags[1] && !hasTasks) {
    const folded = run([joined(a), b]);
    return [Reshape(folded, [...a.shape.slice(0, 2), ...folded.shape.slice(1)])];
  }
  const full = allBatched<Two>([a, b], flags);
  if (!hasTasks) return [run(full)];
  const result = run([joined(full[0]), joined(full[1])]);
  return [Reshape(result, [...full[0].shape.slice(0, 2), ...result.shape.slice(1)])];
}

/** A value with its first two axes as one. */
const joined = (x: Value): Value => Reshape(x, [multiplyDims(at(x.shape, 0), at(x.shape, 1)), ...x.shape.slice(2)]);

export const convolution: Operator<Window, Two, One> = define({
  name: "Convolution",
  family: "convolution",
  summary: "y = x ∗ w, channels last, with strides, dilations, padding and groups",
  traits: { float16: "product" },
  infer([x, w], window) {
    const spatial = window.kernel.length;
    const expected = `needs x [N, …${spatial} axes…, channels] and w [${window.kernel}, channels/groups, filters]`;
    if (x.rank < spatial + 2 || x.rank > spatial + 3 || w.rank !== x.rank || w.dtype !== x.dtype)
      throw unfit("Convolution", [x, w], expected);
    const { tasks, examples, space, channels } = convolutionParts(x.shape, window);
    const [perGroup, filters] = [at(w.shape, -2), at(w.shape, -1)];
    const inGroups = typeof filters === "number" && filters % window.groups === 0;
    if (perGroup !== channels / window.groups || !inGroups)
      throw unfit(
        "Convolution",
        [x, w],
        `${expected}; the channels (${channels}, in ${window.groups} groups) do not fit the weights.`,
      );
    const out = windowOutput(space, window);
    if (out.some((size) => size < 1))
      throw unfit("Convolution", [x, w], `the kernel [${window.kernel}] is larger than the padded input.`);
    return [{ dtype: x.dtype, shape: [...tasks, examples, ...out, filters] }];
  },
  gradient: ({ inputs: [x, w], cotangents: [g], attributes, needs }) => [
    needs(0) ? towardsInput(g, w, x.shape, attributes) : undefined,
    needs(1) ? towardsWeights(x, g, attributes) : undefined,
  ],
  batch: (inputs, flags, window, original) => batched(convolution, inputs, flags, window, original, true),
  evaluate: ({ inputs: [x, w], attributes, shapes: [shape] }) =>
    summed(sizeOf(shape), (add) =>
      forEachProduct(x.shape, shape, attributes, (i, j, k) => add(k, at(x.data, i) * at(w.data, j))),
    ),
  work: ([, w]) => w.data.length,
});

export const convolutionInputGradient: Operator<Spaced, Two, One> = define({
  name: "ConvolutionInputGradient",
  family: "convolution",
  summary: "the map y ↦ x that is transposed to a convolution with given weights",
  traits: { float16: "product" },
  infer([g, w], { kernel, groups, space }) {
    const lead = g.shape.slice(0, g.rank - kernel.length - 1);
    return [{ dtype: g.dtype, shape: [...lead, ...space, multiplyDims(at(w.shape, -2), groups)] }];
  },
  gradient: ({ inputs: [g, w], cotangents: [c], attributes, needs }) => [
    needs(0) ? convolve(c, w, attributes) : undefined,
    needs(1) ? towardsWeights(c, g, attributes) : undefined,
  ],
  batch: (inputs, flags, window, original) => batched(convolutionInputGradient, inputs, flags, window, original, true),
  evaluate: ({ inputs: [g, w], attributes, shapes: [shape] }) =>
    summed(sizeOf(shape), (add) =>
      forEachProduct(shape, g.shape, attributes, (i, j, k) => add(i, at(g.data, k) * at(w.data, j))),
    ),
  work: ([, w]) => w.data.length,
});

const convolutionWeightGradient: Operator<Window, Two, One> = define({
  name: "ConvolutionWeightGradient",
  family: "convolution",
  summary: "the map y ↦ w that is transposed to a convolution of a given input",
  traits: { float16: "product" },
  infer([x, g], window) {
    const { tasks, channels } = convolutionParts(x.shape, window);
    return [{ dtype: x.dtype, shape: [...tasks, ...window.kernel, channels / window.groups, at(g.shape, -1)] }];
  },
  gradient: ({ inputs: [x, g], cotangents: [c], attributes, needs }) => [
    needs(0) ? towardsInput(g, c, x.shape, attributes) : undefined,
    needs(1) ? convolve(x, c, attributes) : undefined,
  ],
  batch: (inputs, flags, window, original) =>
    batched(convolutionWeightGradient, inputs, flags, window, original, false),
  evaluate: ({ inputs: [x, g], attributes, shapes: [shape] }) =>
    summed(sizeOf(shape), (add) =>
      forEachProduct(x.shape, g.shape, attributes, (i, j, k) => add(j, at(x.data, i) * at(g.data, k))),
    ),
  work: ([, g]) => g.data.length,
});

const windowOf = ({ kernel, strides, dilations, before, after, groups }: Window): Window => ({
  kernel,
  strides,
  dilations,
  before,
  after,
  groups,
});
const convolve = (x: Value, w: Value, window: Window) => apply1(convolution, [x, w], windowOf(window));
const towardsWeights = (x: Value, g: Value, window: Window) =>
  apply1(convolutionWeightGradient, [x, g], windowOf(window));
function towardsInput(g: Value, w: Value, xShape: Shape, window: Window): Value {
  const { space } = convolutionParts(xShape, window);
  return apply1(convolutionInputGradient, [g, w], { ...windowOf(window), space });
}

/** The two gradients, by which their nodes are known. */
export const ConvolutionInputGradient = { operator: convolutionInputGradient };
export const ConvolutionWeightGradient = { operator: convolutionWeightGradient };
