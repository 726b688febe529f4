import numpy as np
import torch
import torch.nn.functional as F
from case import family, ints, real

case = family("movement")

case("Reshape", [real(2, 6), ints(0, 3, -1)], constants=(1,))
case("Transpose", [real(2, 3, 4)], perm=[2, 0, 1])
case("Transpose", [real(2, 3)])
case("Expand", [real(2, 1), ints(3, 1, 4)], constants=(1,))
case("Concat", [real(2, 3), real(2, 1), real(2, 2)], axis=-1)
case("Slice", [real(4, 5), ints(1, 0), ints(4, 3)], constants=(1, 2))
case("Slice", [real(4, 5), ints(-1), ints(-(2**63)), ints(1), ints(-2)], constants=(1, 2, 3, 4), note="backwards")
case("Slice", [real(4, 5), ints(-3), ints(2**63 - 1), ints(-1)], constants=(1, 2, 3), note="the last three")
case("Gather", [real(3, 2), ints(2, 0, -1)], constants=(1,))
case("Gather", [real(2, 3), np.array([[0, 2]], np.int32)], axis=1)
case("Gather", [real(2, 3), np.array(1, np.int64)], constants=(1,), axis=-1, note="scalar index")
case("Pad", [real(2, 3), ints(1, 0, 0, 2), np.array(1.5)], constants=(1, 2))
case("Pad", [real(2, 4), ints(0, 2, 1, 1)], constants=(1,), mode="reflect")
case("Pad", [real(2, 3), ints(1, 1, 1, 1)], constants=(1,), mode="edge")
case("Pad", [real(2, 3), ints(2, 1), None, ints(1)], opset=19, constants=(1, 3), mode="wrap")
case("Pad", [real(3, 3), ints(-1, 1, 0, 0)], constants=(1,), note="crop", reference=False,
     expected=lambda x, _: F.pad(x[1:], [1, 0]))
case("Squeeze", [real(1, 3, 1)])
case("Squeeze", [real(1, 3, 1), ints(-1)], constants=(1,), note="the last axis")
case("Unsqueeze", [real(3, 2), ints(0, -1)], constants=(1,))
case("Flatten", [real(2, 3, 2)])
for axis in (0, -1, 3):
    case("Flatten", [real(2, 3, 2)], axis=axis)
case("Split", [real(2, 6)], outputs=3, axis=1)
case("Split", [real(2, 5), ints(1, 4)], constants=(1,), outputs=2, axis=-1)
case("Split", [real(7, 2)], opset=18, outputs=3, num_outputs=3)
case("Tile", [real(2, 1, 3), ints(1, 3, 2)], constants=(1,))
case("Range", [ints(1)[0], ints(9)[0], ints(3)[0]], constants=(0, 1, 2))
case("Range", [np.array(2.0), np.array(-1.0), np.array(-0.75)], constants=(0, 1, 2), note="float, downwards")
case("OneHot", [ints(0, 2, -1), ints(4)[0], np.array([0.0, 1.0])], constants=(1, 2))
case("OneHot", [ints(5, 1), ints(4), np.array([0.0, 1.0])], constants=(1, 2), note="out of range is off", reference=False,
     expected=lambda *_: torch.tensor([[0.0, 0, 0, 0], [0, 1, 0, 0]]))
case("OneHot", [np.array([[1, 0], [2, 1]], np.int64), ints(3)[0], np.array([-1.0, 2.0])], constants=(1, 2), axis=1)
case("DepthToSpace", [real(1, 8, 2, 3)], blocksize=2)
case("DepthToSpace", [real(1, 8, 2, 3)], blocksize=2, mode="CRD", expected=lambda x: F.pixel_shuffle(x, 2))
case("SpaceToDepth", [real(1, 2, 4, 6)], blocksize=2)
