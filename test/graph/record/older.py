"""Nodes of opsets 7 to 12, as ONNX Runtime computes them. Operators that were the same then as later are in the other families."""

import numpy as np
from case import family, ints, positive, real

add = family("older", older=True)


def case(operator, opset, inputs, **more):
    add(operator, inputs, opset=opset, **more)


# What opset 13 changed.
for opset in (7, 11, 12):
    for op in ("Softmax", "LogSoftmax"):
        case(op, opset, [real(2, 3)], note="a matrix")
        case(op, opset, [real(2, 3, 2)])
        case(op, opset, [real(2, 3, 2)], axis=2)
        case(op, opset, [real(2, 3, 2)], axis=0)
    case("Squeeze", opset, [real(1, 3, 1)])
    case("Squeeze", opset, [real(1, 3, 1)], axes=[2])
    case("Unsqueeze", opset, [real(3, 2)], axes=[0, 3])
    case("ReduceSum", opset, [real(2, 3, 2)])
    case("ReduceSum", opset, [real(2, 3, 2)], axes=[0, 2], keepdims=0)
    case("ReduceMean", opset, [real(2, 3, 2)], axes=[1], keepdims=1)
    case("ReduceMax", opset, [real(2, 3, 2)], axes=[1, 2], keepdims=0)
    case("Split", opset, [real(2, 6)], outputs=3, axis=1)
    case("Split", opset, [real(2, 5)], outputs=2, axis=1, split=[1, 4])
case("LogSoftmax", 11, [real(2, 3, 2)], axis=-1)
case("Unsqueeze", 11, [real(3, 2)], axes=[-1])

# What opset 11 changed.
for opset in (7, 10):
    case("Clip", opset, [real(7)], min=-0.5, max=0.75)
    case("Clip", opset, [real(7)], max=0.75)
    case("Clip", opset, [real(7)], min=0.25)
    case("Pad", opset, [real(2, 3)], pads=[1, 0, 0, 2], value=1.5)
    case("Pad", opset, [real(2, 3)], pads=[1, 0, 0, 2])
    case("Pad", opset, [real(2, 4)], pads=[0, 2, 1, 1], mode="reflect")
    case("Pad", opset, [real(2, 3)], pads=[1, 1, 1, 1], mode="edge")
    case("DepthToSpace", opset, [real(1, 8, 2, 3)], blocksize=2)
    case("Gemm", opset, [real(3, 2), real(4, 3), real(4)], transA=1, transB=1, alpha=0.5, beta=2.0)
    case("ArgMax", opset, [real(2, 3)], axis=1, keepdims=0)
case("Gemm", 11, [real(2, 3), real(3, 4)])
case("Clip", 11, [real(7), np.array(-0.5), np.array(0.75)], constants=(1, 2))
case("Pad", 11, [real(2, 3), ints(1, 0, 0, 2), np.array(1.5)], constants=(1, 2))

# What opset 10 changed.
for opset in (7, 9):
    case("Slice", opset, [real(4, 5)], starts=[1, 0], ends=[4, 3])
    case("Slice", opset, [real(4, 5)], starts=[-3], ends=[2**31 - 1], axes=[1])
    case("Dropout", opset, [real(2, 3)], ratio=0.3)
    case("MaxPool", opset, [real(1, 2, 5, 6)], kernel_shape=[3, 2], strides=[2, 1], pads=[1, 1, 1, 1])
    case("AveragePool", opset, [real(1, 2, 5, 6)], kernel_shape=[3, 2], strides=[2, 1], pads=[1, 1, 1, 1])
case("Slice", 10, [real(4, 5), ints(1, 0), ints(4, 3)], constants=(1, 2))
case("Dropout", 12, [real(2, 3), np.array(0.3)], constants=(1,))

# What opset 9 changed, and brought.
x, statistics = real(2, 4, 3, 2), [real(4), real(4), real(4), positive(4)]
for opset in (7, 8, 9):
    case("BatchNormalization", opset, [x, *statistics], epsilon=1e-3)
case("OneHot", 9, [ints(0, 2, -1), ints(4), np.array([0.0, 1.0])], constants=(1, 2))
case("Where", 9, [np.array([[True], [False]]), real(2, 3), real(3)])

# What has kept its meaning.
for opset in (8, 12):
    for op in ("Max", "Min", "Sum", "Mean"):
        case(op, opset, [real(2, 3), real(3), real(2, 1)])
    case("Conv", opset, [real(2, 2, 5, 5), real(3, 2, 3, 3), real(3)], pads=[1, 1, 1, 1], strides=[2, 1])
    case("ConvTranspose", opset, [real(1, 2, 3, 4), real(2, 3, 3, 2)], strides=[2, 2], pads=[1, 0, 1, 0])
    case("PRelu", opset, [real(2, 3, 2), real(3, 1)])
    case("Selu", opset, [real(7)])
    case("Flatten", opset, [real(2, 3, 2)], axis=2)
    case("Pow", opset, [positive(2, 3), real(3)])
    case("Expand", opset, [real(2, 1), ints(3, 1, 4)], constants=(1,))
    case("Tile", opset, [real(2, 1, 3), ints(1, 3, 2)], constants=(1,))

# What opset 9 and 10 changed of scaling, counting and scattering, and what they are called since.
for opset, inputs, more in (
    (7, [real(1, 2, 2, 3)], {"scales": [1.0, 1.0, 2.0, 3.0]}),
    (9, [real(1, 2, 2, 3), np.array([1.0, 1.0, 2.0, 3.0], np.float32)], {"constants": (1,)}),
):
    case("Upsample", opset, inputs, mode="nearest", **more)
    case("Upsample", opset, inputs, mode="linear", note="linear", **more)
case("Resize", 10, [real(1, 1, 2, 3), np.array([1.0, 1.0, 2.0, 2.0], np.float32)], constants=(1,), mode="linear")
case("TopK", 9, [real(3, 5)], k=2, axis=1, outputs=2)
case("Scatter", 9, [real(3, 3), np.array([[1, 0, 2], [0, 2, 1]], np.int64), real(2, 3)], axis=0)

# What opset 13 and later ones changed of other operators.
case("Hardmax", 11, [real(2, 3, 2)])
case("RoiAlign", 10, [real(1, 2, 6, 6), np.array([[0.0, 0.0, 4.0, 5.0]], np.float32), ints(0)], output_height=2, output_width=2)
case("GridSample", 16, [real(1, 2, 4, 4), real(1, 3, 2, 2)], mode="bicubic", align_corners=1)
case("GridSample", 16, [real(1, 2, 4, 4), real(1, 3, 2, 2)], note="bilinear")
case("DFT", 17, [real(2, 5, 1)], axis=1)
case("GroupNormalization", 18, [real(2, 4, 3), real(2), real(2)], num_groups=2, note="older, two groups")
