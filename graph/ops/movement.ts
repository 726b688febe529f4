// Moving numbers without changing them: other shapes, other orders, repetition.
import { type Dim, divideDims, multiplyDims } from "../core/dims.ts";
import { mayAgree } from "../core/fresh.ts";
import { zip } from "../core/lists.ts";
import { spelling, unfit } from "../core/operator.ts";
import { normalizeAxis, sizeOf } from "../core/shapes.ts";
import type { Value } from "../core/value.ts";
import { Expand, Reshape } from "./internal/broadcasting.ts";
import { dividedSize } from "./internal/sizes.ts";
import { Transpose } from "./internal/transpose.ts";

export { Expand, Reshape } from "./internal/broadcasting.ts";
export { Transpose } from "./internal/transpose.ts";

spelling("Squeeze", "movement", 13, "Reshape", "axes of size 1 removed");
/** Axes of size 1 removed: those named, or all. */
export function Squeeze(
  x: Value,
  axes: readonly number[] = x.shape.flatMap((dim, i) => (dim === 1 ? [i] : [])),
): Value {
  const gone = axes.map((axis) => normalizeAxis(axis, x.rank, "Squeeze"));
  for (const axis of gone)
    if (!mayAgree(x.shape[axis], 1)) throw unfit("Squeeze", [x], `axis ${axis} has size ${x.shape[axis]}, not 1.`);
  return Reshape(
    x,
    x.shape.filter((_, axis) => !gone.includes(axis)),
  );
}

spelling("Unsqueeze", "movement", 13, "Reshape", "axes of size 1 put in");
/** Axes of size 1 put in at the places that they have in the result. */
export function Unsqueeze(x: Value, axes: readonly number[]): Value {
  const rank = x.rank + axes.length;
  const added = new Set(axes.map((axis) => normalizeAxis(axis, rank, "Unsqueeze")));
  if (added.size < axes.length) throw unfit("Unsqueeze", [x], `axes [${axes}] has to name each axis once.`);
  const shape = [...x.shape];
  for (const axis of [...added].sort((a, b) => a - b)) shape.splice(axis, 0, 1);
  return Reshape(x, shape);
}

spelling("Flatten", "movement", 13, "Reshape", "two axes made of all");
/** All axes before `axis` made one, and all from `axis` on. */
export const Flatten = (x: Value, axis = 1): Value => {
  const at = axis < 0 ? axis + x.rank : axis;
  return Reshape(x, [sizeOf(x.shape.slice(0, at)), sizeOf(x.shape.slice(at))]);
};

spelling("Tile", "movement", 13, "Reshape, Expand", "the whole array repeated along each axis");
/** The whole array repeated this often along each axis. */
export function Tile(x: Value, repeats: readonly number[]): Value {
  if (repeats.length !== x.rank) throw unfit("Tile", [x], `needs one repeat for each axis, but got [${repeats}].`);
  const interleaved = x.shape.flatMap((dim) => [1, dim]);
  const target = zip(x.shape, repeats, (dim, often) => [often, dim]).flat();
  return Reshape(Expand(Reshape(x, interleaved), target), zip(x.shape, repeats, multiplyDims));
}

/** The sizes of channels-first images. @throws the error given for another shape */
function imageAxes({ shape }: Value, misfit: () => Error): readonly [Dim, Dim, Dim, Dim] {
  const [n, channels, height, width, ...others] = shape;
  if (n === undefined || channels === undefined || height === undefined || width === undefined) throw misfit();
  if (others.length > 0) throw misfit();
  return [n, channels, height, width];
}

spelling("DepthToSpace", "movement", 13, "Reshape, Transpose", "blocks of channels moved into space");
/** Blocks of `blocksize`² channels moved into space (ONNX), channels first; `mode`: blocks are the outer (DCR) or inner (CRD) part of the channels. */
export function DepthToSpace(x: Value, blocksize: number, mode: "DCR" | "CRD" = "DCR"): Value {
  const misfit = () => unfit("DepthToSpace", [x], `needs [N, C, H, W] with C a multiple of ${blocksize ** 2}.`);
  const [n, channels, h, w] = imageAxes(x, misfit);
  const inner = divideDims(channels, blocksize ** 2);
  if (inner === undefined) throw misfit();
  const split =
    mode === "DCR"
      ? Transpose(Reshape(x, [n, blocksize, blocksize, inner, h, w]), [0, 3, 4, 1, 5, 2])
      : Transpose(Reshape(x, [n, inner, blocksize, blocksize, h, w]), [0, 1, 4, 2, 5, 3]);
  return Reshape(split, [n, inner, multiplyDims(h, blocksize), multiplyDims(w, blocksize)]);
}

spelling("SpaceToDepth", "movement", 13, "Reshape, Transpose", "blocks of space moved into channels");
/** Blocks of space moved into channels (ONNX), channels first; `mode` as DepthToSpace has it. */
export function SpaceToDepth(x: Value, blocksize: number, mode: "DCR" | "CRD" = "DCR"): Value {
  const misfit = () => unfit("SpaceToDepth", [x], `needs [N, C, H, W] with H and W multiples of ${blocksize}.`);
  const [n, channels, height, width] = imageAxes(x, misfit);
  if ([height, width].some((size) => typeof size === "number" && size % blocksize !== 0)) throw misfit();
  const [h, w] = [dividedSize(height, blocksize), dividedSize(width, blocksize)];
  const split = Reshape(x, [n, channels, h, blocksize, w, blocksize]);
  const order = mode === "DCR" ? [0, 3, 5, 1, 2, 4] : [0, 1, 3, 5, 2, 4];
  return Reshape(Transpose(split, order), [n, multiplyDims(channels, blocksize ** 2), h, w]);
}
