#!/usr/bin/env python3
"""Records what torch.func computes of four small networks, in float64, and the networks as ONNX, into recorded/transform.json.

    python3 test/oracle/record_transform.py            (needs PyTorch 2 and onnx; seconds)

Forces and Hessians of an energy by positions, Grad-CAM of a residual network, the product of the Hessian of a convolutional
network's loss with vectors, and a recurrent tagger of many sentences at once. Weights and inputs are drawn by the seed of the
case's name.
"""

import base64
import io
import pathlib
import sys

import torch
from torch import nn
from torch.func import functional_call, grad, hessian, jvp, vjp, vmap

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from recording import array, seed_of, write

DIGITS = 15


class Energy(nn.Module):
    """A small network of the distance of each pair, fading with it."""

    def __init__(self, atoms):
        super().__init__()
        self.pair = nn.Sequential(nn.Linear(1, 5), nn.Tanh(), nn.Linear(5, 1))
        self.i, self.j = torch.triu_indices(atoms, atoms, 1)

    def forward(self, positions):
        r = (positions[self.i] - positions[self.j]).square().sum(1).sqrt()
        return (self.pair(r[:, None])[:, 0] * torch.exp(-r)).sum()


class Residual(nn.Module):
    """Two residual blocks with batch normalization, as in a ResNet, and a head on the mean of their maps."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 4, 3, 2, 1, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
        self.a = nn.Sequential(nn.Conv2d(4, 4, 3, 1, 1, bias=False), nn.BatchNorm2d(4))
        self.b = nn.Sequential(nn.Conv2d(4, 6, 3, 2, 1, bias=False), nn.BatchNorm2d(6))
        self.short = nn.Conv2d(4, 6, 1, 2, bias=False)
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3))

    def forward(self, image):
        x = self.stem(image)
        x = torch.relu(self.a(x) + x)
        maps = torch.relu(self.b(x) + self.short(x))
        return self.head(maps), maps


class Loss(nn.Module):
    """LeNet's layers in small, and the cross-entropy."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(3, 4, 3), nn.Tanh(), nn.Flatten())
        self.head = nn.Sequential(nn.Linear(16, 8), nn.Tanh(), nn.Linear(8, 3))

    def forward(self, images, labels):
        return nn.functional.cross_entropy(self.head(self.body(images)), labels)


class Tagger(nn.Module):
    """Scores of three tags for each word: an embedding, an LSTM in both directions, a linear layer. One sentence, [words]."""

    def __init__(self):
        super().__init__()
        self.words, self.lstm, self.head = nn.Embedding(11, 4), nn.LSTM(4, 3, bidirectional=True), nn.Linear(6, 3)

    def forward(self, sentence):
        return self.head(self.lstm(self.words(sentence)[:, None])[0])[:, 0]


def exported(model, examples, outputs, **sizes):
    file = io.BytesIO()
    options = {"input_names": [*examples], "output_names": outputs, "opset_version": 18, "dynamo": False}
    torch.onnx.export(model, tuple(examples.values()), file, dynamic_axes={name: {0: size} for name, size in sizes.items()}, **options)
    return base64.b64encode(file.getvalue()).decode()


def drawn(name, make):
    torch.manual_seed(seed_of(name))
    model = make().double().eval()
    for norm in model.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.running_mean.normal_(), norm.running_var.uniform_(0.5, 2)
    return model


def numbers(arrays):
    return {name: array(value.detach().double().numpy(), DIGITS) for name, value in arrays.items()}


def energy():
    model = drawn("energy", lambda: Energy(4))
    positions, many = torch.randn(4, 3).double(), torch.randn(3, 4, 3).double()
    outputs = {"energy": model(positions), "gradient": grad(model)(positions), "hessian": hessian(model)(positions), "gradients": vmap(grad(model))(many)}
    return exported(model, {"positions": positions}, ["energy"]), {"positions": positions, "many": many}, outputs


def grad_cam():
    model = drawn("grad-cam", Residual)
    image, score = torch.randn(1, 1, 16, 16).double(), torch.tensor([[0.0, 1, 0]]).double()
    scores, maps = model(image)
    (gradient,) = vjp(model.head, maps.detach())[1](score)
    outputs = {"scores": scores, "maps": maps, "gradient": gradient}
    return exported(model, {"image": image}, ["scores", "features"], image="batch"), {"image": image, "score": score}, outputs


def product():
    model = drawn("hvp", Loss)
    images, labels = torch.randn(5, 1, 8, 8).double(), torch.randint(3, (5,))
    weights = {name: value.detach() for name, value in model.named_parameters()}
    vectors = {name: torch.randn_like(value) for name, value in weights.items()}
    gradient = grad(lambda weights: functional_call(model, weights, (images, labels)))
    products = jvp(gradient, (weights,), (vectors,))[1]
    inputs = {"images": images, "labels": labels, **{f"vector/{name}": value for name, value in vectors.items()}}
    return exported(model, {"images": images, "labels": labels}, ["loss"], images="batch", labels="batch"), inputs, products


def tagger():
    model = drawn("tagger", Tagger)
    sentences, vectors = torch.randint(11, (3, 6)), torch.randn(3, 6, 3).double()

    # The mathematics of nn.LSTM in plain operations, which torch.func maps and differentiates.
    def direction(words, suffix):
        w, u, b, c = (getattr(model.lstm, f"{name}_l0{suffix}") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
        h, cell, states = torch.zeros(3).double(), torch.zeros(3).double(), []
        for word in words.unbind(0):
            i, f, g, o = (w @ word + b + u @ h + c).chunk(4)
            cell = torch.sigmoid(f) * cell + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(cell)
            states.append(h)
        return torch.stack(states)

    def of(embedded):
        return model.head(torch.cat([direction(embedded, ""), direction(embedded.flip(0), "_reverse").flip(0)], 1))

    embedded = model.words(sentences).detach()
    assert torch.allclose(of(embedded[0]), model(sentences[0]), atol=1e-12)
    outputs = {"tags": vmap(of)(embedded), "gradient": vmap(lambda words, vector: vjp(of, words)[1](vector)[0])(embedded, vectors)}
    return exported(model, {"sentence": sentences[0]}, ["tags"], sentence="words"), {"sentences": sentences, "vectors": vectors}, outputs


def main():
    cases = {"energy": energy(), "grad-cam": grad_cam(), "hvp": product(), "tagger": tagger()}
    recorded = [{"name": name, "model": model, "inputs": numbers(inputs), "outputs": numbers(outputs)} for name, (model, inputs, outputs) in cases.items()]
    write(pathlib.Path(__file__).parent / "recorded" / "transform.json", recorded)


if __name__ == "__main__":
    main()
