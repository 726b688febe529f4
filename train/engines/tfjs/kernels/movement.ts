// Moving numbers: other orders, parts of axes, looking up. Neighbouring axes that stay together become one, since kernels are
// quickest, or there at all, for few axes; the WebAssembly backend gathers element by element.
import { constantOf, op } from "@innerloop/graph";
import { type Device, isTensorFlow, type Kernel, kernel, ofOne, ofTwo, type Place, type Ready } from "../kernel.ts";
import { joinAxes, sandwich, sizeAt } from "../shapes.ts";

const transpose = kernel(op.Transpose, ({ inputs: [x], attributes: { perm } }, device) => {
  const follows = (axis: number) => axis > 0 && perm[perm.indexOf(axis) - 1] === axis - 1;
  const joined = joinAxes(x.shape, follows);
  const heads = perm.filter((axis) => !follows(axis));
  const sorted = [...heads].sort((a, b) => a - b);
  const order = heads.map((axis) => sorted.indexOf(axis));
  return {
    takes: [joined],
    gives: [order.map((axis) => sizeAt(joined, axis))],
    run: ofOne((tensor) => device.run("Transpose", { x: tensor }, { perm: order })),
  };
});

const gather = kernel(op.Gather, ({ inputs: [x, indices], outputs: [output], attributes: { axis } }, device) => {
  const known = constantOf(indices.value);
  if (known) return gatherKnown(x, indices, known.data, axis, device);
  const settings = { shape: indices.shape, value: sizeAt(x.shape, axis), dtype: "int32" };
  return {
    takes: [x.shape, indices.shape],
    gives: [output.shape],
    run: ofTwo((tensor, at) =>
      device.tidy(() => {
        const length = device.run("Fill", {}, settings);
        const fromStart = device.run("Mod", { a: at, b: length });
        return device.run("GatherV2", { x: tensor, indices: fromStart }, { axis, batchDims: 0 });
      }),
    ),
  };
});

/** Known indices become a table of rows, which are copied whole. */
function gatherKnown(x: Place, indices: Place, data: Float64Array, axis: number, device: Device): Ready {
  const [outer, size, inner] = sandwich(x.shape, axis);
  const fromStart = Int32Array.from(data, (index) => (index < 0 ? index + size : index));
  const [count, name] = [data.length, indices.value.node.id];
  if (isTensorFlow(device)) {
    const at = device.table(`places ${name} ${size}`, () => fromStart, [count]);
    const along = device.table("1", () => Int32Array.of(1), []);
    return {
      takes: [[outer, size, inner], indices.held],
      gives: [[outer, count, inner]],
      run: ofOne((tensor) => device.run("InnerloopGather", { params: tensor, indices: at, axis: along })),
    };
  }
  const places = () =>
    Int32Array.from({ length: outer * count }, (_, i) => Math.floor(i / count) * size + sizeAt(fromStart, i % count));
  const rows = device.table(`rows ${name} ${outer} ${size}`, places, [outer * count, 1]);
  return {
    takes: [[outer * size, inner], indices.held],
    gives: [[outer * count, inner]],
    run: ofOne((tensor) => device.run("GatherNd", { params: tensor, indices: rows })),
  };
}

const slice = kernel(op.Slice, ({ inputs: [x], outputs: [output], attributes: { axis, start }, size }, device) => {
  const shape = sandwich(x.shape, axis);
  const gives = [shape[0], sizeAt(output.shape, axis), shape[2]];
  const settings = { begin: [0, size(start), 0], size: gives };
  return { takes: [shape], gives: [gives], run: ofOne((tensor) => device.run("Slice", { x: tensor }, settings)) };
});

const concat = kernel(op.Concat, ({ inputs, outputs: [output], attributes: { axis } }, device) => ({
  takes: inputs.map(({ shape }) => sandwich(shape, axis)),
  gives: [sandwich(output.shape, axis)],
  run: (tensors) => [device.run("Concat", tensors, { axis: 1 })],
}));

const pad = kernel(op.Pad, ({ inputs: [x], outputs: [output], attributes: { before, after, value } }, device) => {
  const stays = (axis: number) => before[axis] === 0 && after[axis] === 0;
  const together = (axis: number) => stays(axis) && stays(axis - 1);
  const heads = x.shape.map((_, axis) => axis).filter((axis) => axis === 0 || !together(axis));
  const settings = { paddings: heads.map((axis) => [before[axis], after[axis]]), constantValue: value };
  return {
    takes: [joinAxes(x.shape, together)],
    gives: [joinAxes(output.shape, together)],
    run: ofOne((tensor) => device.run("PadV2", { x: tensor }, settings)),
  };
});

const range = kernel(op.Range, ({ outputs: [{ shape }] }, device) => {
  const settings = { start: 0, stop: shape[0], step: 1, dtype: "int32" };
  return { takes: [], gives: [shape], run: () => [device.run("Range", {}, settings)] };
});

export const movementKernels: readonly Kernel[] = [transpose, gather, slice, concat, pad, range];
