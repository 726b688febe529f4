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
