"""Networks as people export them, in plain PyTorch: what bench/imported compares on."""

import math

import torch
import torch.nn.functional as F
from torch import nn


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x):
        x = F.max_pool2d(torch.relu(self.conv1(x)), 2)
        x = F.max_pool2d(torch.relu(self.conv2(x)), 2).flatten(1)
        return self.fc3(torch.relu(self.fc2(torch.relu(self.fc1(x)))))


class Basic(nn.Module):
    def __init__(self, inside, outside, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inside, outside, 3, stride, 1, bias=False), nn.BatchNorm2d(outside)
        self.conv2, self.bn2 = nn.Conv2d(outside, outside, 3, 1, 1, bias=False), nn.BatchNorm2d(outside)
        self.skip = None
        if stride != 1 or inside != outside:
            self.skip = nn.Sequential(nn.Conv2d(inside, outside, 1, stride, bias=False), nn.BatchNorm2d(outside))

    def forward(self, x):
        y = torch.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return torch.relu(y + (x if self.skip is None else self.skip(x)))


class ResNet18(nn.Module):
    def __init__(self, classes=1000):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        widths = [64, 64, 128, 256, 512]
        blocks = []
        for i, (a, b) in enumerate(zip(widths, widths[1:])):
            blocks += [Basic(a, b, 1 if i == 0 else 2), Basic(b, b, 1)]
        self.blocks, self.fc = nn.Sequential(*blocks), nn.Linear(512, classes)

    def forward(self, x):
        x = F.max_pool2d(torch.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        x = F.adaptive_avg_pool2d(self.blocks(x), 1).flatten(1)
        return self.fc(x)


class Inverted(nn.Module):
    def __init__(self, inside, outside, stride, expand):
        super().__init__()
        hidden = inside * expand
        layers = []
        if expand != 1:
            layers += [nn.Conv2d(inside, hidden, 1, bias=False), nn.BatchNorm2d(hidden), nn.ReLU6()]
        layers += [
            nn.Conv2d(hidden, hidden, 3, stride, 1, groups=hidden, bias=False), nn.BatchNorm2d(hidden), nn.ReLU6(),
            nn.Conv2d(hidden, outside, 1, bias=False), nn.BatchNorm2d(outside),
        ]
        self.body, self.same = nn.Sequential(*layers), stride == 1 and inside == outside

    def forward(self, x):
        return x + self.body(x) if self.same else self.body(x)


class MobileNetLike(nn.Module):
    """The inverted bottlenecks of MobileNetV2 (Sandler et al. 2018), at its sizes."""

    def __init__(self, classes=1000):
        super().__init__()
        layers = [nn.Conv2d(3, 32, 3, 2, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU6()]
        inside = 32
        settings = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
        for expand, outside, count, stride in settings:
            for i in range(count):
                layers.append(Inverted(inside, outside, stride if i == 0 else 1, expand))
                inside = outside
        layers += [nn.Conv2d(inside, 1280, 1, bias=False), nn.BatchNorm2d(1280), nn.ReLU6()]
        self.features, self.fc = nn.Sequential(*layers), nn.Linear(1280, classes)

    def forward(self, x):
        return self.fc(F.adaptive_avg_pool2d(self.features(x), 1).flatten(1))


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v, self.out = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x):
        n, tokens, width = x.shape
        split = lambda t: t.reshape(n, tokens, self.heads, width // self.heads).transpose(1, 2)
        q, k, v = split(self.q(x)), split(self.k(x)), split(self.v(x))
        scores = q @ k.transpose(-2, -1) / math.sqrt(width // self.heads)
        return self.out((torch.softmax(scores, -1) @ v).transpose(1, 2).reshape(n, tokens, width))


class Layer(nn.Module):
    def __init__(self, width, heads, before):
        super().__init__()
        self.attention, self.before = Attention(width, heads), before
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        feed = lambda t: self.down(F.gelu(self.up(t)))
        if self.before:
            x = x + self.attention(self.norm1(x))
            return x + feed(self.norm2(x))
        x = self.norm1(x + self.attention(x))
        return self.norm2(x + feed(x))


class ViTTiny(nn.Module):
    """ViT-Ti/16 (Touvron et al. 2021) with fewer layers."""

    def __init__(self, classes=1000, layers=6, width=192, heads=3, size=224):
        super().__init__()
        self.patches = nn.Conv2d(3, width, 16, 16)
        self.cls = nn.Parameter(torch.randn(1, 1, width) * 0.02)
        self.places = nn.Parameter(torch.randn(1, (size // 16) ** 2 + 1, width) * 0.02)
        self.layers = nn.Sequential(*[Layer(width, heads, True) for _ in range(layers)])
        self.norm, self.fc = nn.LayerNorm(width), nn.Linear(width, classes)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(x.shape[0], -1, -1), x], 1) + self.places
        return self.fc(self.norm(self.layers(x))[:, 0])


class DistilBertShaped(nn.Module):
    """The layers of DistilBERT (Sanh et al. 2019) on embeddings, so that there is an input gradient."""

    def __init__(self, classes=2, layers=6, width=768, heads=12):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.layers = nn.Sequential(*[Layer(width, heads, False) for _ in range(layers)])
        self.pre, self.fc = nn.Linear(width, width), nn.Linear(width, classes)

    def forward(self, x):
        x = self.layers(self.norm(x))
        return self.fc(torch.relu(self.pre(x[:, 0])))


class LSTMTagger(nn.Module):
    """A label for each step of a sequence."""

    def __init__(self, size=128, hidden=256, labels=32):
        super().__init__()
        self.lstm, self.fc = nn.LSTM(size, hidden, batch_first=True), nn.Linear(hidden, labels)

    def forward(self, x):
        return self.fc(self.lstm(x)[0])


class GRUTwice(nn.Module):
    """Two layers, and an answer from the last step."""

    def __init__(self, size=64, hidden=128, classes=10):
        super().__init__()
        self.gru, self.fc = nn.GRU(size, hidden, num_layers=2, batch_first=True), nn.Linear(hidden, classes)

    def forward(self, x):
        return self.fc(self.gru(x)[0][:, -1])


def randomized(network):
    """Statistics as if it had been trained, so that batch normalization is no identity."""
    for module in network.modules():
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
            nn.init.uniform_(module.weight, 0.8, 1.2)
            nn.init.normal_(module.bias, 0, 0.1)
    return network.eval()


# Name: how it is made, and the shape of an example.
NETWORKS = {
    "lenet": (LeNet, (1, 28, 28)),
    "resnet18": (ResNet18, (3, 224, 224)),
    "mobilenet-like": (MobileNetLike, (3, 224, 224)),
    "vit-tiny": (ViTTiny, (3, 224, 224)),
    "distilbert-shaped": (DistilBertShaped, (128, 768)),
    "lstm-tagger": (LSTMTagger, (50, 128)),
    "gru-2": (GRUTwice, (50, 64)),
}
