"""Plain convolutions."""

from torch import nn

from contract.config import Cnn
from contract.errors import RunError
from trainer.models.shape import DataShape


def cnn(config: Cnn, shape: DataShape) -> nn.Module:
    """Convolutions of 3 × 3, each with ReLU (and batch norm before it); after every second one the image halves.

    The last feature maps are averaged and go to one linear layer. No halving after the last convolution.

    Raises:
        RunError: the image would halve to nothing.
    """
    halvings = (len(config.channels) - 1) // 2
    if shape.size < 2**halvings:
        raise RunError(
            f"{len(config.channels)} convolutions halve an image {halvings} times; {shape.size} px are too few.",
            f"Choose at most {2 * shape.size.bit_length()} convolutions in model.channels, or larger images.",
        )
    model = nn.Sequential()
    width = shape.channels
    for place, channels in enumerate(config.channels):
        if place and place % 2 == 0:
            model.add_module(f"pool{place // 2}", nn.MaxPool2d(2))
        model.add_module(f"conv{place + 1}", _convolution(width, channels, bias=not config.batch_norm))
        if config.batch_norm:
            model.add_module(f"norm{place + 1}", nn.BatchNorm2d(channels))
        model.add_module(f"relu{place + 1}", nn.ReLU(inplace=True))
        width = channels
    model.add_module("average", nn.AdaptiveAvgPool2d(1))
    model.add_module("flatten", nn.Flatten())
    model.add_module("head", nn.Linear(width, shape.classes))
    return model


def _convolution(inputs: int, outputs: int, *, bias: bool) -> nn.Conv2d:
    convolution = nn.Conv2d(inputs, outputs, 3, padding=1, bias=bias)
    nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
    return convolution
