#!/usr/bin/env python3
"""learn2learn's example of MAML on Omniglot (examples/vision/maml_omniglot.py) in plain PyTorch, as the peer of `npm run bench -- learning`.

    python3 bench/learning/learn2learn_peer.py FOLDER THREADS     (needs torch and numpy)

FOLDER has what data.ts writes. Requests are lines of JSON: {"op": "train", "until": S} trains until S seconds of training are over and answers
{"iterations": N}; {"op": "evaluate"} answers {"accuracies": [...]}, one for each test episode, and its time does not count. Settings are the
example's: four strided convolutions of 64 filters with batch norm, whose statistics are those of each batch, one inner step of rate 0.5, 32 tasks
a step, as many queries as support examples, Adam at 0.003.
"""

import json
import pathlib
import sys
import time

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "peers"))
from torch_learn2learn import clone_module, update_module  # noqa: E402

INNER_RATE, OUTER_RATE, TASKS, STEPS, HIDDEN = 0.5, 0.003, 32, 1, 64


class Mean(nn.Module):
    def forward(self, x):
        return x.mean(dim=[2, 3])


def network(ways):
    blocks, channels = [], 1
    for _ in range(4):
        conv, norm = nn.Conv2d(channels, HIDDEN, 3, 2, 1), nn.BatchNorm2d(HIDDEN, track_running_stats=False)
        nn.init.xavier_uniform_(conv.weight)
        nn.init.zeros_(conv.bias)
        nn.init.uniform_(norm.weight)
        blocks += [conv, norm, nn.ReLU()]
        channels = HIDDEN
    head = nn.Linear(HIDDEN, ways)
    nn.init.normal_(head.weight)
    nn.init.zeros_(head.bias)
    return nn.Sequential(*blocks, Mean(), head)


class Run:
    def __init__(self, folder):
        self.sizes = json.loads((folder / "sizes.json").read_text())
        self.ways, self.shots = self.sizes["ways"], self.sizes["shots"]
        classes, examples = self.sizes["train"]
        pixels = np.fromfile(folder / "train.bin", np.uint8).reshape(classes, examples, 1, 28, 28)
        self.images = torch.from_numpy(pixels)
        tests = np.fromfile(folder / "test.bin", np.uint8).reshape(self.sizes["episodes"], -1, 1, 28, 28)
        self.tests = torch.from_numpy(tests)
        labels = np.fromfile(folder / "labels.bin", np.int32).reshape(self.sizes["episodes"], -1)
        self.labels = torch.from_numpy(labels).long()
        torch.manual_seed(0)
        self.random = np.random.default_rng(0)
        self.module = network(self.ways)
        self.optimizer = torch.optim.Adam(self.module.parameters(), OUTER_RATE)
        self.seconds, self.iterations = 0.0, 0

    def adapted(self, x, y, second):
        clone = clone_module(self.module)
        for _ in range(STEPS):
            parameters = list(clone.parameters())
            gradients = torch.autograd.grad(cross_entropy(clone(x), y), parameters, create_graph=second, retain_graph=second)
            update_module(clone, iter([-INNER_RATE * g for g in gradients]))
        return clone

    def task(self):
        classes = self.random.choice(len(self.images), self.ways, replace=False)
        picked = [self.random.choice(self.images.shape[1], 2 * self.shots, replace=False) for _ in classes]
        x = torch.stack([self.images[c][torch.from_numpy(e)] for c, e in zip(classes, picked)]).float() / 255
        y = torch.arange(self.ways)[:, None].expand(-1, self.shots).flatten()
        return x[:, : self.shots].flatten(0, 1), y, x[:, self.shots :].flatten(0, 1), y

    def train(self, until):
        while self.seconds < until:
            start = time.perf_counter()
            self.optimizer.zero_grad()
            for _ in range(TASKS):
                support_x, support_y, query_x, query_y = self.task()
                cross_entropy(self.adapted(support_x, support_y, True)(query_x), query_y).backward()
            for p in self.module.parameters():
                p.grad.mul_(1 / TASKS)
            self.optimizer.step()
            self.iterations += 1
            self.seconds += time.perf_counter() - start
        return {"iterations": self.iterations}

    def evaluate(self):
        support = self.ways * self.shots
        found = []
        for pixels, y in zip(self.tests, self.labels):
            x = pixels.float() / 255
            clone = self.adapted(x[:support], y[:support], False)
            with torch.no_grad():
                found.append((clone(x[support:]).argmax(1) == y[support:]).float().mean().item())
        return {"accuracies": found}


if __name__ == "__main__":
    torch.set_num_threads(int(sys.argv[2]))
    run = Run(pathlib.Path(sys.argv[1]))
    for line in sys.stdin:
        request = json.loads(line)
        answer = run.train(request["until"]) if request["op"] == "train" else run.evaluate()
        print(json.dumps({"ok": True, **answer}), flush=True)
