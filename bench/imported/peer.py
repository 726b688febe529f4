#!/usr/bin/env python3
"""The other sides of `npm run bench -- imported`: PyTorch's exporter and eager mode, onnx-ad, and ONNX Runtime, which times all.

    peer.py prepare FOLDER NETWORK               writes NETWORK.onnx, and onnx-ad's NETWORK.theirs-input.onnx, …-weights.onnx
    peer.py time FOLDER NETWORK THREADS ROUNDS   times what lies there, in turns; prints {"apart": …, "milliseconds": {…}}

Needs torch, onnx, onnxruntime and onnx-ad (PyPI).
"""

import json
import pathlib
import statistics
import sys
import time
import warnings

import numpy as np
import onnx
import onnx_ad
import onnxruntime
import torch
from networks import NETWORKS, randomized
from onnx import numpy_helper

warnings.filterwarnings("ignore")


def network_of(name):
    make, shape = NETWORKS[name]
    torch.manual_seed(0)
    return randomized(make()), torch.randn(*shape)


def prepare(folder, name):
    network, x = network_of(name)
    file = str(folder / f"{name}.onnx")
    torch.onnx.export(network, (x,), file, dynamo=False, opset_version=17, input_names=["x"], output_names=["y"])
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
        except onnx_ad.UnsupportedOperator as refused:
            print(f"{name}, {kind}: onnx-ad: {refused}", file=sys.stderr)


def session(file, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


def runs_of(folder, name, threads):
    """What is timed, by its name, and what it gives."""
    network, x = network_of(name)
    torch.set_num_threads(threads)
    with torch.no_grad():
        y = network(x)
    seed = torch.from_numpy(np.random.RandomState(1).randn(*y.shape).astype("f"))
    stored = {t.name: numpy_helper.to_array(t) for t in onnx.load(str(folder / f"{name}.onnx")).graph.initializer}
    known = {**stored, "x": x.numpy(), "adj_y": seed.numpy()}
    kinds = {"original": f"{name}.onnx", "rewritten": f"{name}.ours.onnx"}
    for kind in ["input", "weights"]:
        kinds[f"ours {kind}"], kinds[f"onnx-ad {kind}"] = f"{name}.ours-{kind}.onnx", f"{name}.theirs-{kind}.onnx"
    runs = {}
    for kind, file in kinds.items():
        if not (folder / file).exists():
            continue
        made = session(folder / file, threads)
        feeds = {i.name: known[i.name][..., None] if i.name == "adj_y" and len(i.shape) > y.ndim else known[i.name]
                 for i in made.get_inputs()}
        names = [o.name for o in made.get_outputs()]
        runs[kind] = lambda made=made, feeds=feeds, names=names: dict(zip(names, made.run(None, feeds)))
    parameters = list(network.parameters())

    def eager(of):
        leaf = x.clone().requires_grad_(of == "input")
        for p in parameters:
            p.requires_grad_(of == "weights")
        return torch.autograd.grad(network(leaf), [leaf] if of == "input" else parameters, seed)

    for of in ["input", "weights"]:
        runs[f"PyTorch {of}"] = lambda of=of: eager(of)
    return runs, y.numpy()


def measure(folder, name, threads, rounds):
    runs, y = runs_of(folder, name, threads)
    relative = lambda a, b: float(np.abs(a.reshape(-1) - b.reshape(-1)).max() / (np.abs(b).max() + 1e-30))
    apart = max(relative(runs[kind]()["y"], y) for kind in runs if not kind.startswith("PyTorch"))
    apart = max(apart, relative(runs["ours input"]()["adj_x"], runs["PyTorch input"]()[0].numpy()))
    times = {kind: [] for kind in runs}
    for _ in range(rounds):
        for kind, run in runs.items():
            run()
            turns = []
            while not turns or sum(turns) < 0.03:
                start = time.perf_counter()
                run()
                turns.append(time.perf_counter() - start)
            times[kind].append(statistics.median(turns) * 1e3)
    print(json.dumps({"apart": apart, "milliseconds": {kind: statistics.median(all) for kind, all in times.items()}}))


if __name__ == "__main__":
    action, folder, name, *rest = sys.argv[1:]
    if action == "prepare":
        prepare(pathlib.Path(folder), name)
    else:
        measure(pathlib.Path(folder), name, *map(int, rest))
