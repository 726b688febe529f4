import itertools
import math

import numpy as np
import torch
from case import Drawn, family, ints, real

case = family("sampling")

x = real(1, 2, 4, 5)


def resize(inputs, constants, **attributes):
    note = " ".join(f"{key}={value}" for key, value in attributes.items())
    case("Resize", inputs, opset=19, constants=constants, note=f"{note} {'sizes' if len(inputs) == 4 else inputs[2]}", **attributes)


def scales(*values):
    return [x, None, np.array([1, 1, *values], np.float32)]


def sizes(*values):
    return [x, None, None, ints(*values)]


for nearest in ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]:
    resize(scales(1.75, 0.625), (2,), mode="nearest", nearest_mode=nearest)
for coordinates in ["half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric"]:
    for mode in ["nearest", "linear", "cubic"]:
        resize(scales(1.75, 0.625), (2,), mode=mode, coordinate_transformation_mode=coordinates)
resize(scales(2.0, 3.0), (2,), mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")
resize(scales(0.625, 0.4375), (2,), mode="linear", antialias=1)
resize(scales(0.625, 0.4375), (2,), mode="cubic", antialias=1)
resize(scales(1.75, 0.625), (2,), mode="cubic", cubic_coeff_a=-0.5, exclude_outside=1)
resize(sizes(1, 2, 7, 3), (3,), mode="linear")
resize(sizes(7, 6), (3,), mode="nearest", axes=[2, 3], keep_aspect_ratio_policy="not_larger")
resize(sizes(7, 6), (3,), mode="linear", axes=[3, 2], keep_aspect_ratio_policy="not_smaller")
region = np.array([0.25, -0.25, 0.75, 1.25])
case(
    "Resize", [x, region, None, ints(3, 3)], opset=19, constants=(1, 3), note="a region", mode="linear", axes=[2, 3],
    coordinate_transformation_mode="tf_crop_and_resize", extrapolation_value=10.0,
)  # fmt: skip


class Grid(Drawn):
    """Coordinates that float32 has exactly, which the reference implementation computes them in."""

    def draw(self, rng):
        return np.round(super().draw(rng) * 64) / 64


grid = Grid((1, 3, 4, 2), -2, 2)
for mode, padding, corners in itertools.product(["linear", "nearest", "cubic"], ["zeros", "border", "reflection"], [0, 1]):
    case("GridSample", [x, grid], opset=20, mode=mode, padding_mode=padding, align_corners=corners)
case("GridSample", [real(1, 1, 3, 2, 3), Grid((1, 2, 1, 2, 3), -2, 2)], opset=20, note="volumes")
case("AffineGrid", [real(2, 2, 3), ints(2, 1, 3, 4)], opset=20, constants=(1,), expected=lambda t, s: torch.nn.functional.affine_grid(t, tuple(s), align_corners=False))  # fmt: skip
case("AffineGrid", [real(1, 3, 4), ints(1, 1, 2, 3, 2)], opset=20, constants=(1,), align_corners=1, expected=lambda t, s: torch.nn.functional.affine_grid(t, tuple(s), align_corners=True))  # fmt: skip

rois = np.array([[0.25, 0.5, 3.5, 2.75], [1.25, -0.5, 4.5, 6]])
parts = {"output_height": 2, "output_width": 3, "spatial_scale": 0.75}
for mode, kind in itertools.product(["avg", "max"], ["half_pixel", "output_half_pixel"]):
    case("RoiAlign", [x, rois, ints(0, 0)], opset=16, mode=mode, coordinate_transformation_mode=kind, sampling_ratio=2, **parts)
case("RoiAlign", [x, rois, ints(0, 0)], opset=16, coordinate_transformation_mode="output_half_pixel", **parts)


def max_roi_pool(maps, regions, output, scale):
    """As https://github.com/rbgirshick/fast-rcnn has it."""
    height, width = maps.shape[2:]
    y = np.zeros((len(regions), maps.shape[1], *output))
    for r, (batch, *corners) in enumerate(regions.tolist()):
        left, top, right, bottom = (math.floor(c * scale + 0.5) for c in corners)
        down, across = (max(bottom - top + 1, 1) / output[0], max(right - left + 1, 1) / output[1])
        for i, j in itertools.product(range(output[0]), range(output[1])):
            rows = [min(max(v + top, 0), height) for v in (math.floor(i * down), math.ceil((i + 1) * down))]
            columns = [min(max(v + left, 0), width) for v in (math.floor(j * across), math.ceil((j + 1) * across))]
            part = maps[int(batch), :, rows[0] : rows[1], columns[0] : columns[1]]
            if part.numel():
                y[r, :, i, j] = part.amax((1, 2))
    return y


corners = np.array([[0, 0.25, 0.5, 3.5, 2.75], [0, 1, -1, 6, 8], [0, 8, 8, 9, 9]])
case("MaxRoiPool", [x, corners], reference=False, pooled_shape=[2, 2], spatial_scale=0.75, expected=lambda m, r: max_roi_pool(m, r, (2, 2), 0.75))

offset = real(1, 16, 3, 4)
case("DeformConv", [x, real(2, 2, 2, 2), real(1, 8, 3, 4)], opset=19)
case("DeformConv", [x, real(2, 2, 2, 2), real(1, 8, 5, 6), real(2), real(1, 4, 5, 6)], opset=19, pads=[1, 1, 1, 1], note="masked")
case("DeformConv", [x, real(4, 1, 2, 2), offset], opset=19, group=2, offset_group=2)
case("Col2Im", [real(1, 8, 12), ints(4, 5), ints(2, 2)], opset=18, constants=(1, 2))
case("Col2Im", [real(2, 8, 8), ints(4, 4), ints(2, 2)], opset=18, constants=(1, 2), strides=[2, 1], pads=[0, 1, 0, 0])
case("Col2Im", [real(1, 3, 4), ints(8), ints(3)], opset=18, constants=(1, 2), dilations=[2])

# What comes out is of a size that only the inputs tell.
for attributes in [{"mode": "nearest"}, {"mode": "linear", "antialias": 1}, {"mode": "cubic", "coordinate_transformation_mode": "align_corners"}]:
    case("Resize", scales(1.75, 0.625), opset=19, note=f"computed scales {attributes}", **attributes)
for policy in ["stretch", "not_larger", "not_smaller"]:
    case("Resize", sizes(7, 3), opset=19, note=f"computed sizes {policy}", mode="linear", axes=[2, 3], keep_aspect_ratio_policy=policy)
case(
    "Resize", [x, region, None, ints(3, 3)], opset=19, note="a computed region", mode="cubic", axes=[2, 3],
    coordinate_transformation_mode="tf_crop_and_resize", extrapolation_value=10.0,
)  # fmt: skip
case("AffineGrid", [real(2, 2, 3), ints(2, 1, 3, 4)], opset=20, note="computed", expected=lambda t, s: torch.nn.functional.affine_grid(t, tuple(s), align_corners=False))  # fmt: skip
case("Col2Im", [real(2, 8, 8), ints(4, 4), ints(2, 2)], opset=18, note="computed", strides=[2, 1], pads=[0, 1, 0, 0], dilations=[1, 1])
