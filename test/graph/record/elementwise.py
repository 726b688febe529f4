import numpy as np
from case import family, ints, positive, real
from onnx import TensorProto

case = family("elementwise")

for op in ["Neg", "Abs", "Sign", "Exp", "Sin", "Cos", "Tan", "Atan", "Sinh", "Cosh", "Tanh", "Erf", "Floor", "Ceil"]:
    case(op, [real(2, 3)])
for op in ["Sigmoid", "Relu", "Softplus"]:
    case(op, [real(2, 3)])
case("Round", [np.array([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 2.51, -0.3])])
for op in ["Log", "Sqrt", "Reciprocal"]:
    case(op, [positive(2, 3)])
case("IsNaN", [np.array([1.0, np.nan, -3.0])], constants=(0,))
for op in ["Add", "Sub", "Mul", "Div"]:
    case(op, [real(2, 3, 1), positive(3, 2)], note="broadcast")
case("Pow", [positive(2, 3), real(3)])
case("Pow", [real(2, 3), ints(2)], note="whole exponent of another dtype")
for op in ["Max", "Min", "Sum", "Mean"]:
    case(op, [real(2, 3), real(3), real(2, 1)], note="three operands")
    case(op, [real(2)], note="one operand")
for op in ["Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal"]:
    case(op, [np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1.0, 3.0])])
for op in ["And", "Or", "Xor"]:
    case(op, [np.array([[True, False]]), np.array([[True], [False]])])
case("Not", [np.array([True, False])])
case("Where", [np.array([[True], [False]]), real(2, 3), real(3)])
case("Cast", [real(4)], to=TensorProto.INT64)
case("Cast", [np.array([0.0, -2.0, 0.5])], to=TensorProto.BOOL)
case("CastLike", [np.array([1, 2, -3], np.int32), real(1)])
