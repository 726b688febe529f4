"""What ONNX's own version converter makes, in opset 21, of those recorded operators whose nodes it changes."""

import base64
import json
import pathlib
import sys

import onnx
from onnx import version_converter

NEWEST = 21
HERE = pathlib.Path(__file__).resolve().parent.parent / "recorded/operators"


def nodes(model):
    return [(n.op_type, list(n.input), sorted(a.SerializeToString() for a in n.attribute)) for n in model.graph.node]


def recorded():
    cases = []
    for case in (case for file in sorted(HERE.glob("*.json")) for case in json.loads(file.read_text())):
        if case["opset"] >= NEWEST:
            continue
        model = onnx.load_from_string(base64.b64decode(case["model"]))
        try:
            converted = version_converter.convert_version(model, NEWEST)
        except Exception as error:
            print(f"{case['operator']}: the converter fails: {str(error).strip().splitlines()[0]}", file=sys.stderr)
            continue
        if nodes(model) == nodes(converted) and len(model.graph.initializer) == len(converted.graph.initializer):
            continue
        del converted.graph.value_info[:]
        cases.append(
            {
                "operator": case["operator"],
                "opset": case["opset"],
                "note": case["note"],
                "model": case["model"],
                "converted": base64.b64encode(converted.SerializeToString()).decode(),
            }
        )
    return cases
