#!/usr/bin/env python3
"""The other sides of `npm run bench -- imported`: PyTorch's exporter and eager mode, onnx-ad, and ONNX Runtime, which times all.

    peer.py prepare FOLDER NETWORK BATCH [PEERS]        writes NETWORK.onnx, and onnx-ad's NETWORK.theirs-input.onnx, …-weights.onnx,
                                                        unless PEERS are named without it
    peer.py time FOLDER NETWORK BATCH THREADS ROUNDS SECONDS LIMIT GROUPS PEERS ENGINES NATIVE
                                                        times what lies there, in turns: ROUNDS, fewer where they take more than SECONDS;
                                                        torch.compile gets LIMIT seconds for each side. GROUPS of forward,input,weights
                                                        and PEERS of onnx-ad,eager,compile are timed; ours on ENGINES of onnxruntime,native,
                                                        for which NATIVE is the command, in JSON, of the process of native kernels
    peer.py count FOLDER NETWORK BATCH                  what ONNX Runtime executes of each file, which no load changes
    peer.py memory FOLDER NETWORK BATCH SIDE            the most memory that a process holds that runs nothing but this side

All but the first print JSON. Needs torch, onnx, onnxruntime and onnx-ad (PyPI).
"""

import json
import pathlib
import sys
import warnings

import numpy as np
from native_sides import KINDS, Native, native, write_feeds
from sides import FILES, counted, feeds_of, opened, seed_of

# What is timed beside each other: each of these against the others of its group.
GROUPS = {
    "forward": ["original", "rewritten", native("rewritten")],
    "input": ["ours input", native("ours input"), "onnx-ad input", "PyTorch input", "compiled input"],
    "weights": ["ours weights", native("ours weights"), "onnx-ad weights", "PyTorch weights", "compiled weights"],
}


def prepare(folder, name, batch, peers="onnx-ad"):
    import torch
    from torch_sides import network_of

    warnings.filterwarnings("ignore")
    network, x = network_of(name, batch)
    file = str(folder / f"{name}.onnx")
    torch.onnx.export(network, (x,), file, dynamo=False, opset_version=17, input_names=["x"], output_names=["y"])
    with torch.no_grad():
        known = {"x": x.numpy(), "y": network(x).numpy()}
    np.savez(folder / f"{name}.npz", **known)
    write_feeds(folder, name, {"x": known["x"], "adj_y": seed_of(known)})
    for left in folder.glob(f"{name}.theirs-*.onnx"):
        left.unlink()
    if "onnx-ad" in peers.split(","):
        differentiate(folder, name, file)


def differentiate(folder, name, file):
    """By onnx-ad, for the input and for the weights; where it refuses, there is no file."""
    import onnx
    import onnx_ad

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


def underived(file):
    """The outputs of onnx-ad's file that no cotangent reaches: where it has no derivative, its file gives memory that nobody wrote."""
    import onnx

    graph = onnx.load(file).graph
    reached = {value.name for value in graph.input if value.name.startswith("adj_")}
    for node in graph.node:
        if reached.intersection(node.input):
            reached.update(node.output)
    return {value.name for value in graph.output} - reached


def apart(folder, name, runs, known, engine):
    """
    Of ours on an engine, the largest difference from PyTorch's results and gradients, relative to the largest number among all of these. Weights that an
    exporter gave names of its own are compared with onnx-ad's, where it has a derivative and no zeros in its place.
    """
    here = native if engine == "native" else str
    worst = float(np.abs(runs[here("rewritten")]()["y"] - known["y"]).max() / np.abs(known["y"]).max())
    for of in ["input", "weights"]:
        ours, expected = runs[here(f"ours {of}")](), runs[f"PyTorch {of}"]()
        if f"onnx-ad {of}" in runs:
            wrong = underived(folder / f"{name}.theirs-{of}.onnx")
            for key, value in runs[f"onnx-ad {of}"]().items():
                if key not in wrong and value.any():
                    expected.setdefault(key, value)
        slopes = [(ours[key], expected[key]) for key in ours if key != "y" and key in expected]
        largest = max(float(np.abs(b).max()) for _, b in slopes)
        worst = max([worst, *(float(np.abs(a.reshape(-1) - b.reshape(-1)).max()) / largest for a, b in slopes)])
    return worst


# How the sides of a peer begin.
PEERS = {"onnx-ad": "onnx-ad", "eager": "PyTorch", "compile": "compiled"}
SHARES = {"forward": 0.1, "input": 0.4, "weights": 0.5}


def measure(folder, name, batch, threads, rounds, seconds, limit, chosen, peers, engines, command):
    from torch_sides import torch_runs
    from turns import turns_of

    runs, known = runs_of(folder, name, batch, threads)
    compiling = [kind for kind in ["input", "weights"] if kind in chosen] if "compile" in peers else []
    others, missing = torch_runs(name, batch, threads, seed_of(known), compiling, limit)
    runs.update(others)
    process = Native(command, folder, name, threads) if "native" in engines else None
    runs.update(process.runs if process else {})
    unasked = [] if "onnxruntime" in engines else list(KINDS)
    left = tuple(begins for peer, begins in PEERS.items() if peer not in peers)
    groups = {
        group: {side: runs[side] for side in GROUPS[group] if side in runs and side not in unasked and not side.startswith(left)} for group in chosen
    }
    difference = {engine: apart(folder, name, runs, known, engine) for engine in engines}
    whole = sum(SHARES[group] for group in chosen)
    found = {
        group: turns_of(sides, threads, rounds, seconds * SHARES[group] / whole) for group, sides in groups.items()
    }
    times = {side: turns for group in found.values() for side, turns in group.items()}
    refused = process.refused if process else []
    if process:
        process.close()
    print(json.dumps({"apart": difference, "turns": times, "missing": missing, "refused": refused}))


def memory(folder, name, batch, side):
    if side.startswith("PyTorch"):
        known = dict(np.load(folder / f"{name}.npz"))
        from torch_sides import torch_runs

        run = torch_runs(name, batch, 1, seed_of(known))[0][side]
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
    if action == "prepare":
        prepare(folder, name, batch, *rest)
    elif action == "time":
        *numbers, chosen, peers, engines, command = rest
        lists = [text.split(",") for text in [chosen, peers, engines]]
        measure(folder, name, batch, *map(int, numbers), *lists, json.loads(command))
    elif action == "count":
        print(json.dumps(counted(folder, name)))
    else:
        memory(folder, name, batch, rest[0])
