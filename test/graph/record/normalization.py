import numpy as np
import torch.nn.functional as F
from case import family, positive, real

case = family("normalization")
EPSILON = float(np.float32(1e-5))

case("BatchNormalization", [real(2, 4, 3, 2), real(4), real(4), real(4), positive(4)], epsilon=1e-3)
case("InstanceNormalization", [real(2, 4, 3, 2), real(4), real(4)],
     expected=lambda x, s, b: F.instance_norm(x, weight=s, bias=b, eps=EPSILON))
case("LayerNormalization", [real(2, 3, 4), real(4), real(4)])
case("LayerNormalization", [real(2, 3, 4), real(3, 4)], axis=1, epsilon=0.01)
case("GroupNormalization", [real(2, 4, 3, 2), real(4), real(4)], opset=21, num_groups=2,
     expected=lambda x, s, b: F.group_norm(x, 2, s, b, EPSILON))
case("GroupNormalization", [real(2, 4, 3, 2), real(2), real(2)], opset=18, num_groups=2,
     expected=lambda x, s, b: F.group_norm(x, 2, s.repeat_interleave(2), b.repeat_interleave(2), EPSILON))
case("RMSNormalization", [real(2, 3, 4), real(4)], opset=23)
case("RMSNormalization", [real(2, 3, 4), real(3, 4)], opset=23, axis=1, epsilon=0.01)
case("LpNormalization", [real(2, 3, 4)], axis=1)
case("LpNormalization", [real(2, 3, 4)], p=1, reference=False, expected=lambda x: F.normalize(x, 1, -1))


def response(size, alpha=float(np.float32(1e-4)), beta=0.75, bias=1.0):
    """Over the neighbours of each channel, one more of them behind it than before where the size is even."""
    low = (size - 1) // 2

    def expected(x):
        around = F.pad(x * x, [0, 0, 0, 0, low, size - 1 - low])
        return x / (bias + alpha / size * sum(around[:, i:i + x.shape[1]] for i in range(size))) ** beta

    return expected


case("LRN", [real(2, 5, 2, 3)], size=3, alpha=0.5, beta=0.75, bias=2.0, reference=False, expected=response(3, 0.5, 0.75, 2.0))
case("LRN", [real(2, 5, 2, 3)], size=4, reference=False, expected=response(4))
case("MeanVarianceNormalization", [real(2, 3, 2, 4)], reference=False,
     expected=lambda x: (x - x.mean((0, 2, 3), keepdim=True)) / (x.var((0, 2, 3), unbiased=False, keepdim=True).sqrt() + 1e-9))
case("BatchNormalization", [real(2, 4, 3, 2), real(4), real(4), real(4), positive(4)], outputs=3, training_mode=1, momentum=0.7)
