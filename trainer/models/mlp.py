"""Fully connected layers."""

from torch import nn

from contract.config import Mlp
from trainer.models.shape import DataShape


def mlp(config: Mlp, shape: DataShape) -> nn.Module:
    """Linear layers with ReLU between them (and batch norm before it), the image's pixels as one row."""
    model = nn.Sequential()
    model.add_module("flatten", nn.Flatten())
    height, across = shape.sides
    width = shape.channels * height * across
    for place, neurons in enumerate(config.hidden, start=1):
        model.add_module(f"linear{place}", nn.Linear(width, neurons, bias=not config.batch_norm))
        if config.batch_norm:
            model.add_module(f"norm{place}", nn.BatchNorm1d(neurons))
        model.add_module(f"relu{place}", nn.ReLU(inplace=True))
        width = neurons
    model.add_module("head", nn.Linear(width, shape.classes))
    return model
