"""Ours of bench/imported on native kernels: a process of Node that is asked for a turn by lines of JSON (native.ts)."""

import json
import math
import subprocess
import tempfile

import numpy as np

# The side of ONNX Runtime that it is on native kernels, and the file that both run.
KINDS = {"rewritten": "ours", "ours input": "ours-input", "ours weights": "ours-weights"}


def native(side):
    return f"{side} native"


def write_feeds(folder, name, feeds):
    """What the process is fed, as it reads it."""
    shapes = {}
    for key, value in feeds.items():
        value.astype("<f4").tofile(folder / f"{name}.feeds.{key}")
        shapes[key] = list(value.shape)
    (folder / f"{name}.feeds.json").write_text(json.dumps(shapes))


class Native:
    """The process, with a run for each side. A run gives its results; `turn` has it timed where it runs."""

    def __init__(self, command, folder, name, threads):
        args = [*command, str(folder), name, str(threads)]
        self.process = subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.runs, self.refused = {}, []
        for of, kind in KINDS.items():
            side = native(of)
            self.runs[side] = Run(self, side)
            if not self.ask(op="open", side=side, kind=kind)["native"]:
                self.refused.append(side)

    def ask(self, **request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        answer = json.loads(line) if line else {"ok": False, "error": "its process ended"}
        if not answer["ok"]:
            raise RuntimeError(f"ours on native kernels: {answer['error']}")
        return answer

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Run:
    def __init__(self, process, side):
        self.process, self.side = process, side

    def __call__(self):
        with tempfile.NamedTemporaryFile() as file:
            results = self.process.ask(op="results", side=self.side, file=file.name)["results"]
            numbers = np.fromfile(file.name, "<f4")
        found, at = {}, 0
        for key, shape in results:
            size = math.prod(shape)
            found[key] = numbers[at : at + size].reshape(shape)
            at += size
        return found

    def turn(self, enough):
        """Seconds."""
        return self.process.ask(op="turn", side=self.side, enough=enough * 1e3)["milliseconds"] / 1e3
