import numpy as np
from case import family, ints, real
from onnx import TensorProto, helper, numpy_helper

case = family("control")
DOUBLE, INT64, BOOL = TensorProto.DOUBLE, TensorProto.INT64, TensorProto.BOOL


def value(name, shape, kind=DOUBLE):
    return helper.make_tensor_value_info(name, kind, shape)


def graph(nodes, inputs, outputs, constants=()):
    nodes = [helper.make_node(op, reads, makes, **how) for op, reads, makes, how in nodes]
    stored = [numpy_helper.from_array(np.asarray(array), name) for name, array in constants]
    return helper.make_graph(nodes, "body", inputs, outputs, stored)


STEP = [("Mul", ["s", "e"], ["p"], {}), ("Add", ["p", "e"], ["sum"], {}), ("Tanh", ["sum"], ["n"], {})]
running = graph([*STEP, ("Sin", ["n"], ["k"], {})], [value("s", [2]), value("e", [2])], [value("n", [2]), value("k", [2])])
case("Scan", [real(2), real(3, 2)], outputs=2, note="one state", body=running, num_scan_inputs=1)
two = graph(
    [("Add", ["a", "x"], ["a2"], {}), ("Mul", ["b", "y"], ["b2"], {}), ("Sub", ["a2", "b2"], ["d"], {})],
    [value(n, [2]) for n in ("a", "b", "x", "y")],
    [value(n, [2]) for n in ("a2", "b2", "d")],
)
case("Scan", [real(2), real(2), real(3, 2), real(3, 2)], outputs=3, note="two states", body=two, num_scan_inputs=2)
# The reference implementation knows no other directions and axes: numpy does.
FORWARD = lambda s, xs: [s := np.tanh(s * x + x) for x in xs]  # noqa: E731


def of_axes(s, x):
    return FORWARD(s.numpy(), np.moveaxis(x.numpy(), 1, 0)[::-1])[-1]


case("Scan", [real(2), real(2, 3)], note="another axis, from its end", reference=False, expected=of_axes,
     body=graph(STEP, [value("s", [2]), value("e", [2])], [value("n", [2])]), num_scan_inputs=1,
     scan_input_axes=[1], scan_input_directions=[1])


def stacked(x, y):
    a, b = x.numpy(), y.numpy()[::-1]
    return np.stack([np.sin(u) * v for u, v in zip(a, b)][::-1], 1)


mixed = graph([("Sin", ["x"], ["u"], {}), ("Mul", ["u", "y"], ["k"], {})], [value("x", [2]), value("y", [2])], [value("k", [2])])
case("Scan", [real(3, 2), real(3, 2)], note="in both directions", reference=False, expected=stacked, body=mixed,
     num_scan_inputs=2, scan_input_directions=[0, 1], scan_output_directions=[1], scan_output_axes=[1])

for holds in (True, False):
    case("If", [np.array(holds)], opset=16, note=str(holds).lower(),
         then_branch=graph([("Sin", ["c"], ["y"], {})], [], [value("y", [3])], [("c", np.array([1.0, 2.0, 3.0]))]),
         else_branch=graph([("Cos", ["c"], ["y"], {})], [], [value("y", [3])], [("c", np.array([1.0, 2.0]).repeat([1, 2]))]))

turn = [("Cast", ["i"], ["f"], {"to": DOUBLE}), ("Add", ["s", "f"], ["t"], {}), ("Sin", ["t"], ["n"], {})]
ins = [value("i", [], INT64), value("c", [], BOOL), value("s", [2])]
outs = [value("on", [], BOOL), value("n", [2]), value("t", [2])]
counted = graph([*turn, ("Identity", ["c"], ["on"], {})], ins, outs)
case("Loop", [ints(4).reshape(()), np.array(True), real(2)], outputs=2, note="a number of turns", body=counted)
case("Loop", [ints(4).reshape(()), np.array(True), real(2)], outputs=2, note="a known number of turns", constants=[0, 1], body=counted)
stops = graph([*turn, ("Less", ["i", "two"], ["on"], {})], ins, outs, [("two", np.int64(2))])
case("Loop", [ints(9).reshape(()), np.array(True), real(2)], outputs=2, note="a condition", body=stops)
case("Loop", [ints(9).reshape(()), np.array(False), real(2)], note="no turn", constants=[1], reference=False,
     expected=lambda count, on, s: s.numpy(), body=stops)
grows = graph([("Concat", ["s", "s"], ["n"], {"axis": 0}), ("Identity", ["c"], ["on"], {})], ins, [value("on", [], BOOL), value("n", [None])])
case("Loop", [ints(2).reshape(()), np.array(True), real(2)], note="a state that grows", constants=[0, 1], body=grows)

# Before opset 9 a Scan had a batch of sequences; ONNX Runtime computes it.
older = family("control-runtime", older=True)
batched = graph(STEP, [value("s", [2], 1), value("e", [2], 1)], [value("n", [2], 1)])
older("Scan", [None, real(3, 2), real(3, 4, 2)], opset=8, note="a batch", body=batched, num_scan_inputs=1)
