"""Records one-node models of opsets 7 to 12, with inputs and the outputs that ONNX Runtime computes.

    python test/graph/record_older.py > test/graph/recorded/older.json
    npx biome format --write test/graph/recorded

Needs PyPI's `onnx`, `onnxruntime` and `numpy`. Operators that were the same then as later are in recorded/operators.json.
"""

import base64
import json

import numpy as np
import onnxruntime as ort
from onnx import helper, numpy_helper

rng = np.random.default_rng(11)
cases = []


def real(*shape):
    return np.round(rng.uniform(-2, 2, shape), 3).astype(np.float32)


def ints(*values):
    return np.array(values, np.int64)


def case(op, opset, inputs, constants=(), outputs=1, note="", **attributes):
    names = [f"x{i}" if x is not None else "" for i, x in enumerate(inputs)]
    results = [f"y{i}" for i in range(outputs)]
    node = helper.make_node(op, names, results, **attributes)
    fed = {n: np.asarray(x) for i, (n, x) in enumerate(zip(names, inputs)) if x is not None and i not in constants}
    stored = [numpy_helper.from_array(np.asarray(inputs[i]), names[i]) for i in constants]
    kind = helper.np_dtype_to_tensor_dtype
    graph = helper.make_graph(
        [node],
        op,
        [helper.make_tensor_value_info(n, kind(x.dtype), x.shape) for n, x in fed.items()],
        [helper.make_empty_tensor_value_info(r) for r in results],
        stored,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=4).SerializeToString()
    computed = ort.InferenceSession(model, providers=["CPUExecutionProvider"]).run(None, fed)
    cases.append(
        {
            "operator": op,
            "opset": opset,
            "note": note or " ".join(f"{k}={v}" for k, v in attributes.items()),
            "model": base64.b64encode(model).decode(),
            "inputs": {n: array(x) for n, x in fed.items()},
            "outputs": {n: array(y) for n, y in zip(results, computed)},
        }
    )


def array(x):
    return {"shape": list(x.shape), "data": [float(f"{v:.8g}") for v in x.astype(np.float64).ravel()]}


# What opset 13 changed.
for opset in (7, 11, 12):
    for op in ("Softmax", "LogSoftmax"):
        case(op, opset, [real(2, 3)])
        case(op, opset, [real(2, 3, 2)])
        case(op, opset, [real(2, 3, 2)], axis=2)
        case(op, opset, [real(2, 3, 2)], axis=0)
    case("Squeeze", opset, [real(1, 3, 1)])
    case("Squeeze", opset, [real(1, 3, 1)], axes=[2])
    case("Unsqueeze", opset, [real(3, 2)], axes=[0, 3])
    case("ReduceSum", opset, [real(2, 3, 2)])
    case("ReduceSum", opset, [real(2, 3, 2)], axes=[0, 2], keepdims=0)
    case("ReduceMean", opset, [real(2, 3, 2)], axes=[1], keepdims=1)
    case("ReduceMax", opset, [real(2, 3, 2)], axes=[1, 2], keepdims=0)
    case("Split", opset, [real(2, 6)], outputs=3, axis=1)
    case("Split", opset, [real(2, 5)], outputs=2, axis=1, split=[1, 4])
case("LogSoftmax", 11, [real(2, 3, 2)], axis=-1)
case("Unsqueeze", 11, [real(3, 2)], axes=[-1])

# What opset 11 changed.
for opset in (7, 10):
    case("Clip", opset, [real(7)], min=-0.5, max=0.75)
    case("Clip", opset, [real(7)], max=0.75)
    case("Clip", opset, [real(7)], min=0.25)
    case("Pad", opset, [real(2, 3)], pads=[1, 0, 0, 2], value=1.5)
    case("Pad", opset, [real(2, 3)], pads=[1, 0, 0, 2])
    case("Pad", opset, [real(2, 4)], pads=[0, 2, 1, 1], mode="reflect")
    case("Pad", opset, [real(2, 3)], pads=[1, 1, 1, 1], mode="edge")
    case("DepthToSpace", opset, [real(1, 8, 2, 3)], blocksize=2)
    case("Gemm", opset, [real(3, 2), real(4, 3), real(4)], transA=1, transB=1, alpha=0.5, beta=2.0)
    case("ArgMax", opset, [real(2, 3)], axis=1, keepdims=0)
case("Gemm", 11, [real(2, 3), real(3, 4)])
case("Clip", 11, [real(7), np.float32(-0.5), np.float32(0.75)], constants=(1, 2))
case("Pad", 11, [real(2, 3), ints(1, 0, 0, 2), np.float32(1.5)], constants=(1, 2))

# What opset 10 changed.
for opset in (7, 9):
    case("Slice", opset, [real(4, 5)], starts=[1, 0], ends=[4, 3])
    case("Slice", opset, [real(4, 5)], starts=[-3], ends=[2**31 - 1], axes=[1])
    case("Dropout", opset, [real(2, 3)], ratio=0.3)
    case("MaxPool", opset, [real(1, 2, 5, 6)], kernel_shape=[3, 2], strides=[2, 1], pads=[1, 1, 1, 1])
    case("AveragePool", opset, [real(1, 2, 5, 6)], kernel_shape=[3, 2], strides=[2, 1], pads=[1, 1, 1, 1])
case("Slice", 10, [real(4, 5), ints(1, 0), ints(4, 3)], constants=(1, 2))
case("Dropout", 12, [real(2, 3), np.float32(0.3)], constants=(1,))

# What opset 9 changed, and brought.
x = real(2, 4, 3, 2)
statistics = [real(4), real(4), real(4), np.abs(real(4)) + np.float32(0.5)]
for opset in (7, 8, 9):
    case("BatchNormalization", opset, [x, *statistics], epsilon=1e-3)
case("OneHot", 9, [ints(0, 2, -1), ints(4), np.array([0, 1], np.float32)], constants=(1, 2))
case("Where", 9, [np.array([[True], [False]]), real(2, 3), real(3)])

# What has kept its meaning.
for opset in (8, 12):
    for op in ("Max", "Min", "Sum", "Mean"):
        case(op, opset, [real(2, 3), real(3), real(2, 1)])
    case("Conv", opset, [real(2, 2, 5, 5), real(3, 2, 3, 3), real(3)], pads=[1, 1, 1, 1], strides=[2, 1])
    case("ConvTranspose", opset, [real(1, 2, 3, 4), real(2, 3, 3, 2)], strides=[2, 2], pads=[1, 0, 1, 0])
    case("PRelu", opset, [real(2, 3, 2), real(3, 1)])
    case("Selu", opset, [real(7)])
    case("Flatten", opset, [real(2, 3, 2)], axis=2)
    case("Pow", opset, [np.abs(real(2, 3)) + np.float32(0.5), real(3)])
    case("Expand", opset, [real(2, 1), ints(3, 1, 4)], constants=(1,))
    case("Tile", opset, [real(2, 1, 3), ints(1, 3, 2)], constants=(1,))

print(json.dumps(cases, separators=(",", ":")).replace('},{"operator"', '},\n{"operator"'))
