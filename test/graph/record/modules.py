"""Recurrent modules of PyTorch in float64: what they give, and the first and second derivatives of a loss by autograd.

Weights are recorded as PyTorch has them; the test puts the gates into ONNX's order.
"""

import torch
from recording import array, seed_of
from torch import nn

STEPS, BATCH, SIZE, HIDDEN = 3, 2, 2, 3


def module(kind, layers, both):
    name = f"{kind} {layers} {both}"
    torch.manual_seed(seed_of(name))
    net = getattr(nn, kind)(SIZE, HIDDEN, num_layers=layers, bidirectional=both, dtype=torch.float64)
    x = torch.randn(STEPS, BATCH, SIZE, dtype=torch.float64, requires_grad=True)
    y, _ = net(x)
    loss = (y * torch.sin(y)).sum()
    named = dict(net.named_parameters())
    wanted = [x, *named.values()]
    first = torch.autograd.grad(loss, wanted, create_graph=True)
    second = torch.autograd.grad(sum((g * torch.sin(g)).sum() for g in first), wanted)
    record = lambda values: {n: array(v.detach().numpy(), 12) for n, v in zip(["x", *named], values)}  # noqa: E731
    return {
        "kind": kind,
        "layers": layers,
        "both": both,
        "inputs": record(wanted),
        "output": array(y.detach().numpy(), 12),
        "first": record(first),
        "second": record(second),
    }


def recorded():
    return [module(kind, *how) for kind in ["RNN", "GRU", "LSTM"] for how in [(1, False), (2, True)] if how[1] is False or kind == "LSTM"]
