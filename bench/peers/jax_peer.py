#!/usr/bin/env python3
"""JAX as a peer: jit of each workload, tasks by vmap and one after another (lax.map), whichever is faster.

    python3 bench/peers/jax_peer.py THREADS        (needs jax and numpy; problems.py says what it answers)

The number of threads is the process's: XLA takes it at start.
"""

import math
import os
import sys
from functools import partial

os.environ["NPROC"] = sys.argv[1] if len(sys.argv) > 1 else "1"
os.environ["JAX_PLATFORMS"] = "cpu"
if os.environ["NPROC"] == "1":
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from problems import ITERATIONS, Peer, result, serve, train_result  # noqa: E402


def conv(x, weight, stride=1):
    return jax.lax.conv_general_dilated(x, weight, (stride, stride), [(1, 1)] * 2, dimension_numbers=("NHWC", "HWIO", "NHWC"))


def norm(x, gain, bias):
    mean, variance = x.mean((1, 2, 3), keepdims=True), x.var((1, 2, 3), keepdims=True)
    return (x - mean) * jax.lax.rsqrt(variance + 1e-5) * gain + bias


def pool(x):
    n, height, width, channels = x.shape
    return x[:, : height // 2 * 2, : width // 2 * 2].reshape(n, height // 2, 2, width // 2, 2, channels).max((2, 4))


def body4(p, x, strides):
    for block, stride in enumerate(strides):
        x = jax.nn.relu(norm(conv(x, p[3 * block], stride), *p[3 * block + 1 : 3 * block + 3]))
    return x.reshape(len(x), -1)


def model_of(network):
    if network["model"] == "conv4":
        return lambda p, x: body4(p, x, network["strides"]) @ p[-2] + p[-1]
    if network["model"] == "metamodel":

        def metamodel(p, x):
            x = pool(jax.nn.relu(conv(pool(jax.nn.relu(conv(x, p[0]) + p[1])), p[2]) + p[3]))
            return jax.nn.relu(x.reshape(len(x), -1) @ p[4] + p[5]) @ p[6] + p[7]

        return metamodel

    def mlp(p, x):
        return jax.nn.relu(jax.nn.relu(x @ p[0] + p[1]) @ p[2] + p[3]) @ p[4] + p[5]

    return mlp


def cross_entropy(logits, y):
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], 1).mean()


class Case:
    def __init__(self, problem):
        self.problem, self.case = problem, problem.case
        self.model, self.steps, self.rates = model_of(self.case["network"]), self.case["steps"], problem.rates
        self.loss = (lambda a, b: ((a - b) ** 2).mean()) if problem.model == "mlp" else cross_entropy
        self.theta = [jnp.asarray(value) for value in problem.theta.values()]
        self.arrays = [jnp.asarray(part) for part in problem.tasks]

    def descent(self, theta, x, y):
        slopes, fast, losses = jax.value_and_grad(lambda p: self.loss(self.model(p, x), y)), theta, []
        for _ in range(self.steps):
            loss, gradients = slopes(fast)
            fast = [p - rate * g for p, g, rate in zip(fast, gradients, self.rates)]
            losses.append(loss)
        return fast, losses

    def adapt(self, theta, arrays):
        x, y = arrays[0][0], arrays[1][0]
        fast, losses = self.descent(theta, x, y)
        return [*losses, self.loss(self.model(fast, x), y)], fast

    def answer(self, theta, task):
        fast, _ = self.descent(theta, task[0], task[1])
        logits = self.model(fast, task[2])
        return self.loss(logits, task[3]), logits

    def evaluate(self, over, theta, arrays):
        return over(lambda task: self.answer(theta, task))(tuple(arrays))

    def meta(self, over, theta, arrays):
        if over is one_by_one:  # the gradient of each task, so that nothing is kept of the others
            losses, gradients = over(lambda task: jax.value_and_grad(lambda p: self.answer(p, task)[0])(theta))(tuple(arrays))
            return losses, [g.mean(0) for g in gradients]

        def mean(theta):
            losses = over(lambda task: self.answer(theta, task)[0])(tuple(arrays))
            return losses.mean(), losses

        gradients, losses = jax.grad(mean, has_aux=True)(theta)
        return losses, gradients


def one_by_one(function):
    return lambda tasks: jax.lax.map(function, tasks)


OVER = {"vmap": jax.vmap, "map": one_by_one}


# An iteration of training as the preset has it: see torch_peer.py.


def polarity_free(x):
    standard = (x - x.mean((1, 2, 3), keepdims=True)) / jnp.sqrt(x.var((1, 2, 3), keepdims=True) + 1e-5)
    above = (standard**3).mean((1, 2, 3), keepdims=True) + 0.5
    return standard * above / jnp.sqrt(above * above + 1e-2)


def head_loss(features, labels, query, answers, rates, ways, steps):
    hot, count = jax.nn.one_hot(labels, ways), len(features)
    centres = (hot.T @ features) / hot.sum(0)[:, None]
    weight, bias = 2 * centres.T, -(centres * centres).sum(1)
    centre = features.mean(0, keepdims=True)
    centred = features - centre
    begin = bias + (centre @ weight)[0]
    bound = jnp.maximum(0.5 * (rates[0] * (centred * centred).sum(1) + rates[1]).mean() + jnp.maximum(*rates), 1)
    w, b = weight, begin
    for _ in range(steps):
        error = (jax.nn.softmax(centred @ w + b) - hot) / count
        w, b = w - rates[0] / bound * (centred.T @ error + (w - weight)), b - rates[1] / bound * (error.sum(0) + (b - begin))
    return cross_entropy(query @ w + (bias + (b - begin) - (centre @ (w - weight))[0]), answers)


def train_loss(case, theta, arrays):
    network = case["network"]
    *weights, rate_weight, rate_bias = theta
    support_x, support_y, query_x, query_y = arrays
    tasks, cut = support_x.shape[0], support_x.shape[0] * support_x.shape[1]
    x = jnp.concatenate([a.reshape(-1, *a.shape[2:]) for a in (support_x, query_x)])
    found = body4(weights, polarity_free(x), network["strides"])
    found = found * math.sqrt(8 / found.shape[1])
    support, query = found[:cut].reshape(tasks, -1, found.shape[1]), found[cut:].reshape(tasks, -1, found.shape[1])
    one = lambda *task: head_loss(*task, (rate_weight, rate_bias), network["outputs"], case["steps"])
    return jax.vmap(one)(support, support_y, query, query_y).mean()


def iteration(case, names, state, arrays):
    theta, first, second, count = state
    loss, gradients = jax.value_and_grad(lambda p: train_loss(case, p, arrays))(theta)
    length = jnp.sqrt(sum((g * g).sum() for g in gradients))
    gradients = [g * jnp.minimum(1, case["clip"] / (length + 1e-12)) for g in gradients]
    count = count + 1
    rate = case["rate"] * jnp.minimum(1, count / case["warmup"])
    first = [0.9 * m + 0.1 * g for m, g in zip(first, gradients)]
    second = [0.999 * v + 0.001 * g * g for v, g in zip(second, gradients)]
    moved = [p - rate / (1 - 0.9**count) * m / (jnp.sqrt(v / (1 - 0.999**count)) + 1e-8) for p, m, v in zip(theta, first, second)]
    moved = [jnp.clip(p, 0, case["mostRate"]) if name.startswith("rate/") else p for name, p in zip(names, moved)]
    return (moved, first, second, count), loss, length


class Jax(Peer):
    version = jax.__version__

    def variants(self, problem, threads):
        kind = problem.case["kind"]
        if kind == "train":
            return {"jit": partial(self.training, problem)}
        if kind == "adapt":
            return {"jit": partial(self.made, problem, lambda case: case.adapt)}
        return {name: partial(self.made, problem, lambda case, over=over: partial(getattr(case, kind), over)) for name, over in OVER.items()}

    def made(self, problem, way):
        case = Case(problem)
        function = jax.jit(way(case))

        def run():
            return jax.block_until_ready(function(case.theta, case.arrays))

        def outcome():
            losses, values = run()
            kind = problem.case["kind"]
            named = {"logits": np.asarray(values)} if kind == "evaluate" else dict(zip(problem.names, values))
            return result(kind, problem, losses, named)

        return run, outcome

    def training(self, problem):
        case = Case(problem)
        step = jax.jit(partial(iteration, problem.case, problem.names))
        zeros = [jnp.zeros_like(p) for p in case.theta]
        fresh = lambda: (case.theta, zeros, zeros, jnp.zeros(()))
        state = fresh()

        def run():
            nonlocal state
            state, loss, _ = jax.block_until_ready(step(state, case.arrays))

        def outcome():
            now, losses, norms = fresh(), [], []
            for _ in range(ITERATIONS):
                now, loss, length = step(now, case.arrays)
                losses.append(loss)
                norms.append(length)
            return train_result(losses, norms[0])

        return run, outcome


if __name__ == "__main__":
    serve(Jax())
