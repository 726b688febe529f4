// Reductions, running sums, and the index of the largest or smallest.
import { op } from "@innerloop/graph";
import { type Device, type Kernel, kernel, ofOne, type Place, type Ready, type Shape } from "../kernel.ts";
import { joinAxes, sandwich } from "../shapes.ts";

/** Joins the numbers along some axes. Kept axes fit what is broadcast next. */
function reduced(
  name: string,
  { shape }: Place,
  gone: Shape,
  axesName: string,
  keepDims: boolean,
  device: Device,
): Ready {
  const isGone = (axis: number) => gone.includes(axis);
  const joined = joinAxes(shape, (axis) => isGone(axis) === isGone(axis - 1));
  const first = isGone(0) ? 0 : 1;
  const axes = joined.map((_, axis) => axis).filter((axis) => axis % 2 === first);
  const settings = { [axesName]: axes, keepDims };
  return {
    takes: [joined],
    gives: [joined.flatMap((size, axis) => (axes.includes(axis) ? (keepDims ? [1] : []) : [size]))],
    run: ofOne((x) => device.run(name, { x }, settings)),
  };
}

function indexAlong(name: string, { shape }: Place, axis: number, device: Device): Ready {
  const [before, size, after] = sandwich(shape, axis);
  return {
    takes: [[before, size, after]],
    gives: [[before, after]],
    run: ofOne((x) => device.run(name, { x }, { axis: 1 })),
  };
}

export const reductionKernels: readonly Kernel[] = [
  kernel(op.ReduceSum, ({ inputs: [x], attributes: { axes } }, device) =>
    reduced("Sum", x, axes, "axis", true, device),
  ),
  // WebGPU's product does not keep axes.
  kernel(op.ReduceProd, ({ inputs: [x], attributes: { axes } }, device) =>
    reduced("Prod", x, axes, "axis", false, device),
  ),
  kernel(op.ReduceMax, ({ inputs: [x], attributes: { axes } }, device) =>
    reduced("Max", x, axes, "reductionIndices", true, device),
  ),
  kernel(op.ReduceMin, ({ inputs: [x], attributes: { axes } }, device) =>
    reduced("Min", x, axes, "axis", true, device),
  ),
  kernel(op.ArgMax, ({ inputs: [x], attributes: { axis } }, device) => indexAlong("ArgMax", x, axis, device)),
  kernel(op.ArgMin, ({ inputs: [x], attributes: { axis } }, device) => indexAlong("ArgMin", x, axis, device)),
  kernel(op.CumSum, ({ inputs: [x], attributes: { axis, exclusive, reverse } }, device) => {
    const shape = sandwich(x.shape, axis);
    const settings = { axis: 1, exclusive: Boolean(exclusive), reverse: Boolean(reverse) };
    return { takes: [shape], gives: [shape], run: ofOne((tensor) => device.run("Cumsum", { x: tensor }, settings)) };
  }),
];
