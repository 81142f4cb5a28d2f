"""The residual network of the CIFAR experiments: three stages of 16, 32 and 64 channels."""

import torch
from torch import Tensor, nn
from torch.nn.functional import pad, relu

from contract.config import ResNetCifar
from contract.errors import RunError
from trainer.models.shape import DataShape

STAGES = (16, 32, 64)


def resnet_cifar(config: ResNetCifar, shape: DataShape) -> nn.Module:
    """A residual network of 6n + 2 layers; ResNet-32 has 2,282 neurons and 0.46 M parameters.

    Raises:
        RunError: the image is too small for its two halvings.

    Source: He et al., arXiv:1512.03385, section 4.2, with shortcuts of option A.
    """
    if shape.size < 4:
        raise RunError(
            f"ResNet-{config.depth} halves an image twice; one of {shape.size} px is too small.",
            "Choose images of at least 4 px.",
        )
    return _ResNet((config.depth - 2) // 6, shape)


class _ResNet(nn.Module):
    def __init__(self, blocks: int, shape: DataShape) -> None:
        super().__init__()
        self.conv = _convolution(shape.channels, STAGES[0], stride=1)
        self.norm = nn.BatchNorm2d(STAGES[0])
        stages, width = [], STAGES[0]
        for place, channels in enumerate(STAGES):
            strides = [1 if place == 0 else 2] + [1] * (blocks - 1)
            widths = [width] + [channels] * (blocks - 1)
            stages.append(nn.Sequential(*(_Block(w, channels, s) for w, s in zip(widths, strides, strict=True))))
            width = channels
        self.stages = nn.Sequential(*stages)
        self.head = nn.Linear(width, shape.classes)

    def forward(self, images: Tensor) -> Tensor:
        features = self.stages(relu(self.norm(self.conv(images))))
        logits: Tensor = self.head(features.mean(dim=(2, 3)))
        return logits


class _Block(nn.Module):
    """Two convolutions around a shortcut without parameters."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = _convolution(inputs, outputs, stride=stride)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = _convolution(outputs, outputs, stride=1)
        self.norm2 = nn.BatchNorm2d(outputs)
        self._stride = stride
        self._new_channels = outputs - inputs

    def forward(self, features: Tensor) -> Tensor:
        residual = self.norm2(self.conv2(relu(self.norm1(self.conv1(features)))))
        return relu(residual + self._shortcut(features))

    def _shortcut(self, features: Tensor) -> Tensor:
        """Option A: every second pixel, and zeros for the channels that are new, half on either side."""
        if self._stride == 1 and not self._new_channels:
            return features
        thinned = features[:, :, :: self._stride, :: self._stride]
        before = self._new_channels // 2
        return pad(thinned, (0, 0, 0, 0, before, self._new_channels - before))


def _convolution(inputs: int, outputs: int, *, stride: int) -> nn.Conv2d:
    convolution = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
    with torch.no_grad():
        nn.init.kaiming_normal_(convolution.weight)
    return convolution
