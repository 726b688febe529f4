#!/usr/bin/env python3
"""PyTorch eager as a peer: prepares and times the benchmark's workloads, driven by JSON lines on stdin and stdout.

    python3 bench/peers/torch_peer.py        (needs PyTorch 2 and numpy)

    {"op": "prepare", "workload": W, "threads": N}  ->  {"ok": true, "workload": W, "threads": N, "torch": version,
        "variant": name, "variants": {name: least ms, ...}, "float32": RESULT, "float64": RESULT,
        "case": {"network": ..., "seed": ..., "tasks": ..., "support": ..., "queries": ..., "steps": ..., "rates": {...}}}
    {"op": "run", "workload": W, "times": N}        ->  {"ok": true, "milliseconds": [...]}
    {"op": "memory", "workload": W, "threads": N, "variant": name}  ->  {"ok": true, "mebibytes": M}, the most memory that this
        process held, after some runs of one way of writing the workload; ask a fresh process
    {"op": "list"}                                  ->  {"ok": true, "workloads": [...], "torch": version}
    {"op": "quit"}                                  ends the process, as the end of the input does
    What cannot be done                             ->  {"ok": false, "error": message}

RESULT of adapt-*: "losses", the support loss before each step and after the last; "projections", by parameter the dot
product of its change θ' − θ with a vector of the generator below, seed 1; "norms", the L2 norms of θ'. RESULT of meta-*:
"losses", the query loss of each task; "projections" and "norms" of the second-order gradient of the mean over the tasks.
A difference between projections counts relative to the norm. Everything is taken in the layouts [kh, kw, in, out] and
[in, out], images [H, W, C]; here it is computed in PyTorch's own.

A workload can be written in several ways (memory format; a loop over tasks, vmap, or a task axis by hand): "prepare" times all and "run"
uses the fastest, since a peer should be at its best. What is timed: adapt-*, five steps and nothing else; meta-*, from
the meta-parameters to the meta-gradient, without an optimizer step. Threads are those of the workload's last "prepare".

Data: state = (1664525 * state + 1013904223) mod 2**32, value = state / 2**32 * 2 - 1, one stream a workload; parameters
in order (weights scaled by sqrt(2 / fan-in), gains 1 + value/10, biases value/10), then task by task support x, support y,
query x, query y. Labels are not drawn: example i has label i mod ways.
"""

import json
import math
import sys
import time
import warnings
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch.func import grad, vmap

CONV4 = {"model": "conv4", "inputShape": [28, 28, 1], "outputs": 5, "activation": "relu", "filters": 64,
         "norm": "layer", "strides": [2, 2, 2, 1], "pool": False}
METAMODEL = {"model": "metamodel", "inputShape": [28, 28, 1], "outputs": 5, "activation": "relu"}
MLP = {"model": "mlp", "inputShape": [1], "outputs": 1, "activation": "relu"}

# All with five steps; support and queries are examples a task.
WORKLOADS = {
    "adapt-conv4": {"network": CONV4, "tasks": 1, "support": 5, "queries": 0, "rate": 1 / 32},
    "meta-conv4": {"network": CONV4, "tasks": 4, "support": 5, "queries": 25, "rate": 1 / 32},
    "meta-metamodel": {"network": METAMODEL, "tasks": 4, "support": 5, "queries": 25, "rate": 1 / 32},
    "adapt-mlp": {"network": MLP, "tasks": 1, "support": 10, "queries": 0, "rate": 1 / 64},
    "meta-mlp": {"network": MLP, "tasks": 25, "support": 10, "queries": 10, "rate": 1 / 64},
}
STEPS = 5
SEED = 1


class Stream:
    """The generator of the module's docstring; with a scale, rounded to float32."""

    def __init__(self, seed):
        self.state = seed

    def values(self, count):
        out = np.empty(count)
        for index in range(count):
            self.state = (1664525 * self.state + 1013904223) % 2**32
            out[index] = self.state / 2**32 * 2 - 1
        return out

    def tensor(self, shape, scale=1.0, offset=0.0):
        return torch.from_numpy((offset + scale * self.values(math.prod(shape))).astype(np.float32).reshape(shape))


def layout(network):
    """By parameter, in the order of the data: its shape, and for a dense weight behind a flatten that image's [H, W, C]."""
    out, image = {}, None

    def dense(name, inputs, outputs, image=None):
        out[f"{name}.weight"], out[f"{name}.bias"] = ((inputs, outputs), image), ((outputs,), None)

    if network["model"] == "mlp":
        dense("dense1", 1, 40)
        dense("dense2", 40, 40)
        dense("head", 40, 1)
        return out
    height, width, channels = network["inputShape"]
    if network["model"] == "metamodel":
        for name, filters in (("conv1", 32), ("conv2", 64)):
            out[f"{name}.weight"], out[f"{name}.bias"] = ((3, 3, channels, filters), None), ((filters,), None)
            height, width, channels = height // 2, width // 2, filters
        image = (height, width, channels)
        dense("dense1", math.prod(image), 128, image)
        dense("head", 128, network["outputs"])
        return out
    for block, stride in enumerate(network["strides"], 1):
        filters = network["filters"]
        out[f"conv{block}.weight"] = ((3, 3, channels, filters), None)
        out[f"norm{block}.gain"] = out[f"norm{block}.bias"] = ((filters,), None)
        height, width, channels = (height - 1) // stride + 1, (width - 1) // stride + 1, filters
    image = (height, width, channels)
    dense("head", math.prod(image), network["outputs"], image)
    return out


def to_torch(value, image):
    """From [kh, kw, in, out] and [in, out] to PyTorch's [out, in, kh, kw] and [out, in]."""
    if value.dim() == 4:
        return value.permute(3, 2, 0, 1).contiguous()
    if image:
        return value.reshape(*image, -1).permute(3, 2, 0, 1).flatten(1).contiguous()
    return value.t().contiguous() if value.dim() == 2 else value


def from_torch(value, image):
    if value.dim() == 4:
        return value.permute(2, 3, 1, 0)
    if image:
        height, width, channels = image
        return value.reshape(-1, channels, height, width).permute(2, 3, 1, 0).flatten(0, 2)
    return value.t() if value.dim() == 2 else value


def conv4(p, x):
    # Layer norm over positions and channels, gain and bias per channel: with F.layer_norm it is the same, and slower.
    for block, stride in enumerate(CONV4["strides"]):
        weight, gain, bias = p[3 * block : 3 * block + 3]
        x = F.relu(F.group_norm(F.conv2d(x, weight, stride=stride, padding=1), 1, gain, bias))
    return F.linear(x.flatten(1), p[-2], p[-1])


def metamodel(p, x):
    x = F.max_pool2d(F.relu(F.conv2d(x, p[0], p[1], padding=1)), 2)
    x = F.max_pool2d(F.relu(F.conv2d(x, p[2], p[3], padding=1)), 2)
    return F.linear(F.relu(F.linear(x.flatten(1), p[4], p[5])), p[6], p[7])


def mlp(p, x):
    return F.linear(F.relu(F.linear(F.relu(F.linear(x, p[0], p[1])), p[2], p[3])), p[4], p[5])


def mlp_of_tasks(p, x):
    """The mlp with a leading task axis on everything."""
    for weight, bias in ((p[0], p[1]), (p[2], p[3])):
        x = F.relu(torch.baddbmm(bias.unsqueeze(1), x, weight.transpose(1, 2)))
    return torch.baddbmm(p[5].unsqueeze(1), x, p[4].transpose(1, 2))


class Problem:
    """A workload's data in one precision and memory format."""

    def __init__(self, workload, dtype=torch.float32, memory_format=torch.contiguous_format):
        case = WORKLOADS[workload]
        network, stream = case["network"], Stream(SEED)
        self.layout = layout(network)
        self.names = list(self.layout)
        self.rates = [case["rate"] * (1 + index % 3 / 8) for index in range(len(self.names))]
        self.loss = F.mse_loss if network["model"] == "mlp" else F.cross_entropy

        def placed(value):
            value = value.to(dtype)
            return value.contiguous(memory_format=memory_format) if value.dim() == 4 else value

        def batch(count):
            x = stream.tensor((count, *network["inputShape"]))
            if network["model"] == "mlp":
                return x.to(dtype), stream.tensor((count, 1)).to(dtype)
            return placed(x.permute(0, 3, 1, 2)), torch.arange(count) % network["outputs"]

        self.theta = []
        for name, (shape, image) in self.layout.items():
            if name.endswith(".weight"):
                value = to_torch(stream.tensor(shape, math.sqrt(2 / math.prod(shape[:-1]))), image)
            else:
                value = stream.tensor(shape, 0.1, 1.0 if name.endswith(".gain") else 0.0)
            self.theta.append(placed(value).requires_grad_())
        self.tasks = [(*batch(case["support"]), *batch(case["queries"])) for _ in range(case["tasks"])]
        self.stacked = [torch.stack(part) for part in zip(*self.tasks)]

    def by_name(self, values, summary):
        """A number for each parameter, from its float64 values in the layout of the data."""
        return {
            name: summary(from_torch(value.detach().double(), image).flatten()).item()
            for (name, (_, image)), value in zip(self.layout.items(), values)
        }

    # The inner loop alone: new weights, updated in place; and what our graph gives, too: the loss before each step and after.

    def adapt(self, model):
        x, y = self.tasks[0][:2]
        fast = [p.detach().clone().requires_grad_() for p in self.theta]
        losses = []
        for _ in range(STEPS):
            loss = self.loss(model(fast, x), y)
            gradients = torch.autograd.grad(loss, fast)
            with torch.no_grad():
                for p, g, rate in zip(fast, gradients, self.rates):
                    p.sub_(g, alpha=rate)
            losses.append(loss.detach())
        with torch.no_grad():
            losses.append(self.loss(model(fast, x), y))
        return losses, fast

    # The second-order meta-gradient, in three ways.

    def meta_loop(self, model):
        losses, total = [], None
        for support_x, support_y, query_x, query_y in self.tasks:
            fast = self.theta
            for _ in range(STEPS):
                gradients = torch.autograd.grad(self.loss(model(fast, support_x), support_y), fast, create_graph=True)
                fast = [torch.sub(p, g, alpha=rate) for p, g, rate in zip(fast, gradients, self.rates)]
            loss = self.loss(model(fast, query_x), query_y)
            gradients = torch.autograd.grad(loss / len(self.tasks), self.theta)
            total = list(gradients) if total is None else [a.add_(g) for a, g in zip(total, gradients)]
            losses.append(loss.detach())
        return losses, total

    def meta_vmap(self, model):
        def task_loss(theta, support_x, support_y, query_x, query_y):
            inner = grad(lambda fast: self.loss(model(fast, support_x), support_y))
            fast = theta
            for _ in range(STEPS):
                fast = [torch.sub(p, g, alpha=rate) for p, g, rate in zip(fast, inner(fast), self.rates)]
            return self.loss(model(fast, query_x), query_y)

        def meta_loss(theta):
            losses = vmap(task_loss, in_dims=(None, 0, 0, 0, 0))(theta, *self.stacked)
            return losses.mean(), losses

        gradients, losses = grad(meta_loss, has_aux=True)([p.detach() for p in self.theta])
        return losses, gradients

    def meta_batched(self, model):
        """By hand: a task axis on every weight, and the sum over the tasks of losses that do not share weights."""
        support_x, support_y, query_x, query_y = self.stacked
        tasks = len(self.tasks)
        fast = [p.expand(tasks, *p.shape) for p in self.theta]
        for _ in range(STEPS):
            loss = self.loss(model(fast, support_x), support_y) * tasks
            gradients = torch.autograd.grad(loss, fast, create_graph=True)
            fast = [torch.sub(p, g, alpha=rate) for p, g, rate in zip(fast, gradients, self.rates)]
        losses = (model(fast, query_x) - query_y).square().mean((1, 2))
        return losses.detach(), torch.autograd.grad(losses.mean(), self.theta)


MODELS = {"conv4": conv4, "metamodel": metamodel, "mlp": mlp}
FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


def variants(workload, dtype=torch.float32):
    """By name, (problem, function that runs the workload once)."""
    kind, name = workload.split("-")
    model, out = MODELS[name], {}
    for place in ["contiguous"] if name == "mlp" else FORMATS:
        problem = Problem(workload, dtype, FORMATS[place])
        if kind == "adapt":
            out[f"loop {place}"] = problem, partial(problem.adapt, model)
            continue
        out[f"loop {place}"] = problem, partial(problem.meta_loop, model)
        if place == "contiguous":  # vmap refuses the other
            out[f"vmap {place}"] = problem, partial(problem.meta_vmap, model)
        if name == "mlp":
            out[f"batched {place}"] = problem, partial(problem.meta_batched, mlp_of_tasks)
    return out


def projection(flat):
    return flat @ torch.from_numpy(Stream(1).values(len(flat)))


def result(workload, problem, function):
    losses, values = function()
    losses = [loss.item() for loss in losses]
    norms = problem.by_name(values, torch.norm)
    if workload.startswith("adapt"):
        values = [after.detach().double() - before.detach().double() for after, before in zip(values, problem.theta)]
    return {"losses": losses, "projections": problem.by_name(values, projection), "norms": norms}


def timed(function):
    start = time.perf_counter()
    function()
    return (time.perf_counter() - start) * 1000


def peak():
    """The most memory that this process held, in MiB."""
    try:  # Linux counts the parent's memory in the usage of a process that it started, but not in its status.
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 2**10
    except OSError:
        import resource  # not there on Windows

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


class Peer:
    def __init__(self):
        self.prepared = {}

    def list(self):
        return {"workloads": list(WORKLOADS), "torch": torch.__version__}

    def prepare(self, workload, threads=1):
        if workload not in WORKLOADS:
            raise ValueError(f"no workload {workload}; expected one of {', '.join(WORKLOADS)}")
        torch.set_num_threads(threads)
        candidates = variants(workload)
        times = {name: [] for name in candidates}
        rounds = 3 + max(2, min(30, int(1000 / timed(next(iter(candidates.values()))[1]))))
        for turn in range(rounds):
            for name, (_, function) in candidates.items():
                milliseconds = timed(function)
                if turn >= 3:
                    times[name].append(milliseconds)
        # The least, since what others do on the machine only ever adds.
        least = {name: round(min(found), 4) for name, found in times.items()}
        best = min(least, key=least.get)
        self.prepared[workload] = (threads, candidates[best][1])
        case = WORKLOADS[workload]
        problem = candidates[best][0]
        return {
            "workload": workload,
            "threads": threads,
            "torch": torch.__version__,
            "variant": best,
            "variants": least,
            "float32": result(workload, *candidates[best]),
            "float64": result(workload, *variants(workload, torch.float64)[best]),
            "case": {
                **{key: case[key] for key in ("network", "tasks", "support", "queries")},
                "seed": SEED,
                "steps": STEPS,
                "rates": dict(zip(problem.names, problem.rates)),
            },
        }

    def run(self, workload, times=1):
        if workload not in self.prepared:
            raise ValueError(f"{workload} is not prepared; send a prepare first")
        threads, function = self.prepared[workload]
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        return {"milliseconds": [round(timed(function), 4) for _ in range(times)]}

    def memory(self, workload, variant, threads=1):
        torch.set_num_threads(threads)
        function = variants(workload)[variant][1]
        for _ in range(5):
            function()
        return {"mebibytes": peak()}


def main():
    warnings.simplefilter("ignore")
    peer = Peer()
    operations = {"list": peer.list, "prepare": peer.prepare, "run": peer.run, "memory": peer.memory}
    for line in sys.stdin:
        try:
            request = json.loads(line)
            operation = request.pop("op", None)
            if operation == "quit":
                return
            if operation not in operations:
                raise ValueError(f"no op {operation}; expected one of {', '.join(operations)}, quit")
            reply = {"ok": True, **operations[operation](**request)}
        except Exception as error:
            reply = {"ok": False, "error": str(error)}
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
