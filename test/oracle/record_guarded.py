#!/usr/bin/env python3
"""Records what PyTorch computes for guarded inner loops, in float64, into recorded/guarded/, one file a model.

    python3 test/oracle/record_guarded.py            (needs PyTorch 2 and numpy; seconds)

The loop is written here as one would say it: take a step; where the objective is higher afterwards, or no number, take it
back and go on with a quarter of the rate. Data, networks and digests are those of record.py. Rates are so large that
steps are taken back, and the cases keep away from objectives that are as good as equal, where rounding would decide.
"""

import math
import sys

import torch
import torch.nn.functional as F

from record import Network, conv4, digest, draw, mlp, rates_of, small, write_families
from recording import rounded

CASES = [
    {**small("mlp", mlp("tanh"), support=10, queries=10, steps=6, rate=2), "head": "learned"},
    {**conv4("conv4, every parameter", steps=5, rate=8), "head": "learned"},
    {**conv4("conv4, every parameter, first order", steps=5, rate=8), "head": "learned", "order": 1},
    {**conv4("conv4, every parameter, head from prototypes", steps=4, rate=4), "head": "prototypes"},
    {**conv4("conv4, head alone", adapts="head.", support=9, steps=5, rate=64), "head": "learned"},
    {**conv4("conv4, head alone, from zero", adapts="head.", support=9, steps=5, rate=64), "head": "zero"},
    {**conv4("conv4, head alone, from prototypes", adapts="head.", support=9, steps=5, rate=4), "head": "prototypes"},
    {**conv4("conv4, head alone, from prototypes, short steps", adapts="head.", steps=3, rate=1 / 16), "head": "prototypes"},
]


def guarded(loss, start, rates, steps, decay, order, near):
    """The best place found, the losses of what was kept at each time, the step that was kept, and how many were taken back."""
    def objective(at):
        away = sum(((at[name] - start[name]) ** 2).sum() for name in rates)
        return loss(at) + decay / 2 * away

    def slopes(at):
        # In a fresh copy of the moved parameters' place, so that start and place may be the same tensors.
        leaves = {name: at[name] + 0 if at[name].requires_grad else at[name].clone().requires_grad_() for name in rates}
        found = torch.autograd.grad(loss({**at, **leaves}), list(leaves.values()), create_graph=True)
        found = [slope.detach() for slope in found] if order == 1 else found
        return {name: slope + decay * (at[name] - start[name]) for name, slope in zip(rates, found)}

    best, scale, kept, refused = dict(start), 1.0, 0, 0
    value, direction = objective(best), slopes(best)
    losses = [loss(best).item()]
    for step in range(1, steps + 1):
        trial = {**best, **{name: best[name] - scale * rates[name] * direction[name] for name in rates}}
        there = objective(trial)
        near(abs(there.item() - value.item()))
        if there <= value:
            best, value, direction, kept = trial, there, slopes(trial), step
        else:
            scale, refused = scale / 4, refused + 1
        losses.append(loss(best).item())
    return best, losses, kept, refused


class Learner:
    """A network whose last layer may start from the support set."""

    def __init__(self, case, theta):
        self.network, self.head, self.theta = Network(case["network"]), case["head"], theta
        self.regression = case["network"]["model"] == "mlp"
        self.width = theta["head.weight"].shape[0]

    def features(self, p, x):
        eye = torch.eye(self.width, dtype=x.dtype)
        found = self.network.logits({**p, "head.weight": eye, "head.bias": torch.zeros(self.width, dtype=x.dtype)}, x)
        return found * math.sqrt(8 / self.width) if self.head == "prototypes" else found

    def logits(self, p, x):
        if self.regression:
            return self.network.logits(p, x)
        return self.features(p, x) @ p["head.weight"] + p["head.bias"]

    def loss(self, p, batch):
        x, y = batch
        return (F.mse_loss if self.regression else F.cross_entropy)(self.logits(p, x), y)

    def start(self, support):
        if self.head == "learned":
            return dict(self.theta)
        x, y = support
        ways = int(y.max()) + 1
        if self.head == "zero":
            made = torch.zeros(self.width, ways, dtype=x.dtype), torch.zeros(ways, dtype=x.dtype)
        else:
            found = self.features(self.theta, x)
            means = torch.stack([found[y == label].mean(0) for label in range(ways)])
            made = 2 * means.T, -(means**2).sum(1)
        return {**self.theta, "head.weight": made[0], "head.bias": made[1]}

    def adapt(self, support, rates, steps, order, near):
        start, x, y = self.start(support), *support
        if not all(name.startswith("head.") for name in rates):
            return guarded(lambda p: self.loss(p, support), start, rates, steps, 0, order, near)
        # The head alone moves: over features less the mean of their class means, with the bias that gives the same logits.
        found = self.features(self.theta, x)
        centre = torch.stack([found[y == label].mean(0) for label in range(int(y.max()) + 1)]).mean(0)
        centred = found - centre
        decay = 1.0 if self.head == "prototypes" else 0.0
        if self.head == "prototypes":
            squares = (centred**2).sum(1)
            weight, bias = rates["head.weight"], rates["head.bias"]
            bound = 0.5 * (weight * squares + bias).mean() + torch.maximum(weight, bias)
            rates = {name: rate / torch.clamp(bound, min=1) for name, rate in rates.items()}
        inner = {"head.weight": start["head.weight"], "head.bias": start["head.bias"] + centre @ start["head.weight"]}
        logits = lambda p: centred @ p["head.weight"] + p["head.bias"]
        best, *rest = guarded(lambda p: F.cross_entropy(logits(p), y), inner, rates, steps, decay, order, near)
        bias = best["head.bias"] - centre @ best["head.weight"]
        return {**start, "head.weight": best["head.weight"], "head.bias": bias}, *rest


def solve(case, seed):
    parameters, tasks = draw(case, seed, torch.float64)
    theta = {name: value.requires_grad_() for name, value in parameters.items()}
    rates = {name: torch.tensor(rate, dtype=torch.float64, requires_grad=True) for name, rate in rates_of(case).items()}
    learner = Learner(case, theta)
    margin = math.inf

    def near(distance):
        nonlocal margin
        margin = min(margin, distance)

    meta = {name: value for name, value in theta.items() if case["head"] == "learned" or not name.startswith("head.")}
    found = {"supportLosses": [], "kept": [], "refused": [], "queryLosses": [], "adapted": []}
    slopes = []
    for support, query in tasks:
        fast, losses, kept, refused = learner.adapt(support, rates, case["steps"], case.get("order", 2), near)
        loss = learner.loss(fast, query)
        slopes.append(torch.autograd.grad(loss, [*meta.values(), *rates.values()]))
        found["supportLosses"].append(losses)
        found["kept"].append(kept)
        found["refused"].append(refused)
        found["queryLosses"].append(loss.item())
        found["adapted"].append({name: fast[name].detach() for name in rates})
    means = [torch.stack(of_tasks).mean(0) for of_tasks in zip(*slopes)]
    found["metaGradient"] = dict(zip(meta, means))
    found["rateGradient"] = {name: slope.item() for name, slope in zip(rates, means[len(meta):])}
    return found, margin


def record(case):
    for seed in range(1, 100):
        found, margin = solve(case, seed)
        if margin > 1e-6:
            break
    print(f"{case['name']}: seed {seed}, kept {found['kept']}, taken back {found['refused']}", file=sys.stderr)

    def digests(arrays):
        return {name: digest(value, None, 12) for name, value in arrays.items()}

    return {
        **{key: case[key] for key in ("name", "network", "head")},
        "order": case.get("order", 2),
        "seed": seed,
        **{key: case[key] for key in ("tasks", "support", "queries", "steps")},
        "rates": rates_of(case),
        **{key: found[key] for key in ("kept", "refused")},
        **{key: rounded(found[key], 12) for key in ("supportLosses", "queryLosses", "rateGradient")},
        "adapted": [digests(arrays) for arrays in found["adapted"]],
        "metaGradient": digests(found["metaGradient"]),
    }


if __name__ == "__main__":
    write_families("guarded", CASES, record, sys.argv[1:])
