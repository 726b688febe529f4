"""learn2learn's way (its algorithms.MAML, with a rate for each parameter): a module is cloned for each task, and the clone adapted. Written out
here, since the package (last released in 2023) does not build on newer Pythons.
"""

import torch
from torch import nn

def module_of(network):
    if network["model"] == "mlp":
        return nn.Sequential(nn.Linear(1, 40), nn.ReLU(), nn.Linear(40, 40), nn.ReLU(), nn.Linear(40, 1))
    if network["model"] == "metamodel":
        blocks = [nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        return nn.Sequential(*blocks, nn.Flatten(), nn.LazyLinear(128), nn.ReLU(), nn.Linear(128, network["outputs"]))
    blocks, channels = [], network["inputShape"][-1]
    for stride in network["strides"]:
        filters = network["filters"]
        blocks += [nn.Conv2d(channels, filters, 3, stride, 1, bias=False), nn.GroupNorm(1, filters), nn.ReLU()]
        channels = filters
    return nn.Sequential(*blocks, nn.Flatten(), nn.LazyLinear(network["outputs"]))


def clone_module(module):
    clone = module.__new__(type(module))
    clone.__dict__ = module.__dict__.copy()
    clone._parameters = {name: None if p is None else p.clone() for name, p in module._parameters.items()}
    clone._modules = {name: clone_module(child) for name, child in module._modules.items()}
    return clone


def update_module(module, updates):
    for name, p in module._parameters.items():
        if p is not None:
            module._parameters[name] = p + next(updates)
    for child in module._modules.values():
        update_module(child, updates)


def cloned(t):
    """The module with the problem's parameters, and a function that gives an adapted clone and the losses on the way."""
    module = module_of(t.case["network"]).to(t.theta[0].dtype)
    with torch.no_grad():
        module(t.tasks[0][0])  # gives layers that wait for their sizes their parameters
        for p, value in zip(module.parameters(), t.theta):
            p.copy_(value)

    def adapt_clone(x, y, second):
        clone, losses = clone_module(module), []
        for _ in range(t.steps):
            loss = t.loss(clone(x), y)
            gradients = torch.autograd.grad(loss, list(clone.parameters()), create_graph=second, retain_graph=second)
            update_module(clone, iter([-rate * g for g, rate in zip(gradients, t.rates)]))
            losses.append(loss.detach())
        return clone, losses

    return module, adapt_clone


def learn2learn(t):
    kind = t.case["kind"]
    module, adapt_clone = cloned(t)

    def adapt_way():
        x, y = t.tasks[0][:2]
        clone, losses = adapt_clone(x, y, False)
        with torch.no_grad():
            return [*losses, t.loss(clone(x), y)], list(clone.parameters())

    def evaluate_way():
        out = []
        for support_x, support_y, query_x, query_y in t.tasks:
            clone, _ = adapt_clone(support_x, support_y, False)
            with torch.no_grad():
                logits = clone(query_x)
                out.append((t.loss(logits, query_y), logits))
        return [loss for loss, _ in out], torch.stack([logits for _, logits in out])

    def meta_way():
        module.zero_grad()
        losses = []
        for support_x, support_y, query_x, query_y in t.tasks:
            clone, _ = adapt_clone(support_x, support_y, True)
            loss = t.loss(clone(query_x), query_y)
            (loss / len(t.tasks)).backward()
            losses.append(loss.detach())
        return losses, [p.grad for p in module.parameters()]

    return {"adapt": adapt_way, "evaluate": evaluate_way, "meta": meta_way}[kind]
