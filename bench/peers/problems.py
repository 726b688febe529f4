"""What every Python peer shares: the data of a case, what a result is reduced to, and the JSON lines that a peer is driven by.

A case says all of a workload: {"kind": "adapt" | "meta" | "evaluate" | "train", "network": {...}, "parameters": [[name, shape], ...],
"seed", "tasks", "support", "queries", "steps", "rates": {name: rate}, ...}; ../workloads.ts makes it. Data are made from the seed as data.ts
makes them: parameters in their order, then task by task support x, support y, query x, query y; example i has label i mod ways.

A peer is a process that reads requests and answers each with a line:

    {"op": "hello"}                                   ->  {"ok": true, "version": ...}
    {"op": "prepare", "case": C, "threads": N}        ->  {"ok": true, "variant": the fastest way of writing it, "variants": {name: ms},
        "seconds": until the first result of each was there, summed, "result": R, "float64": R or absent}; with "once": true there is
        one way, its result and nothing else, for a process that is timed from its start
    {"op": "run", "times": N}                         ->  {"ok": true, "milliseconds": [...]}, of the processor where the case says so
    {"op": "memory", "case": C, "threads": N, "variant": name}  ->  {"ok": true, "mebibytes": the most that this process held}
    what cannot be done                               ->  {"ok": false, "error": message}

R is {"losses": [...], "projections": {name: p}, "norms": {name: n}}. adapt: the support loss before each step and after the last; of each
parameter the projection of its change, and its norm. meta: the query loss of each task; the second-order gradient of their mean. evaluate:
the query loss of each episode, and all logits. train: the loss of each of the first iterations, and the first gradient's norm.
A projection is the dot product with the numbers of seed 1.
"""

import json
import math
import sys
import time

import numpy as np

ITERATIONS = 3  # of `train` whose losses are compared


def numbers(seed, count):
    """state = (1664525 * state + 1013904223) mod 2**32, value = state / 2**32 * 2 - 1; all at once."""
    if count == 0:
        return np.empty(0)
    powers = np.multiply.accumulate(np.full(count, 1664525, np.uint32), dtype=np.uint32)
    sums = np.add.accumulate(np.concatenate([np.ones(1, np.uint32), powers[:-1]]), dtype=np.uint32)
    return (powers * np.uint32(seed) + np.uint32(1013904223) * sums) / 2**32 * 2 - 1


class Problem:
    """The arrays of a case, float32: `theta` by name, `tasks` as (support x, support y, query x, query y), each [tasks, n, ...]."""

    def __init__(self, case):
        self.case = case
        network = case["network"]
        self.model = network["model"]
        regression = self.model == "mlp"
        size, ways, counts = math.prod(network["inputShape"]), network["outputs"], (case["support"], case["queries"])
        drawn = [(name, tuple(shape)) for name, shape in case["parameters"] if not name.startswith("rate/")]
        weights = sum(math.prod(shape) for _, shape in drawn)
        each = sum(count * (size + (ways if regression else 0)) for count in counts)
        stream, at = numbers(case["seed"], weights + case["tasks"] * each), 0

        def take(shape, scale=1.0, offset=0.0):
            nonlocal at
            values = stream[at : at + math.prod(shape)].reshape(shape)
            at += values.size
            return (offset + scale * values).astype(np.float32)

        self.theta = {}
        for name, shape in drawn:
            if name.endswith(".weight"):
                self.theta[name] = take(shape, math.sqrt(2 / math.prod(shape[:-1])))
            else:
                self.theta[name] = take(shape, 0.1, 1.0 if name.endswith(".gain") else 0.0)
        for name, shape in case["parameters"]:
            if name.startswith("rate/"):
                self.theta[name] = np.float32(case["innerRate"])
        parts = ([], [], [], [])
        for _ in range(case["tasks"]):
            for part, count in enumerate(counts):
                parts[2 * part].append(take((count, *network["inputShape"])))
                parts[2 * part + 1].append(take((count, ways)) if regression else np.arange(count) % ways)
        self.tasks = tuple(np.stack(part) for part in parts)
        self.names = list(self.theta)
        self.rates = [case["rates"][name] for name in self.names] if case["rates"] else []
        self.image = image_of(network)


def image_of(network):
    """[H, W, C] in front of the first dense layer behind a flatten; None where there is no image."""
    if network["model"] == "mlp":
        return None
    height, width, _ = network["inputShape"]
    if network["model"] == "metamodel":
        return (height // 4, width // 4, 64)
    for stride in network["strides"]:
        height, width = (height - 1) // stride + 1, (width - 1) // stride + 1
    return (height, width, network["filters"])


def flat(array):
    return np.asarray(array, np.float64).reshape(-1)


def result(kind, problem, losses, values):
    """R of losses and of float64 arrays by name, in the layouts of the data."""
    start = problem.theta if kind == "adapt" else {}
    losses = [float(loss) for loss in losses]
    change = {name: flat(value) - (flat(start[name]) if name in start else 0) for name, value in values.items()}
    return {
        "losses": losses,
        "projections": {name: float(value @ numbers(1, value.size)) for name, value in change.items()},
        "norms": {name: float(np.linalg.norm(flat(value))) for name, value in values.items()},
    }


def train_result(losses, norm):
    return {"losses": [float(loss) for loss in losses], "projections": {"gradient": float(norm)}, "norms": {"gradient": float(norm)}}


def peak():
    """The most memory that this process held, in MiB."""
    try:  # Linux counts the parent's memory in the usage of a process that it started, but not in its status.
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 2**10
    except OSError:
        import resource  # not there on Windows

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def timed(function, clock=time.perf_counter):
    start = clock()
    function()
    return (clock() - start) * 1000


class Peer:
    """A framework that gives, for a case, `variants`: by name a function that makes a run and a function for its result."""

    version = ""

    def variants(self, problem, threads):
        """{name: make}; make() -> (run, result): run() does the workload once, result() gives R of it."""
        raise NotImplementedError

    def float64(self, problem, variant):
        """R in double precision; None where another side gives it."""
        return None

    def hello(self):
        return {"version": self.version}

    def prepare(self, case, threads, once=False):
        problem, seconds, made, first = Problem(case), 0.0, {}, {}
        clock = time.process_time if case.get("processor") else time.perf_counter
        for name, make in self.variants(problem, threads).items():
            start = time.perf_counter()
            run, outcome = make()
            if once:
                return {"variant": name, "result": outcome()}
            run()
            seconds += time.perf_counter() - start
            made[name], first[name] = (run, outcome), timed(run, clock)
        # What takes three times the fastest is not tried again; the least of some turns counts, since others only ever add.
        quick = [name for name in made if first[name] <= 3 * min(first.values())]
        times = {name: [value] for name, value in first.items()}
        turns = max(2, min(30, int(1500 / sum(first[name] + 1e-3 for name in quick)))) if len(quick) > 1 else 0
        for _ in range(turns):
            for name in quick:
                times[name].append(timed(made[name][0], clock))
        least = {name: round(min(found), 4) for name, found in times.items()}
        best = min(least, key=least.get)
        self.run_once, self.clock = made[best][0], clock
        double = self.float64(problem, best)
        return {"variant": best, "variants": least, "seconds": seconds, "result": made[best][1](),
                **({} if double is None else {"float64": double})}

    def run(self, times=1):
        return {"milliseconds": [round(timed(self.run_once, self.clock), 4) for _ in range(times)]}

    def memory(self, case, threads, variant):
        run, _ = self.variants(Problem(case), threads)[variant]()
        for _ in range(5):
            run()
        return {"mebibytes": peak()}


def serve(peer):
    operations = {"hello": peer.hello, "prepare": peer.prepare, "run": peer.run, "memory": peer.memory}
    for line in sys.stdin:
        try:
            request = json.loads(line)
            reply = {"ok": True, **operations[request.pop("op")](**request)}
        except Exception as error:  # Whatever keeps a peer from running is its line in the table.
            lines = str(error).strip().splitlines()
            reply = {"ok": False, "error": f"{type(error).__name__}: {lines[0] if lines else ''}"}
        print(json.dumps(reply), flush=True)
