// Where the largest entries of windows are, and putting numbers back there.
import { constant } from "../core/build.ts";
import { type Dim, multiplyDims } from "../core/dims.ts";
import { at, upTo, zip } from "../core/lists.ts";
import { apply1, applying, define, spelling, zeroDerivative } from "../core/operator.ts";
import { fixed, sizeOf } from "../core/shapes.ts";
import type { One, Operator, Value } from "../core/value.ts";
import { type Window, windowTable } from "../core/windows.ts";
import { Mul, Sub } from "./arithmetic.ts";
import { ScatterElements } from "./indexing.ts";
import { PadBy } from "./internal/computed.ts";
import { Range } from "./internal/counting.ts";
import { maxPool } from "./internal/max-pool.ts";
import { AsNumbers } from "./internal/sizes.ts";
import { Concat } from "./internal/slicing.ts";
import { Expand, Reshape } from "./movement.ts";
import { Pad } from "./parts.ts";

/** Whether places are counted along the last axis of space first, or along its first. */
type Places = Window & { readonly order: 0 | 1 };

const maxPoolPlaces: Operator<Places, One, One> = define({
  name: "MaxPoolPlaces",
  family: "pooling",
  summary:
    "where the largest entry of each window is, of all the numbers of the input, as MaxPool's second output says it",
  infer: ([x], { order: _, ...window }) => {
    const [{ shape }] = maxPool.infer([x], window);
    return [{ dtype: "int64", shape }];
  },
  gradient: zeroDerivative,
  batch([x], _, attributes) {
    const [tasks = 1, examples = 1, ...rest] = x.shape;
    const y = apply1(maxPoolPlaces, [Reshape(x, [multiplyDims(tasks, examples), ...rest])], attributes);
    const split = Reshape(y, [tasks, examples, ...y.shape.slice(1)]);
    const first = Reshape(Range(tasks), [tasks, ...new Array<Dim>(split.rank - 1).fill(1)]);
    const size = fixed(sizeOf(x.shape.slice(1)), "MaxPool with places of tasks");
    return [Sub(split, Mul(first, constant(size, [], "int64")))];
  },
  evaluate({ inputs: [x], attributes: { order, ...window }, shapes: [shape] }) {
    const space = x.shape.slice(2);
    const inside = sizeOf(space);
    const { table } = windowTable(space, window, shape.slice(2));
    const places = sizeOf(shape.slice(2));
    return [
      Float64Array.from({ length: sizeOf(shape) }, (_, i) => {
        const [plane, place] = [Math.floor(i / places), i % places];
        let [best, found] = [Number.NEGATIVE_INFINITY, -1];
        for (const tap of table) {
          const read = at(tap, place);
          if (read === inside) continue;
          const value = at(x.data, plane * inside + read);
          if (value > best || found < 0) [best, found] = [value, read];
        }
        return plane * inside + (order === 0 ? found : turned(found, space));
      }),
    ];
  },
  work: (_, { kernel }) => sizeOf(kernel),
});

/** A place counted along the first axis of space first. */
const turned = (place: number, space: readonly number[]): number =>
  space.reduceRight((total, size, axis) => {
    const digit = Math.floor(place / sizeOf(space.slice(axis + 1))) % size;
    return total * size + digit;
  }, 0);

/** Where the largest entries are that a MaxPool of these attributes gives, int64. */
export const maxPlaces = applying(
  maxPoolPlaces,
  (pooled: Value, order: 0 | 1 = 0): Value =>
    apply1(maxPoolPlaces, pooled.node.inputs as One, { ...(pooled.node.attributes as Window), order }),
);

/** How a MaxUnpool's windows lay, as ONNX names it. */
export interface UnpoolOptions {
  readonly strides?: readonly number[];
  readonly pads?: readonly number[];
  /** The whole shape; what is more than the windows cover is zero. */
  readonly outputShape?: readonly Dim[];
}

spelling("MaxUnpool", "pooling", 11, "ScatterElements, Pad", "numbers put where a MaxPool's largest entries were");
/**
 * ONNX MaxUnpool: each number of `x` at the place that `places` gives, zeros elsewhere.
 * @param places int64, of the shape of `x`, as MaxPool's second output has them
 */
export function MaxUnpool(
  x: Value,
  places: Value,
  kernelShape: readonly number[],
  { strides = kernelShape.map(() => 1), pads = kernelShape.flatMap(() => [0, 0]), outputShape }: UnpoolOptions = {},
): Value {
  const space = zip(x.shape.slice(2), kernelShape, (size, taps, i) => {
    const around = at(pads, i) + at(pads, kernelShape.length + i);
    return (fixed(size, "MaxUnpool") - 1) * at(strides, i) + taps - around;
  });
  const shape = [...x.shape.slice(0, 2), ...space];
  const blank = Expand(constant(0, [], x.dtype), [sizeOf(shape)]);
  const filled = ScatterElements(blank, Reshape(places, [-1]), Reshape(x, [-1]), 0);
  const y = Reshape(filled, shape);
  if (!outputShape) return y;
  const whole = outputShape.slice(2);
  if (whole.every((size) => typeof size === "number"))
    return Pad(y, [...upTo(x.rank).map(() => 0), 0, 0, ...zip(whole, space, (size, covered) => size - covered)]);
  const none = constant(new Array<number>(x.rank + 2).fill(0), [x.rank + 2], "int64");
  const more = Sub(AsNumbers(whole), constant(space, [space.length], "int64"));
  return Reshape(PadBy(y, Concat([none, more], 0), "constant"), [...x.shape.slice(0, 2), ...whole]);
}
