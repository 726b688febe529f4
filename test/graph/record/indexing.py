import numpy as np
import torch
from case import family, ints, real

case = family("indexing")


def indices(*rows, dtype=np.int64):
    return np.array(rows, dtype)


case("GatherElements", [real(3, 3), indices([1, 2, 0], [2, 0, 0])])
case("GatherElements", [real(3, 3), indices([-1, 2, 0], [1, 0, -3], [0, 0, 1], dtype=np.int32)], axis=1)
case("GatherND", [real(2, 3, 2), indices([0, 2], [1, -1])])
case("GatherND", [real(2, 3, 2), indices([[1]], [[0]])], note="of blocks")
case("GatherND", [real(2, 3, 2), indices([1], [2])], batch_dims=1)
places = indices([1, 0, 2], [0, 2, 1])
for reduction in ["none", "add", "mul", "max", "min"]:
    case("ScatterElements", [real(3, 3), places, real(2, 3)], opset=18, reduction=reduction)
    case("ScatterND", [real(4, 2), indices([1], [3]), real(2, 2)], opset=18, reduction=reduction)
case("ScatterElements", [real(2, 4), indices([1, -1], [0, 2]), real(2, 2)], axis=1)
case("ScatterND", [real(3, 3), indices([0, 1], [0, 1], [2, -1]), real(3)], opset=18, reduction="add", note="twice")
case("TensorScatter", [real(2, 1, 4, 3), real(2, 1, 2, 3), ints(1, 2)], opset=24)
case("TensorScatter", [real(2, 4, 3), real(2, 2, 3), ints(3, 1)], opset=24, mode="circular")
case("Compress", [real(3, 2), np.array([False, True, True])], axis=0)
case("Compress", [real(3, 2), np.array([True, False, True, False, True])])
case("NonZero", [np.array([[1.0, 0, 2], [0, 0, -1]])])
case("TopK", [real(3, 4), ints(3)], outputs=2, constants=(1,))
case("TopK", [real(4, 3), ints(2)], outputs=2, axis=0, largest=0)
case("TopK", [np.array([[1.0, 3, 3, 2]]), ints(2)], outputs=2, note="of equals")
case("Unique", [np.array([2.0, 1, 1, 3, 4, 3])], outputs=4)
case("Unique", [np.array([2.0, 1, 5, 3, 4])], outputs=4, note="of different ones")
case("Unique", [np.array([2.0, 1, 1, 3, 4, 3])], outputs=4, sorted=0)
case("Unique", [np.array([[1.0, 0, 0], [1, 0, 0], [2, 3, 4]])], outputs=4, axis=0)
case("NonMaxSuppression", [
    np.array([[[0, 0, 1, 1], [0, 0.1, 1, 1.1], [0, 10, 1, 11], [1, 101, 0, 100]]], np.float32),
    np.array([[[0.9, 0.75, 0.95, 0.3]]], np.float32), ints(3), np.array([0.5], np.float32), np.array([0.4], np.float32),
])
# What is computed while a graph runs: the same operators with inputs that are no constants.
case("Reshape", [real(2, 6), ints(3, 4)], note="computed")
case("Reshape", [real(2, 6), ints(0, -1, 3)], note="computed, what is kept and what is left")
case("Expand", [real(2, 1), ints(3, 1, 4)], note="computed")
case("Slice", [real(4, 5), ints(-3, 4), ints(9, 0), ints(0, 1), ints(1, -2)], note="computed")
case("Pad", [real(2, 3), ints(1, 0, 0, 2), np.array(1.5)], note="computed")
case("Pad", [real(2, 4), ints(2, 1), None, ints(1)], opset=18, mode="reflect", note="computed, reflect")
case("Tile", [real(2, 1, 3), ints(1, 3, 2)], note="computed")
case("Squeeze", [real(1, 3, 1), ints(-1)], note="computed")
case("Unsqueeze", [real(3, 2), ints(0, -1)], note="computed")
case("Split", [real(2, 5), ints(1, 4)], outputs=2, axis=1, note="computed")
case("Range", [np.array(2.0), np.array(-1.1), np.array(-0.75)], note="computed")
case("ConstantOfShape", [ints(2, 3)], note="computed")
case("OneHot", [ints(0, 2, -1), ints(4)[0], np.array([-1.0, 2.0])], note="computed")
case("CumSum", [real(2, 4), ints(-1)[0]], exclusive=1, reverse=1, note="computed")
for op in ["Sum", "Mean", "Max", "Min", "Prod", "L1", "L2", "SumSquare", "LogSumExp"]:
    case(f"Reduce{op}", [real(2, 3, 2), ints(1, -1)], opset=18, keepdims=0, note="computed")
case("ReduceSum", [real(2, 3, 2), ints(0)], opset=18, note="computed, kept")
case("CenterCropPad", [real(5, 4, 3), ints(3, 6)], opset=18, axes=[0, 1])
case("CenterCropPad", [real(5, 4), ints(3, 6)], opset=18, constants=(1,), note="constant")
case("ReverseSequence", [real(4, 3), ints(4, 1, 2)])
case("ReverseSequence", [real(3, 4), ints(4, 1, 2)], batch_axis=0, time_axis=1)
case("Trilu", [real(2, 3, 4)])
case("Trilu", [real(3, 4), ints(-1)[0]], upper=0)
case("EyeLike", [real(3, 4)], k=1)
case("EyeLike", [real(3, 3)], dtype=7, note="whole numbers")
case("Hardmax", [np.array([[1.0, 3, 3], [0, -1, -2]])])
case("Hardmax", [np.array([[1.0, 3, 3], [2, -1, -2]])], axis=0)
for equation, shapes in {
    "bij,bjk->bik": [(2, 3, 4), (2, 4, 2)],
    "...ij,jk": [(2, 3, 4), (4, 2)],
    "bii->bi": [(2, 3, 3)],
    "ii": [(3, 3)],
    "i,j,k->kij": [(2,), (3,), (4,)],
    "bhid,bhjd->bhij": [(2, 2, 3, 4), (2, 2, 5, 4)],
    "ij->ji": [(2, 3)],
    "bi,ij,bj->b": [(2, 3), (3, 4), (2, 4)],
}.items():
    case("Einsum", [real(*shape) for shape in shapes], equation=equation,
         expected=lambda *x, e=equation: torch.einsum(e, *x))
case("Det", [real(2, 3, 3)], expected=torch.det)
for exclusive in (0, 1):
    for reverse in (0, 1):
        case("CumProd", [real(2, 4), np.array(1, np.int64)], opset=26, constants=(1,), exclusive=exclusive, reverse=reverse)
case("CumProd", [real(2, 3), np.array(-2, np.int64)], opset=26, note="computed")
