// What attention, sampling and signals are tried on.
import { constant, op, type Value } from "@innerloop/graph";
import { type Case, on } from "./case.ts";

const integers = (list: readonly number[], shape: readonly number[] = [list.length]): Value =>
  constant(list, shape, "int64");
const floats = (list: readonly number[], shape: readonly number[]): Value => constant(list, shape, "float64");
const sameEach = (x: number, shape: readonly number[]): Value =>
  floats(new Array<number>(shape.reduce((a, b) => a * b, 1)).fill(x), shape);

const image = [1, 2, 4, 5];
const resized = (options: op.ResizeOptions, scales = [1, 1, 1.6, 0.7]): Case =>
  on((x) => op.Resize(x, { scales }, options), image);
const rois = floats([0.3, 0.6, 3.4, 2.9, 1.2, 0.1, 4.4, 3.7], [2, 4]);
const regions = { output: [2, 2], samplingRatio: 2 } as const;

export const samplingCases: Record<string, Case[]> = {
  Attention: [
    on((q, k, v) => op.Attention(q, k, v, { isCausal: true }).y, [1, 2, 3, 4], [1, 2, 5, 4], [1, 2, 5, 3]),
    on(
      (q, k, v, mask) => op.Attention(q, k, v, { mask, softcap: 1.5, heads: { query: 4, key: 2 } }).y,
      [2, 3, 8],
      [2, 4, 4],
      [2, 4, 4],
      [3, 4],
    ),
    on(
      (q, k, v, key, value) =>
        op.Attention(q, k, v, { past: { key, value }, isCausal: true, leftWindow: 1, softmaxPrecision: "float64" }).y,
      [1, 2, 2, 2],
      [1, 1, 2, 2],
      [1, 1, 2, 2],
      [1, 1, 3, 2],
      [1, 1, 3, 2],
    ),
    // The last query may attend to nothing.
    on(
      (q, k, v) =>
        op.Attention(q, k, v, { mask: constant([1, 1, 0, 1, 0, 0], [2, 3], "bool"), scale: 0.3, scores: "softmax" })
          .scores,
      [1, 2, 2, 2],
      [1, 2, 3, 2],
      [1, 2, 3, 2],
    ),
    on(
      (q, k, v) => op.Attention(q, k, v, { mask: constant([0, 0, 0, 1], [2, 2], "bool") }).y,
      [2, 1, 2, 2],
      [2, 1, 3, 2],
      [2, 1, 3, 2],
    ),
  ],
  LinearAttention: [
    on(
      (q, k, v, decay, beta) => {
        const [y, state] = op.LinearAttention(q, k, v, { heads: { query: 2, key: 1 }, decay, beta });
        return op.Add(y, op.ReduceSum(state));
      },
      [1, 3, 4],
      [1, 3, 2],
      [1, 3, 2],
      [1, 3, 1],
      [1, 3, 1],
    ),
  ],
  CausalConvWithState: [
    on(
      (x, w, b, past) => op.CausalConvWithState(x, w, { bias: b, past, activation: "silu" })[0],
      [1, 2, 4],
      [2, 1, 3],
      [2],
      [1, 2, 2],
    ),
  ],
  RotaryEmbedding: [
    on(
      (x, c, s) => op.RotaryEmbedding(x, c, s, { positions: integers([0, 2, 3, 1], [2, 2]), interleaved: true }),
      [2, 3, 2, 4],
      [4, 2],
      [4, 2],
    ),
    on((x, c, s) => op.RotaryEmbedding(x, c, s, { heads: 2, size: 4 }), [1, 2, 12], [1, 2, 2], [1, 2, 2]),
  ],
  Resize: [
    resized({}),
    resized({ mode: "linear" }),
    resized({ mode: "cubic", cubic: -0.5, excludeOutside: true }),
    resized({ mode: "linear", antialias: true, coordinates: "asymmetric" }),
    resized({ mode: "nearest", nearest: "floor", coordinates: "asymmetric" }, [1, 1, 2, 3]),
    on(
      (x) =>
        op.Resize(
          x,
          { sizes: [3, 4] },
          {
            mode: "linear",
            axes: [2, 3],
            coordinates: "tf_crop_and_resize",
            region: [0.2, -0.1, 0.9, 1.2],
            extrapolation: 1.5,
          },
        ),
      image,
    ),
    on((x) => op.Resize(x, { sizes: [90, 200] }, { mode: "linear", axes: [0, 1] }), [100, 2]),
  ],
  GridSample: [
    on((x, grid) => op.GridSample(x, grid), [1, 2, 3, 4], [1, 2, 3, 2]),
    on(
      (x, grid) => op.GridSample(x, op.Mul(grid, 1.7), { padding: "border", alignCorners: true }),
      [1, 1, 3, 4],
      [1, 2, 3, 2],
    ),
    on(
      (x, grid) => op.GridSample(x, op.Mul(grid, 1.7), { mode: "cubic", padding: "reflection" }),
      [1, 1, 4, 4],
      [1, 2, 2, 2],
    ),
    on((x, grid) => op.GridSample(x, grid, { mode: "nearest" }), [1, 2, 3, 2, 2], [1, 2, 1, 2, 3]),
  ],
  AffineGrid: [
    on((theta) => op.AffineGrid(theta, [2, 3]), [2, 2, 3]),
    on((theta) => op.AffineGrid(theta, [2, 2, 3], { alignCorners: true }), [1, 3, 4]),
  ],
  RoiAlign: [
    on((x) => op.RoiAlign(x, rois, integers([0, 0]), regions), image),
    on(
      (x, moved) =>
        op.RoiAlign(x, op.Add(rois, op.Mul(moved, 0.05)), integers([0, 0]), { ...regions, samplingRatio: 0 }),
      image,
      [2, 4],
    ),
    on((x) => op.RoiAlign(x, rois, integers([0, 0]), { ...regions, mode: "max", halfPixel: false }), image),
  ],
  MaxRoiPool: [on((x) => op.MaxRoiPool(x, floats([0, 0.3, 0.6, 3.4, 2.9, 0, 1, 0, 4, 3], [2, 5]), [2, 2]), image)],
  DeformConv: [
    on(
      (x, w, offset, b) =>
        op.DeformConv(x, w, offset, { bias: b, pads: [1, 0, 1, 0], mask: sameEach(0.5, [1, 4, 3, 2]) }),
      [1, 2, 2, 3],
      [2, 2, 2, 2],
      [1, 8, 3, 2],
      [2],
    ),
    on(
      (x, w, offset) => op.DeformConv(x, w, op.Mul(offset, 0.4), { group: 2, offsetGroup: 2 }),
      [1, 2, 3, 3],
      [2, 1, 2, 2],
      [1, 16, 2, 2],
    ),
  ],
  Col2Im: [
    on((x) => op.Col2Im(x, [4, 4], [2, 2], { strides: [1, 2], pads: [0, 1, 0, 1] }), [1, 8, 9]),
    on((x) => op.Col2Im(x, [5], [2], { dilations: [2] }), [2, 2, 3]),
  ],
  DFT: [
    on((x) => op.DFT(x, { onesided: true }), [2, 5, 1]),
    on((x) => op.DFT(x, { axis: 0, inverse: true, length: 4 }), [3, 2, 2]),
    on((x) => op.DFT(x, { inverse: true, onesided: true }), [1, 4, 2]),
  ],
  STFT: [
    on((x, window) => op.STFT(x, 2, { window }), [2, 9], [4]),
    on((x) => op.STFT(x, 3, { length: 4, onesided: false }), [1, 8, 2]),
  ],
};
