// Resizing and sampling as ONNX has them.
import { InnerloopError } from "@innerloop/schemas";
import { Value } from "../../core/value.ts";
import { LoweredDoubled } from "../../lowering/blocks.ts";
import * as op from "../../ops/index.ts";
import { choice, defined, flag, float, int, ints, type ValuesOf, written } from "../attributes.ts";
import { onnxOperator } from "../operator.ts";
import type { Call } from "../reader/call.ts";
import { writing } from "../writer/form.ts";

const resizing = {
  antialias: flag(false),
  axes: ints(),
  coordinate_transformation_mode: choice(
    "half_pixel",
    "half_pixel_symmetric",
    "pytorch_half_pixel",
    "align_corners",
    "asymmetric",
    "tf_crop_and_resize",
    "tf_half_pixel_for_nn",
  ),
  cubic_coeff_a: float(-0.75),
  exclude_outside: flag(false),
  extrapolation_value: float(0),
  keep_aspect_ratio_policy: choice("stretch", "not_larger", "not_smaller"),
  mode: choice("nearest", "linear", "cubic"),
  nearest_mode: choice("round_prefer_floor", "round_prefer_ceil", "floor", "ceil"),
};

/** Each pixel as two by two of them. */
const doubledWritten = writing(LoweredDoubled, (_, to) => ({
  input: [to.input(0), "", to.constant({ dtype: "float32", shape: [4], data: Float64Array.of(1, 1, 2, 2) })],
  attribute: [
    written("mode", resizing.mode, "nearest"),
    written("coordinate_transformation_mode", resizing.coordinate_transformation_mode, "asymmetric"),
    written("nearest_mode", resizing.nearest_mode, "floor"),
  ],
}));

function readResize(c: Call, a: ValuesOf<typeof resizing>): Value {
  const coordinates = a.coordinate_transformation_mode;
  const list = (i: number) => (c.isConstant(i) ? c.numbers(i) : c.value(i));
  const scales = c.has(2) ? list(2) : undefined;
  const region = coordinates === "tf_crop_and_resize" && c.has(1) ? list(1) : undefined;
  const scaled = scales instanceof Value ? scales.shape[0] !== 0 : scales !== undefined && scales.length > 0;
  if (!scaled && !c.has(3)) throw new InnerloopError("bad-model", "has neither scales nor sizes.");
  return op.Resize(c.value(0), scaled && scales ? { scales } : { sizes: c.dims(3) }, {
    mode: a.mode,
    nearest: a.nearest_mode,
    coordinates,
    cubic: a.cubic_coeff_a,
    excludeOutside: a.exclude_outside && a.mode === "cubic",
    antialias: a.antialias,
    extrapolation: a.extrapolation_value,
    keepAspectRatio: a.keep_aspect_ratio_policy,
    ...defined({ axes: a.axes, region }),
  });
}

const grid = {
  align_corners: flag(false),
  mode: choice("linear", "nearest", "cubic", "bilinear", "bicubic"),
  padding_mode: choice("zeros", "border", "reflection"),
};
/** What modes were called before opset 20. */
const modeOf = { linear: "linear", nearest: "nearest", cubic: "cubic", bilinear: "linear", bicubic: "cubic" } as const;

const regions = {
  coordinate_transformation_mode: choice("half_pixel", "output_half_pixel"),
  mode: choice("avg", "max"),
  output_height: int(1),
  output_width: int(1),
  sampling_ratio: int(0),
  spatial_scale: float(1),
};

export const sampling = {
  AffineGrid: onnxOperator({
    attributes: { align_corners: flag(false) },
    read: (c, { align_corners: alignCorners }) => op.AffineGrid(c.value(0), c.dims(1).slice(2), { alignCorners }),
  }),
  Col2Im: onnxOperator({
    attributes: { dilations: ints(), pads: ints(), strides: ints() },
    read: (c, options) => op.Col2Im(c.value(0), c.dims(1), c.dims(2), defined(options)),
  }),
  DeformConv: onnxOperator({
    attributes: {
      dilations: ints(),
      group: int(1),
      kernel_shape: ints(),
      offset_group: int(1),
      pads: ints(),
      strides: ints(),
    },
    read: (c, { dilations, group, offset_group: offsetGroup, pads, strides }) =>
      op.DeformConv(c.value(0), c.value(1), c.value(2), {
        group,
        offsetGroup,
        ...defined({ dilations, pads, strides, bias: c.optional(3), mask: c.optional(4) }),
      }),
    since: () => 19,
  }),
  GridSample: onnxOperator({
    attributes: grid,
    read: (c, { align_corners: alignCorners, mode, padding_mode: padding }) =>
      op.GridSample(c.value(0), c.value(1), { alignCorners, mode: modeOf[mode], padding }),
    // Cubic has another name before opset 20, and three axes of space none.
    since: ({ mode }, _, rank) => (rank === 4 && (mode === undefined || mode === "nearest") ? 16 : 20),
  }),
  MaxRoiPool: onnxOperator({
    attributes: { pooled_shape: ints(), spatial_scale: float(1) },
    read: (c, { pooled_shape: [height = 1, width = 1] = [], spatial_scale: scale }) =>
      op.MaxRoiPool(c.value(0), c.value(1), [height, width], scale),
    since: () => 1,
  }),
  RoiAlign: onnxOperator({
    attributes: regions,
    read: (c, a) =>
      op.RoiAlign(c.value(0), c.value(1), c.value(2), {
        halfPixel: a.coordinate_transformation_mode === "half_pixel",
        mode: a.mode,
        output: [a.output_height, a.output_width],
        samplingRatio: a.sampling_ratio,
        spatialScale: a.spatial_scale,
      }),
    since: () => 16,
  }),
  Resize: onnxOperator({
    attributes: resizing,
    read: readResize,
    write: doubledWritten,
    since: ({ coordinate_transformation_mode: mode, antialias, axes, keep_aspect_ratio_policy: policy }) =>
      mode === "half_pixel_symmetric"
        ? 19
        : antialias || axes || policy
          ? 18
          : mode === "tf_half_pixel_for_nn"
            ? 19
            : 11,
  }),
};
