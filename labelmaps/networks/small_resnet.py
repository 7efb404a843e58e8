"""A small residual network for the default configuration, which a CPU trains within minutes and evaluates within one."""

import torch
from torch import nn


class SmallResNet(nn.Module):
    """A ResNet that is narrower and shallower than torchvision's, with the same names of layers.

    Its total stride is 32, so that a view of 224 pixels gives a map of 7 × 7 cells.

    num_classes: the number of logits.
    """

    def __init__(self, num_classes: int):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, kernel_size=7, stride=4, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.relu = nn.ReLU(inplace=True)
        self.layer1 = _stage(16, 16, stride=2)
        self.layer2 = _stage(16, 32, stride=2)
        self.layer3 = _stage(32, 64, stride=2)
        self.layer4 = _stage(64, 128, stride=1)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(128, num_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Compute the logits (view, label) of normalised views (view, 3, height, width)."""
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(self.avgpool(x).flatten(1))


class Block(nn.Module):
    """A residual block: two convolutions and a shortcut that bypasses them.

    He et al. 2016, Deep Residual Learning for Image Recognition, Figure 2.

    before, width: the number of channels of the input and of the output.
    stride: the stride of the first convolution.
    shortcut: a module that maps the input to the output's shape; None if the two shapes are the same.
    """

    def __init__(self, before: int, width: int, stride: int, shortcut: nn.Module | None):
        super().__init__()
        self.conv1 = nn.Conv2d(before, width, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = shortcut

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map features (view, before, rows, columns) to (view, width, rows / stride, columns / stride)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(x)) + shortcut)


def _stage(before: int, width: int, stride: int) -> nn.Sequential:
    """Build two residual blocks; the first changes the number of channels from `before` to `width` and has the stride."""
    shortcut = None
    if stride != 1 or before != width:
        shortcut = nn.Sequential(nn.Conv2d(before, width, 1, stride, bias=False), nn.BatchNorm2d(width))
    return nn.Sequential(Block(before, width, stride, shortcut), Block(width, width, 1, None))
