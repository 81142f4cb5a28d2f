"""Networks by the name that a run's description gives them, fitted to the data."""

import torch
from torch import nn

from trainer.config import Cnn, Mlp, Model, ResNetCifar
from trainer.models.cnn import cnn
from trainer.models.mlp import mlp
from trainer.models.resnet_cifar import resnet_cifar
from trainer.models.shape import Shape

__all__ = ["Shape", "build_model"]


def build_model(config: Model, shape: Shape, *, seed: int) -> nn.Module:
    """The network on the CPU, its initial weights fixed by the seed; the global random state is left alone.

    Raises:
        RunError: the network does not fit the images.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return _built(config, shape)


def _built(config: Model, shape: Shape) -> nn.Module:
    match config:
        case Cnn():
            return cnn(config, shape)
        case Mlp():
            return mlp(config, shape)
        case ResNetCifar():
            return resnet_cifar(config, shape)
