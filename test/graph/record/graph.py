from case import family, ints, real
from onnx import TensorProto, helper

case = family("graph")

case("Identity", [real(2)])
case("Dropout", [real(2, 3)])
case("Constant", [], value=real(2, 2), note="value")
case("Constant", [], value_ints=[3, 1, 2])
case("Constant", [], value_float=0.5)
case("ConstantOfShape", [ints(2, 3)], constants=(0,), value=helper.make_tensor("v", TensorProto.DOUBLE, [1], [2.5]), note="value")
case("ConstantOfShape", [ints(2)], constants=(0,))
case("Shape", [real(2, 3, 4)])
case("Shape", [real(2, 3, 4)], start=-2, end=3)
case("Size", [real(2, 3)])
