import numpy as np
from case import Drawn, family, ints, positive, real

case = family("bits")

case("Mod", [ints(-4, 7, 5, 4, -7, 8), ints(2, -3, 8, -2, 3, 5)])
case("Mod", [ints(-4, 7, 5, 4, -7, 8), ints(2, -3, 8, -2, 3, 5)], fmod=1)
case("Mod", [real(2, 3), positive(3)], fmod=1, note="floats")
case("BitShift", [np.array([16, 4, 1], np.uint8), np.array([1, 2, 3], np.uint8)], direction="RIGHT")
case("BitShift", [np.array([16, 200, 1], np.uint8), np.array([1, 2, 3], np.uint8)], direction="LEFT")
for op in ["And", "Or", "Xor"]:
    case(f"Bitwise{op}", [ints(12, -7, 255), ints(10, 3, -1)], opset=18)
    case(f"Bitwise{op}", [np.array([[12, 200]], np.uint8), np.array([10], np.uint8)], opset=18, note="bytes")
case("BitwiseNot", [ints(12, -7, 0)], opset=18)
case("BitwiseNot", [np.array([12, 255], np.uint8)], opset=18, note="bytes")
infinite = np.array([1.0, np.inf, -np.inf, np.nan, 0])
case("IsInf", [infinite], constants=(0,))
case("IsInf", [infinite], constants=(0,), detect_negative=0)
case("IsInf", [infinite], constants=(0,), detect_positive=0)
case("IsInf", [infinite], constants=(0,), detect_positive=0, detect_negative=0, note="never")
for op in ["Acos", "Asin", "Atanh"]:
    case(op, [Drawn((2, 3), -0.9, 0.9)])
case("Asinh", [real(2, 3)])
case("Acosh", [Drawn((2, 3), 1.1, 3)])
groups = {
    "ngram_counts": [0, 4], "ngram_indexes": [0, 1, 2, 3, 4, 5, 6], "pool_int64s": [2, 3, 5, 4, 5, 6, 7, 8, 6, 7],
    "max_gram_length": 2,
}
sequences = np.array([[1, 1, 3, 3, 3, 7], [8, 6, 7, 5, 6, 8]], np.int32)
case("TfIdfVectorizer", [sequences], mode="TF", min_gram_length=2, max_skip_count=5, note="pairs", **groups)
case("TfIdfVectorizer", [sequences[1]], mode="TF", min_gram_length=1, max_skip_count=0, note="ones and pairs", **groups)
case("BitCast", [np.array([1, 255, 128], np.uint8)], opset=26, to=3)
