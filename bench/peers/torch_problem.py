"""A problem in PyTorch's layouts, and the networks as functions of their weights."""

import math

import torch
import torch.nn.functional as F

FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


def to_torch(value, image):
    """From [kh, kw, in, out] and [in, out] to PyTorch's [out, in, kh, kw] and [out, in]."""
    value = torch.from_numpy(value)
    if value.dim() == 4:
        return value.permute(3, 2, 0, 1).contiguous()
    if value.dim() == 2 and image and value.shape[0] == math.prod(image):
        return value.reshape(*image, -1).permute(3, 2, 0, 1).flatten(1).contiguous()
    return value.t().contiguous() if value.dim() == 2 else value


def from_torch(value, image):
    value = value.detach().double()
    if value.dim() == 4:
        value = value.permute(2, 3, 1, 0)
    elif value.dim() == 2 and image and value.shape[1] == math.prod(image):
        height, width, channels = image
        value = value.reshape(-1, channels, height, width).permute(2, 3, 1, 0)
    elif value.dim() == 2:
        value = value.t()
    return value.contiguous().numpy()


def body4(p, x, strides):
    # Layer norm over positions and channels, gain and bias per channel: with F.layer_norm it is the same, and slower.
    for block, stride in enumerate(strides):
        weight, gain, bias = p[3 * block : 3 * block + 3]
        x = F.relu(F.group_norm(F.conv2d(x, weight, stride=stride, padding=1), 1, gain, bias))
    return x.flatten(1)


def metamodel(p, x):
    x = F.max_pool2d(F.relu(F.conv2d(x, p[0], p[1], padding=1)), 2)
    x = F.max_pool2d(F.relu(F.conv2d(x, p[2], p[3], padding=1)), 2)
    return F.linear(F.relu(F.linear(x.flatten(1), p[4], p[5])), p[6], p[7])


def mlp(p, x):
    return F.linear(F.relu(F.linear(F.relu(F.linear(x, p[0], p[1])), p[2], p[3])), p[4], p[5])


def mlp_of_tasks(p, x):
    """The mlp with a leading task axis on everything."""
    for weight, bias in ((p[0], p[1]), (p[2], p[3])):
        x = F.relu(torch.baddbmm(bias.unsqueeze(1), x, weight.transpose(1, 2)))
    return torch.baddbmm(p[5].unsqueeze(1), x, p[4].transpose(1, 2))


def model_of(network):
    if network["model"] == "conv4":
        strides = network["strides"]
        return lambda p, x: F.linear(body4(p, x, strides), p[-2], p[-1])
    return {"metamodel": metamodel, "mlp": mlp}[network["model"]]


class Tensors:
    """A problem's arrays in one precision and memory format."""

    def __init__(self, problem, dtype=torch.float32, memory_format=torch.contiguous_format):
        self.problem, self.case = problem, problem.case

        def placed(value):
            value = value.to(dtype) if value.is_floating_point() else value
            return value.contiguous(memory_format=memory_format) if value.dim() == 4 else value

        self.theta = [placed(to_torch(v, problem.image)) if v.ndim else torch.tensor(v, dtype=dtype) for v in problem.theta.values()]
        for p in self.theta:
            p.requires_grad_()
        self.rates, self.steps = problem.rates, self.case["steps"]
        self.regression = problem.model == "mlp"
        self.loss = F.mse_loss if self.regression else F.cross_entropy
        arrays = [torch.from_numpy(part) for part in problem.tasks]
        if not self.regression:
            arrays = [part.permute(0, 1, 4, 2, 3).contiguous() if part.dim() == 5 else part for part in arrays]
        self.stacked = [part.to(dtype) if part.is_floating_point() else part for part in arrays]
        self.tasks = [tuple(placed(part) for part in task) for task in zip(*arrays)]

    def by_name(self, values):
        return {name: from_torch(value, self.problem.image) for name, value in zip(self.problem.names, values)}


def descended(values, gradients, rates):
    return [torch.sub(p, g, alpha=rate) for p, g, rate in zip(values, gradients, rates)]
