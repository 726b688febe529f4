"""Records a LeNet that PyTorch wrote, for test/train/imported.test.ts: python test/train/record_imported.py (torch, onnx)."""

import base64
import io
import pathlib
import sys

import torch
from torch import nn

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import recording  # noqa: E402


def lenet(width=4, outputs=10):
    return nn.Sequential(
        nn.Conv2d(1, width, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(width, 2 * width, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(2 * width * 25, 30), nn.ReLU(), nn.Linear(30, 20), nn.ReLU(), nn.Linear(20, outputs))


def main():
    torch.manual_seed(0)
    model = lenet().eval()
    file = io.BytesIO()
    torch.onnx.export(model, (torch.rand(2, 1, 28, 28),), file, input_names=["picture"], output_names=["logits"],
                      dynamic_axes={"picture": {0: "n"}, "logits": {0: "n"}}, opset_version=17, dynamo=False)
    folder = pathlib.Path(__file__).resolve().parent / "recorded"
    recording.write(folder / "imported.json", {"lenet": base64.b64encode(file.getvalue()).decode()})


if __name__ == "__main__":
    main()
