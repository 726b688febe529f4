import numpy as np
from case import family, real

case = family("quantization")


def whole(dtype, *shape):
    low, high = (0, 255) if dtype == np.uint8 else (-128, 127)
    return np.linspace(low, high, int(np.prod(shape))).round().astype(dtype).reshape(shape)[::-1].copy()


scale, scales = np.array(0.03125), np.array([0.03125, 0.0625, 0.015625])
for dtype in [np.uint8, np.int8, np.int16, np.uint16]:
    case("QuantizeLinear", [real(2, 5), scale, np.array(7, dtype)], opset=21, note=f"{np.dtype(dtype)}")
case("QuantizeLinear", [real(2, 3, 2), scales, np.array([3, 8, 5], np.uint8)], opset=21, axis=-2)
case("QuantizeLinear", [real(2, 5), np.array([[0.5, 0.25, 0.125], [0.0625, 1, 2]])], opset=21, block_size=2, axis=1, output_dtype=3)
case("DequantizeLinear", [whole(np.uint8, 2, 5), scale, np.array(7, np.uint8)], opset=21)
case("DequantizeLinear", [whole(np.int8, 2, 3, 2), scales, np.array([3, -8, 5], np.int8)], opset=21, axis=1)
case("DequantizeLinear", [whole(np.int8, 2, 5), np.array([[0.5, 0.25, 0.125], [0.0625, 1, 2]])], opset=21, block_size=2, axis=1)
case("DynamicQuantizeLinear", [np.array([[0, 2, -3], [-2.6, 1.34, 0.55]])], outputs=3)
a, b = whole(np.uint8, 2, 3), whole(np.int8, 3, 4)
case("MatMulInteger", [a, b, np.array(7, np.uint8), np.array(-3, np.int8)])
case("MatMulInteger", [a, b, np.array([7, 9], np.uint8).reshape(2, 1), np.array([-3, 1, 0, 5], np.int8)], note="by lines")
out = [np.array(4.0), np.array(100, np.uint8)]
case("QLinearMatMul", [a, scale, np.array(7, np.uint8), whole(np.uint8, 3, 4), np.array(0.5), np.array(3, np.uint8), *out], opset=21)
image, weights = whole(np.uint8, 1, 2, 4, 4), whole(np.int8, 3, 2, 2, 2)
case("ConvInteger", [image, weights, np.array(9, np.uint8)], pads=[1, 0, 1, 0], strides=[1, 2])
case(
    "QLinearConv", [image, scale, np.array(9, np.uint8), weights, scales, np.zeros(3, np.int8), *out, np.array([3, -9, 70], np.int32)],
    pads=[1, 0, 1, 0],
)  # fmt: skip
