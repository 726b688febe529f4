"""PyTorch computes all of these as well, and both have to agree."""

import torch.nn.functional as F
from case import family, real

case = family("convolution")


def named(attributes, *shapes):
    """Attributes and shapes together tell the cases apart."""
    return " ".join([f"{key}={value}" for key, value in attributes.items()] + [f"{list(shape)}" for shape in shapes])


def conv(x, w, b=None, **a):
    n = len(x) - 2
    pads = a.get("pads", [0] * 2 * n)

    def expected(x, w, b=None):
        padded = F.pad(x, [p for i in reversed(range(n)) for p in (pads[i], pads[i + n])])
        f = [None, F.conv1d, F.conv2d, F.conv3d][n]
        return f(padded, w, b, a.get("strides", 1), 0, a.get("dilations", 1), a.get("group", 1))

    inputs = [real(*x), real(*w)] + ([] if b is None else [real(b)])
    case("Conv", inputs, expected=expected, note=named(a, x, w), **a)


conv((2, 2, 5, 4), (3, 2, 3, 3))
conv((2, 2, 5, 5), (3, 2, 3, 3), 3, pads=[1, 1, 1, 1], strides=[2, 1])
conv((1, 4, 6, 5), (4, 2, 2, 3), 4, group=2, pads=[1, 0, 2, 1], dilations=[2, 1])
conv((1, 3, 5, 5), (3, 1, 3, 3), group=3, pads=[1, 1, 1, 1], strides=[2, 2])
conv((2, 2, 7), (3, 2, 3), 3, strides=[2], pads=[1, 1])
conv((1, 1, 3, 4, 3), (2, 1, 2, 2, 2))
for kind in ["SAME_UPPER", "SAME_LOWER"]:
    case("Conv", [real(1, 1, 5, 6), real(2, 1, 3, 2)], auto_pad=kind, strides=[2, 2],
         expected=lambda x, w: F.conv2d(F.pad(x, [0, 0, 1, 1]), w, stride=2))
case("Conv", [real(1, 1, 5, 6), real(2, 1, 3, 2)], auto_pad="VALID", expected=F.conv2d)


def conv_transpose(x, w, b=None, **a):
    n = len(x) - 2
    pads = a.get("pads", [0] * 2 * n)
    assert pads[:n] == pads[n:]

    def expected(x, w, b=None):
        f = [None, F.conv_transpose1d, F.conv_transpose2d][n]
        return f(
            x, w, b, a.get("strides", 1), pads[:n], a.get("output_padding", 0), a.get("group", 1), a.get("dilations", 1)
        )

    inputs = [real(*x), real(*w)] + ([] if b is None else [real(b)])
    case("ConvTranspose", inputs, expected=expected, reference="group" not in a, note=named(a, x, w), **a)


conv_transpose((2, 2, 3, 3), (2, 3, 3, 3), 3)
conv_transpose((1, 2, 3, 4), (2, 3, 3, 2), strides=[2, 2], pads=[1, 0, 1, 0])
conv_transpose((1, 2, 3, 3), (2, 3, 3, 3), 3, strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 1])
conv_transpose((1, 4, 3, 3), (4, 2, 2, 2), group=2, dilations=[2, 1])
conv_transpose((1, 2, 4), (2, 3, 3), strides=[2])
