#!/usr/bin/env python3
"""Records what PyTorch computes for small MAML problems, in float64 and float32, into recorded/plain/, one file a model.

    python3 test/oracle/record.py            (needs PyTorch 2 and numpy; half a minute)
    python3 test/oracle/record.py conv4      (the cases of one model)

All data comes from a linear congruential generator, so that a test in any language makes the same numbers from the seed:

    state = (1664525 * state + 1013904223) mod 2**32,  value = state / 2**32 * 2 - 1,  rounded to float32 after scaling

One stream a case draws the parameters in order (weights scaled by sqrt(2 / fan-in), gains 1 + value/10, biases
value/10), then task by task support x, support y, query x, query y. Labels are not drawn: example i has label i mod ways.

Gradients jump at the kink of a ReLU and at a tie in a max-pool, and there a comparison means nothing. Each case takes
the first seed whose data stays MARGIN away from every kink on the whole way; the margin found is recorded.
"""

import math
import pathlib
import sys

import numpy as np
import torch
import torch.nn.functional as F

here = pathlib.Path(__file__).resolve().parent
sys.path.append(str(here.parent / "support"))

from recording import rounded, write  # noqa: E402

MARGIN = 2e-5
ENTRIES = 16

ALL, HEAD = "", "head."


def conv4(name, **options):
    network = {"model": "conv4", "inputShape": [12, 12, 1], "outputs": 3, "activation": "tanh", "filters": 8,
               "norm": "layer", "strides": [2, 2, 2, 1], "pool": False}
    case = {"name": name, "tasks": 2, "support": 6, "queries": 6, "steps": 3, "rate": 1 / 16, "adapts": ALL}
    case.update({key: options.pop(key) for key in list(options) if key in case})
    return {**case, "network": {**network, **options}}


def small(name, network, **options):
    return {"name": name, "tasks": 2, "adapts": ALL, "network": network, **options}


def mlp(activation):
    return {"model": "mlp", "inputShape": [1], "outputs": 1, "activation": activation}


def metamodel(activation):
    return {"model": "metamodel", "inputShape": [8, 8, 1], "outputs": 3, "activation": activation}


POOLS = {"inputShape": [16, 16, 1], "strides": [1, 1, 1, 1], "pool": True}
CASES = [
    small("mlp-relu", mlp("relu"), support=10, queries=10, steps=5, rate=1 / 32),
    small("mlp-tanh", mlp("tanh"), support=10, queries=10, steps=5, rate=1 / 32),
    small("metamodel-relu", metamodel("relu"), support=6, queries=6, steps=2, rate=1 / 32),
    small("metamodel-tanh", metamodel("tanh"), support=6, queries=6, steps=3, rate=1 / 32),
    conv4("conv4-layer-relu", activation="relu"),
    conv4("conv4-layer-tanh"),
    conv4("conv4-layer-relu-pool", activation="relu", support=3, queries=3, **POOLS),
    conv4("conv4-layer-tanh-pool", support=3, queries=3, **POOLS),
    conv4("conv4-batch-tanh", norm="batch"),
    conv4("conv4-none-relu", norm="none", activation="relu"),
    conv4("conv4-layer-tanh-head-only", adapts=HEAD, inputShape=[14, 11, 3], outputs=4, support=8, queries=4, rate=1 / 4),
]


class Stream:
    """The generator of the module's docstring."""

    def __init__(self, seed):
        self.state = seed

    def values(self, count):
        out = np.empty(count)
        for index in range(count):
            self.state = (1664525 * self.state + 1013904223) % 2**32
            out[index] = self.state / 2**32 * 2 - 1
        return out

    def array(self, shape, scale=1.0, offset=0.0):
        return (offset + scale * self.values(math.prod(shape))).astype(np.float32).reshape(shape)


def parameter_shapes(network):
    """Names and shapes, in the order in which the data is drawn; convolution weights are [kh, kw, in, out]."""
    outputs, shapes = network["outputs"], {}

    def dense(name, inputs, outputs):
        shapes[f"{name}.weight"], shapes[f"{name}.bias"] = (inputs, outputs), (outputs,)

    if network["model"] == "mlp":
        dense("dense1", network["inputShape"][0], 40)
        dense("dense2", 40, 40)
        dense("head", 40, outputs)
        return shapes
    height, width, channels = network["inputShape"]
    if network["model"] == "metamodel":
        for name, filters in (("conv1", 32), ("conv2", 64)):
            shapes[f"{name}.weight"], shapes[f"{name}.bias"] = (3, 3, channels, filters), (filters,)
            height, width, channels = height // 2, width // 2, filters
        dense("dense1", height * width * channels, 128)
        dense("head", 128, outputs)
        return shapes
    for block, stride in enumerate(network["strides"], 1):
        filters = network["filters"]
        shapes[f"conv{block}.weight"] = (3, 3, channels, filters)
        if network["norm"] == "none":
            shapes[f"conv{block}.bias"] = (filters,)
        else:
            shapes[f"norm{block}.gain"] = shapes[f"norm{block}.bias"] = (filters,)
        height, width, channels = (height - 1) // stride + 1, (width - 1) // stride + 1, filters
        if network["pool"]:
            height, width = height // 2, width // 2
    dense("head", height * width * channels, outputs)
    return shapes


class Network:
    """The models as functions of their parameters; `margin` gathers the distance to the nearest kink met."""

    def __init__(self, network):
        self.network = network
        self.margin = math.inf

    def near(self, distances):
        if distances.numel():
            self.margin = min(self.margin, distances.min().item())

    def activation(self, x):
        if self.network["activation"] == "tanh":
            return torch.tanh(x)
        self.near(x.detach().abs())
        return F.relu(x)

    def pool(self, x):
        """Of images [N, C, H, W]. A window whose maximum is a ReLU's zero passes no gradient, so its ties do not count."""
        windows = x.detach().unfold(2, 2, 2).unfold(3, 2, 2).flatten(4)
        best, second = windows.topk(2).values.unbind(-1)
        self.near((best - second)[best != 0])
        return F.max_pool2d(x, 2)

    def conv(self, p, name, x, stride=1):
        return F.conv2d(x, p[f"{name}.weight"].permute(3, 2, 0, 1), p.get(f"{name}.bias"), stride=stride, padding=1)

    def norm(self, p, name, x):
        gain, bias = p[f"{name}.gain"], p[f"{name}.bias"]
        if self.network["norm"] == "layer":
            return F.group_norm(x, 1, gain, bias, eps=1e-5)
        return F.batch_norm(x, None, None, gain, bias, training=True, eps=1e-5)

    def logits(self, p, x):
        def dense(name, x):
            return x @ p[f"{name}.weight"] + p[f"{name}.bias"]

        if self.network["model"] == "mlp":
            return dense("head", self.activation(dense("dense2", self.activation(dense("dense1", x)))))
        x = x.permute(0, 3, 1, 2)
        if self.network["model"] == "metamodel":
            for name in ("conv1", "conv2"):
                x = self.pool(self.activation(self.conv(p, name, x)))
            x = x.permute(0, 2, 3, 1).flatten(1)
            return dense("head", self.activation(dense("dense1", x)))
        for block, stride in enumerate(self.network["strides"], 1):
            x = self.conv(p, f"conv{block}", x, stride)
            if self.network["norm"] != "none":
                x = self.norm(p, f"norm{block}", x)
            x = self.activation(x)
            if self.network["pool"]:
                x = self.pool(x)
        return dense("head", x.permute(0, 2, 3, 1).flatten(1))

    def loss(self, p, batch):
        x, y = batch
        return (F.mse_loss if self.network["model"] == "mlp" else F.cross_entropy)(self.logits(p, x), y)


def draw(case, seed, dtype):
    """Parameters by name and tasks of (support, query), each a pair (x, y)."""
    network, stream = case["network"], Stream(seed)

    def tensor(*arguments):
        return torch.from_numpy(stream.array(*arguments)).to(dtype)

    parameters = {}
    for name, shape in parameter_shapes(network).items():
        if name.endswith(".weight"):
            parameters[name] = tensor(shape, math.sqrt(2 / math.prod(shape[:-1])))
        else:
            parameters[name] = tensor(shape, 0.1, 1.0 if name.endswith(".gain") else 0.0)

    def batch(count):
        x = tensor((count, *network["inputShape"]))
        y = tensor((count, network["outputs"])) if network["model"] == "mlp" else torch.arange(count) % network["outputs"]
        return x, y

    return parameters, [(batch(case["support"]), batch(case["queries"])) for _ in range(case["tasks"])]


def rates_of(case):
    """Neighbouring parameters get different rates, all exact in float32."""
    names = [name for name in parameter_shapes(case["network"]) if name.startswith(case["adapts"])]
    return {name: case["rate"] * (1 + index % 3 / 8) for index, name in enumerate(names)}


def adapt(network, theta, support, steps, rates, create_graph):
    """K steps of SGD on the support loss; returns θ' and the losses before each step."""
    fast, losses = dict(theta), []
    for _ in range(steps):
        loss = network.loss(fast, support)
        gradients = torch.autograd.grad(loss, [fast[name] for name in rates], create_graph=create_graph)
        fast.update({name: fast[name] - rates[name] * g for name, g in zip(rates, gradients)})
        losses.append(loss.item())
    return fast, losses


def solve(case, seed, dtype):
    """Everything that is recorded, as tensors, and the margin."""
    parameters, tasks = draw(case, seed, dtype)
    network = Network(case["network"])
    theta = {name: value.requires_grad_() for name, value in parameters.items()}
    rates = {name: torch.tensor(rate, dtype=dtype, requires_grad=True) for name, rate in rates_of(case).items()}
    found = {"supportLosses": [], "queryLosses": [], "adapted": []}
    second, first = [], []
    for support, query in tasks:
        fast, losses = adapt(network, theta, support, case["steps"], rates, create_graph=True)
        query_loss = network.loss(fast, query)
        second.append(torch.autograd.grad(query_loss, [*theta.values(), *rates.values()]))
        # Copies, because a parameter that does not adapt is θ itself, and θ is also behind those that do.
        fast = {name: value.detach().requires_grad_() for name, value in fast.items()}
        first.append(torch.autograd.grad(network.loss(fast, query), list(fast.values())))
        margin = network.margin
        losses.append(network.loss(fast, support).item())
        network.margin = margin  # only the loss is taken there, and a loss has no kink
        found["supportLosses"].append(losses)
        found["queryLosses"].append(query_loss.item())
        found["adapted"].append({name: fast[name].detach() for name in rates})

    def mean(gradients, names):
        return dict(zip(names, (torch.stack(of_tasks).mean(0) for of_tasks in zip(*gradients))))

    found["metaLoss"] = sum(found["queryLosses"]) / len(tasks)
    found["firstOrder"] = mean(first, theta)
    found["secondOrder"] = mean([gradients[: len(theta)] for gradients in second], theta)
    found["rateGradient"] = {name: g.item() for name, g in mean([g[len(theta):] for g in second], rates).items()}
    return found, network.margin


def digest(value, exact, digits):
    flat = value.double().flatten()
    count = min(ENTRIES, len(flat))
    out = {
        "sum": flat.sum().item(),
        "norm": flat.norm().item(),
        "dot": (flat @ torch.from_numpy(Stream(1).values(len(flat)))).item(),
    }
    if exact is None:
        return rounded({**out, "entries": [flat[index * len(flat) // count].item() for index in range(count)]}, digits)
    error = (flat - exact.flatten()).abs().max().item() / exact.abs().max().item()
    return {**rounded(out, digits), "error": rounded(error, 2)}


def recording(found, exact, digits):
    def digests(key, value, reference):
        return {name: digest(entry, reference and reference[name], digits) for name, entry in value.items()}

    return {
        **{key: rounded(found[key], digits) for key in ("supportLosses", "queryLosses", "metaLoss", "rateGradient")},
        "adapted": [
            digests("adapted", value, exact and exact["adapted"][task]) for task, value in enumerate(found["adapted"])
        ],
        "firstOrder": digests("firstOrder", found["firstOrder"], exact and exact["firstOrder"]),
        "secondOrder": digests("secondOrder", found["secondOrder"], exact and exact["secondOrder"]),
    }


def record(case):
    for seed in range(1, 1000):
        exact, margin = solve(case, seed, torch.float64)
        if margin >= MARGIN:
            break
    else:
        raise SystemExit(f"{case['name']}: no seed keeps {MARGIN} away from every kink")
    single, _ = solve(case, seed, torch.float32)
    out = {
        "name": case["name"],
        "network": case["network"],
        "seed": seed,
        **{key: case[key] for key in ("tasks", "support", "queries", "steps")},
        "rates": rates_of(case),
        "margin": rounded(margin, 3) if math.isfinite(margin) else None,
        "float64": recording(exact, None, 12),
        "float32": recording(single, exact, 8),
    }
    worst = max(entry["error"] for entry in out["float32"]["secondOrder"].values())
    kink = f"nearest kink {margin:.1e}" if math.isfinite(margin) else "no kinks"
    print(f"{case['name']}: seed {seed}, {kink}, float32's second-order gradient within {worst:.1e}", file=sys.stderr)
    return out


def write_families(kind, cases, record, names):
    """One file a model, with its cases; a case depends on no other."""
    torch.set_num_threads(1)
    families = {}
    for case in cases:
        families.setdefault(case["network"]["model"], []).append(case)
    unknown = set(names) - set(families)
    if unknown:
        raise SystemExit(f"no such model: {', '.join(sorted(unknown))}; there are {', '.join(families)}")
    for model in names or families:
        file = {"torch": torch.__version__.split("+")[0], "cases": [record(case) for case in families[model]]}
        write(here / "recorded" / kind / f"{model}.json", file)


if __name__ == "__main__":
    write_families("plain", CASES, record, sys.argv[1:])
