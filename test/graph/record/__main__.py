"""Records what the standard's reference implementation and PyTorch compute, one file a family, beside this folder.

    python test/graph/record                       every family of operators, and what else stands in recorded/
    python test/graph/record movement pooling      some of them
    python test/graph/record --case "Relu 17"      prints one case alone; the same as among the others

Needs PyPI's `onnx`, `onnxruntime`, `numpy` and `torch`. What a case draws depends on its name alone (see `case.py`), so a new case adds its
own lines to the file of its family and changes no other.
"""

import argparse
import importlib
import pathlib
import sys

here = pathlib.Path(__file__).resolve().parent
sys.path.append(str(here.parents[1] / "support"))

from case import CASES, recorded  # noqa: E402
from recording import formatted, write  # noqa: E402

OPERATORS = [
    "activation", "attention", "bits", "classical", "control", "convolution", "elementwise", "graph", "indexing",
    "linear-algebra", "loss", "movement", "normalization", "pooling", "quantization", "recurrent", "reduction", "sampling",
    "signals",
]
# Each a file of its own: nodes of older opsets; models and modules of PyTorch; tensors; rounding to narrow types; weights that exporters join; what the converter of ONNX makes of operators.
OTHERS = ["older", "models", "modules", "tensors", "narrow", "joined", "upgrades"]

parser = argparse.ArgumentParser()
parser.add_argument("families", nargs="*", metavar="FAMILY", help=f"{', '.join(OPERATORS + OTHERS)}; all unless named")
parser.add_argument("--case", action="append", default=[], help="the name of an operator's case: operator, opset, note")
arguments = parser.parse_args()
unknown = set(arguments.families) - set(OPERATORS + OTHERS)
if unknown:
    parser.error(f"no such family: {', '.join(sorted(unknown))}; there are {', '.join(OPERATORS + OTHERS)}")

families = arguments.families or OPERATORS + OTHERS
for family in [*OPERATORS, "older"]:
    if family in families:
        importlib.import_module(family.replace("-", "_"))

if arguments.case:
    by_name = {case.full_name: case for cases in CASES.values() for case in cases}
    missing = [name for name in arguments.case if name not in by_name]
    if missing:
        parser.error(f"no such case: {', '.join(missing)}")
    print(formatted([recorded(by_name[name]) for name in arguments.case]))
else:
    folder = here.parent / "recorded"
    for family, cases in CASES.items():
        write(folder / ("" if family == "older" else "operators") / f"{family}.json", [recorded(case) for case in cases])
    # The last of these reads what was written of operators.
    for name in OTHERS[1:]:
        if name in families:
            write(folder / f"{name}.json", importlib.import_module(name).recorded())
