"""Two small networks as PyTorch writes them, and what PyTorch's own derivatives make of a few steps on them.

    python test/export/record/adaptable.py        writes test/export/recorded/adaptable.json
"""

import base64
import io
import math
import pathlib
import sys
import warnings

import torch
from torch import nn
from torch.nn import functional as F

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "support"))
import recording

warnings.filterwarnings("ignore")
torch.manual_seed(0)
torch.set_num_threads(1)


class Pictures(nn.Module):
    """A convolutional classifier of ten classes."""

    def __init__(self):
        super().__init__()
        self.conv1, self.norm = nn.Conv2d(3, 6, 3, stride=2, padding=1), nn.BatchNorm2d(6)
        self.conv2, self.fc = nn.Conv2d(6, 12, 3, stride=2, padding=1), nn.Linear(12, 10)

    def features(self, x):
        # A norm after the activation, which the exporter leaves a node of its own.
        x = self.norm(torch.relu(self.conv1(x)))
        return torch.relu(self.conv2(x)).mean((2, 3))

    def forward(self, x):
        return self.fc(self.features(x))


class Texts(nn.Module):
    """One layer of a transformer encoder."""

    def __init__(self, width=16, heads=2):
        super().__init__()
        self.heads = heads
        self.embed, self.place = nn.Embedding(40, width), nn.Parameter(0.1 * torch.randn(1, 32, width))
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(self, ids, mask):
        x = self.embed(ids) + self.place[:, : ids.shape[1]]
        n, t, d = x.shape
        q, k, v = self.qkv(x).reshape(n, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        scores = q @ k.transpose(-1, -2) / math.sqrt(d // self.heads) - 1e4 * (1 - mask.float())[:, None, None, :]
        x = self.norm1(x + self.out((scores.softmax(-1) @ v).transpose(1, 2).reshape(n, t, d)))
        return self.norm2(x + self.down(F.gelu(self.up(x))))


def written(model, inputs, names, output, axes):
    file = io.BytesIO()
    open_axes = {name: dict(axes) for name in [*names, output]} if axes else None
    if axes and output == "logits":
        open_axes[output] = {0: axes[0]}
    torch.onnx.export(model, inputs, file, input_names=names, output_names=[output], dynamic_axes=open_axes,
                      opset_version=17, dynamo=False)
    return base64.b64encode(file.getvalue()).decode()


def framed(rows, centre, scale):
    return (rows - centre) * scale


def frame(rows):
    """Less the mean, and scaled so that squares sum to 8 in the mean; classes have equally many examples here."""
    centre = rows.mean(0, keepdim=True)
    return centre.detach(), (8 / ((rows - centre) ** 2).sum(1).mean()).sqrt().detach()


def regression(z, labels, ways=3):
    """Ridge regression of the classes, less the share of each, and ten times as sharp."""
    targets = F.one_hot(labels, ways).float() - 1 / ways
    weight = torch.linalg.solve(z.T @ z / len(z) + 0.05 * torch.eye(z.shape[1]), z.T @ targets / len(z))
    return 10 * weight.detach()


def guarded(loss_of, moved, rates, steps, decay):
    """Steps that raise the objective are taken back, and the rate is quartered."""
    start = [value.detach().clone() for value in moved]
    best, best_objective, losses, shrink = start, None, [], 1.0
    trial = start
    for step in range(steps + 1):
        now = [value.detach().clone().requires_grad_() for value in trial]
        loss = loss_of(now)
        away = sum(((a - b) ** 2).sum() for a, b in zip(now, start))
        objective = loss + decay / 2 * away
        if best_objective is None or objective <= best_objective:
            best, best_objective = [value.detach() for value in now], objective.detach()
            kept = loss.item()
            slopes = torch.autograd.grad(objective, now)
        else:
            shrink /= 4
        losses.append(kept)
        trial = [value - shrink * rate * slope for value, rate, slope in zip(best, rates, slopes)]
    return best, losses


def optimized(loss_of, moved, steps, make, clip=None):
    """The best place of an optimizer's way, and its loss at each time; none of these ways leads above the start."""
    now = [value.detach().clone().requires_grad_() for value in moved]
    optimizer, best, lowest, losses = make(now), None, math.inf, []
    for step in range(steps + 1):
        optimizer.zero_grad()
        loss = loss_of(now)
        if loss.item() <= lowest:
            best, lowest = [value.detach().clone() for value in now], loss.item()
        losses.append(lowest)
        assert loss.item() <= losses[0]
        loss.backward()
        if clip is not None:
            torch.nn.utils.clip_grad_norm_(now, clip)
        if step < steps:
            optimizer.step()
    return best, losses


def uniform(seed):
    """mulberry32, as the factors of LoRA are drawn."""
    state = seed
    wrap = lambda number: number & 0xFFFFFFFF
    while True:
        state = wrap(state + 0x6D2B79F5)
        t = wrap((state ^ (state >> 15)) * (1 | state))
        t = wrap(t + wrap((t ^ (t >> 7)) * (61 | t))) ^ t
        yield ((t ^ (t >> 14)) & 0xFFFFFFFF) / 2**32


def losses_of_torch():
    """Losses of PyTorch with their derivatives, in float64."""
    generator = torch.Generator().manual_seed(7)
    labels = torch.tensor([0, 1, 2, 0, 1, 2])
    class_weights = torch.tensor([1.0, 2.0, 0.5], dtype=torch.float64)

    def squares(x):
        return ((x[:, None] - x[None]) ** 2).sum(2)

    def triplet(x):
        d, same = squares(x), (labels[:, None] == labels[None]).double()
        which = same[:, :, None] * (1 - same)[:, None, :]
        return (which * (d[:, :, None] - d[:, None, :] + 1).clamp(min=0)).sum() / which.sum()

    def contrastive(x):
        d, same = squares(x), (labels[:, None] == labels[None]).double()
        return (same * d + (1 - same) * (4 - (d + 1e-6).sqrt()).clamp(min=0) ** 2).mean()

    targets = torch.randn(6, 3, generator=generator, dtype=torch.float64)
    hot = F.one_hot(labels, 3).double()
    named = {
        "cross-entropy": lambda x: F.cross_entropy(x, labels),
        "cross-entropy, smoothing 0.1": lambda x: F.cross_entropy(x, labels, label_smoothing=0.1),
        "cross-entropy, classWeights 1,2,0.5": lambda x: F.cross_entropy(x, labels, weight=class_weights),
        "binary": lambda x: F.binary_cross_entropy_with_logits(x, hot),
        "squared": lambda x: F.mse_loss(x, targets),
        "absolute": lambda x: F.l1_loss(x, targets),
        "huber, delta 0.7": lambda x: F.huber_loss(x, targets, delta=0.7),
        "cosine": lambda x: (1 - F.cosine_similarity(x, targets)).mean(),
        "triplet": triplet,
        "contrastive": contrastive,
    }
    cases = {}
    for name, of in named.items():
        x = torch.randn(6, 3, generator=generator, dtype=torch.float64, requires_grad=True)
        value = of(x)
        (slope,) = torch.autograd.grad(value, x)
        cases[name] = {"x": listed(x), "value": value.item(), "gradient": listed(slope)}
    return {"labels": labels.tolist(), "targets": listed(targets), "cases": cases}


def listed(tensor):
    return recording.array(tensor.detach().double().numpy(), 8)


def main():
    cases = {}
    pictures = Pictures()
    with torch.no_grad():
        pictures.train()
        for _ in range(20):
            pictures(torch.rand(16, 3, 12, 12))
        pictures.eval()
    ones = torch.ones(1, 6, dtype=torch.long)
    texts = Texts().eval()
    models = {
        "pictures": written(pictures, (torch.rand(2, 3, 12, 12),), ["picture"], "logits", {0: "n"}),
        "pictures, one at a time": written(pictures, (torch.rand(1, 3, 12, 12),), ["picture"], "logits", None),
        "texts": written(texts, (ones, ones), ["input_ids", "attention_mask"], "hidden", {0: "batch", 1: "sequence"}),
    }

    labels = torch.tensor([0, 1, 2, 0, 1, 2])
    base = torch.rand(3, 12, 12, 3)
    x = 0.7 * base[labels] + 0.3 * torch.rand(6, 12, 12, 3)
    query = 0.7 * base + 0.3 * torch.rand(3, 12, 12, 3)
    first = lambda images: images.permute(0, 3, 1, 2)

    def of(model, names, values):
        """The model with other values for some of its parameters, its features or its outputs."""
        return lambda call, *inputs: torch.func.functional_call(call, dict(zip(names, values)), inputs)

    # A fresh classifier, and every weight of the body with it.
    for train in ["head", "all"]:
        names = [name for name, _ in pictures.named_parameters() if not name.startswith("fc.")] if train == "all" else []
        own = dict(pictures.named_parameters())
        body = nn.Module()
        body.net = pictures
        body.forward = lambda images: pictures.features(images)
        rows = lambda values, images: torch.func.functional_call(
            body, {f"net.{name}": value for name, value in zip(names, values)}, (first(images),))
        centre, scale = frame(rows([], x))
        start = regression(framed(rows([], x), centre, scale), labels)
        moved = [start, torch.zeros(3)] + [own[name] for name in names]
        loss_of = lambda values: F.cross_entropy(framed(rows(values[2:], x), centre, scale) @ values[0] + values[1], labels)
        rates = [0.4, 0.4] + [0.05] * len(names)
        best, losses = guarded(loss_of, moved, rates, 5, 0)
        logits = framed(rows(best[2:], query), centre, scale) @ best[0] + best[1]
        cases[f"pictures, ways:3, {train}"] = {"losses": losses, "logits": listed(logits)}

    # The model's own classes 2, 5 and 7, its classifier moving.
    own_labels = torch.tensor([2, 5, 7])[labels]
    others = torch.full((10,), -1e9)
    others[[2, 5, 7]] = 0
    with torch.no_grad():
        features = pictures.features(first(x))
    loss_of = lambda values: F.cross_entropy(features @ values[0].T + values[1] + others, own_labels)
    best, losses = guarded(loss_of, [pictures.fc.weight, pictures.fc.bias], [0.05, 0.05], 5, 0)
    logits = pictures.features(first(query)) @ best[0].T + best[1]
    cases["pictures, keep, head"] = {"losses": losses, "logits": listed(logits[:, [2, 5, 7]])}

    # The same with all weights, by optimizers. The start of a fresh head has no slope in its bias, which Adam would follow all the same.
    own = dict(pictures.named_parameters())
    outputs_of = lambda values, images: torch.func.functional_call(pictures, dict(zip(own, values)), (first(images),))
    loss_of = lambda values: F.cross_entropy(outputs_of(values, x) + others, own_labels)
    for name, make, clip in [
        ("momentum", lambda now: torch.optim.SGD(now, lr=0.02, momentum=0.5), None),
        ("adamw, clip 1", lambda now: torch.optim.AdamW(now, lr=0.002, weight_decay=0.01), 1.0),
    ]:
        best, losses = optimized(loss_of, list(own.values()), 5, make, clip)
        cases[f"pictures, keep, all, {name}"] = {"losses": losses, "logits": listed(outputs_of(best, query)[:, [2, 5, 7]])}

    # A fresh classifier and every weight of the body, by momentum.
    names = [name for name in own if not name.startswith("fc.")]
    rows = lambda values, images: torch.func.functional_call(
        body, {f"net.{name}": value for name, value in zip(names, values)}, (first(images),))
    loss_of = lambda values: F.cross_entropy(framed(rows(values[2:], x), centre, scale) @ values[0] + values[1], labels)
    make = lambda now: torch.optim.SGD([{"params": now[:2], "lr": 0.1}, {"params": now[2:], "lr": 0.01}], momentum=0.5)
    best, losses = optimized(loss_of, [start, torch.zeros(3)] + [own[name] for name in names], 5, make)
    logits = framed(rows(best[2:], query), centre, scale) @ best[0] + best[1]
    cases["pictures, ways:3, all, momentum"] = {"losses": losses, "logits": listed(logits)}

    # Factors of rank 2 beside each weight of a product, whose own product counts twice.
    numbers = uniform(3)
    def first_factor(shape, fan):
        return torch.tensor([(2 * next(numbers) - 1) / math.sqrt(fan) for _ in range(math.prod(shape))]).reshape(shape)
    factors = []
    for channels, outputs in [(3, 6), (6, 12)]:
        factors += [first_factor((2, channels, 3, 3), 9 * channels), torch.zeros(outputs, 2, 1, 1)]
    factors += [first_factor((12, 2), 12), torch.zeros(2, 10)]
    def adapted(values, images):
        turned = lambda x, layer, down, up: layer(x) + 2 * F.conv2d(F.conv2d(x, down, stride=2, padding=1), up)
        x = pictures.norm(torch.relu(turned(first(images), pictures.conv1, *values[:2])))
        x = torch.relu(turned(x, pictures.conv2, *values[2:4])).mean((2, 3))
        return pictures.fc(x) + 2 * x @ values[4] @ values[5]
    loss_of = lambda values: F.cross_entropy(adapted(values, x) + others, own_labels)
    best, losses = optimized(loss_of, factors, 5, lambda now: torch.optim.Adam(now, lr=0.01))
    cases["pictures, keep, lora:2"] = {"losses": losses, "logits": listed(adapted(best, query)[:, [2, 5, 7]])}

    # A regression, and class means, on unit rows, of tokens that are there; the head holds on to its start, and its steps are no longer than
    # its curvature.
    lengths = torch.tensor([6, 8, 5, 7, 8, 4])
    ids = torch.randint(1, 40, (6, 8)) * (torch.arange(8) < lengths[:, None])
    query_ids = torch.cat([ids[:3, :7], torch.randint(1, 40, (3, 1))], 1)
    def unit(tokens):
        mask = (tokens != 0).long()
        there = mask[:, :, None].float()
        mean = (texts(tokens, mask) * there).sum(1) / there.sum(1)
        return mean / (mean * mean).sum(1, keepdim=True).add(1e-12).sqrt()
    with torch.no_grad():
        rows, query_rows = unit(ids), unit(query_ids)
    centre, scale = frame(rows)
    z = framed(rows, centre, scale)
    means = torch.stack([z[labels == k].mean(0) for k in range(3)])
    bound = 0.5 * ((z * z).sum(1) + 1).mean() + 1
    rate = 1 / max(bound, 1)
    loss_of = lambda values: F.cross_entropy(z @ values[0] + values[1], labels)
    seen = framed(query_rows, centre, scale)
    best, losses = guarded(loss_of, [2 * means.T, -(means * means).sum(1)], [rate, rate], 5, 1)
    logits = seen @ best[0] + best[1] - (seen * seen).sum(1, keepdim=True)
    cases["texts, means, head"] = {"losses": losses, "logits": listed(logits)}
    best, losses = guarded(loss_of, [regression(z, labels), torch.zeros(3)], [rate, rate], 5, 1)
    cases["texts, any, head"] = {"losses": losses, "logits": listed(seen @ best[0] + best[1])}

    recorded = {
        "models": models,
        "labels": labels.tolist(),
        "pictures": {"support": listed(x), "query": listed(query)},
        "texts": {"support": listed(ids), "query": listed(query_ids)},
        "cases": cases,
        "losses": losses_of_torch(),
    }
    recording.write(pathlib.Path(__file__).resolve().parents[1] / "recorded" / "adaptable.json", recorded)


main()
