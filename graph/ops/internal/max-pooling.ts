// Max pooling, channels last, and its derivatives, which read and write where the windows' largest entries are.
import { foldInto, numbersAt } from "../../core/arrays.ts";
import { type Dim, multiplyDims } from "../../core/dims.ts";
import { at, eachOf } from "../../core/lists.ts";
import { apply1, define, unfit } from "../../core/operator.ts";
import { fixed, type Shape, sizeOf } from "../../core/shapes.ts";
import type { NumberArray, One, Operator, Two, Value } from "../../core/value.ts";
import { type Window, windowOutput, windowTable } from "../../core/windows.ts";
import { allBatched, Reshape } from "./broadcasting.ts";

export const spaceOf = (x: Shape, { kernel }: { readonly kernel: readonly number[] }): number[] =>
  x.slice(x.length - kernel.length - 1, -1).map((dim) => fixed(dim, "pooling"));
export const leadOf = (x: Shape, { kernel }: { readonly kernel: readonly number[] }): Shape =>
  x.slice(0, x.length - kernel.length - 1);

/** Folds a task axis into the examples, runs the operator, and unfolds it: no pool mixes examples. */
function foldTasks<I extends readonly [Value, ...Value[]]>(
  inputs: I & readonly Value[],
  flags: readonly boolean[],
  run: (folded: I) => Value,
): One {
  const full = allBatched<I>(inputs, flags);
  const [tasks, examples] = [at(full[0].shape, 0), at(full[0].shape, 1)];
  const folded = eachOf<Value, I>(full, (x) => Reshape(x, [multiplyDims(tasks, at(x.shape, 1)), ...x.shape.slice(2)]));
  const y = run(folded);
  return [Reshape(y, [tasks, examples, ...y.shape.slice(1)])];
}

/** For each number of the result, where its window's first largest entry is. */
function choices({ data, shape }: NumberArray, window: Window): Float64Array {
  const channels = at(shape, -1);
  const space = spaceOf(shape, window);
  const { table } = windowTable(space, window);
  const inputs = sizeOf(space);
  const places = at(table, 0).length;
  const chosen = new Float64Array(at(shape, 0) * places * channels);
  chosen.forEach((_, i) => {
    const [n, p, c] = [Math.floor(i / channels / places), Math.floor(i / channels) % places, i % channels];
    let best = Number.NEGATIVE_INFINITY;
    for (const tap of table) {
      const place = at(tap, p);
      if (place === inputs) continue;
      const index = (n * inputs + place) * channels + c;
      const value = at(data, index);
      if (value > best || best === Number.NEGATIVE_INFINITY) [best, chosen[i]] = [value, index];
    }
  });
  return chosen;
}

function pooledShape(x: Value, window: Window): Dim[] {
  const out = windowOutput(spaceOf(x.shape, window), window);
  if (out.some((size) => size < 1))
    throw unfit("MaxPooling", [x], `the kernel [${window.kernel}] is larger than the padded input.`);
  return [...leadOf(x.shape, window), ...out, at(x.shape, -1)];
}

const work = (_: unknown, { kernel }: Window): number => sizeOf(kernel);

export const maxPooling: Operator<Window, One, One> = define({
  name: "MaxPooling",
  family: "pooling",
  summary: "the largest in each window, channels last; the first of equals has the derivative",
  infer: ([x], window) => [{ dtype: x.dtype, shape: pooledShape(x, window) }],
  gradient: ({ inputs: [x], cotangents: [g], attributes }) => [apply1(maxPoolingGradient, [x, g], attributes)],
  batch: (inputs, flags, window) => foldTasks<One>(inputs, flags, (folded) => apply1(maxPooling, folded, window)),
  evaluate: ({ inputs: [x], attributes }) => [numbersAt(x.data, choices(x, attributes))],
  work,
});

const maxPoolingGradient: Operator<Window, Two, One> = define({
  name: "MaxPoolingGradient",
  family: "pooling",
  summary: "each window's number put where the window's largest entry is, and summed",
  infer: ([x]) => [{ dtype: x.dtype, shape: x.shape }],
  gradient: ({ inputs: [x], cotangents: [c], attributes }) => [
    undefined,
    apply1(maxPoolingSelection, [x, c], attributes),
  ],
  batch: (inputs, flags, window) =>
    foldTasks<Two>(inputs, flags, (folded) => apply1(maxPoolingGradient, folded, window)),
  evaluate: ({ inputs: [x, g], attributes }) => [
    foldInto(new Float64Array(x.data.length), choices(x, attributes), g.data, (sum, value) => sum + value),
  ],
  work,
});

const maxPoolingSelection: Operator<Window, Two, One> = define({
  name: "MaxPoolingSelection",
  family: "pooling",
  summary: "of a second array, the numbers at the places where the windows' largest entries are",
  infer: ([x], window) => [{ dtype: x.dtype, shape: pooledShape(x, window) }],
  gradient: ({ inputs: [x], cotangents: [g], attributes }) => [
    undefined,
    apply1(maxPoolingGradient, [x, g], attributes),
  ],
  batch: (inputs, flags, window) =>
    foldTasks<Two>(inputs, flags, (folded) => apply1(maxPoolingSelection, folded, window)),
  evaluate: ({ inputs: [x, t], attributes }) => [numbersAt(t.data, choices(x, attributes))],
  work,
});

/** The derivatives, by which their nodes are known. */
export const MaxPoolingGradient = { operator: maxPoolingGradient };
export const MaxPoolingSelection = { operator: maxPoolingSelection };
