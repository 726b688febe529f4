"""Exports networks by both exporters of PyTorch, and records what autograd gives for them.

Usage: python export.py FOLDER [NETWORK …]

FOLDER/NETWORK/EXPORTER-BATCH-PLACE.onnx, of float32; …-float64.onnx; dynamo-plain.onnx, before that exporter joins weights with what
they are multiplied by, so that every parameter is in it; reference.safetensors: the input, the targets, and of either precision the
gradients by the names of parameters. reference.json: the loss, and of each file, which of its initializers is which
parameter, and whether transposed, and the losses of five steps of gradient descent that move these.
"""

import copy
import json
import os
import sys
import warnings

import numpy as np
import onnx
import torch
from networks import NETWORKS, TanhGelu
from onnx import numpy_helper
from safetensors.numpy import save_file
from torch.nn import functional as F

warnings.filterwarnings("ignore")
BATCH, STEPS, RATE = 3, 5, 0.01
FORMS = {
    "float32": [
        *((f"{exporter}-{batch}-inside.onnx", exporter, batch, False) for exporter in ("torchscript", "dynamo") for batch in ("fixed", "symbolic")),
        ("dynamo-plain.onnx", "dynamo", "symbolic", True),
    ],
    "float64": [("torchscript-float64.onnx", "torchscript", "fixed", False), ("dynamo-float64.onnx", "dynamo", "fixed", False)],
}

# GPT-2 with the factors of its paper is not what the newer exporter writes of it, to eight digits: that file alone is looked at.
ONLY = {"gpt2-published": ["dynamo-float64.onnx"]}


def settle(module):
    """Statistics, scales and biases that are not those of a start, so that all of them count and no two are equal."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += torch.randn_like(parameter) * (0.05 if parameter.dim() == 1 else 1e-3)
    for name, buffer in module.named_buffers():
        if name.endswith("running_mean"):
            buffer.copy_(torch.randn_like(buffer) * 0.1)
        if name.endswith("running_var"):
            buffer.copy_(torch.rand_like(buffer) + 0.5)
    return module.eval()


class Gate(torch.nn.Module):
    """nn.Hardsigmoid in parts: PyTorch's own derivative of it has a sixth as float32 has it, in networks of float64 as well."""

    def forward(self, x):
        return torch.clamp(x / 6 + 0.5, 0, 1)


def in_parts(module):
    """A copy of a network of float64 with the factors that the newer exporter writes, and with derivatives that are of float64."""
    module = copy.deepcopy(module)
    for part in module.modules():
        for name, child in part.named_children():
            if isinstance(child, torch.nn.Hardsigmoid):
                setattr(part, name, Gate())
        if isinstance(part, TanhGelu):
            part.outer, part.inner = float(np.float32(part.outer)), float(np.float32(part.inner))
    return module


def loss_of(logits, targets):
    axis = 1 if logits.dim() == 4 else -1
    flat = logits.movedim(axis, -1).flatten(0, -2)
    return F.cross_entropy(flat, targets.flatten())


def descend(module, x, targets, trained):
    """The losses of five steps of the parameters that are trained, and the gradients of the first."""
    module = copy.deepcopy(module)
    losses, first = [], {}
    for step in range(STEPS + 1):
        module.zero_grad()
        loss = loss_of(module(x), targets)
        losses.append(loss.item())
        loss.backward()
        with torch.no_grad():
            for name, parameter in module.named_parameters():
                if step == 0 and parameter.grad is not None:
                    first[name] = parameter.grad.numpy().copy()
                if parameter.grad is not None and name in trained:
                    parameter -= RATE * parameter.grad
    return losses, first


def exported(module, x, path, exporter, symbolic, plain=False):
    names = {"input_names": ["x"], "output_names": ["logits"]}
    if exporter == "torchscript":
        axes = {"dynamic_axes": {"x": {0: "batch"}}} if symbolic else {}
        training = torch.onnx.TrainingMode.PRESERVE
        torch.onnx.export(module, (x,), path, dynamo=False, training=training, do_constant_folding=False, **axes, **names)
    else:
        shapes = {"dynamic_shapes": ({0: torch.export.Dim("batch")},)} if symbolic else {}
        how = {"dynamo": True, "external_data": False, "verbose": False, "optimize": not plain}
        torch.onnx.export(module, (x,), path, **how, **shapes, **names)


def parameters_of(path, module):
    """Which initializer is which parameter."""
    known = {}
    for name, parameter in module.named_parameters():
        known[name] = parameter.detach().numpy()
    table = {}
    for tensor in onnx.load(path).graph.initializer:
        array = numpy_helper.to_array(tensor)
        if array.dtype.kind != "f" or array.ndim == 0:
            continue
        for name, values in sorted(known.items(), key=lambda item: item[0] != tensor.name):
            if np.array_equal(values.reshape(-1), array.reshape(-1)):
                table[tensor.name] = {"parameter": name, "transposed": False}
                break
            if values.ndim == 2 and values.T.shape == array.shape and np.array_equal(values.T, array):
                table[tensor.name] = {"parameter": name, "transposed": True}
                break
    return table


def record(name, folder):
    make, inputs, classes = NETWORKS[name]
    torch.manual_seed(7)
    module = settle(make())
    x = inputs(BATCH)
    out = module(x)
    axis = 1 if out.dim() == 4 else -1
    targets = torch.randint(0, classes, out.movedim(axis, -1).shape[:-1])
    os.makedirs(folder, exist_ok=True)
    arrays = {"x": x.numpy(), "targets": targets.numpy().reshape(-1)}
    reference = {"rate": RATE, "files": {}}
    for precision in ("float32", "float64"):
        cast = (lambda t: t.double() if t.is_floating_point() else t) if precision == "float64" else (lambda t: t)
        network = copy.deepcopy(module).to(torch.float64) if precision == "float64" else module
        exact = in_parts(network) if precision == "float64" else module
        every = {key for key, _ in network.named_parameters()}
        losses, gradients = descend(exact, cast(x), targets, every)
        reference["loss"] = losses[0]
        if name in ONLY and precision == "float64":
            reference["published"] = loss_of(network(x), targets).item()
        for key, gradient in gradients.items():
            arrays[f"{precision}/{key}"] = gradient
        for file, exporter, batch, plain in FORMS[precision]:
            path = os.path.join(folder, file)
            if file not in ONLY.get(name, [file]):
                continue
            try:
                exported(network, cast(x), path, exporter, batch == "symbolic", plain)
            except Exception as error:  # what an exporter cannot do is none of ours
                reference["files"][file] = {"exporter": str(error)[:300]}
                continue
            table = parameters_of(path, network)
            found = {row["parameter"] for row in table.values()}
            own = losses if found == every else descend(exact, cast(x), targets, found)[0]
            reference["files"][file] = {"parameters": table, "losses": own}
            if "inside" in file:
                sidecar = file.replace("inside", "sidecar")
                model = onnx.load(path)
                aside = {"save_as_external_data": True, "location": f"{sidecar}.data", "size_threshold": 0}
                onnx.save(model, os.path.join(folder, sidecar), **aside)
                reference["files"][sidecar] = reference["files"][file]
    save_file({key: np.ascontiguousarray(value) for key, value in arrays.items()}, os.path.join(folder, "reference.safetensors"))
    with open(os.path.join(folder, "reference.json"), "w") as file:
        json.dump(reference, file)


for wanted in sys.argv[2:] or NETWORKS:
    record(wanted, os.path.join(sys.argv[1], wanted))
    print(wanted, flush=True)
