"""The product of a loss's Hessian by all weights with a vector, of LeNet-5: what second-order optimizers and influence functions take.

    python hessian.py [FOLDER]        needs torch, onnx and onnxruntime, and innerloop (npm install innerloop)
"""

import torch
from torch import nn
from torch.func import functional_call, grad, jvp
from transforming import compare, export, transform


class Loss(nn.Module):
    """LeNet-5, and the cross-entropy of its answers."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5), nn.Tanh())
        self.head = nn.Sequential(nn.AvgPool2d(2), nn.Flatten(), nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10))

    def forward(self, images, labels):
        return nn.functional.cross_entropy(self.head(self.body(images)), labels)


torch.manual_seed(2)
model = Loss().double()
images, labels = torch.randn(8, 1, 28, 28, dtype=torch.float64), torch.randint(10, (8,))
export("lenet", model, {"images": images, "labels": labels}, ["loss"], images=["batch"], labels=["batch"])

weights = {name: value.detach() for name, value in model.named_parameters()}
vectors = {name: torch.randn_like(value) for name, value in weights.items()}
product = transform("lenet", "hvp", "--of", "loss", "--wrt", "/^(body|head)/", out="lenet-hvp")
ours = product(images=images, labels=labels, **{f"vector__{name}": value for name, value in vectors.items()})

gradient = grad(lambda weights: functional_call(model, weights, (images, labels)))
_, theirs = jvp(gradient, (weights,), (vectors,))
for name, value in theirs.items():
    compare(name, ours[f"hvp/{name}"], value)
