"""Small models exported by PyTorch, with inputs and the outputs that PyTorch computes.

Weights and inputs of a model come of a seed of its own: that of its name and opset, unless one is named.
"""

import base64
import io
import warnings

import torch
from recording import array, seed_of
from torch import nn

warnings.filterwarnings("ignore")


class ConvNet(nn.Module):
    """The flattening is written as programs write it: exporters make a chain of Shape, Gather, Concat and Reshape of it."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(4, 6, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(6), nn.SiLU(), nn.Dropout(0.5),
        )
        self.head = nn.Linear(6 * 2 * 2, 5)
        for module in self.features:
            if isinstance(module, nn.BatchNorm2d):
                nn.init.uniform_(module.running_mean, -0.3, 0.3)
                nn.init.uniform_(module.running_var, 0.5, 1.5)
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.uniform_(module.bias, -0.3, 0.3)

    def forward(self, x):
        x = self.features(x)
        return self.head(x.view(x.size(0), -1))


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(3, 8), nn.GELU(), nn.LayerNorm(8), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 2), nn.Softplus()
        )

    def forward(self, x):
        return self.layers(x)


class Attention(nn.Module):
    """Sizes computed from the input: a batch and a sequence that are both open, heads split and joined again."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(7, 8)
        self.qkv = nn.Linear(8, 24)
        self.norm = nn.GroupNorm(2, 8)
        self.out = nn.Linear(8, 4)

    def forward(self, ids):
        x = self.embed(ids)
        batch, length, width = x.shape
        q, k, v = self.qkv(x).view(batch, length, 2, 3 * width // 2).permute(0, 2, 1, 3).chunk(3, dim=-1)
        weights = (q @ k.transpose(-2, -1) / 2.0).softmax(-1)
        x = x + (weights @ v).permute(0, 2, 1, 3).reshape(batch, length, width)
        x = self.norm(x.transpose(1, 2)).mean(-1)
        return self.out(x * x.new_ones(batch, width)).log_softmax(-1)


def record(name, make, draw, opset, axes, seed=None, **options):
    torch.manual_seed(seed_of(f"{name} {opset}") if seed is None else seed)
    model, x = make().eval(), draw()
    file = io.BytesIO()
    torch.onnx.export(
        model, (x,), file, input_names=["x"], output_names=["y"], dynamic_axes={"x": axes, "y": {0: "batch"}},
        opset_version=opset, dynamo=False, **options,
    )
    with torch.no_grad():
        y = model(x)
    return {
        "name": name,
        "opset": opset,
        "model": base64.b64encode(file.getvalue()).decode(),
        "x": array(x.numpy(), 8),
        "y": array(y.numpy(), 8),
    }


# What keeps batch normalization in the file: exporters fold it into the convolution before it where they can.
WHOLE = {"training": torch.onnx.TrainingMode.PRESERVE, "do_constant_folding": False}


def recorded():
    batch = {0: "batch"}
    return [
        record("convolutional net", ConvNet, lambda: torch.rand(3, 1, 8, 8), 17, batch, seed=3, **WHOLE),
        record("folded convolutional net", ConvNet, lambda: torch.rand(2, 1, 8, 8), 13, batch),
        record("multi-layer perceptron", Mlp, lambda: torch.rand(4, 3) * 2 - 1, 20, batch),
        record("multi-layer perceptron", Mlp, lambda: torch.rand(4, 3) * 2 - 1, 14, batch),
        record("attention", Attention, lambda: torch.randint(0, 7, (2, 5)), 18, {0: "batch", 1: "length"}),
        record("convolutional net", ConvNet, lambda: torch.rand(2, 1, 8, 8), 9, batch, **WHOLE),
        record("attention", Attention, lambda: torch.randint(0, 7, (2, 5)), 11, {0: "batch", 1: "length"}),
        record("multi-layer perceptron", Mlp, lambda: torch.rand(4, 3) * 2 - 1, 12, batch),
    ]
