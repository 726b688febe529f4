"""A model whose weights are partly equal, partly shared, through both exporters of PyTorch, with the derivatives that PyTorch finds."""

import base64
import io
import logging
import tempfile
import warnings

import torch
from torch import nn


class Model(nn.Module):
    """Two equal norms, two copies of a layer, a layer that is applied twice, and an embedding that is the output."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(7, 4)
        self.norms = nn.ModuleList(nn.LayerNorm(4) for _ in range(2))
        copied = nn.Linear(4, 4)
        self.copies = nn.ModuleList(nn.Linear(4, 4) for _ in range(2))
        for copy in self.copies:
            copy.load_state_dict(copied.state_dict())
        self.shared = nn.Linear(4, 4)
        nn.init.zeros_(self.shared.bias)
        self.output = nn.Linear(4, 7, bias=False)
        self.output.weight = self.embedding.weight

    def forward(self, tokens):
        x = self.norms[0](self.embedding(tokens))
        x = self.copies[1](torch.tanh(self.copies[0](x)))
        x = self.shared(torch.tanh(self.shared(x)))
        return self.output(self.norms[1](x))


def recorded():
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    torch.manual_seed(0)
    model = Model().eval()
    tokens = torch.tensor([[1, 4, 2], [6, 0, 4]])
    torch.sin(model(tokens)).sum().backward()
    slopes = {name: parameter.grad for name, parameter in model.named_parameters()}
    found = []
    for dynamo in (False, True):
        if dynamo:
            with tempfile.NamedTemporaryFile(suffix=".onnx") as file:
                torch.onnx.export(model, (tokens,), file.name, dynamo=True, external_data=False, verbose=False)
                data = open(file.name, "rb").read()
        else:
            file = io.BytesIO()
            torch.onnx.export(model, (tokens,), file, dynamo=False, opset_version=17, input_names=["tokens"])
            data = file.getvalue()
        found.append(
            {
                "exporter": "newer" if dynamo else "older",
                "model": base64.b64encode(data).decode(),
                "tokens": {"shape": [2, 3], "data": tokens.flatten().tolist()},
                "slopes": {
                    name: {"shape": list(slope.shape), "data": slope.flatten().tolist()} for name, slope in slopes.items()
                },
            }
        )
    return found
