// Max pooling as ONNX has it, channels first, and its derivatives. A target with none of them has those of channels last
// between transposes.
import { spend } from "../../core/budget.ts";
import { type Dim, multiplyDims } from "../../core/dims.ts";
import { apply1, define, unfit } from "../../core/operator.ts";
import { sizeOf } from "../../core/shapes.ts";
import type { One, Operator, Two, Value } from "../../core/value.ts";
import { placesAlong, type Window } from "../../core/windows.ts";
import { allBatched, Reshape } from "./broadcasting.ts";
import { MaxPoolingGradient, MaxPoolingSelection, maxPooling } from "./max-pooling.ts";
import { channelsFirst, channelsLast } from "./transpose.ts";

function pooledShape(x: Value, window: Window): Dim[] {
  if (x.rank !== window.kernel.length + 2)
    throw unfit("MaxPool", [x], `needs [N, channels, …${window.kernel.length} axes…].`);
  spend("numbers", sizeOf(window.kernel));
  const out = x.shape.slice(2).map((size, axis) => {
    const places = placesAlong(size, window, axis);
    if (places === undefined)
      throw unfit("MaxPool", [x], `the strides [${window.strides}] do not divide an open size.`);
    if (typeof places === "number" && places < 1)
      throw unfit("MaxPool", [x], `the kernel [${window.kernel}] is larger than the padded input.`);
    return places;
  });
  return [...x.shape.slice(0, 2), ...out];
}

/** Tasks are more images: no pool mixes them. */
function foldTasks(inputs: readonly Value[], flags: readonly boolean[], run: (folded: readonly Value[]) => Value): One {
  const full = allBatched<readonly Value[]>(inputs, flags);
  const lead = full[0]?.shape.slice(0, 2) ?? [];
  const joined = lead.reduce<Dim>(multiplyDims, 1);
  const y = run(full.map((x) => Reshape(x, [joined, ...x.shape.slice(2)])));
  return [Reshape(y, [...lead, ...y.shape.slice(1)])];
}

const work = (_: unknown, { kernel }: Window): number => sizeOf(kernel);

export const maxPool: Operator<Window, One, One> = define({
  name: "MaxPool",
  family: "pooling",
  summary: "the largest in each window, channels first; the first of equals has the derivative",
  since: 12,
  infer: ([x], window) => [{ dtype: x.dtype, shape: pooledShape(x, window) }],
  gradient: ({ inputs: [x], outputs: [y], cotangents: [g], attributes }) => [
    apply1(maxPoolGradient, [x, y, g], attributes),
  ],
  batch: (inputs, flags, window) => foldTasks(inputs, flags, ([x = inputs[0]]) => apply1(maxPool, [x], window)),
  decompose: ([x], window) => [channelsFirst(apply1(maxPooling, [channelsLast(x)], window))],
  work,
});

/** An input, what it was pooled to, and a third array. */
type Pooled = readonly [x: Value, y: Value, other: Value];

const maxPoolGradient: Operator<Window, Pooled, One> = define({
  name: "MaxPoolGradient",
  family: "pooling",
  summary: "each window's number put where the window's largest entry is, and summed, channels first",
  infer: ([x]) => [{ dtype: x.dtype, shape: x.shape }],
  gradient: ({ inputs: [x, y], cotangents: [c], attributes }) => [
    undefined,
    undefined,
    apply1(maxPoolSelection, [x, y, c], attributes),
  ],
  batch: (inputs, flags, window) =>
    foldTasks(inputs, flags, ([x = inputs[0], y = inputs[1], g = inputs[2]]) =>
      apply1(maxPoolGradient, [x, y, g], window),
    ),
  decompose: ([x, , g], window) => [channelsFirst(apply1(MaxPoolingGradient.operator, eachLast(x, g), window))],
  work,
});

const maxPoolSelection: Operator<Window, Pooled, One> = define({
  name: "MaxPoolSelection",
  family: "pooling",
  summary: "of a third array, the numbers at the places where the windows' largest entries are, channels first",
  infer: ([, y]) => [{ dtype: y.dtype, shape: y.shape }],
  gradient: ({ inputs: [x, y], cotangents: [g], attributes }) => [
    undefined,
    undefined,
    apply1(maxPoolGradient, [x, y, g], attributes),
  ],
  batch: (inputs, flags, window) =>
    foldTasks(inputs, flags, ([x = inputs[0], y = inputs[1], t = inputs[2]]) =>
      apply1(maxPoolSelection, [x, y, t], window),
    ),
  decompose: ([x, , t], window) => [channelsFirst(apply1(MaxPoolingSelection.operator, eachLast(x, t), window))],
  work,
});

const eachLast = (x: Value, other: Value): Two => [channelsLast(x), channelsLast(other)];

/** The derivatives, by which their nodes are known. */
export const MaxPoolGradient = { operator: maxPoolGradient };
export const MaxPoolSelection = { operator: maxPoolSelection };
