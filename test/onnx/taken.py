"""The node tests of ONNX that the package onnx-ad differentiates, of those that take and give floats.

Usage: python taken.py > recorded/onnx-ad.json
"""

import contextlib
import io
import json
import signal
import sys
import warnings
from importlib.metadata import version

warnings.filterwarnings("ignore")
from onnx import TensorProto  # noqa: E402
from onnx_ad.reverse import reverse  # noqa: E402

FLOATS = {TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BFLOAT16}
SECONDS = 20


def is_float(value):
    return value.type.WhichOneof("value") == "tensor_type" and value.type.tensor_type.elem_type in FLOATS


def late(*_):
    raise TimeoutError


with contextlib.redirect_stdout(io.StringIO()):
    from onnx.backend.test.case.node import collect_testcases

    cases = collect_testcases(None)
signal.signal(signal.SIGALRM, late)
takes, asked = [], 0
for case in cases:
    graph = case.model.graph
    if not (any(map(is_float, graph.input)) and any(map(is_float, graph.output))):
        continue
    asked += 1
    signal.alarm(SECONDS)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            reverse(case.model)
        takes.append(case.name)
    except BaseException:  # whatever stops it, it does not take the case
        pass
    signal.alarm(0)
json.dump({"onnx": version("onnx"), "onnx-ad": version("onnx-ad"), "asked": asked, "takes": takes}, sys.stdout, indent=1)
print()
