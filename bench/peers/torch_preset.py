"""An iteration of training as the preset has it: ANIL with a head that starts at the class means, centred features, and steps that hold on to
the start and are bounded by the curvature. Only the head moves, so support and query images of all tasks may go through the body at once.
"""

import math

import torch
import torch.nn.functional as F
from problems import ITERATIONS, train_result
from torch import nn
from torch_problem import body4

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


class Parts(tuple):
    """Arrays task by task."""

    @property
    def shape(self):
        return (len(self), *self[0].shape)
