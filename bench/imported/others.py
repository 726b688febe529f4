"""More networks as people export them, of other kinds than networks.py has: what bench/imported compares on where they are named."""

import math

import torch
import torch.nn.functional as F
from networks import Attention
from torch import nn


def convolved(inside, outside, size=3, stride=1, padding=None, groups=1, then=nn.ReLU):
    """A convolution, its batch normalization and what comes after."""
    padding = size // 2 if padding is None else padding
    layers = [nn.Conv2d(inside, outside, size, stride, padding, groups=groups, bias=False), nn.BatchNorm2d(outside)]
    return nn.Sequential(*layers, *([then()] if then else []))


class UNet(nn.Module):
    """Down and up with what is beside (Ronneberger et al. 2015): one step up is transposed, one bilinear."""

    def __init__(self, width=32, classes=2):
        super().__init__()
        twice = lambda a, b: nn.Sequential(convolved(a, b), convolved(b, b))
        self.first, self.second, self.third = twice(1, width), twice(width, 2 * width), twice(2 * width, 4 * width)
        self.up = nn.ConvTranspose2d(4 * width, 2 * width, 2, 2)
        self.back2, self.back1, self.out = twice(4 * width, 2 * width), twice(3 * width, width), nn.Conv2d(width, classes, 1)

    def forward(self, x):
        a = self.first(x)
        b = self.second(F.max_pool2d(a, 2))
        c = self.back2(torch.cat([self.up(self.third(F.max_pool2d(b, 2))), b], 1))
        c = F.interpolate(c, scale_factor=2, mode="bilinear", align_corners=False)
        return self.out(self.back1(torch.cat([c, a], 1)))


class Squeezed(nn.Module):
    """An inverted bottleneck whose channels are weighted by what all places say (Hu et al. 2018)."""

    def __init__(self, inside, outside, size, stride, expand):
        super().__init__()
        hidden, few = inside * expand, max(1, inside // 4)
        self.up = nn.Identity() if expand == 1 else convolved(inside, hidden, 1, then=nn.SiLU)
        self.each = convolved(hidden, hidden, size, stride, groups=hidden, then=nn.SiLU)
        self.few, self.weights = nn.Conv2d(hidden, few, 1), nn.Conv2d(few, hidden, 1)
        self.down, self.same = convolved(hidden, outside, 1, then=None), stride == 1 and inside == outside

    def forward(self, x):
        y = self.each(self.up(x))
        y = self.down(y * torch.sigmoid(self.weights(F.silu(self.few(F.adaptive_avg_pool2d(y, 1))))))
        return x + y if self.same else y


class EfficientNetLike(nn.Module):
    """EfficientNet-B0 (Tan and Le 2019) with fewer blocks."""

    def __init__(self, classes=1000):
        super().__init__()
        layers, inside = [convolved(3, 32, stride=2, then=nn.SiLU)], 32
        settings = [(1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 2, 2, 3), (6, 112, 2, 1, 5), (6, 192, 2, 2, 5)]
        for expand, outside, count, stride, size in settings:
            for i in range(count):
                layers.append(Squeezed(inside, outside, size, stride if i == 0 else 1, expand))
                inside = outside
        self.features, self.fc = nn.Sequential(*layers, convolved(inside, 1280, 1, then=nn.SiLU)), nn.Linear(1280, classes)

    def forward(self, x):
        return self.fc(F.adaptive_avg_pool2d(self.features(x), 1).flatten(1))


class Grown(nn.Module):
    def __init__(self, inside, growth):
        super().__init__()
        layers = [nn.BatchNorm2d(inside), nn.ReLU(), convolved(inside, 4 * growth, 1), nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False)]
        self.body = nn.Sequential(*layers)

    def forward(self, x):
        return torch.cat([x, self.body(x)], 1)


class DenseNetLike(nn.Module):
    """Each layer reads all before it (Huang et al. 2017)."""

    def __init__(self, growth=32, classes=100):
        super().__init__()
        layers, width = [convolved(3, 64, 7, 2), nn.MaxPool2d(3, 2, 1)], 64
        for i, count in enumerate([4, 6, 8]):
            if i > 0:
                layers += [nn.BatchNorm2d(width), nn.ReLU(), nn.Conv2d(width, width // 2, 1, bias=False), nn.AvgPool2d(2)]
                width //= 2
            layers += [Grown(width + growth * j, growth) for j in range(count)]
            width += growth * count
        self.body, self.fc = nn.Sequential(*layers, nn.BatchNorm2d(width), nn.ReLU()), nn.Linear(width, classes)

    def forward(self, x):
        return self.fc(self.body(x).mean([2, 3]))


class ChannelNorm(nn.LayerNorm):
    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class NextBlock(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.each, self.norm = nn.Conv2d(width, width, 7, padding=3, groups=width), nn.LayerNorm(width, eps=1e-6)
        self.up, self.down, self.scale = nn.Linear(width, 4 * width), nn.Linear(4 * width, width), nn.Parameter(torch.full((width,), 0.1))

    def forward(self, x):
        y = self.norm(self.each(x).permute(0, 2, 3, 1))
        return x + (self.scale * self.down(F.gelu(self.up(y)))).permute(0, 3, 1, 2)


class ConvNextLike(nn.Module):
    """Windows of 7×7 by the channel, and norms over channels (Liu et al. 2022)."""

    def __init__(self, widths=(64, 128, 256), classes=100):
        super().__init__()
        layers = [nn.Conv2d(3, widths[0], 4, 4), ChannelNorm(widths[0], eps=1e-6)]
        for before, width in zip((None, *widths), widths):
            layers += [ChannelNorm(before, eps=1e-6), nn.Conv2d(before, width, 2, 2)] if before else []
            layers += [NextBlock(width), NextBlock(width)]
        self.body, self.norm, self.fc = nn.Sequential(*layers), nn.LayerNorm(widths[-1]), nn.Linear(widths[-1], classes)

    def forward(self, x):
        return self.fc(self.norm(self.body(x).mean([2, 3])))


class RootNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return self.gain * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6))


class CausalLayer(nn.Module):
    """Attention to what came before, with places by rotation and keys for two heads each; a gate in what follows."""

    def __init__(self, width, heads, tokens):
        super().__init__()
        self.heads, size, line = heads, width // heads, lambda a, b: nn.Linear(a, b, bias=False)
        self.norm1, self.norm2 = RootNorm(width), RootNorm(width)
        self.q, self.k, self.v, self.out = line(width, width), line(width, width // 2), line(width, width // 2), line(width, width)
        self.gate, self.up, self.down = line(width, 3 * width), line(width, 3 * width), line(3 * width, width)
        angles = torch.outer(torch.arange(tokens).float(), 10000 ** (-torch.arange(0, size, 2).float() / size)).repeat(1, 2)
        self.register_buffer("cos", angles.cos())
        self.register_buffer("sin", angles.sin())
        self.register_buffer("mask", torch.triu(torch.full((tokens, tokens), -1e9), 1))

    def turned(self, x):
        a, b = x.chunk(2, -1)
        return x * self.cos + torch.cat([-b, a], -1) * self.sin

    def attended(self, x):
        n, tokens, width = x.shape
        split = lambda t: t.view(n, tokens, -1, width // self.heads).transpose(1, 2)
        both = lambda t: t[:, :, None].expand(-1, -1, 2, -1, -1).reshape(n, self.heads, tokens, width // self.heads)
        q, k, v = self.turned(split(self.q(x))), both(self.turned(split(self.k(x)))), both(split(self.v(x)))
        shares = torch.softmax(q @ k.transpose(-2, -1) / math.sqrt(width // self.heads) + self.mask, -1)
        return self.out((shares @ v).transpose(1, 2).reshape(n, tokens, width))

    def forward(self, x):
        x = x + self.attended(self.norm1(x))
        y = self.norm2(x)
        return x + self.down(F.silu(self.gate(y)) * self.up(y))


class DecoderLike(nn.Module):
    """The layers of a small language model (Touvron et al. 2023), on embeddings."""

    def __init__(self, layers=4, width=256, tokens=128, words=512):
        super().__init__()
        self.layers = nn.Sequential(*[CausalLayer(width, 8, tokens) for _ in range(layers)])
        self.norm, self.fc = RootNorm(width), nn.Linear(width, words, bias=False)

    def forward(self, x):
        return self.fc(self.norm(self.layers(x)))


class WindowLayer(nn.Module):
    def __init__(self, width, heads, size, window, shift):
        super().__init__()
        self.heads, self.size, self.window, self.shift = heads, size, window, shift
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.bias = nn.Parameter(torch.randn((2 * window - 1) ** 2, heads) * 0.02)
        at = torch.stack(torch.meshgrid(torch.arange(window), torch.arange(window), indexing="ij")).flatten(1)
        rows, columns = at[:, :, None] - at[:, None, :] + window - 1
        self.register_buffer("index", (rows * (2 * window - 1) + columns).flatten())

    def attended(self, x):
        places, width = self.window**2, x.shape[-1]
        q, k, v = self.qkv(x).reshape(-1, places, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        bias = self.bias[self.index].view(places, places, self.heads).permute(2, 0, 1)
        shares = torch.softmax(q * (width // self.heads) ** -0.5 @ k.transpose(-2, -1) + bias, -1)
        return self.out((shares @ v).transpose(1, 2).reshape(-1, places, width))

    def forward(self, x):
        (n, _, width), window, count = x.shape, self.window, self.size // self.window
        y = torch.roll(self.norm1(x).view(n, self.size, self.size, width), (-self.shift, -self.shift), (1, 2))
        y = y.view(n, count, window, count, window, width).permute(0, 1, 3, 2, 4, 5).reshape(-1, window**2, width)
        y = self.attended(y).view(n, count, count, window, window, width).permute(0, 1, 3, 2, 4, 5)
        x = x + torch.roll(y.reshape(n, self.size, self.size, width), (self.shift, self.shift), (1, 2)).reshape(x.shape)
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class SwinLike(nn.Module):
    """Attention within windows that are shifted from layer to layer (Liu et al. 2021)."""

    def __init__(self, width=96, size=28, classes=100):
        super().__init__()
        self.size, self.patches = size, nn.Conv2d(3, width, 4, 4)
        self.first = nn.Sequential(WindowLayer(width, 3, size, 7, 0), WindowLayer(width, 3, size, 7, 3))
        self.norm, self.merged = nn.LayerNorm(4 * width), nn.Linear(4 * width, 2 * width, bias=False)
        self.second = nn.Sequential(WindowLayer(2 * width, 6, size // 2, 7, 0), WindowLayer(2 * width, 6, size // 2, 7, 3))
        self.last, self.fc = nn.LayerNorm(2 * width), nn.Linear(2 * width, classes)

    def forward(self, x):
        x = self.first(self.patches(x).flatten(2).transpose(1, 2))
        n, places, width = x.shape
        x = x.view(n, self.size, self.size, width)
        x = torch.cat([x[:, i::2, j::2] for j in range(2) for i in range(2)], -1).view(n, places // 4, 4 * width)
        return self.fc(self.last(self.second(self.merged(self.norm(x)))).mean(1))


class MixerLayer(nn.Module):
    def __init__(self, width, places):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.up1, self.down1 = nn.Linear(places, 4 * places), nn.Linear(4 * places, places)
        self.up2, self.down2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        x = x + self.down1(F.gelu(self.up1(self.norm1(x).transpose(1, 2)))).transpose(1, 2)
        return x + self.down2(F.gelu(self.up2(self.norm2(x))))


class MixerLike(nn.Module):
    """Products over places and over channels in turns (Tolstikhin et al. 2021)."""

    def __init__(self, layers=6, width=256, size=128, classes=100):
        super().__init__()
        self.patches, self.norm, self.fc = nn.Conv2d(3, width, 16, 16), nn.LayerNorm(width), nn.Linear(width, classes)
        self.layers = nn.Sequential(*[MixerLayer(width, (size // 16) ** 2) for _ in range(layers)])

    def forward(self, x):
        return self.fc(self.norm(self.layers(self.patches(x).flatten(2).transpose(1, 2))).mean(1))


class Causal(nn.Module):
    def __init__(self, inside, outside, apart):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv1d(inside, outside, 3, dilation=apart), nn.Conv1d(outside, outside, 3, dilation=apart)
        self.before, self.skip = (2 * apart, 0), nn.Conv1d(inside, outside, 1) if inside != outside else nn.Identity()

    def forward(self, x):
        y = torch.relu(self.conv1(F.pad(x, self.before)))
        return torch.relu(torch.relu(self.conv2(F.pad(y, self.before))) + self.skip(x))


class TemporalNet(nn.Module):
    """Convolutions of a sequence with taps ever further apart (Bai et al. 2018)."""

    def __init__(self, inside=16, width=64, classes=10):
        super().__init__()
        self.body, self.fc = nn.Sequential(*[Causal(width if i else inside, width, 2**i) for i in range(6)]), nn.Linear(width, classes)

    def forward(self, x):
        return self.fc(self.body(x)[:, :, -1])


class BothWays(nn.Module):
    """Two layers of LSTM in both directions, and the largest over all steps."""

    def __init__(self, size=64, hidden=96, classes=12):
        super().__init__()
        self.lstm, self.fc = nn.LSTM(size, hidden, num_layers=2, bidirectional=True, batch_first=True), nn.Linear(2 * hidden, classes)

    def forward(self, x):
        return self.fc(self.lstm(x)[0].max(1)[0])


class ConformerLayer(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        feed = lambda: nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.SiLU(), nn.Linear(4 * width, width))
        self.feed1, self.feed2, self.attention = feed(), feed(), Attention(width, heads)
        self.norm1, self.norm2, self.norm3 = nn.LayerNorm(width), nn.LayerNorm(width), nn.LayerNorm(width)
        self.both, self.each = nn.Conv1d(width, 2 * width, 1), nn.Conv1d(width, width, 15, padding=7, groups=width)
        self.batch, self.out = nn.BatchNorm1d(width), nn.Conv1d(width, width, 1)

    def forward(self, x):
        x = x + 0.5 * self.feed1(x)
        x = x + self.attention(self.norm1(x))
        y = F.glu(self.both(self.norm2(x).transpose(1, 2)), 1)
        x = x + self.out(F.silu(self.batch(self.each(y)))).transpose(1, 2)
        return self.norm3(x + 0.5 * self.feed2(x))


class ConformerLike(nn.Module):
    """Sounds as spectra to labels of their times (Gulati et al. 2020)."""

    def __init__(self, layers=3, width=144, labels=40):
        super().__init__()
        self.fewer = nn.Sequential(nn.Conv2d(1, 32, 3, 2), nn.ReLU(), nn.Conv2d(32, 32, 3, 2), nn.ReLU())
        self.inside, self.layers = nn.Linear(32 * 9, width), nn.Sequential(*[ConformerLayer(width, 4) for _ in range(layers)])
        self.fc = nn.Linear(width, labels)

    def forward(self, x):
        return self.fc(self.layers(self.inside(self.fewer(x[:, None]).transpose(1, 2).flatten(2))))


OTHERS = {
    "unet": (UNet, (1, 64, 64)),
    "efficientnet-like": (EfficientNetLike, (3, 128, 128)),
    "densenet-like": (DenseNetLike, (3, 112, 112)),
    "convnext-like": (ConvNextLike, (3, 112, 112)),
    "decoder-like": (DecoderLike, (128, 256)),
    "swin-like": (SwinLike, (3, 112, 112)),
    "mixer-like": (MixerLike, (3, 128, 128)),
    "temporal": (TemporalNet, (16, 256)),
    "lstm-both-ways": (BothWays, (40, 64)),
    "conformer-like": (ConformerLike, (200, 40)),
}
