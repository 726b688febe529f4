#!/usr/bin/env python3
"""PyTorch as a peer: eager at its best, learn2learn's way of writing MAML, torch.compile, and torch.compile of torch.func's vmap of grad.

    python3 bench/peers/torch_peer.py eager | learn2learn | compile | vmap      (needs PyTorch 2 and numpy; problems.py says what it answers)

Eager times every way of writing a workload (memory formats; a loop over tasks, vmap without compiling, a task axis by hand) and runs the
fastest. Everything is taken in the layouts [kh, kw, in, out] and [in, out], images [H, W, C]; here it is computed in PyTorch's own.
"""

import os
import sys
import tempfile
import warnings
from functools import partial

import torch
from problems import Peer, result, serve
from torch.func import grad, grad_and_value, vmap
from torch_learn2learn import learn2learn
from torch_preset import Parts, eager_gradient, train_loss, training
from torch_problem import FORMATS, Tensors, descended, mlp_of_tasks, model_of


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
