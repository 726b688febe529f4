// Orders of the axes of pictures: channels second, as ONNX has them, or last, as kernels take them.
import type { DType } from "@innerloop/schemas/bundle";
import type { Plan } from "../plan.ts";
import { permuted, type Shape, together, type Value } from "../views.ts";

/** The axes of [N, C, …space] in an order with the channels last. */
export const channelsLast = (rank: number): number[] => [0, ...Array.from({ length: rank - 2 }, (_, i) => i + 2), 1];

/** Those of [N, …space, C] with the channels second. */
export const channelsSecond = (rank: number): number[] => [
  0,
  rank - 1,
  ...Array.from({ length: rank - 2 }, (_, i) => i + 1),
];

/** Whether the channels of [N, C, …space] lie together. */
export const channelsAreTogether = ({ shape, strides }: Value): boolean => shape[1]! > 1 && strides[1] === 1;

/** A place for an array. What has its channels last keeps them there: no pass is over two orders at once. */
export function roomLike(plan: Plan, operands: readonly Value[], shape: Shape, dtype: DType, depth: number): Value {
  const last = operands.some((value) => value.shape.length === shape.length && hasChannelsLast(value));
  if (!last) return plan.room(shape, dtype, depth);
  const order = channelsLast(shape.length);
  return permuted(plan.room(permutedShape(shape, order), dtype, depth), channelsSecond(shape.length));
}

const permutedShape = (shape: Shape, order: Shape): number[] => order.map((axis) => shape[axis]!);

/** Whether they do, and places lie after each other. Of one axis of space they are taken for matrices that are turned around. */
export const hasChannelsLast = (value: Value): boolean => {
  const { length } = value.shape;
  return (
    length > 3 && channelsAreTogether(value) && !together(value) && together(permuted(value, channelsLast(length)))
  );
};
