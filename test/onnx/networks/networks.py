"""Networks of the kinds that people export, in plain PyTorch: each a module, an input, and a target of its loss.

Every one is that of its paper in structure. Pictures are small, texts short and vocabularies cut, so that a gradient takes seconds.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F


class LeNet(nn.Sequential):
    """LeCun et al. 1998, with ReLU and maxima."""

    def __init__(self, classes=10, size=28):
        flat = 16 * (((size - 4) // 2 - 4) // 2) ** 2
        super().__init__(
            *(nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Flatten(), nn.Linear(flat, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, classes)),
        )


class Block(nn.Module):
    def __init__(self, before, width, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(before, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.shortcut = nn.Identity()
        if stride != 1 or before != width:
            self.shortcut = nn.Sequential(nn.Conv2d(before, width, 1, stride, bias=False), nn.BatchNorm2d(width))

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + self.shortcut(x))


class ResNet18(nn.Sequential):
    """He et al. 2015."""

    def __init__(self, classes=10):
        stages, before = [], 64
        for width, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
            stages += [Block(before, width, stride), Block(width, width, 1)]
            before = width
        stem = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)
        super().__init__(*stem, *stages, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, classes))


class SqueezeExcite(nn.Module):
    def __init__(self, width, squeezed, act, gate):
        super().__init__()
        self.reduce, self.expand = nn.Conv2d(width, squeezed, 1), nn.Conv2d(squeezed, width, 1)
        self.act, self.gate = act, gate

    def forward(self, x):
        return x * self.gate(self.expand(self.act(self.reduce(F.adaptive_avg_pool2d(x, 1)))))


class InvertedResidual(nn.Module):
    """An expansion, a depthwise convolution, squeeze and excite, and a projection."""

    def __init__(self, before, expanded, width, kernel, stride, act, squeezed, gate):
        super().__init__()
        layers = []
        if expanded != before:
            layers += [nn.Conv2d(before, expanded, 1, bias=False), nn.BatchNorm2d(expanded), act()]
        depthwise = nn.Conv2d(expanded, expanded, kernel, stride, kernel // 2, groups=expanded, bias=False)
        layers += [depthwise, nn.BatchNorm2d(expanded), act()]
        if squeezed:
            layers.append(SqueezeExcite(expanded, squeezed, nn.SiLU() if act is nn.SiLU else nn.ReLU(), gate()))
        layers += [nn.Conv2d(expanded, width, 1, bias=False), nn.BatchNorm2d(width)]
        self.layers = nn.Sequential(*layers)
        self.adds = stride == 1 and before == width

    def forward(self, x):
        return x + self.layers(x) if self.adds else self.layers(x)


class MobileNetV3Small(nn.Sequential):
    """Howard et al. 2019."""

    def __init__(self, classes=10):
        rows = (
            *((16, 16, 3, 2, nn.ReLU, 8), (72, 24, 3, 2, nn.ReLU, 0), (88, 24, 3, 1, nn.ReLU, 0)),
            *((96, 40, 5, 2, nn.Hardswish, 24), (240, 40, 5, 1, nn.Hardswish, 64), (240, 40, 5, 1, nn.Hardswish, 64)),
            *((120, 48, 5, 1, nn.Hardswish, 32), (144, 48, 5, 1, nn.Hardswish, 40)),
            *((288, 96, 5, 2, nn.Hardswish, 72), (576, 96, 5, 1, nn.Hardswish, 144), (576, 96, 5, 1, nn.Hardswish, 144)),
        )
        layers, before = [nn.Conv2d(3, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.Hardswish()], 16
        for expanded, width, kernel, stride, act, squeezed in rows:
            layers.append(InvertedResidual(before, expanded, width, kernel, stride, act, squeezed, nn.Hardsigmoid))
            before = width
        layers += [nn.Conv2d(96, 576, 1, bias=False), nn.BatchNorm2d(576), nn.Hardswish()]
        head = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(576, 1024), nn.Hardswish(), nn.Linear(1024, classes)
        super().__init__(*layers, *head)


class EfficientNetB0(nn.Sequential):
    """Tan and Le 2019."""

    def __init__(self, classes=10):
        rows = ((1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3), (6, 112, 3, 1, 5))
        rows = (*rows, (6, 192, 4, 2, 5), (6, 320, 1, 1, 3))
        layers, before = [nn.Conv2d(3, 32, 3, 2, 1, bias=False), nn.BatchNorm2d(32), nn.SiLU()], 32
        for expansion, width, count, stride, kernel in rows:
            for i in range(count):
                expanded, squeezed = expansion * before, max(1, before // 4)
                way = stride if i == 0 else 1
                layers.append(InvertedResidual(before, expanded, width, kernel, way, nn.SiLU, squeezed, nn.Sigmoid))
                before = width
        layers += [nn.Conv2d(320, 1280, 1, bias=False), nn.BatchNorm2d(1280), nn.SiLU()]
        super().__init__(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1280, classes))


class UNet(nn.Module):
    """Ronneberger et al. 2015, two levels, one of which comes up by interpolation and one by a transposed convolution."""

    def __init__(self, classes=3):
        super().__init__()
        twice = lambda a, b: nn.Sequential(nn.Conv2d(a, b, 3, 1, 1), nn.ReLU(), nn.Conv2d(b, b, 3, 1, 1), nn.ReLU())
        self.down1, self.down2, self.middle = twice(1, 8), twice(8, 16), twice(16, 32)
        self.up2, self.up1 = twice(32 + 16, 16), twice(8 + 8, 8)
        self.rise = nn.ConvTranspose2d(16, 8, 2, 2)
        self.out = nn.Conv2d(8, classes, 1)

    def forward(self, x):
        a = self.down1(x)
        b = self.down2(F.max_pool2d(a, 2))
        c = self.middle(F.max_pool2d(b, 2))
        c = F.interpolate(c, scale_factor=2, mode="bilinear", align_corners=False)
        b = self.up2(torch.cat([c, b], 1))
        return self.out(self.up1(torch.cat([self.rise(b), a], 1)))


class ViTTiny(nn.Module):
    """Dosovitskiy et al. 2020: 192 wide, three heads; four of its twelve layers."""

    def __init__(self, classes=10, size=32, patch=8, width=192, heads=3, depth=4):
        super().__init__()
        self.patches = nn.Conv2d(3, width, patch, patch)
        self.token = nn.Parameter(torch.randn(1, 1, width) * 0.02)
        self.positions = nn.Parameter(torch.randn(1, (size // patch) ** 2 + 1, width) * 0.02)
        layer = nn.TransformerEncoderLayer(width, heads, 4 * width, 0.0, F.gelu, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, depth, nn.LayerNorm(width), enable_nested_tensor=False)
        self.head = nn.Linear(width, classes)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.positions
        return self.head(self.encoder(x)[:, 0])


class ConvNeXtBlock(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.depthwise = nn.Conv2d(width, width, 7, 1, 3, groups=width)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.expand, self.reduce = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.scale = nn.Parameter(torch.full((width,), 0.5))

    def forward(self, x):
        y = self.norm(self.depthwise(x).permute(0, 2, 3, 1))
        return x + (self.scale * self.reduce(F.gelu(self.expand(y)))).permute(0, 3, 1, 2)


class ChannelNorm(nn.LayerNorm):
    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ConvNeXtTiny(nn.Sequential):
    """Liu et al. 2022: widths 96 to 768; one block a stage, and three in the third, of 3, 3, 9, 3."""

    def __init__(self, classes=10):
        layers, before = [nn.Conv2d(3, 96, 4, 4), ChannelNorm(96)], 96
        for width, count in ((96, 1), (192, 1), (384, 3), (768, 1)):
            if width != before:
                layers += [ChannelNorm(before), nn.Conv2d(before, width, 2, 2)]
            layers += [ConvNeXtBlock(width) for _ in range(count)]
            before = width
        super().__init__(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LayerNorm(768), nn.Linear(768, classes))


class Speech(nn.Module):
    """A 1-D net over samples: strided and dilated convolutions with group norm (of the kind of Pons et al. 2017)."""

    def __init__(self, classes=12):
        super().__init__()
        self.stem = nn.Conv1d(1, 32, 80, 16, 38)
        self.layers = nn.ModuleList(nn.Conv1d(32, 32, 3, 1, d, d) for d in (1, 2, 4))
        self.norms = nn.ModuleList(nn.GroupNorm(4, 32) for _ in range(3))
        self.down = nn.AvgPool1d(4, 4)
        self.head = nn.Linear(64, classes)

    def forward(self, x):
        x = F.elu(self.stem(x))
        for conv, norm in zip(self.layers, self.norms):
            x = x + F.leaky_relu(norm(conv(x)), 0.125)
        x = self.down(x)
        return self.head(torch.cat([x.mean(-1), x.amax(-1)], 1))


class Tagger(nn.Module):
    """An LSTM over both directions, with a class for every token."""

    def __init__(self, words=50, classes=7):
        super().__init__()
        self.embedding = nn.Embedding(words, 24)
        self.lstm = nn.LSTM(24, 20, batch_first=True, bidirectional=True)
        self.head = nn.Linear(40, classes)

    def forward(self, tokens):
        return self.head(self.lstm(self.embedding(tokens))[0])


class Recurrent(nn.Module):
    """Two layers of GRU, and a class for the sequence."""

    def __init__(self, classes=5):
        super().__init__()
        self.gru = nn.GRU(9, 16, num_layers=2, batch_first=True)
        self.head = nn.Linear(16, classes)

    def forward(self, x):
        return self.head(self.gru(x)[0][:, -1])


class Logits(nn.Module):
    """The logits of a model of the transformers library."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, tokens):
        return self.model(tokens, attention_mask=torch.ones_like(tokens)).logits


class TanhGelu(nn.Module):
    """GPT-2's; with factors that float32 has exactly, since the newer exporter keeps them in float32 of float64 networks as well."""

    def __init__(self, outer=0.796875, inner=0.044921875):
        super().__init__()
        self.outer, self.inner = outer, inner

    def forward(self, x):
        return 0.5 * x * (1 + torch.tanh(self.outer * (x + self.inner * x**3)))


def distilbert():
    from transformers import DistilBertConfig, DistilBertForSequenceClassification

    sizes = {"vocab_size": 200, "max_position_embeddings": 32, "dim": 96, "n_heads": 6, "hidden_dim": 384, "n_layers": 3}
    config = DistilBertConfig(**sizes, num_labels=4, dropout=0.0, attention_dropout=0.0, seq_classif_dropout=0.0)
    return Logits(DistilBertForSequenceClassification(config))


def gpt2(*factors):
    from transformers import GPT2Config, GPT2LMHeadModel

    sizes = {"vocab_size": 120, "n_positions": 32, "n_embd": 96, "n_layer": 3, "n_head": 6}
    config = GPT2Config(**sizes, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, use_cache=False, bos_token_id=0, eos_token_id=0)
    model = GPT2LMHeadModel(config)
    for block in model.transformer.h:
        block.mlp.act = TanhGelu(*factors)
    return Logits(model)


def pictures(channels, size):
    return lambda batch: torch.randn(batch, channels, size, size)


def tokens(words, length):
    return lambda batch: torch.randint(0, words, (batch, length))


# Module, input of a batch, the number of classes, and the axes of the logits between the batch and the classes.
NETWORKS = {
    "lenet": (LeNet, pictures(1, 28), 10),
    "resnet18": (ResNet18, pictures(3, 32), 10),
    "mobilenetv3-small": (MobileNetV3Small, pictures(3, 64), 10),
    "efficientnet-b0": (EfficientNetB0, pictures(3, 64), 10),
    "unet": (UNet, pictures(1, 16), 3),
    "vit-tiny": (ViTTiny, pictures(3, 32), 10),
    "distilbert": (distilbert, tokens(200, 12), 4),
    "gpt2": (gpt2, tokens(120, 12), 120),
    "gpt2-published": (lambda: gpt2(math.sqrt(2 / math.pi), 0.044715), tokens(120, 12), 120),
    "convnext-tiny": (ConvNeXtTiny, pictures(3, 32), 10),
    "speech": (Speech, lambda batch: torch.randn(batch, 1, 1600), 12),
    "lstm-tagger": (Tagger, tokens(50, 9), 7),
    "gru": (Recurrent, lambda batch: torch.randn(batch, 11, 9), 5),
}
