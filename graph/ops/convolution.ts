// Convolution as one trilinear form ⟨y, x ∗ w⟩: its three partial maps are operators, and each one's derivatives are
// the other two. Channels last: x [N, …space, C], w [...kernel, C/groups, O], y [N, …space, O]. Each may have a task
// axis in front (all three or none): every task then has its own weights. How they are computed is a target's choice.
import { InnerloopError } from "@innerloop/schemas";
import { type Dim, multiplyDims, type Shape } from "../core/dims.ts";
import { apply1, define, type Operator, spelling, unfit } from "../core/operator.ts";
import { type Attributes, fixed, type Value } from "../core/value.ts";
import { Add } from "./elementwise.ts";
import { Expand, Reshape, stridesOf, Transpose } from "./movement.ts";

/** How a window moves over space; one number for each axis of space. */
export interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Zeros before and after each axis. */
  readonly before: readonly number[];
  readonly after: readonly number[];
  readonly groups: number;
}

/** The sizes of a window's output for an input of the sizes given. */
export const windowOutput = (space: readonly number[], w: Omit<Window, "groups">): number[] =>
  space.map((size, i) => {
    const reach = w.dilations[i]! * (w.kernel[i]! - 1) + 1;
    return Math.floor((size + w.before[i]! + w.after[i]! - reach) / w.strides[i]!) + 1;
  });

export const windowOf = (attributes: Attributes): Window => attributes as unknown as Window;

/** Whether operands of a convolution have a task axis, and their parts. */
export function convolutionParts(
  x: Shape,
  window: Window,
): { tasks: Dim | undefined; examples: Dim; space: number[]; channels: number } {
  const spatial = window.kernel.length;
  const tasks = x.length === spatial + 3 ? x[0]! : undefined;
  const [examples, ...rest] = tasks === undefined ? x : x.slice(1);
  const sizes = rest.map((dim) => fixed(dim, "Convolution"));
  return { tasks, examples: examples!, space: sizes.slice(0, -1), channels: sizes.at(-1)! };
}

/** Calls `visit` for every tap that lies inside: rows of x and y, and the tap's number in the kernel. */
function forEachTap(
  rows: number,
  space: readonly number[],
  out: readonly number[],
  w: Window,
  visit: (xRow: number, tap: number, yRow: number) => void,
): void {
  const [xs, ys, ks] = [stridesOf(space), stridesOf(out), stridesOf(w.kernel)];
  const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
  for (let n = 0; n < rows; n++)
    for (let p = 0; p < size(out); p++)
      for (let k = 0; k < size(w.kernel); k++) {
        let at = 0;
        const inside = space.every((length, i) => {
          const place =
            (Math.floor(p / ys[i]!) % out[i]!) * w.strides[i]! -
            w.before[i]! +
            (Math.floor(k / ks[i]!) % w.kernel[i]!) * w.dilations[i]!;
          at += place * xs[i]!;
          return place >= 0 && place < length;
        });
        if (inside) visit(n * size(space) + at, k, n * size(out) + p);
      }
}

/** The three maps share one loop: for each tap, channel and filter, `accumulate(x, w, y)` at these places. */
function forEachProduct(
  xShape: readonly number[],
  yShape: readonly number[],
  w: Window,
  visit: (x: number, w: number, y: number) => void,
): void {
  const spatial = w.kernel.length;
  const tasks = xShape.length === spatial + 3 ? xShape[0]! : 1;
  const examples = xShape.at(-spatial - 2)!;
  const space = xShape.slice(-spatial - 1, -1);
  const out = yShape.slice(-spatial - 1, -1);
  const [channels, filters] = [xShape.at(-1)!, yShape.at(-1)!];
  const [perGroup, filtersPerGroup] = [channels / w.groups, filters / w.groups];
  const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
  const weights = size(w.kernel) * perGroup * filters;
  for (let t = 0; t < tasks; t++)
    forEachTap(examples, space, out, w, (xRow, tap, yRow) => {
      const [xAt, yAt] = [(t * examples * size(space) + xRow) * channels, (t * examples * size(out) + yRow) * filters];
      for (let o = 0; o < filters; o++) {
        const first = Math.floor(o / filtersPerGroup) * perGroup;
        for (let c = 0; c < perGroup; c++)
          visit(xAt + first + c, t * weights + (tap * perGroup + c) * filters + o, yAt + o);
      }
    });
}

/** Task axes folded together or added, so that an operator's batching rule is the operator with one task axis. */
function batched(operator: Operator, sharesWeights: boolean) {
  return (
    inputs: readonly Value[],
    flags: readonly boolean[],
    attributes: Attributes,
    original: readonly Value[],
  ): Value[] => {
    const spatial = windowOf(attributes).kernel.length;
    const tasks = inputs[flags.indexOf(true)]!.shape[0]!;
    const own = original[0]!.rank === spatial + 3;
    if (sharesWeights && flags[0] && !flags[1] && !own) {
      const [x, w] = inputs as [Value, Value];
      const folded = apply1(
        operator,
        [Reshape(x, [multiplyDims(tasks, x.shape[1]!), ...x.shape.slice(2)]), w],
        attributes,
      );
      return [Reshape(folded, [tasks, x.shape[1]!, ...folded.shape.slice(1)])];
    }
    const full = inputs.map((x, i) => (flags[i] ? x : Expand(x, [tasks, ...x.shape])));
    if (!own) return [apply1(operator, full, attributes)];
    const inner = original[0]!.shape[0]!;
    const merged = full.map((x) => Reshape(x, [multiplyDims(tasks, inner), ...x.shape.slice(2)]));
    const result = apply1(operator, merged, attributes);
    return [Reshape(result, [tasks, inner, ...result.shape.slice(1)])];
  };
}

const convolution: Operator = define({
  name: "Convolution",
  family: "convolution",
  summary: "y = x ∗ w, channels last, with strides, dilations, padding and groups",
  infer([x, w], attributes) {
    const window = windowOf(attributes);
    const spatial = window.kernel.length;
    const expected = `needs x [N, …${spatial} axes…, channels] and w [${window.kernel}, channels/groups, filters]`;
    if (x!.rank < spatial + 2 || x!.rank > spatial + 3 || w!.rank !== x!.rank || w!.dtype !== x!.dtype)
      throw unfit("Convolution", [x!, w!], expected);
    const { tasks, examples, space, channels } = convolutionParts(x!.shape, window);
    const filters = w!.shape.at(-1)!;
    if (w!.shape.at(-2) !== channels / window.groups || (filters as number) % window.groups !== 0)
      throw unfit(
        "Convolution",
        [x!, w!],
        `${expected}; the channels (${channels}, in ${window.groups} groups) do not fit the weights.`,
      );
    const out = windowOutput(space, window);
    if (out.some((size) => size < 1))
      throw unfit("Convolution", [x!, w!], `the kernel [${window.kernel}] is larger than the padded input.`);
    return [{ dtype: x!.dtype, shape: [...(tasks === undefined ? [] : [tasks]), examples, ...out, filters] }];
  },
  gradient: ({ inputs: [x, w], cotangents: [g], attributes, needs }) =>
    g
      ? [
          needs(0) ? inputGradient(g, w!, x!.shape, attributes) : undefined,
          needs(1) ? weightGradient(x!, g, w!.shape, attributes) : undefined,
        ]
      : [],
  batch: (...a) => batched(convolution, true)(...a),
  evaluate({ inputs: [x, w], attributes, shapes }) {
    const y = new Float64Array(shapes[0]!.reduce((a, b) => a * b, 1));
    forEachProduct(x!.shape, shapes[0]!, windowOf(attributes), (i, j, k) => {
      y[k]! += x!.data[i]! * w!.data[j]!;
    });
    return [y];
  },
});

const convolutionInputGradient: Operator = define({
  name: "ConvolutionInputGradient",
  family: "convolution",
  summary: "the map y ↦ x that is transposed to a convolution with given weights",
  infer([g, w], attributes) {
    const window = windowOf(attributes);
    const space = attributes.space as readonly number[];
    const lead = g!.shape.slice(0, g!.rank - window.kernel.length - 1);
    return [{ dtype: g!.dtype, shape: [...lead, ...space, (w!.shape.at(-2) as number) * window.groups] }];
  },
  gradient: ({ inputs: [g, w], cotangents: [c], attributes, needs }) =>
    c
      ? [
          needs(0) ? convolve(c, w!, attributes) : undefined,
          needs(1) ? weightGradient(c, g!, w!.shape, attributes) : undefined,
        ]
      : [],
  batch: (...a) => batched(convolutionInputGradient, true)(...a),
  evaluate({ inputs: [g, w], attributes, shapes }) {
    const x = new Float64Array(shapes[0]!.reduce((a, b) => a * b, 1));
    forEachProduct(shapes[0]!, g!.shape, windowOf(attributes), (i, j, k) => {
      x[i]! += g!.data[k]! * w!.data[j]!;
    });
    return [x];
  },
});

const convolutionWeightGradient: Operator = define({
  name: "ConvolutionWeightGradient",
  family: "convolution",
  summary: "the map y ↦ w that is transposed to a convolution of a given input",
  infer([x, g], attributes) {
    const window = windowOf(attributes);
    const tasks = x!.rank === window.kernel.length + 3 ? [x!.shape[0]!] : [];
    return [
      {
        dtype: x!.dtype,
        shape: [...tasks, ...window.kernel, (x!.shape.at(-1) as number) / window.groups, g!.shape.at(-1)!],
      },
    ];
  },
  gradient: ({ inputs: [x, g], cotangents: [c], attributes, needs }) =>
    c
      ? [
          needs(0) ? inputGradient(g!, c, x!.shape, attributes) : undefined,
          needs(1) ? convolve(x!, c, attributes) : undefined,
        ]
      : [],
  batch: (...a) => batched(convolutionWeightGradient, false)(...a),
  evaluate({ inputs: [x, g], attributes, shapes }) {
    const w = new Float64Array(shapes[0]!.reduce((a, b) => a * b, 1));
    forEachProduct(x!.shape, g!.shape, windowOf(attributes), (i, j, k) => {
      w[j]! += x!.data[i]! * g!.data[k]!;
    });
    return [w];
  },
});

const plain = (attributes: Attributes): Attributes => {
  const { kernel, strides, dilations, before, after, groups } = windowOf(attributes);
  return { kernel, strides, dilations, before, after, groups };
};
const convolve = (x: Value, w: Value, attributes: Attributes) => apply1(convolution, [x, w], plain(attributes));
const weightGradient = (x: Value, g: Value, _: Shape, attributes: Attributes) =>
  apply1(convolutionWeightGradient, [x, g], plain(attributes));
function inputGradient(g: Value, w: Value, xShape: Shape, attributes: Attributes): Value {
  const spatial = windowOf(attributes).kernel.length;
  const space = xShape.slice(xShape.length - spatial - 1, -1);
  return apply1(convolutionInputGradient, [g, w], { ...plain(attributes), space });
}

/** Options of a convolution or a pool, as ONNX names them; `pads` holds the begins of all axes, then the ends. */
export interface WindowOptions {
  readonly strides?: readonly number[];
  readonly pads?: readonly number[];
  readonly dilations?: readonly number[];
  readonly autoPad?: "NOTSET" | "SAME_UPPER" | "SAME_LOWER" | "VALID";
}

/** @throws InnerloopError for a window that covers nothing, does not move, or moves backwards */
function checkWindow(lists: Readonly<Record<string, readonly number[]>>, groups: number): void {
  for (const [name, list] of Object.entries({ ...lists, groups: [groups] })) {
    const least = name === "pads" ? 0 : 1;
    if (list.every((n) => Number.isSafeInteger(n) && n >= least)) continue;
    throw new InnerloopError("bad-window", `The ${name} of a window are [${list}]; give whole numbers from ${least}.`, {
      exitStatus: 2,
    });
  }
}

/** The window that ONNX options describe (ONNX Conv: auto_pad, dilations, pads, strides). */
export function resolveWindow(
  space: readonly number[],
  kernel: readonly number[],
  options: WindowOptions,
  groups = 1,
): Window {
  const strides = options.strides ?? kernel.map(() => 1);
  const dilations = options.dilations ?? kernel.map(() => 1);
  const pads = options.pads ?? kernel.flatMap(() => [0, 0]);
  if ([strides, dilations].some((list) => list.length !== kernel.length) || pads.length !== 2 * kernel.length)
    throw new InnerloopError(
      "bad-window",
      `A kernel [${kernel}] needs ${kernel.length} strides and dilations and ${2 * kernel.length} pads.`,
      { exitStatus: 2 },
    );
  checkWindow({ kernel, strides, dilations, pads }, groups);
  const base = { kernel, strides, dilations, groups };
  if (options.autoPad !== "SAME_UPPER" && options.autoPad !== "SAME_LOWER")
    return { ...base, before: pads.slice(0, kernel.length), after: pads.slice(kernel.length) };
  const total = space.map((size, i) =>
    Math.max(0, (Math.ceil(size / strides[i]!) - 1) * strides[i]! + dilations[i]! * (kernel[i]! - 1) + 1 - size),
  );
  const small = total.map((n) => Math.floor(n / 2));
  const large = total.map((n, i) => n - small[i]!);
  return options.autoPad === "SAME_UPPER"
    ? { ...base, before: small, after: large }
    : { ...base, before: large, after: small };
}

/**
 * Convolution, channels last.
 * @param x `[N, …space, C]`
 * @param w `[...kernel, C/groups, O]`
 * @returns `[N, …space, O]`
 */
export function Convolution(x: Value, w: Value, options: WindowOptions & { readonly groups?: number } = {}): Value {
  const spatial = x.rank - 2;
  if (w.rank !== spatial + 2)
    throw unfit("Convolution", [x, w], "needs x [N, …space, C] and w [...kernel, C/groups, O].");
  const kernel = w.shape.slice(0, spatial).map((dim) => fixed(dim, "Convolution"));
  const space = x.shape.slice(1, -1).map((dim) => fixed(dim, "Convolution"));
  const window = resolveWindow(space, kernel, options, options.groups);
  return apply1(convolution, [x, w], { ...window });
}

/** Channels-first `[N, C, …]` to channels-last `[N, …, C]`. */
export const channelsLast = (x: Value): Value =>
  Transpose(x, [0, ...x.shape.keys()].filter((axis, i) => i === 0 || axis > 1).concat(1));
/** Channels-last `[N, …, C]` to channels-first `[N, C, …]`. */
export const channelsFirst = (x: Value): Value => Transpose(x, [0, x.rank - 1, ...[...x.shape.keys()].slice(1, -1)]);

spelling("Conv", "convolution", 11, "Transpose, Convolution, Add", "convolution, channels first");
/** ONNX Conv: channels first, weights `[O, C/group, ...kernel]`, bias `[O]`. */
export function Conv(
  x: Value,
  w: Value,
  b?: Value,
  { group = 1, ...options }: WindowOptions & { readonly group?: number } = {},
): Value {
  const weights = Transpose(w, [...[...w.shape.keys()].slice(2), 1, 0]);
  const y = Convolution(channelsLast(x), weights, { ...options, groups: group });
  return channelsFirst(b ? Add(y, b) : y);
}

spelling(
  "ConvTranspose",
  "convolution",
  11,
  "Transpose, ConvolutionInputGradient, Add",
  "transposed convolution, channels first",
);
/** ONNX ConvTranspose: channels first, weights `[C, O/group, ...kernel]`, bias `[O]`. */
export function ConvTranspose(
  x: Value,
  w: Value,
  b?: Value,
  {
    group = 1,
    outputPadding,
    outputShape,
    ...options
  }: WindowOptions & {
    readonly group?: number;
    readonly outputPadding?: readonly number[];
    readonly outputShape?: readonly number[];
  } = {},
): Value {
  if (x.rank < 3 || w.rank !== x.rank || x.shape[1] !== w.shape[0] || x.dtype !== w.dtype)
    throw unfit("ConvTranspose", [x, w], "needs x [N, channels, …space] and w [channels, filters/group, ...kernel].");
  const kernel = w.shape.slice(2).map((dim) => fixed(dim, "ConvTranspose"));
  const space = x.shape.slice(2).map((dim) => fixed(dim, "ConvTranspose"));
  const strides = options.strides ?? kernel.map(() => 1);
  const dilations = options.dilations ?? kernel.map(() => 1);
  const full = space.map(
    (size, i) => strides[i]! * (size - 1) + (outputPadding?.[i] ?? 0) + (kernel[i]! - 1) * dilations[i]! + 1,
  );
  let pads = options.pads ?? kernel.flatMap(() => [0, 0]);
  checkWindow({ kernel, strides, dilations }, group);
  const same = options.autoPad === "SAME_UPPER" || options.autoPad === "SAME_LOWER";
  if (outputShape || same) {
    const total = full.map((size, i) => Math.max(0, size - (outputShape?.[i] ?? space[i]! * strides[i]!)));
    const [small, large] = [total.map((n) => Math.floor(n / 2)), total.map((n) => n - Math.floor(n / 2))];
    pads = options.autoPad === "SAME_UPPER" ? [...small, ...large] : [...large, ...small];
  }
  const out = full.map((size, i) => size - pads[i]! - pads[i + kernel.length]!);
  const window = {
    kernel,
    strides,
    dilations,
    before: pads.slice(0, kernel.length),
    after: pads.slice(kernel.length),
    groups: group,
  };
  const g = channelsLast(x);
  const [c, o] = [fixed(w.shape[0]!, "ConvTranspose"), fixed(w.shape[1]!, "ConvTranspose")];
  const grouped = Reshape(w, [group, c / group, o, ...kernel]);
  const weights = Reshape(Transpose(grouped, [...kernel.map((_, i) => i + 3), 2, 0, 1]), [...kernel, o, c]);
  const y = apply1(convolutionInputGradient, [g, weights], { ...window, space: out });
  return channelsFirst(b ? Add(y, b) : y);
}
