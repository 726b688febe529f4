#!/usr/bin/env python3
"""Checks a bundle's ONNX files from outside: the standard's own checker, and Python's onnxruntime on given inputs.

    python3 test/oracle/check_onnx.py CASES.json       (needs onnx, onnxruntime and numpy; "-" reads standard input)

CASES.json:
    { "bundle": "path/of/the/bundle",
      "cases": [ { "file": "adapt.onnx",
                   "inputs":  { "support_x": { "dtype": "float32", "shape": [5, 28, 28, 1], "data": [...] }, ... },
                   "outputs": { "support_loss": { "shape": [6], "data": [...] }, ... },
                   "tolerance": 1e-5 } ] }

A bundle's path is relative to the working directory. Outputs that a case does not name are not compared. A difference
counts relative to the expected output's largest entry, or absolutely where that is below 1.

Prints one line a check, starting with "ok" or "FAILED". Exit status: 0 all passed, 1 one failed, 2 the call was wrong.
"""

import json
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime

FILES = ("predict.onnx", "adapt.onnx")
OPTIONAL = ("predict-transductive.onnx", "adapt.*.onnx")


def tensor(described):
    return np.array(described["data"], dtype=described.get("dtype", "float64")).reshape(described["shape"])


def check_model(path):
    """The standard's checker with full shape inference, and that nothing but the default domain is used."""
    onnx.checker.check_model(str(path), full_check=True)
    model = onnx.load(str(path))
    foreign = [entry.domain for entry in model.opset_import if entry.domain not in ("", "ai.onnx")]
    if foreign:
        raise ValueError(f"uses the operator sets {', '.join(foreign)}; only ai.onnx was expected")
    return f"onnx.checker, opset {model.opset_import[0].version}, IR {model.ir_version}"


def check_case(path, case):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = list(case["outputs"])
    results = session.run(names, {name: tensor(described) for name, described in case["inputs"].items()})
    worst = 0.0
    for name, result in zip(names, results):
        expected = tensor(case["outputs"][name]).astype(np.float64)
        if result.shape != expected.shape:
            raise ValueError(f"{name} has shape {list(result.shape)}; {list(expected.shape)} was expected")
        if expected.size == 0:
            continue
        difference = np.abs(result.astype(np.float64) - expected).max() / max(1.0, np.abs(expected).max())
        if not difference <= case["tolerance"]:
            raise ValueError(f"{name} differs by {difference:.2e}; at most {case['tolerance']:.0e} was expected")
        worst = max(worst, difference)
    return f"onnxruntime {onnxruntime.__version__}, {len(names)} outputs, largest difference {worst:.1e}"


def report(label, check, *arguments):
    try:
        print(f"ok {label}: {check(*arguments)}", flush=True)
        return True
    except Exception as error:
        print(f"FAILED {label}: {' '.join(str(error).split())}", flush=True)
        return False


def main(arguments):
    if len(arguments) != 1:
        print("one argument was expected: the JSON file of cases, or - for standard input", file=sys.stderr)
        return 2
    try:
        text = sys.stdin.read() if arguments[0] == "-" else pathlib.Path(arguments[0]).read_text()
        request = json.loads(text)
        bundle, cases = pathlib.Path(request["bundle"]), request.get("cases", [])
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"{arguments[0]} is no JSON with a bundle and its cases: {error}", file=sys.stderr)
        return 2
    files = [*FILES, *sorted(path.name for pattern in OPTIONAL for path in bundle.glob(pattern))]
    passed = [report(file, check_model, bundle / file) for file in files]
    for number, case in enumerate(cases, 1):
        passed.append(report(f"{case['file']} case {number}", check_case, bundle / case["file"], case))
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
