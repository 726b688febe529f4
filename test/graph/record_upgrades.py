"""Records models of older opsets, and what ONNX's own version converter makes of them in opset 21.

    python test/graph/record_upgrades.py > test/graph/recorded/upgrades.json
    npx biome format --write test/graph/recorded

Needs PyPI's `onnx`. The models are those of recorded/operators.json whose nodes the converter changes.
"""

import base64
import json
import pathlib
import sys

import onnx
from onnx import version_converter

newest = 21
here = pathlib.Path(__file__).parent / "recorded"
cases = []


def nodes(model):
    return [(n.op_type, list(n.input), sorted(a.SerializeToString() for a in n.attribute)) for n in model.graph.node]


for recorded in json.loads((here / "operators.json").read_text()):
    if recorded["opset"] >= newest:
        continue
    model = onnx.load_from_string(base64.b64decode(recorded["model"]))
    try:
        converted = version_converter.convert_version(model, newest)
    except Exception as error:
        print(f"{recorded['operator']}: the converter fails: {str(error).strip().splitlines()[0]}", file=sys.stderr)
        continue
    if nodes(model) == nodes(converted) and len(model.graph.initializer) == len(converted.graph.initializer):
        continue
    del converted.graph.value_info[:]
    cases.append(
        {
            "operator": recorded["operator"],
            "opset": recorded["opset"],
            "note": recorded["note"],
            "model": recorded["model"],
            "converted": base64.b64encode(converted.SerializeToString()).decode(),
        }
    )
print(json.dumps(cases, separators=(",", ":")).replace('},{"operator"', '},\n{"operator"'))
