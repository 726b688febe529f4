#!/usr/bin/env python3
"""onnx-ad as a peer: the loss of a workload's network as an ONNX file, differentiated by its weights, and gradient descent around it.

    python3 bench/peers/onnx_ad_peer.py     (needs onnx-ad, onnx, onnxruntime, and torch, which writes the file; problems.py says what it answers)

It differentiates files and has no inner loop, so the steps are the host's, in numpy, and what goes through them (a meta-gradient) is not there.
"""

import io
import warnings

import numpy as np
import onnx
import onnx_ad
import onnxruntime
import torch
from problems import Peer, result, serve
from torch import nn
from torch_problem import Tensors, from_torch, model_of


def loss_file(t, x, y):
    """A file of `loss` and `y` with the weights p0, p1, … and x and labels as inputs."""
    model, loss = model_of(t.case["network"]), t.loss

    class Loss(nn.Module):
        def forward(self, *inputs):
            *p, x, y = inputs
            return loss(model(p, x), y)

    file, names = io.BytesIO(), [f"p{i}" for i in range(len(t.theta))]
    theta = tuple(p.detach() for p in t.theta)
    torch.onnx.export(Loss(), (*theta, x, y), file, dynamo=False, opset_version=17, input_names=[*names, "x", "y"], output_names=["loss"])
    return onnx.shape_inference.infer_shapes(onnx.load_from_string(file.getvalue())), names


def session(model, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 3
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


class OnnxAd(Peer):
    version = getattr(onnx_ad, "__version__", "0.3")

    def variants(self, problem, threads):
        if problem.case["kind"] != "adapt":
            raise ValueError("onnx-ad has no inner loop, so nothing goes through it")
        return {"host loop": lambda: self.made(problem, threads)}

    def made(self, problem, threads):
        t = Tensors(problem)
        x, y = t.tasks[0][:2]
        model, names = loss_file(t, x, y)
        value, slopes = session(model, threads), session(onnx_ad.reverse(model, inputs=names, layout="onnx"), threads)
        start = [p.detach().numpy() for p in t.theta]
        given = {"x": x.numpy(), "y": y.numpy()}
        seeds = {i.name: np.ones(tuple(d if isinstance(d, int) else 1 for d in i.shape), np.float32)
                 for i in slopes.get_inputs() if i.name not in given and i.name not in names}
        wanted = ["loss", *(f"adj_{name}" for name in names)]
        known = {o.name for o in slopes.get_outputs()}
        if not set(wanted) <= known:
            raise ValueError(f"its file gives {', '.join(sorted(known))}")

        def run():
            theta, losses = start, []
            for _ in range(t.steps):
                loss, *gradients = slopes.run(wanted, {**dict(zip(names, theta)), **given, **seeds})
                theta = [p - np.float32(rate) * g.reshape(p.shape) for p, g, rate in zip(theta, gradients, t.rates)]
                losses.append(loss)
            losses.append(value.run(["loss"], {**dict(zip(names, theta)), **given})[0])
            return losses, theta

        def outcome():
            losses, theta = run()
            named = {name: from_torch(torch.from_numpy(p), problem.image) for name, p in zip(problem.names, theta)}
            return result("adapt", problem, [loss.item() for loss in losses], named)

        return run, outcome


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    serve(OnnxAd())
