"""What PyTorch runs for bench/imported: forward and backward of a network, eager and by torch.compile, within a time for compiling."""

import signal
import sys

import torch
from networks import NETWORKS, randomized
from others import OTHERS


def network_of(name, batch):
    make, shape = {**NETWORKS, **OTHERS}[name]
    torch.manual_seed(0)
    return randomized(make()), torch.randn(batch, *shape)


class TooLong(Exception):
    pass


def within(seconds, run):
    """Runs something, for so many seconds at most."""

    def stop(*_):
        raise TooLong(f"not ready after {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        return run()
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def torch_runs(name, batch, threads, seed, compiling=(), limit=0):
    """
    What runs, by its name, and why a side is not there. Each gives the network's result, and its gradients under the names of onnx-ad's.
    @param compiling of which gradients there is a compiled side as well
    @param limit seconds for compiling one side
    """
    network, x = network_of(name, batch)
    torch.set_num_threads(threads)
    parameters = dict(network.named_parameters())

    def both_ways(forward, of):
        leaf = x.clone().requires_grad_(of == "input")
        for p in parameters.values():
            p.requires_grad_(of == "weights")
        wanted = {"x": leaf} if of == "input" else parameters
        y = forward(leaf)
        found = torch.autograd.grad(y, list(wanted.values()), torch.from_numpy(seed))
        return {"y": y.detach().numpy(), **{f"adj_{key}": g.numpy() for key, g in zip(wanted, found)}}

    runs = {f"PyTorch {of}": lambda of=of: both_ways(network, of) for of in ["input", "weights"]}
    missing = {}
    for of in compiling:
        side = f"compiled {of}"
        compiled = torch.compile(network, dynamic=False)
        try:
            within(limit, lambda: both_ways(compiled, of))
            runs[side] = lambda compiled=compiled, of=of: both_ways(compiled, of)
        except Exception as refused:
            missing[side] = f"torch.compile: {type(refused).__name__}: {str(refused).splitlines()[0] if str(refused) else ''}"
            print(f"{name}, {of}: {missing[side]}", file=sys.stderr)
    return runs, missing
