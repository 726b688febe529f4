#!/usr/bin/env python3
"""A conv4 bundle's learner in PyTorch eager, as the peer of `npm run bench -- embed`. Needs torch and numpy.

    python3 bench/embed/torch_embed.py cold FILE     loads, adapts, predicts, prints "ready" and ends
    python3 bench/embed/torch_embed.py serve FILE THREADS    then lines on stdin: {"op": "adapt" | "predict", "times": N}
        ->  {"milliseconds": [...], "logits": [...]}

FILE is a safetensors file with the body's weights, support_x [n, H, W, 1], support_y [n] (as float32), query_x [1, H, W, 1], and
in its metadata steps and the head's two inner rates. The learner: features by the body, times √(8/f); a head from the class
means; gradient steps on the head alone (ANIL with a head from prototypes). The body runs once and without gradients.
"""

import json
import math
import struct
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

STRIDES = [2, 2, 2, 1]


def load(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header, body = json.loads(file.read(length)), file.read()
    metadata = header.pop("__metadata__")
    arrays = {
        name: torch.from_numpy(np.frombuffer(body[slice(*at["data_offsets"])], np.float32).reshape(at["shape"]).copy())
        for name, at in header.items()
    }
    return arrays, metadata


class Learner:
    def __init__(self, path):
        arrays, metadata = load(path)
        self.steps, self.rates = int(metadata["steps"]), (float(metadata["weight_rate"]), float(metadata["bias_rate"]))
        self.body = [
            (arrays[f"conv{i}.weight"].permute(3, 2, 0, 1).contiguous(), arrays[f"norm{i}.gain"], arrays[f"norm{i}.bias"])
            for i in range(1, 5)
        ]
        self.support_x = arrays["support_x"].permute(0, 3, 1, 2).contiguous()
        self.support_y = arrays["support_y"].long()
        self.query_x = arrays["query_x"].permute(0, 3, 1, 2).contiguous()

    def features(self, x):
        for (weight, gain, bias), stride in zip(self.body, STRIDES):
            x = F.relu(F.group_norm(F.conv2d(x, weight, stride=stride, padding=1), 1, gain, bias))
        x = x.permute(0, 2, 3, 1).flatten(1)
        return x * math.sqrt(8 / x.shape[1])

    def adapt(self):
        with torch.no_grad():
            features = self.features(self.support_x)
            hot = F.one_hot(self.support_y).float()
            centres = (hot.t() @ features) / hot.sum(0)[:, None]
            head = [2 * centres.t(), -(centres * centres).sum(1)]
        head = [value.requires_grad_() for value in head]
        for _ in range(self.steps):
            gradients = torch.autograd.grad(F.cross_entropy(features @ head[0] + head[1], self.support_y), head)
            with torch.no_grad():
                for value, gradient, rate in zip(head, gradients, self.rates):
                    value.sub_(gradient, alpha=rate)
        self.head = head
        return head

    @torch.no_grad()
    def predict(self):
        return self.features(self.query_x) @ self.head[0] + self.head[1]


def main(mode, path, threads="1"):
    torch.set_num_threads(int(threads))
    learner = Learner(path)
    learner.adapt()
    logits = learner.predict()
    if mode == "cold":
        print("ready", flush=True)
        return
    for line in sys.stdin:
        request = json.loads(line)
        run, times = getattr(learner, request["op"]), []
        for _ in range(request["times"]):
            start = time.perf_counter()
            run()
            times.append((time.perf_counter() - start) * 1000)
        print(json.dumps({"milliseconds": times, "logits": logits.flatten().tolist()}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
