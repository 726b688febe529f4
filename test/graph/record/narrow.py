"""What numbers become in element types of fewer bits, as the standard's reference implementation casts them there and back."""

import numpy as np
import onnx
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

TYPES = {
    "float16": [True],
    "bfloat16": [True],
    "float8e4m3fn": [True, False],
    "float8e4m3fnuz": [True, False],
    "float8e5m2": [True, False],
    "float8e5m2fnuz": [True, False],
    "float4e2m1": [True],
    "int4": [True],
    "uint4": [True],
    "int2": [True],
    "uint2": [True],
}


def numbers(name):
    if "int" in name:
        low, high = {"int4": (-8, 7), "uint4": (0, 15), "int2": (-2, 1), "uint2": (0, 3)}[name]
        return [float(n) for n in range(low, high + 1)]
    drawn = np.random.default_rng(0).normal(size=24) * 2.0 ** np.arange(-12, 12)
    ties = [1.0625, 1.1875, 1.125, 1.375, 0.25, 0.75, 1.25, 5.0, 2.0**-10, 2.0**-11, 3 * 2.0**-11]
    large = [] if name in ("float16", "bfloat16") else [6.5, 240, 248, 250, 448, 464, 465, 57344, 61440, 61441, 1e6]
    return [float(np.float32(n)) for n in [0, 1, -1, *drawn, *ties, *large, *(-n for n in large)]]


def recorded():
    found = []
    for name, choices in TYPES.items():
        for saturate in choices:
            to = getattr(TensorProto, name.upper())
            narrow = helper.make_node("Cast", ["x"], ["n"], to=to, **({} if saturate else {"saturate": 0}))
            graph = helper.make_graph(
                [narrow, helper.make_node("Cast", ["n"], ["y"], to=TensorProto.FLOAT)],
                "g",
                [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None])],
                [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None])],
            )
            model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 25)])
            x = np.array(numbers(name), np.float32)
            (y,) = ReferenceEvaluator(model).run(None, {"x": x})
            onnx.checker.check_model(model)
            words = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
            found.append({"type": name, "saturate": saturate, "x": x.tolist(), "y": [words.get(str(n), float(n)) for n in y]})
    return found
