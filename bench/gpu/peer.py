#!/usr/bin/env python3
"""PyTorch and JAX on a GPU as peers: times one case and prints one line of JSON. Called by run.ts; needs torch, or jax, and numpy.

    python3 bench/gpu/peer.py '{"framework": "torch" | "torch-eager" | "jax", "device": "cuda" | "cpu", "model": "conv4" |
        "resnet12", "filters": [...], "input": [28, 28, 1], "ways": 5, "support": 5, "queries": 25, "steps": 5, "rate": 0.01,
        "tasks": 32, "seed": 1, "seconds": 5}'
    -> {"version": ..., "device": ..., "milliseconds": [...], "preparing": s, "loss": L, "norm": N}   or {"error": ..., "version": ...}

A case is the second-order meta-gradient of MAML: the mean query loss over all tasks after some inner steps, by the parameters.
"loss" is that mean, "norm" the L2 norm of the whole gradient. Both frameworks compile ("torch-eager" does not), batch the tasks
by vmap, and may round products to TF32, as the engines on the other side do. Data: the generator of ../peers/data.ts.
"""

import json
import math
import sys
import time

import numpy as np


def numbers(seed, count):
    """state = (1664525 * state + 1013904223) mod 2**32, value = state / 2**32 * 2 - 1; all at once."""
    powers = np.multiply.accumulate(np.full(count, 1664525, np.uint32), dtype=np.uint32)
    sums = np.add.accumulate(np.concatenate([np.ones(1, np.uint32), powers[:-1]]), dtype=np.uint32)
    return (powers * np.uint32(seed) + np.uint32(1013904223) * sums) / 2**32 * 2 - 1


def layers(case):
    """Names and shapes of the parameters in the order of the data; convolutions are [kh, kw, in, out]."""
    out, channels = [], case["input"][-1]

    def unit(name, filters, kernel=3, inputs=None):
        out.append((f"conv{name}.weight", (kernel, kernel, inputs or channels, filters)))
        out.extend([(f"norm{name}.gain", (filters,)), (f"norm{name}.bias", (filters,))])

    height, width = case["input"][:2]
    for block, filters in enumerate(case["filters"], 1):
        if case["model"] == "conv4":
            unit(block, filters)
            stride = STRIDES[block - 1]
            height, width = (height - 1) // stride + 1, (width - 1) // stride + 1
        else:
            before = channels
            unit(f"{block}.1", filters)
            channels = filters
            unit(f"{block}.2", filters)
            unit(f"{block}.3", filters)
            unit(f"{block}.shortcut", filters, 1, before)
            height, width = height // 2, width // 2
        channels = filters
    features = height * width * channels
    return out + [("head.weight", (features, case["ways"])), ("head.bias", (case["ways"],))]


STRIDES = [2, 2, 2, 1]


def data(case):
    """Parameters and the four arrays of all tasks [tasks, n, ...], images channels last."""
    shapes, size = layers(case), math.prod(case["input"])
    weights = sum(math.prod(shape) for _, shape in shapes)
    drawn = numbers(case["seed"], weights + case["tasks"] * (case["support"] + case["queries"]) * size)
    parameters, at = [], 0
    for name, shape in shapes:
        values = drawn[at : at + math.prod(shape)].reshape(shape)
        at += values.size
        if name.endswith(".weight"):
            values = values * math.sqrt(2 / math.prod(shape[:-1]))
        else:
            values = values * 0.1 + (1 if name.endswith(".gain") else 0)
        parameters.append(values.astype(np.float32))
    images = drawn[at:].astype(np.float32).reshape(case["tasks"], -1, *case["input"])
    labels = [np.tile(np.arange(n) % case["ways"], (case["tasks"], 1)) for n in (case["support"], case["queries"])]
    support_x, query_x = np.split(images, [case["support"]], axis=1)
    return parameters, (support_x, labels[0], query_x, labels[1])


def measure(case, run, wait, prepared):
    """Milliseconds of each run until the seconds are over, at least five; the first ones do not count."""
    for _ in range(2):
        wait(run())
    times, end = [], time.perf_counter() + case["seconds"]
    while len(times) < 5 or time.perf_counter() < end:
        start = time.perf_counter()
        wait(run())
        times.append((time.perf_counter() - start) * 1000)
    return {"milliseconds": times, "preparing": prepared}


def with_torch(case):
    import torch
    import torch.nn.functional as F
    from torch.func import grad, vmap

    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.allow_tf32 = True
    place = torch.device(case["device"])

    def unit(p, at, x, stride=1):
        padding = p[at].shape[-1] // 2
        return F.group_norm(F.conv2d(x, p[at], stride=stride, padding=padding), 1, p[at + 1], p[at + 2])

    def model(p, x):
        for block in range(len(case["filters"])):
            if case["model"] == "conv4":
                x = F.relu(unit(p, 3 * block, x, STRIDES[block]))
            else:
                at = 12 * block
                y = F.relu(unit(p, at + 3, F.relu(unit(p, at, x))))
                x = F.max_pool2d(F.relu(unit(p, at + 6, y) + unit(p, at + 9, x)), 2)
        return x.permute(0, 2, 3, 1).flatten(1) @ p[-2] + p[-1]

    parameters, arrays = data(case)
    # [kh, kw, in, out] to [out, in, kh, kw]; images to channels first.
    theta = [torch.from_numpy(v).to(place) for v in parameters]
    theta = [v.permute(3, 2, 0, 1).contiguous() if v.dim() == 4 else v for v in theta]
    arrays = [torch.from_numpy(v).to(place) for v in arrays]
    arrays = [v.permute(0, 1, 4, 2, 3).contiguous() if v.dim() == 5 else v for v in arrays]

    def task_loss(theta, support_x, support_y, query_x, query_y):
        inner = grad(lambda fast: F.cross_entropy(model(fast, support_x), support_y))
        fast = theta
        for _ in range(case["steps"]):
            fast = [p - case["rate"] * g for p, g in zip(fast, inner(fast))]
        return F.cross_entropy(model(fast, query_x), query_y)

    def meta_loss(theta):
        loss = vmap(task_loss, in_dims=(None, 0, 0, 0, 0))(theta, *arrays).mean()
        return loss, loss

    def meta(theta):
        return grad(meta_loss, has_aux=True)(theta)

    run = meta if case["framework"] == "torch-eager" else torch.compile(meta)
    wait = torch.cuda.synchronize if case["device"] == "cuda" else lambda: None
    start = time.perf_counter()
    gradients, loss = run(theta)
    wait()
    prepared = time.perf_counter() - start
    norm = math.sqrt(sum(g.double().square().sum().item() for g in gradients))
    name = torch.cuda.get_device_name() if case["device"] == "cuda" else "processor"
    timed = measure(case, lambda: run(theta), lambda _: wait(), prepared)
    return {"version": torch.__version__, "device": name, "loss": loss.item(), "norm": norm, **timed}


def with_jax(case):
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_platforms", case["device"])

    def unit(p, at, x, stride=1):
        padding = p[at].shape[0] // 2
        x = jax.lax.conv_general_dilated(
            x, p[at], (stride, stride), [(padding, padding)] * 2, dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
        mean, variance = x.mean((1, 2, 3), keepdims=True), x.var((1, 2, 3), keepdims=True)
        return (x - mean) * jax.lax.rsqrt(variance + 1e-5) * p[at + 1] + p[at + 2]

    def pool(x):
        n, height, width, channels = x.shape
        return x[:, : height // 2 * 2, : width // 2 * 2].reshape(n, height // 2, 2, width // 2, 2, channels).max((2, 4))

    def model(p, x):
        for block in range(len(case["filters"])):
            if case["model"] == "conv4":
                x = jax.nn.relu(unit(p, 3 * block, x, STRIDES[block]))
            else:
                at = 12 * block
                y = jax.nn.relu(unit(p, at + 3, jax.nn.relu(unit(p, at, x))))
                x = pool(jax.nn.relu(unit(p, at + 6, y) + unit(p, at + 9, x)))
        return x.reshape(len(x), -1) @ p[-2] + p[-1]

    def loss_of(p, x, y):
        return -jnp.take_along_axis(jax.nn.log_softmax(model(p, x)), y[:, None], 1).mean()

    def task_loss(theta, support_x, support_y, query_x, query_y):
        fast = theta
        for _ in range(case["steps"]):
            fast = [p - case["rate"] * g for p, g in zip(fast, jax.grad(loss_of)(fast, support_x, support_y))]
        return loss_of(fast, query_x, query_y)

    def meta_loss(theta, arrays):
        return jax.vmap(task_loss, in_axes=(None, 0, 0, 0, 0))(theta, *arrays).mean()

    parameters, arrays = data(case)
    theta, arrays = [jnp.asarray(v) for v in parameters], [jnp.asarray(v) for v in arrays]
    meta = jax.jit(jax.value_and_grad(meta_loss))
    start = time.perf_counter()
    loss, gradients = jax.block_until_ready(meta(theta, arrays))
    prepared = time.perf_counter() - start
    norm = math.sqrt(sum(float((np.asarray(g, np.float64) ** 2).sum()) for g in gradients))
    timed = measure(case, lambda: meta(theta, arrays), jax.block_until_ready, prepared)
    return {"version": jax.__version__, "device": jax.devices()[0].device_kind, "loss": float(loss), "norm": norm, **timed}


if __name__ == "__main__":
    request = json.loads(sys.argv[1])
    try:
        answer = (with_jax if request["framework"] == "jax" else with_torch)(request)
    except Exception as error:  # Whatever keeps a peer from running is its line in the table.
        answer = {"error": f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}"}
    print(json.dumps(answer))
