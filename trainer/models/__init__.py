"""Networks by the name that a run's description gives them, fitted to the data."""

from typing import Any

import torch
from torch import nn

from contract.config import Cnn, Mlp, Model, ResNetCifar, TorchvisionClassifier, TorchvisionSegmenter
from contract.plugins import ModelPlugin
from neq.old_names import warn_renamed
from trainer.engines.environment import Workplace
from trainer.models.cnn import cnn
from trainer.models.mlp import mlp
from trainer.models.plugins import build_plugin_model
from trainer.models.resnet_cifar import resnet_cifar
from trainer.models.shape import DataShape

__all__ = ["DataShape", "build_model"]


def build_model(config: Model, shape: DataShape, *, seed: int, workplace: Workplace | None = None) -> nn.Module:
    """The network on the CPU, its initial weights fixed by the seed; the global random state is left alone.

    Args:
        config: which network.
        shape: what it is fitted to.
        seed: of its initial weights.
        workplace: where trained weights are looked for; not needed where the description asks for none.

    Raises:
        RunError: the network does not fit the images, or its trained weights are not to be had.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return _built(config, shape, workplace)


def _built(config: Model, shape: DataShape, workplace: Workplace | None) -> nn.Module:
    match config:
        case Cnn():
            return cnn(config, shape)
        case Mlp():
            return mlp(config, shape)
        case ResNetCifar():
            return resnet_cifar(config, shape)
        case ModelPlugin():
            return build_plugin_model(config, shape)
        case TorchvisionClassifier() | TorchvisionSegmenter():
            from trainer.models import torchvision_nets  # a second to import, and only these need it

            if isinstance(config, TorchvisionClassifier):
                return torchvision_nets.classifier(config, shape, workplace)
            return torchvision_nets.segmenter(config, shape, workplace)


def __getattr__(name: str) -> Any:
    """What was called otherwise before works for one release more."""
    if name != "Shape":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warn_renamed("trainer.models.Shape", "trainer.models.DataShape")
    return DataShape
