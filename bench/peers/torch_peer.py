#!/usr/bin/env python3
"""PyTorch as a peer: eager at its best, learn2learn's way of writing MAML, torch.compile, and torch.compile of torch.func's vmap of grad.

    python3 bench/peers/torch_peer.py eager | learn2learn | compile | vmap      (needs PyTorch 2 and numpy; problems.py says what it answers)

Eager times every way of writing a workload (memory formats; a loop over tasks, vmap without compiling, a task axis by hand) and runs the
fastest. Everything is taken in the layouts [kh, kw, in, out] and [in, out], images [H, W, C]; here it is computed in PyTorch's own.
"""

import math
import os
import sys
import tempfile
import warnings
from functools import partial

import torch
import torch.nn.functional as F
from problems import ITERATIONS, Peer, result, serve, train_result
from torch import nn
from torch.func import grad, grad_and_value, vmap

FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


def to_torch(value, image):
    """From [kh, kw, in, out] and [in, out] to PyTorch's [out, in, kh, kw] and [out, in]."""
    value = torch.from_numpy(value)
    if value.dim() == 4:
        return value.permute(3, 2, 0, 1).contiguous()
    if value.dim() == 2 and image and value.shape[0] == math.prod(image):
        return value.reshape(*image, -1).permute(3, 2, 0, 1).flatten(1).contiguous()
    return value.t().contiguous() if value.dim() == 2 else value


def from_torch(value, image):
    value = value.detach().double()
    if value.dim() == 4:
        value = value.permute(2, 3, 1, 0)
    elif value.dim() == 2 and image and value.shape[1] == math.prod(image):
        height, width, channels = image
        value = value.reshape(-1, channels, height, width).permute(2, 3, 1, 0)
    elif value.dim() == 2:
        value = value.t()
    return value.contiguous().numpy()


def body4(p, x, strides):
    # Layer norm over positions and channels, gain and bias per channel: with F.layer_norm it is the same, and slower.
    for block, stride in enumerate(strides):
        weight, gain, bias = p[3 * block : 3 * block + 3]
        x = F.relu(F.group_norm(F.conv2d(x, weight, stride=stride, padding=1), 1, gain, bias))
    return x.flatten(1)


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


def model_of(network):
    if network["model"] == "conv4":
        strides = network["strides"]
        return lambda p, x: F.linear(body4(p, x, strides), p[-2], p[-1])
    return {"metamodel": metamodel, "mlp": mlp}[network["model"]]


class Tensors:
    """A problem's arrays in one precision and memory format."""

    def __init__(self, problem, dtype=torch.float32, memory_format=torch.contiguous_format):
        self.problem, self.case = problem, problem.case

        def placed(value):
            value = value.to(dtype) if value.is_floating_point() else value
            return value.contiguous(memory_format=memory_format) if value.dim() == 4 else value

        self.theta = [placed(to_torch(v, problem.image)) if v.ndim else torch.tensor(v, dtype=dtype) for v in problem.theta.values()]
        for p in self.theta:
            p.requires_grad_()
        self.rates, self.steps = problem.rates, self.case["steps"]
        self.regression = problem.model == "mlp"
        self.loss = F.mse_loss if self.regression else F.cross_entropy
        arrays = [torch.from_numpy(part) for part in problem.tasks]
        if not self.regression:
            arrays = [part.permute(0, 1, 4, 2, 3).contiguous() if part.dim() == 5 else part for part in arrays]
        self.stacked = [part.to(dtype) if part.is_floating_point() else part for part in arrays]
        self.tasks = [tuple(placed(part) for part in task) for task in zip(*arrays)]

    def by_name(self, values):
        return {name: from_torch(value, self.problem.image) for name, value in zip(self.problem.names, values)}


def descended(values, gradients, rates):
    return [torch.sub(p, g, alpha=rate) for p, g, rate in zip(values, gradients, rates)]


# The inner loop alone, updated in place; and what our graph gives, too: the loss before each step and after.


def adapted(t, model, x, y):
    fast, losses = [p.detach().clone().requires_grad_() for p in t.theta], []
    for _ in range(t.steps):
        loss = t.loss(model(fast, x), y)
        gradients = torch.autograd.grad(loss, fast)
        with torch.no_grad():
            for p, g, rate in zip(fast, gradients, t.rates):
                p.sub_(g, alpha=rate)
        losses.append(loss.detach())
    return fast, losses


def adapt(t, model):
    x, y = t.tasks[0][:2]
    fast, losses = adapted(t, model, x, y)
    with torch.no_grad():
        return [*losses, t.loss(model(fast, x), y)], fast


def evaluate(t, model):
    out = []
    for support_x, support_y, query_x, query_y in t.tasks:
        fast, _ = adapted(t, model, support_x, support_y)
        with torch.no_grad():
            logits = model(fast, query_x)
            out.append((t.loss(logits, query_y), logits))
    return [loss for loss, _ in out], torch.stack([logits for _, logits in out])


# The same as functions of values, which torch.func and torch.compile take.


def descent(t, model, theta, x, y):
    inner, fast, losses = grad_and_value(lambda p: t.loss(model(p, x), y)), theta, []
    for _ in range(t.steps):
        gradients, loss = inner(fast)
        fast = descended(fast, gradients, t.rates)
        losses.append(loss)
    return fast, losses


def adapt_function(t, model, theta, x, y):
    fast, losses = descent(t, model, theta, x, y)
    return [*losses, t.loss(model(fast, x), y)], fast


def answer_function(t, model, theta, support_x, support_y, query_x, query_y):
    fast, _ = descent(t, model, theta, support_x, support_y)
    logits = model(fast, query_x)
    return t.loss(logits, query_y), logits


def task_loss(t, model, theta, *task):
    return answer_function(t, model, theta, *task)[0]


# The second-order meta-gradient.


def meta_loop(t, model):
    losses, total = [], None
    for support_x, support_y, query_x, query_y in t.tasks:
        fast = t.theta
        for _ in range(t.steps):
            gradients = torch.autograd.grad(t.loss(model(fast, support_x), support_y), fast, create_graph=True)
            fast = descended(fast, gradients, t.rates)
        loss = t.loss(model(fast, query_x), query_y)
        gradients = torch.autograd.grad(loss / len(t.tasks), t.theta)
        total = list(gradients) if total is None else [a.add_(g) for a, g in zip(total, gradients)]
        losses.append(loss.detach())
    return losses, total


def meta_vmap(t, model, theta, arrays):
    def meta_loss(theta):
        losses = vmap(partial(task_loss, t, model), in_dims=(None, 0, 0, 0, 0))(theta, *arrays)
        return losses.mean(), losses

    gradients, losses = grad(meta_loss, has_aux=True)(theta)
    return losses, gradients


def meta_batched(t):
    """By hand: a task axis on every weight, and the sum over the tasks of losses that do not share weights."""
    support_x, support_y, query_x, query_y = t.stacked
    tasks = len(t.tasks)
    fast = [p.expand(tasks, *p.shape) for p in t.theta]
    for _ in range(t.steps):
        loss = t.loss(mlp_of_tasks(fast, support_x), support_y) * tasks
        fast = descended(fast, torch.autograd.grad(loss, fast, create_graph=True), t.rates)
    losses = (mlp_of_tasks(fast, query_x) - query_y).square().mean((1, 2))
    return losses.detach(), torch.autograd.grad(losses.mean(), t.theta)


# An iteration of training as the preset has it: ANIL with a head that starts at the class means, centred features, and steps that hold on
# to the start and are bounded by the curvature. Only the head moves, so support and query images of all tasks go through the body at once.


def polarity_free(x):
    standard = (x - x.mean((1, 2, 3), keepdim=True)) / (x.var((1, 2, 3), correction=0, keepdim=True) + 1e-5).sqrt()
    above = (standard**3).mean((1, 2, 3), keepdim=True) + 0.5
    return standard * above / (above * above + 1e-2).sqrt()


def head_logits(features, hot, query, rates, steps):
    """Logits of the query features after the head's steps; the gradient of the cross-entropy is written out."""
    centres = (hot.t() @ features) / hot.sum(0)[:, None]
    weight, bias = 2 * centres.t(), -(centres * centres).sum(1)
    centre = features.mean(0, keepdim=True)
    centred, count = features - centre, len(features)
    begin = bias + (centre @ weight)[0]
    bound = 0.5 * (rates[0] * (centred * centred).sum(1) + rates[1]).mean() + torch.maximum(*rates)
    bound = torch.clamp(bound, min=1)
    rate_weight, rate_bias = rates[0] / bound, rates[1] / bound
    w, b = weight, begin
    for _ in range(steps):
        error = (torch.softmax(centred @ w + b, 1) - hot) / count
        w, b = w - rate_weight * (centred.t() @ error + (w - weight)), b - rate_bias * (error.sum(0) + (b - begin))
    return query @ w + (bias + (b - begin) - (centre @ (w - weight))[0])


def train_loss(t, theta, arrays, together):
    network, tasks = t.case["network"], t.case["tasks"]
    *weights, rate_weight, rate_bias = theta
    support_x, support_y, query_x, query_y = arrays

    def features(x):
        found = body4(weights, polarity_free(x), network["strides"])
        return found * math.sqrt(8 / found.shape[1])

    if together:
        cut = tasks * support_x.shape[1]
        all_of = features(torch.cat([support_x.flatten(0, 1), query_x.flatten(0, 1)]))
        support, query = all_of[:cut].unflatten(0, (tasks, -1)), all_of[cut:].unflatten(0, (tasks, -1))
    losses = []
    for task in range(tasks):
        known, asked = (support[task], query[task]) if together else (features(support_x[task]), features(query_x[task]))
        hot = F.one_hot(support_y[task], network["outputs"]).to(known.dtype)
        losses.append(F.cross_entropy(head_logits(known, hot, asked, (rate_weight, rate_bias), t.steps), query_y[task]))
    return torch.stack(losses).mean()


class Training:
    """Iterations from the start: gradient, clipping, Adam under the schedule's warm-up, bounds of the rates."""

    def __init__(self, t, gradient):
        self.gradient, self.case = gradient, t.case
        self.names = t.problem.names
        self.theta = [p.detach().clone().requires_grad_() for p in t.theta]
        self.optimizer = torch.optim.Adam(self.theta, lr=t.case["rate"])
        self.count = 0

    def step(self):
        self.count += 1
        loss, gradients = self.gradient(self.theta)
        for p, g in zip(self.theta, gradients):
            p.grad = g
        norm = nn.utils.clip_grad_norm_(self.theta, self.case["clip"])
        self.optimizer.param_groups[0]["lr"] = self.case["rate"] * min(1, self.count / self.case["warmup"])
        self.optimizer.step()
        with torch.no_grad():
            for name, p in zip(self.names, self.theta):
                if name.startswith("rate/"):
                    p.clamp_(0, self.case["mostRate"])
        return loss.detach(), norm


def training(t, gradient):
    def outcome():
        fresh = Training(t, gradient)
        steps = [fresh.step() for _ in range(ITERATIONS)]
        return train_result([loss for loss, _ in steps], steps[0][1])

    return Training(t, gradient).step, outcome


def eager_gradient(t, arrays, together):
    def gradient(theta):
        loss = train_loss(t, theta, arrays, together)
        return loss, torch.autograd.grad(loss, theta)

    return gradient


# learn2learn's way (learn2learn.algorithms.MAML with a rate for each parameter): a module is cloned for each task, its clone adapted.


def module_of(network):
    if network["model"] == "mlp":
        return nn.Sequential(nn.Linear(1, 40), nn.ReLU(), nn.Linear(40, 40), nn.ReLU(), nn.Linear(40, 1))
    if network["model"] == "metamodel":
        blocks = [nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        return nn.Sequential(*blocks, nn.Flatten(), nn.LazyLinear(128), nn.ReLU(), nn.Linear(128, network["outputs"]))
    blocks, channels = [], network["inputShape"][-1]
    for stride in network["strides"]:
        filters = network["filters"]
        blocks += [nn.Conv2d(channels, filters, 3, stride, 1, bias=False), nn.GroupNorm(1, filters), nn.ReLU()]
        channels = filters
    return nn.Sequential(*blocks, nn.Flatten(), nn.LazyLinear(network["outputs"]))


def clone_module(module):
    clone = module.__new__(type(module))
    clone.__dict__ = module.__dict__.copy()
    clone._parameters = {name: None if p is None else p.clone() for name, p in module._parameters.items()}
    clone._modules = {name: clone_module(child) for name, child in module._modules.items()}
    return clone


def update_module(module, updates):
    for name, p in module._parameters.items():
        if p is not None:
            module._parameters[name] = p + next(updates)
    for child in module._modules.values():
        update_module(child, updates)


def cloned(t):
    """The module with the problem's parameters, and a function that gives an adapted clone and the losses on the way."""
    module = module_of(t.case["network"]).to(t.theta[0].dtype)
    with torch.no_grad():
        module(t.tasks[0][0])  # gives layers that wait for their sizes their parameters
        for p, value in zip(module.parameters(), t.theta):
            p.copy_(value)

    def adapt_clone(x, y, second):
        clone, losses = clone_module(module), []
        for _ in range(t.steps):
            loss = t.loss(clone(x), y)
            gradients = torch.autograd.grad(loss, list(clone.parameters()), create_graph=second, retain_graph=second)
            update_module(clone, iter([-rate * g for g, rate in zip(gradients, t.rates)]))
            losses.append(loss.detach())
        return clone, losses

    return module, adapt_clone


def learn2learn(t):
    kind = t.case["kind"]
    module, adapt_clone = cloned(t)

    def adapt_way():
        x, y = t.tasks[0][:2]
        clone, losses = adapt_clone(x, y, False)
        with torch.no_grad():
            return [*losses, t.loss(clone(x), y)], list(clone.parameters())

    def evaluate_way():
        out = []
        for support_x, support_y, query_x, query_y in t.tasks:
            clone, _ = adapt_clone(support_x, support_y, False)
            with torch.no_grad():
                logits = clone(query_x)
                out.append((t.loss(logits, query_y), logits))
        return [loss for loss, _ in out], torch.stack([logits for _, logits in out])

    def meta_way():
        module.zero_grad()
        losses = []
        for support_x, support_y, query_x, query_y in t.tasks:
            clone, _ = adapt_clone(support_x, support_y, True)
            loss = t.loss(clone(query_x), query_y)
            (loss / len(t.tasks)).backward()
            losses.append(loss.detach())
        return losses, [p.grad for p in module.parameters()]

    return {"adapt": adapt_way, "evaluate": evaluate_way, "meta": meta_way}[kind]


def made(t, run):
    """What `variants` wants of a function that gives losses and values."""
    kind = t.case["kind"]

    def outcome():
        losses, values = run()
        named = {"logits": values.detach().double().numpy()} if kind == "evaluate" else t.by_name(values)
        return result(kind, t.problem, losses, named)

    return run, outcome


def formats_of(problem):
    return {"contiguous": FORMATS["contiguous"]} if problem.model == "mlp" else FORMATS


def eager(problem, dtype=torch.float32):
    kind, model, out = problem.case["kind"], model_of(problem.case["network"]), {}
    for place, memory_format in formats_of(problem).items():
        tensors = partial(Tensors, problem, dtype, memory_format)

        def make(way, tensors=tensors):
            t = tensors()
            return made(t, partial(way, t))

        if kind == "train":
            for name, together in (("one pass", True), ("task by task", False)):

                def train(tensors=tensors, together=together, memory_format=memory_format):
                    t = tensors()
                    arrays = [torch.stack(part) for part in zip(*t.tasks)] if together else list(zip(*t.tasks))
                    if not together:
                        arrays = [Parts(part) for part in arrays]
                    return training(t, eager_gradient(t, arrays, together))

                out[f"{name} {place}"] = train
            continue
        ways = {"adapt": partial(adapt, model=model), "evaluate": partial(evaluate, model=model), "meta": partial(meta_loop, model=model)}
        out[f"loop {place}"] = partial(make, ways[kind])
        if place == "contiguous" and kind == "meta":  # vmap refuses the other
            out["vmap"] = partial(make, lambda t: meta_vmap(t, model, [p.detach() for p in t.theta], t.stacked))
        if place == "contiguous" and kind == "evaluate":
            out["vmap"] = partial(make, lambda t: vmap_answers(t, model)(*t.stacked))
        if problem.model == "mlp" and kind == "meta":
            out["batched"] = partial(make, meta_batched)
    return out


class Parts(tuple):
    """Arrays task by task."""

    @property
    def shape(self):
        return (len(self), *self[0].shape)


def vmap_answers(t, model):
    theta = [p.detach() for p in t.theta]
    return vmap(partial(answer_function, t, model, theta))


def compiled(problem):
    """torch.compile of the loop: of one task, which goes over the tasks in turn; of an iteration of training as a whole."""
    kind, model, out = problem.case["kind"], model_of(problem.case["network"]), {}
    for place, memory_format in formats_of(problem).items():

        def make(memory_format=memory_format):
            t = Tensors(problem, torch.float32, memory_format)
            theta = [p.detach() for p in t.theta]
            if kind == "train":
                value_and_gradient = torch.compile(grad_and_value(lambda p: train_loss(t, p, t.stacked, True)))

                def gradient(p):
                    gradients, loss = value_and_gradient([value.detach() for value in p])
                    return loss, gradients

                return training(t, gradient)
            if kind == "adapt":
                x, y = t.tasks[0][:2]
                function = torch.compile(partial(adapt_function, t, model))
                return made(t, lambda: function(theta, x, y))
            if kind == "evaluate":
                function = torch.compile(partial(answer_function, t, model))

                def answers():
                    found = [function(theta, *task) for task in t.tasks]
                    return [loss for loss, _ in found], torch.stack([logits for _, logits in found])

                return made(t, answers)
            function = torch.compile(grad_and_value(partial(task_loss, t, model)))

            def meta():
                found = [function(theta, *task) for task in t.tasks]
                gradients = [torch.stack(parts).mean(0) for parts in zip(*[gradients for gradients, _ in found])]
                return [loss for _, loss in found], gradients

            return made(t, meta)

        out[f"loop {place}"] = make
    if kind == "train" or problem.case.get("long"):  # one format is enough where compiling takes minutes
        out = {name: make for name, make in out.items() if name.endswith("contiguous")}
    return out


def compiled_vmap(problem):
    kind, model = problem.case["kind"], model_of(problem.case["network"])
    if kind not in ("meta", "evaluate"):
        raise ValueError("one task, or one pass over all, has nothing to batch by vmap")

    def make():
        t = Tensors(problem)
        theta = [p.detach() for p in t.theta]
        if kind == "meta":
            function = torch.compile(partial(meta_vmap, t, model))
            return made(t, lambda: function(theta, t.stacked))
        function = torch.compile(vmap_answers(t, model))
        return made(t, lambda: function(*t.stacked))

    return {"vmap": make}


def learn2learn_ways(problem):
    if problem.case["kind"] == "train":
        raise ValueError("learn2learn has no head that starts at the class means")

    def make(memory_format):
        t = Tensors(problem, torch.float32, memory_format)
        return made(t, learn2learn(t))

    return {f"clone {place}": partial(make, memory_format) for place, memory_format in formats_of(problem).items()}


WAYS = {"eager": eager, "learn2learn": learn2learn_ways, "compile": compiled, "vmap": compiled_vmap}


class Torch(Peer):
    version = torch.__version__

    def __init__(self, way):
        self.way = way

    def variants(self, problem, threads):
        torch.set_num_threads(threads)
        torch.compiler.reset()
        return WAYS[self.way](problem)

    def float64(self, problem, variant):
        return eager(problem, torch.float64)[variant]()[1]() if self.way == "eager" else None


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:  # what was compiled before is not found again
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = folder
        serve(Torch(sys.argv[1]))
