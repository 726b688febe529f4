// Resizing and sampling as ONNX has them.
import { InnerloopError } from "@innerloop/schemas";
import type { Value } from "../../core/value.ts";
import * as op from "../../ops/index.ts";
import { choice, defined, flag, float, ints, type ValuesOf } from "../attributes.ts";
import { onnxOperator } from "../operator.ts";
import type { Call } from "../reader/call.ts";

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

function readResize(c: Call, a: ValuesOf<typeof resizing>): Value {
  const coordinates = a.coordinate_transformation_mode;
  const scales = c.has(2) ? c.numbers(2) : undefined;
  const region = coordinates === "tf_crop_and_resize" ? c.numbers(1) : undefined;
  if (!scales?.length && !c.has(3)) throw new InnerloopError("bad-model", "has neither scales nor sizes.");
  return op.Resize(c.value(0), scales?.length ? { scales } : { sizes: c.dims(3) }, {
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

export const sampling = {
  Resize: onnxOperator({ attributes: resizing, read: readResize }),
};
