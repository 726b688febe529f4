"""Runs a bundle's files in stock ONNX Runtime for Python on what `shifts --samples` wrote, and compares the answers.

    python3 check_samples.py SAMPLES.safetensors BUNDLE

Ends with status 1 where logits or support losses are apart by more than 1e-3 of their largest, or a share of right answers is another.
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime as ort

KINDS = {"F32": np.float32, "I32": np.int32, "I64": np.int64}
MOST_APART = 1e-3


def read(path):
    """The arrays of a safetensors file by name."""
    raw = Path(path).read_bytes()
    length = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + length])
    header.pop("__metadata__", None)
    arrays = {}
    for name, entry in header.items():
        start, end = (8 + length + at for at in entry["data_offsets"])
        arrays[name] = np.frombuffer(raw[start:end], KINDS[entry["dtype"]]).reshape(entry["shape"])
    return arrays


def apart(found, expected):
    # A loss near zero is rounding alone.
    return float(np.max(np.abs(found - expected)) / max(1e-2, np.max(np.abs(expected))))


def main(samples, bundle):
    arrays = read(samples)
    options = ort.SessionOptions()
    options.log_severity_level = 3
    adapt = ort.InferenceSession(str(Path(bundle) / "adapt.onnx"), options, providers=["CPUExecutionProvider"])
    predict = ort.InferenceSession(str(Path(bundle) / "predict.onnx"), options, providers=["CPUExecutionProvider"])
    default = json.loads((Path(bundle) / "manifest.json").read_text())["innerLoop"]["steps"]
    inputs = {it.name for it in adapt.get_inputs()} | {it.name for it in adapt.get_overridable_initializers()}
    outputs = [it.name for it in adapt.get_outputs()]
    names = {it.name for it in predict.get_inputs()} | {it.name for it in predict.get_overridable_initializers()}
    worst, other, compared = 0.0, 0, 0
    for key in sorted(name for name in arrays if name.endswith("/logits")):
        setting, steps, rate, _ = key.rsplit("/", 3)
        feeds = {
            "support_x": arrays[f"{setting}/support_x"],
            "support_y": arrays[f"{setting}/support_y"].astype(np.int64),
            "steps": np.array(default if steps == "default" else int(steps), np.int64),
            "rate": np.array(float(rate), np.float32),
        }
        state = dict(zip(outputs, adapt.run(None, {name: value for name, value in feeds.items() if name in inputs})))
        adapted = {name[8:]: value for name, value in state.items() if name.startswith("adapted/") and name[8:] in names}
        (logits,) = predict.run(["logits"], {"query_x": arrays[f"{setting}/query_x"], **adapted})
        expected = arrays[key]
        logits = logits[:, : expected.shape[1]]
        worst = max(worst, apart(logits, expected), apart(state["support_loss"], arrays[f"{setting}/{steps}/{rate}/losses"]))
        truth = arrays[f"{setting}/query_y"]
        if (logits.argmax(1) == truth).mean() != (expected.argmax(1) == truth).mean():
            other += 1
        compared += 1
    print(f"{compared} adaptations: apart by at most {worst:.1e}, {other} with another share of right answers")
    return 0 if compared > 0 and worst <= MOST_APART and other == 0 else 1


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
