"""Records one-node ONNX models with inputs and the outputs that the standard's reference implementation computes.

    python test/graph/record_operators.py > test/graph/recorded/operators.json
    npx biome format --write test/graph/recorded

Needs PyPI's `onnx`, `numpy` and `torch`. Convolutions and pools are computed by PyTorch as well, and both have to agree.
Values are float64 where the reference implementation takes them, so that comparisons are sharp.
"""

import base64
import json
import sys

import numpy as np
import torch
import torch.nn.functional as F
from onnx import TensorProto, checker, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

rng = np.random.default_rng(7)
cases = []


def real(*shape):
    return np.round(rng.uniform(-2, 2, shape), 3)


def positive(*shape):
    return np.round(rng.uniform(0.5, 2, shape), 3)


def ints(*values):
    return np.array(values, np.int64)


def case(op, inputs, opset=17, constants=(), outputs=1, expected=None, reference=True, note="", **attributes):
    """`reference`: false where the reference implementation has a mistake, and `expected` alone counts.
    `constants`: positions of inputs that are stored in the model, as exporters store shapes and axes."""
    names = [f"x{i}" if x is not None else "" for i, x in enumerate(inputs)]
    results = [f"y{i}" for i in range(outputs)]
    node = helper.make_node(op, names, results, **attributes)
    fed = {n: np.asarray(x) for i, (n, x) in enumerate(zip(names, inputs)) if x is not None and i not in constants}
    stored = [numpy_helper.from_array(np.asarray(inputs[i]), names[i]) for i in constants if inputs[i] is not None]
    kind = helper.np_dtype_to_tensor_dtype
    graph = helper.make_graph(
        [node],
        op,
        [helper.make_tensor_value_info(n, kind(x.dtype), x.shape) for n, x in fed.items()],
        [helper.make_empty_tensor_value_info(r) for r in results],
        stored,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    computed = None
    try:
        computed = ReferenceEvaluator(model).run(None, fed)
        if expected is not None:
            np.testing.assert_allclose(computed[0], np.asarray(expected), rtol=1e-6, atol=1e-7)
    except Exception as error:
        if reference:
            raise
        print(f"{op} {attributes}: the reference implementation fails: {str(error).strip().splitlines()[0]}", file=sys.stderr)
    if expected is not None:
        computed = [np.asarray(expected)]
    cases.append(
        {
            "operator": op,
            "opset": opset,
            "note": note or " ".join(f"{k}={v}" for k, v in attributes.items()),
            "model": base64.b64encode(model.SerializeToString()).decode(),
            "inputs": {n: array(x) for n, x in fed.items()},
            "outputs": {n: array(y) for n, y in zip(results, computed)},
        }
    )


def array(x):
    x = np.asarray(x)
    flat = x.astype(np.float64).ravel()
    return {"shape": list(x.shape), "data": [None if np.isnan(v) else float(f"{v:.10g}") for v in flat]}


# elementwise
for op in ["Neg", "Abs", "Sign", "Exp", "Sin", "Cos", "Tan", "Atan", "Sinh", "Cosh", "Tanh", "Erf", "Floor", "Ceil"]:
    case(op, [real(2, 3)])
for op in ["Sigmoid", "Relu", "Softplus", "Softsign", "Elu", "Celu", "Selu", "LeakyRelu", "HardSigmoid", "HardSwish"]:
    case(op, [real(2, 3)])
case("Mish", [real(2, 3)], opset=18)
case("ThresholdedRelu", [real(2, 3)])
for op in ["Elu", "LeakyRelu", "ThresholdedRelu", "Celu"]:
    case(op, [real(7)], alpha=0.3)
case("HardSigmoid", [real(7)], alpha=0.3, beta=0.25)
case("Selu", [real(7)], alpha=1.5, gamma=0.75)
case("Gelu", [real(7)], opset=20)
case("Gelu", [real(7)], opset=20, approximate="tanh")
case("PRelu", [real(2, 3, 2), np.array([[0.25], [0.5], [-1]])])
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
case("Clip", [real(7), np.array(-0.5), np.array(0.75)], constants=(1, 2))
case("Clip", [real(7), None, np.array(0.75)], constants=(2,), note="no lower bound")
case("Clip", [real(7), np.array(0.25)], note="lower bound as an input")
case("Cast", [real(4)], to=TensorProto.INT64)
case("Cast", [np.array([0.0, -2.0, 0.5])], to=TensorProto.BOOL)
case("CastLike", [np.array([1, 2, -3], np.int32), real(1)])

# linear algebra
for a, b in [((2, 3), (3, 4)), ((5, 2, 3), (3, 4)), ((2, 1, 2, 3), (4, 3, 2)), ((3,), (3, 2)), ((2, 3), (3,)), ((3,), (3,))]:
    case("MatMul", [real(*a), real(*b)], note=f"{a} {b}")
case("Gemm", [real(2, 3), real(3, 4), real(4)])
case("Gemm", [real(3, 2), real(4, 3), real(2, 1)], transA=1, transB=1, alpha=0.5, beta=2.0)
case("Gemm", [real(2, 3), real(4, 3)], transB=1)

# reductions
for op in ["Sum", "Mean", "Max", "Min", "Prod", "L1", "L2", "LogSum", "LogSumExp", "SumSquare"]:
    data = positive(2, 3, 2)
    case(f"Reduce{op}", [data], note="all")
    if op == "Sum":
        case("ReduceSum", [data, ints(-1)], constants=(1,), keepdims=0)
        case("ReduceSum", [data], noop_with_empty_axes=1)
    else:
        case(f"Reduce{op}", [data], axes=[0, 2], keepdims=1)
    case(f"Reduce{op}", [data, ints(1, -1)], opset=18, constants=(1,), keepdims=0)
    case(f"Reduce{op}", [data, ints(1)], opset=20, constants=(1,))
ties = np.array([[1.0, 3.0, 3.0], [2.0, -1.0, 2.0]])
for op in ["ArgMax", "ArgMin"]:
    case(op, [ties], axis=1)
    case(op, [ties], axis=-1, keepdims=0, select_last_index=1)
for exclusive in (0, 1):
    for reverse in (0, 1):
        case("CumSum", [real(2, 4), np.array(1, np.int64)], constants=(1,), exclusive=exclusive, reverse=reverse)

# activations along an axis
for op in ["Softmax", "LogSoftmax"]:
    case(op, [real(2, 3, 2)])
    case(op, [real(2, 3)], axis=0)

# movement
case("Reshape", [real(2, 6), ints(0, 3, -1)], constants=(1,))
case("Transpose", [real(2, 3, 4)], perm=[2, 0, 1])
case("Transpose", [real(2, 3)])
case("Expand", [real(2, 1), ints(3, 1, 4)], constants=(1,))
case("Concat", [real(2, 3), real(2, 1), real(2, 2)], axis=-1)
data = real(4, 5)
case("Slice", [data, ints(1, 0), ints(4, 3)], constants=(1, 2))
case("Slice", [data, ints(-1), ints(-(2**63)), ints(1), ints(-2)], constants=(1, 2, 3, 4), note="backwards")
case("Slice", [data, ints(-3), ints(2**63 - 1), ints(-1)], constants=(1, 2, 3), note="the last three")
case("Gather", [real(3, 2), ints(2, 0, -1)], constants=(1,))
case("Gather", [real(2, 3), np.array([[0, 2]], np.int32)], axis=1)
case("Gather", [real(2, 3), np.array(1, np.int64)], constants=(1,), axis=-1, note="scalar index")
case("Pad", [real(2, 3), ints(1, 0, 0, 2), np.array(1.5)], constants=(1, 2))
case("Pad", [real(2, 4), ints(0, 2, 1, 1)], constants=(1,), mode="reflect")
case("Pad", [real(2, 3), ints(1, 1, 1, 1)], constants=(1,), mode="edge")
case("Pad", [real(2, 3), ints(2, 1), None, ints(1)], opset=19, constants=(1, 3), mode="wrap")
square = real(3, 3)
case("Pad", [square, ints(-1, 1, 0, 0)], constants=(1,), note="crop", reference=False,
     expected=np.pad(square[1:], [(0, 0), (1, 0)]))
case("Squeeze", [real(1, 3, 1)])
case("Squeeze", [real(1, 3, 1), ints(-1)], constants=(1,))
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
     expected=[[0, 0, 0, 0], [0, 1, 0, 0]])
case("OneHot", [np.array([[1, 0], [2, 1]], np.int64), ints(3)[0], np.array([-1.0, 2.0])], constants=(1, 2), axis=1)
depth = torch.tensor(real(1, 8, 2, 3))
case("DepthToSpace", [depth.numpy()], blocksize=2)
case("DepthToSpace", [depth.numpy()], blocksize=2, mode="CRD", expected=F.pixel_shuffle(depth, 2))
case("SpaceToDepth", [real(1, 2, 4, 6)], blocksize=2)

# the graph itself
case("Identity", [real(2)])
case("Dropout", [real(2, 3)])
case("Constant", [], value=numpy_helper.from_array(real(2, 2)))
case("Constant", [], value_ints=[3, 1, 2])
case("Constant", [], value_float=0.5)
case("ConstantOfShape", [ints(2, 3)], constants=(0,), value=helper.make_tensor("v", TensorProto.DOUBLE, [1], [2.5]))
case("ConstantOfShape", [ints(2)], constants=(0,))
case("Shape", [real(2, 3, 4)])
case("Shape", [real(2, 3, 4)], start=-2, end=3)
case("Size", [real(2, 3)])


# convolution and pooling, which PyTorch computes too
def conv(x, w, b=None, **a):
    x, w, b = real(*x), real(*w), None if b is None else real(b)
    pads, n = a.get("pads"), len(a["strides"]) if "strides" in a else x.ndim - 2
    t = torch.tensor(x)
    if pads:
        t = F.pad(t, [p for i in reversed(range(n)) for p in (pads[i], pads[i + n])])
    f = [None, F.conv1d, F.conv2d, F.conv3d][n]
    y = f(t, torch.tensor(w), None if b is None else torch.tensor(b), a.get("strides", 1), 0, a.get("dilations", 1), a.get("group", 1))
    case("Conv", [x, w] + ([] if b is None else [b]), expected=y, **a)


conv((2, 2, 5, 4), (3, 2, 3, 3))
conv((2, 2, 5, 5), (3, 2, 3, 3), 3, pads=[1, 1, 1, 1], strides=[2, 1])
conv((1, 4, 6, 5), (4, 2, 2, 3), 4, group=2, pads=[1, 0, 2, 1], dilations=[2, 1])
conv((1, 3, 5, 5), (3, 1, 3, 3), group=3, pads=[1, 1, 1, 1], strides=[2, 2])
conv((2, 2, 7), (3, 2, 3), 3, strides=[2], pads=[1, 1])
conv((1, 1, 3, 4, 3), (2, 1, 2, 2, 2))
x, w = real(1, 1, 5, 6), real(2, 1, 3, 2)
for kind, (before, after) in {"SAME_UPPER": ((1, 0), (1, 0)), "SAME_LOWER": ((1, 0), (1, 0))}.items():
    t = F.pad(torch.tensor(x), [before[1], after[1], before[0], after[0]])
    case("Conv", [x, w], auto_pad=kind, strides=[2, 2], expected=F.conv2d(t, torch.tensor(w), stride=2))
case("Conv", [x, w], auto_pad="VALID", expected=F.conv2d(torch.tensor(x), torch.tensor(w)))


def conv_transpose(x, w, b=None, **a):
    x, w, b = real(*x), real(*w), None if b is None else real(b)
    n = x.ndim - 2
    pads = a.get("pads", [0] * 2 * n)
    assert pads[:n] == pads[n:]
    f = [None, F.conv_transpose1d, F.conv_transpose2d][n]
    y = f(
        torch.tensor(x), torch.tensor(w), None if b is None else torch.tensor(b), a.get("strides", 1), pads[:n],
        a.get("output_padding", 0), a.get("group", 1), a.get("dilations", 1),
    )
    case("ConvTranspose", [x, w] + ([] if b is None else [b]), expected=y, reference="group" not in a, **a)


conv_transpose((2, 2, 3, 3), (2, 3, 3, 3), 3)
conv_transpose((1, 2, 3, 4), (2, 3, 3, 2), strides=[2, 2], pads=[1, 0, 1, 0])
conv_transpose((1, 2, 3, 3), (2, 3, 3, 3), 3, strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 1])
conv_transpose((1, 4, 3, 3), (4, 2, 2, 2), group=2, dilations=[2, 1])
conv_transpose((1, 2, 4), (2, 3, 3), strides=[2])


def pool(op, x, kernel, ceil=0, **a):
    x = real(*x)
    n = x.ndim - 2
    pads = a.get("pads", [0] * 2 * n)
    assert pads[:n] == pads[n:]
    t, stride = torch.tensor(x), a.get("strides", 1)
    if op == "MaxPool":
        f = [None, F.max_pool1d, F.max_pool2d][n]
        y = f(t, kernel, stride, pads[:n], a.get("dilations", 1), bool(ceil))
    else:
        f = [None, F.avg_pool1d, F.avg_pool2d][n]
        y = f(t, kernel, stride, pads[:n], bool(ceil), bool(a.get("count_include_pad", 0)))
    more = {"ceil_mode": 1} if ceil else {}
    case(op, [x], opset=19, kernel_shape=kernel, expected=y, **more, **a)


for op in ["MaxPool", "AveragePool"]:
    pool(op, (2, 2, 4, 4), [2, 2], strides=[2, 2])
    pool(op, (1, 2, 5, 6), [3, 2], strides=[2, 1], pads=[1, 1, 1, 1])
    pool(op, (1, 1, 5, 5), [2, 2], ceil=1, strides=[2, 2])
    pool(op, (1, 1, 6, 6), [3, 3], ceil=1, strides=[2, 2], pads=[1, 1, 1, 1])
    pool(op, (1, 2, 7), [3], strides=[2])
pool("MaxPool", (1, 1, 6, 6), [2, 2], dilations=[2, 3])
pool("AveragePool", (1, 1, 5, 5), [3, 3], strides=[2, 2], pads=[1, 1, 1, 1], count_include_pad=1)
x = -positive(1, 1, 3, 3)
case("MaxPool", [x], kernel_shape=[2, 2], auto_pad="SAME_UPPER", strides=[2, 2], note="negative, padded",
     expected=F.max_pool2d(F.pad(torch.tensor(x), [0, 1, 0, 1], value=-np.inf), 2))
case("GlobalAveragePool", [real(2, 3, 2, 4)])
case("GlobalMaxPool", [real(2, 3, 2, 4)])

# normalization
x = real(2, 4, 3, 2)
case("BatchNormalization", [x, real(4), real(4), real(4), positive(4)], epsilon=1e-3)
s, b = real(4), real(4)
t = lambda v: torch.tensor(v)
case("InstanceNormalization", [x, s, b], expected=F.instance_norm(t(x), weight=t(s), bias=t(b), eps=float(np.float32(1e-5))))
case("LayerNormalization", [real(2, 3, 4), real(4), real(4)])
case("LayerNormalization", [real(2, 3, 4), real(3, 4)], axis=1, epsilon=0.01)
case("GroupNormalization", [x, s, b], opset=21, num_groups=2, expected=F.group_norm(t(x), 2, t(s), t(b), float(np.float32(1e-5))))
s2, b2 = real(2), real(2)
case("GroupNormalization", [x, s2, b2], opset=18, num_groups=2,
     expected=F.group_norm(t(x), 2, t(s2.repeat(2)), t(b2.repeat(2)), float(np.float32(1e-5))))

# losses
scores, labels, weights = real(3, 4), ints(1, 0, 3), positive(4)
logp = np.log(np.exp(scores) / np.exp(scores).sum(1, keepdims=True))
for reduction in ["none", "mean", "sum"]:
    case("SoftmaxCrossEntropyLoss", [scores, labels], outputs=2, reduction=reduction)
    case("NegativeLogLikelihoodLoss", [logp, labels, weights], reduction=reduction)
    case("SoftmaxCrossEntropyLoss", [real(2, 3, 2), np.array([[0, 2], [1, 1]], np.int64)], reduction=reduction)
    case("NegativeLogLikelihoodLoss", [logp, labels], reduction=reduction, ignore_index=0)
case("SoftmaxCrossEntropyLoss", [scores, ints(1, -100, 3), weights], ignore_index=-100)

print(json.dumps(cases, separators=(",", ":")).replace('},{"operator"', '},\n{"operator"'))
