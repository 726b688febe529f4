"""Records what the standard's reference implementation and PyTorch compute, one file a family, beside this folder.

    python test/graph/record                       every family, and the models exported by PyTorch
    python test/graph/record movement pooling      some of them
    python test/graph/record --case "Relu 17"      prints one case alone; the same as among the others

Needs PyPI's `onnx`, `numpy` and `torch`. What a case draws depends on its name alone (see `case.py`), so a new case adds its
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
    "activation", "convolution", "elementwise", "graph", "linear-algebra", "loss", "movement", "normalization", "pooling",
    "reduction",
]

parser = argparse.ArgumentParser()
parser.add_argument("families", nargs="*", metavar="FAMILY", help=f"{', '.join(OPERATORS)}, models; all unless named")
parser.add_argument("--case", action="append", default=[], help="the name of an operator's case: operator, opset, note")
arguments = parser.parse_args()
unknown = set(arguments.families) - {*OPERATORS, "models"}
if unknown:
    parser.error(f"no such family: {', '.join(sorted(unknown))}; there are {', '.join(OPERATORS)} and models")

families = arguments.families or [*OPERATORS, "models"]
for family in OPERATORS:
    if family in families:
        importlib.import_module(family.replace("-", "_"))

if arguments.case:
    by_name = {case.name: case for cases in CASES.values() for case in cases}
    missing = [name for name in arguments.case if name not in by_name]
    if missing:
        parser.error(f"no such case: {', '.join(missing)}")
    print(formatted([recorded(by_name[name]) for name in arguments.case]))
else:
    for family, cases in CASES.items():
        write(here.parent / f"recorded/operators/{family}.json", [recorded(case) for case in cases])
    if "models" in families:
        import models

        write(here.parent / "recorded/models.json", models.recorded())
