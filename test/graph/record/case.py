"""A case: a model of one node, inputs for it, and what the standard's reference implementation computes of them (or ONNX Runtime, for older opsets).

`case = family("movement")`, and then `case("Squeeze", [real(1, 3, 1)])` for each. Inputs are drawn when a case is recorded,
from a generator whose seed is that of the case's name: the operator, the opset and the note. Values are float64 where the
reference implementation takes them, so that comparisons are sharp.
"""

import base64
import sys
from dataclasses import dataclass, field

import numpy as np
import onnxruntime
import torch
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from recording import array, seed_of

CASES = {}


@dataclass(frozen=True)
class Drawn:
    """An input that is drawn for the case that it stands in."""

    shape: tuple
    low: float
    high: float

    def draw(self, rng):
        return np.round(rng.uniform(self.low, self.high, self.shape), 3)


def real(*shape):
    return Drawn(shape, -2, 2)


def positive(*shape):
    return Drawn(shape, 0.5, 2)


def negative(*shape):
    return Drawn(shape, -2, -0.5)


def ints(*values):
    return np.array(values, np.int64)


@dataclass(frozen=True)
class Case:
    operator: str
    inputs: list
    opset: int
    constants: tuple
    outputs: int
    expected: object
    reference: bool
    note: str
    older: bool
    domain: str
    attributes: dict = field(default_factory=dict)

    @property
    def name(self):
        return f"{self.operator} {self.opset} {self.note}".strip()

    @property
    def full_name(self):
        """As it is recorded: with the operator's domain."""
        return f"{self.full_operator} {self.opset} {self.note}".strip()

    @property
    def full_operator(self):
        return f"{self.domain}.{self.operator}" if self.domain else self.operator


def family(name, older=False):
    """The function that adds cases to a family. Their names, and so their numbers, have to differ.

    `older`: of opsets that the reference implementation does not know: ONNX Runtime computes them, in float32."""
    cases = CASES.setdefault(name, [])

    def case(operator, inputs, opset=17, constants=(), outputs=1, expected=None, reference=True, note=None, domain="", **attributes):
        """`constants`: positions of inputs that are stored in the model, as exporters store shapes and axes.
        `expected`: a function of the inputs as tensors of PyTorch that has to agree with the reference implementation.
        `domain`: of the operator, of version 1, where it is not ONNX's own.
        `reference`: false where the reference implementation has a mistake, and `expected` alone counts."""
        if note is None:
            note = " ".join(f"{key}={value}" for key, value in attributes.items())
        new = Case(operator, inputs, opset, constants, outputs, expected, reference, note, older, domain, attributes)
        if any(new.name == other.name for others in CASES.values() for other in others):
            raise SystemExit(f"two cases are called {new.name!r}: give one of them a note of its own")
        cases.append(new)

    return case


def recorded(case):
    rng = np.random.default_rng(seed_of(case.name))
    drawn = [x.draw(rng) if isinstance(x, Drawn) else None if x is None else np.asarray(x) for x in case.inputs]
    if case.older:
        drawn = [x.astype(np.float32) if x is not None and x.dtype == np.float64 else x for x in drawn]
    attributes = {
        key: numpy_helper.from_array(value.draw(rng)) if isinstance(value, Drawn) else value
        for key, value in case.attributes.items()
    }
    names = [f"x{i}" if x is not None else "" for i, x in enumerate(drawn)]
    results = [f"y{i}" for i in range(case.outputs)]
    fed = {n: x for i, (n, x) in enumerate(zip(names, drawn)) if x is not None and i not in case.constants}
    kind = helper.np_dtype_to_tensor_dtype
    graph = helper.make_graph(
        [helper.make_node(case.operator, names, results, domain=case.domain, **attributes)],
        case.operator,
        [helper.make_tensor_value_info(n, kind(x.dtype), x.shape) for n, x in fed.items()],
        [helper.make_empty_tensor_value_info(r) for r in results],
        [numpy_helper.from_array(drawn[i], names[i]) for i in case.constants if drawn[i] is not None],
    )
    others = [helper.make_opsetid(case.domain, 1)] if case.domain else []
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", case.opset), *others], ir_version=4 if case.older else 10)
    if case.older:
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        return entry(case, model, fed, dict(zip(results, session.run(None, fed))), digits=8)
    expected = None
    if case.expected is not None:
        expected = np.asarray(case.expected(*(None if x is None else torch.tensor(x) for x in drawn)))
    try:
        computed = ReferenceEvaluator(model).run(None, fed)
        if expected is not None:
            np.testing.assert_allclose(computed[0], expected, rtol=1e-6, atol=1e-7)
    except Exception as error:
        if case.reference:
            raise
        print(f"{case.name}: the reference implementation fails: {str(error).strip().splitlines()[0]}", file=sys.stderr)
    if expected is not None:
        computed = [expected]
    return entry(case, model, fed, dict(zip(results, computed)), digits=10)


def entry(case, model, inputs, outputs, digits):
    return {
        "operator": case.full_operator,
        "opset": case.opset,
        "note": case.note,
        "model": base64.b64encode(model.SerializeToString()).decode(),
        "inputs": {name: array(x, digits) for name, x in inputs.items()},
        "outputs": {name: array(np.asarray(y), digits) for name, y in outputs.items()},
    }
