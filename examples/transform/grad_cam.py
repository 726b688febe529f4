"""Grad-CAM of a ResNet-18 (Selvaraju et al., 2017): where a network looks for a class. The file gives the last feature maps, and the
gradient of any class's score by them; the rest is a mean and a sum.

    python grad_cam.py [FOLDER]        needs torch, onnx and onnxruntime, and innerloop (npm install innerloop)
"""

import torch
from torch import nn
from torch.func import vjp
from transforming import compare, export, transform


class Block(nn.Module):
    def __init__(self, before, after, stride):
        super().__init__()
        self.a, self.a_norm = nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after)
        self.b, self.b_norm = nn.Conv2d(after, after, 3, 1, 1, bias=False), nn.BatchNorm2d(after)
        same = stride == 1 and before == after
        self.short = nn.Identity() if same else nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))

    def forward(self, x):
        return torch.relu(self.b_norm(self.b(torch.relu(self.a_norm(self.a(x))))) + self.short(x))


class ResNet18(nn.Module):
    def __init__(self, classes=1000):
        super().__init__()
        stem = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
        sizes = [(64, 64, 1), (64, 64, 1), (64, 128, 2), (128, 128, 1), (128, 256, 2), (256, 256, 1), (256, 512, 2), (512, 512, 1)]
        self.features = nn.Sequential(*stem, *(Block(*size) for size in sizes))
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, classes))

    def forward(self, image):
        maps = self.features(image)
        return self.head(maps), maps


torch.manual_seed(3)
model, image = ResNet18().double(), torch.randn(1, 3, 96, 96, dtype=torch.float64)
export("resnet", model, {"image": image}, ["scores", "maps"], image=["batch"])
score = nn.functional.one_hot(torch.tensor([281]), 1000).double()  # the class "tabby cat" of ImageNet

cam = transform("resnet", "vjp", "--of", "scores", "--wrt", "maps", "--also", "maps", out="grad-cam")
found = cam(image=image, cotangent__scores=score)
gradient, maps = found["vjp/maps"], found["maps"]
heat = (gradient.mean((2, 3), keepdims=True) * maps).sum(1).clip(0)

scores, maps = model(image)
_, back = vjp(model.head, maps.detach())
(theirs,) = back(score)
compare("gradient by the feature maps", gradient, theirs)
compare("heat map", heat, torch.relu((theirs.mean((2, 3), keepdim=True) * maps.detach()).sum(1)))
