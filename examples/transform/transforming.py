"""What the examples share: a PyTorch model as ONNX in float64, `innerloop transform`, and stock onnxruntime for what it writes."""

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import onnxruntime as ort
import torch

folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp())
innerloop = shlex.split(os.environ.get("INNERLOOP", "npx innerloop"))


def export(name, model, examples, outputs, **sizes):
    """Writes `name`.onnx; `examples` are tensors by the names that the inputs get, `sizes` names of open ones by input."""
    axes = {key: dict(enumerate(names)) for key, names in sizes.items()}
    options = {"input_names": [*examples], "output_names": outputs, "dynamic_axes": axes, "opset_version": 18, "dynamo": False}
    torch.onnx.export(model.eval(), tuple(examples.values()), str(folder / f"{name}.onnx"), **options)


def transform(name, *words, out):
    """`innerloop transform`; what it writes as a function of arrays by name, which gives arrays by name."""
    subprocess.run([*innerloop, "transform", folder / f"{name}.onnx", *words, "--out", folder / f"{out}.onnx"], check=True)
    session = ort.InferenceSession(folder / f"{out}.onnx")
    names = [output.name for output in session.get_outputs()]
    return lambda **arrays: dict(zip(names, session.run(None, {key.replace("__", "/"): value.numpy() for key, value in arrays.items()})))


def compare(what, ours, theirs):
    """Says how far two arrays are apart, as a share of the largest entry, and fails where that is more than rounding."""
    difference = (torch.from_numpy(ours) - theirs).abs().max().item() / theirs.abs().max().item()
    print(f"{what}: {tuple(theirs.shape)}, largest difference to torch.func {difference:.1e}")
    assert difference < 1e-9
