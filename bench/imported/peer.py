#!/usr/bin/env python3
"""The other sides of `npm run bench -- imported`: PyTorch's exporter and eager mode, onnx-ad, and ONNX Runtime, which times all.

    peer.py prepare FOLDER NETWORK BATCH                writes NETWORK.onnx, and onnx-ad's NETWORK.theirs-input.onnx, …-weights.onnx
    peer.py time FOLDER NETWORK BATCH THREADS ROUNDS    times what lies there, in turns
    peer.py count FOLDER NETWORK BATCH                  what ONNX Runtime executes of each file, which no load changes
    peer.py memory FOLDER NETWORK BATCH SIDE            the most memory that a process holds that runs nothing but this side

All but the first print JSON. Needs torch, onnx, onnxruntime and onnx-ad (PyPI).
"""

import json
import pathlib
import sys
import warnings

import numpy as np
import onnxruntime
from sides import FILES, counted, feeds_of, opened, seed_of

# What is timed beside each other: each of these against the others of its group.
GROUPS = {
    "forward": ["original", "rewritten"],
    "input": ["ours input", "onnx-ad input", "PyTorch input"],
    "weights": ["ours weights", "onnx-ad weights", "PyTorch weights"],
}


def network_of(name, batch):
    import torch
    from networks import NETWORKS, randomized

    make, shape = NETWORKS[name]
    torch.manual_seed(0)
    return randomized(make()), torch.randn(batch, *shape)


def prepare(folder, name, batch):
    import onnx
    import onnx_ad
    import torch

    warnings.filterwarnings("ignore")
    network, x = network_of(name, batch)
    file = str(folder / f"{name}.onnx")
    torch.onnx.export(network, (x,), file, dynamo=False, opset_version=17, input_names=["x"], output_names=["y"])
    with torch.no_grad():
        np.savez(folder / f"{name}.npz", x=x.numpy(), y=network(x).numpy())
    for kind in ["input", "weights"]:
        model = onnx.load(file)
        names = ["x"]
        if kind == "weights":
            stored = [t for t in model.graph.initializer if t.data_type == 1 and len(t.dims) > 0]
            names = [t.name for t in stored]
            model.graph.input.extend(onnx.helper.make_tensor_value_info(t.name, 1, list(t.dims)) for t in stored)
        try:
            model = onnx_ad.reverse(onnx.shape_inference.infer_shapes(model), inputs=names, layout="onnx")
            onnx.save(model, str(folder / f"{name}.theirs-{kind}.onnx"))
        except Exception as refused:
            print(f"{name}, {kind}: onnx-ad: {type(refused).__name__}: {refused}", file=sys.stderr)


def runs_of(folder, name, batch, threads):
    """What runs, by its name; each gives its results by theirs."""
    known = dict(np.load(folder / f"{name}.npz"))
    runs = {}
    for side, kind in FILES.items():
        file = folder / f"{name}{kind}.onnx"
        if not file.exists():
            continue
        made = opened(file, threads)
        feeds, names = feeds_of(made, known), [o.name for o in made.get_outputs()]
        runs[side] = lambda made=made, feeds=feeds, names=names: dict(zip(names, made.run(None, feeds)))
    return runs, known


def eager_runs(name, batch, threads, seed):
    import torch

    network, x = network_of(name, batch)
    torch.set_num_threads(threads)
    parameters = dict(network.named_parameters())

    def eager(of):
        leaf = x.clone().requires_grad_(of == "input")
        for p in parameters.values():
            p.requires_grad_(of == "weights")
        wanted = {"x": leaf} if of == "input" else parameters
        y = network(leaf)
        found = torch.autograd.grad(y, list(wanted.values()), torch.from_numpy(seed))
        return {"y": y.detach().numpy(), **{f"adj_{key}": g.numpy() for key, g in zip(wanted, found)}}

    return {f"PyTorch {of}": lambda of=of: eager(of) for of in ["input", "weights"]}


def apart(runs, known):
    """
    The largest difference from PyTorch's results and gradients, relative to the largest number among all of these. Weights that an
    exporter gave names of its own are compared with onnx-ad's, but for those that it has no derivative for and gives zeros.
    """
    worst = float(np.abs(runs["rewritten"]()["y"] - known["y"]).max() / np.abs(known["y"]).max())
    for of in ["input", "weights"]:
        ours, expected = runs[f"ours {of}"](), runs[f"PyTorch {of}"]()
        for key, value in (runs[f"onnx-ad {of}"]() if f"onnx-ad {of}" in runs else {}).items():
            if value.any():
                expected.setdefault(key, value)
        slopes = [(ours[key], expected[key]) for key in ours if key != "y" and key in expected]
        largest = max(float(np.abs(b).max()) for _, b in slopes)
        worst = max([worst, *(float(np.abs(a.reshape(-1) - b.reshape(-1)).max()) / largest for a, b in slopes)])
    return worst


def measure(folder, name, batch, threads, rounds):
    from turns import turns_of

    runs, known = runs_of(folder, name, batch, threads)
    runs.update(eager_runs(name, batch, threads, seed_of(known)))
    groups = {group: {side: runs[side] for side in sides if side in runs} for group, sides in GROUPS.items()}
    difference = apart(runs, known)
    times = {side: turns for group in groups.values() for side, turns in turns_of(group, threads, rounds).items()}
    print(json.dumps({"apart": difference, "turns": times}))


def memory(folder, name, batch, side):
    if side.startswith("PyTorch"):
        known = dict(np.load(folder / f"{name}.npz"))
        run = eager_runs(name, batch, 1, seed_of(known))[side]
    else:
        known = dict(np.load(folder / f"{name}.npz"))
        made = opened(folder / f"{name}{FILES[side]}.onnx", 1)
        feeds = feeds_of(made, known)
        run = lambda: made.run(None, feeds)
    for _ in range(3):
        run()
    # Linux counts a parent's memory in the usage of a process that it started, but not in the process's own status.
    status = pathlib.Path("/proc/self/status").read_text()
    print(json.dumps(int(status.split("VmHWM:")[1].split()[0]) / 1024))


if __name__ == "__main__":
    action, folder, name, batch, *rest = sys.argv[1:]
    folder, batch = pathlib.Path(folder), int(batch)
    onnxruntime.set_default_logger_severity(3)
    if action == "prepare":
        prepare(folder, name, batch)
    elif action == "time":
        measure(folder, name, batch, *map(int, rest))
    elif action == "count":
        print(json.dumps(counted(folder, name)))
    else:
        memory(folder, name, batch, rest[0])
