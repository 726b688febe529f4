"""PyTorch computes these as well, and both have to agree."""

import numpy as np
import torch.nn.functional as F
from case import family, ints, negative, real

case = family("pooling")


def pool(op, x, kernel, ceil=0, **a):
    n = len(x) - 2
    pads = a.get("pads", [0] * 2 * n)
    assert pads[:n] == pads[n:]
    stride = a.get("strides", 1)

    def expected(x):
        if op == "MaxPool":
            f = [None, F.max_pool1d, F.max_pool2d][n]
            return f(x, kernel, stride, pads[:n], a.get("dilations", 1), bool(ceil))
        f = [None, F.avg_pool1d, F.avg_pool2d][n]
        return f(x, kernel, stride, pads[:n], bool(ceil), bool(a.get("count_include_pad", 0)))

    more = {"ceil_mode": 1} if ceil else {}
    case(op, [real(*x)], opset=19, kernel_shape=kernel, expected=expected, **more, **a)


for op in ["MaxPool", "AveragePool"]:
    pool(op, (2, 2, 4, 4), [2, 2], strides=[2, 2])
    pool(op, (1, 2, 5, 6), [3, 2], strides=[2, 1], pads=[1, 1, 1, 1])
    pool(op, (1, 1, 5, 5), [2, 2], ceil=1, strides=[2, 2])
    pool(op, (1, 1, 6, 6), [3, 3], ceil=1, strides=[2, 2], pads=[1, 1, 1, 1])
    pool(op, (1, 2, 7), [3], strides=[2])
pool("MaxPool", (1, 1, 6, 6), [2, 2], dilations=[2, 3])
pool("AveragePool", (1, 1, 5, 5), [3, 3], strides=[2, 2], pads=[1, 1, 1, 1], count_include_pad=1)
case("MaxPool", [negative(1, 1, 3, 3)], kernel_shape=[2, 2], auto_pad="SAME_UPPER", strides=[2, 2], note="negative, padded",
     expected=lambda x: F.max_pool2d(F.pad(x, [0, 1, 0, 1], value=-np.inf), 2))
case("MaxPool", [real(1, 2, 4, 4)], outputs=2, kernel_shape=[2, 2], strides=[2, 2], note="places")
case("MaxUnpool", [real(1, 1, 2, 2), ints(5, 7, 13, 15).reshape(1, 1, 2, 2)], kernel_shape=[2, 2], strides=[2, 2])
case("LpPool", [real(1, 2, 5, 6)], opset=18, kernel_shape=[3, 2], strides=[2, 1], pads=[1, 1, 1, 1], p=3)
case("GlobalLpPool", [real(2, 3, 2, 4)], p=3, expected=lambda x: x.abs().pow(3).sum((2, 3), keepdim=True).pow(1 / 3),
     reference=False)
case("GlobalAveragePool", [real(2, 3, 2, 4)])
case("GlobalMaxPool", [real(2, 3, 2, 4)])
