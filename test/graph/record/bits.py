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
