"""Networks and steps that are counted on the pretended device."""

from collections.abc import Callable
from typing import Any

import torch
import torchvision
from torch import Tensor, nn
from torch.optim import Optimizer

from contract.config.models import ResNetCifar
from neq import NEq
from trainer.models.attention import call_attention_layers
from trainer.models.resnet_cifar import resnet_cifar
from trainer.models.shape import DataShape


def resnet32() -> nn.Module:
    """93 parameters, 62 of them of batch norms."""
    torch.manual_seed(0)
    return resnet_cifar(ResNetCifar(), DataShape(3, 32, 10))


def resnet18() -> nn.Module:
    """60 watched parameters, some larger than 2**18 values."""
    torch.manual_seed(0)
    model: nn.Module = torchvision.models.resnet18(num_classes=10)
    return model


def vit() -> nn.Module:
    """Four blocks of a vision transformer."""
    torch.manual_seed(0)
    model: nn.Module = torchvision.models.VisionTransformer(64, 16, 4, 4, 192, 768, num_classes=10)
    call_attention_layers(model)
    return model


NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "resnet32": (resnet32, (4, 3, 32, 32)),
    "resnet18": (resnet18, (2, 3, 64, 64)),
    "vit": (vit, (2, 3, 64, 64)),
}
"""By name: what makes one, and the shape of a batch."""


def random_masks(neq: NEq, share: float) -> dict[str, Tensor]:
    """That share of every layer's neurons but the last layer's, by lot."""
    lot = torch.Generator().manual_seed(0)
    return {
        layer.name: torch.randperm(layer.neurons, generator=lot) < round(share * layer.neurons)
        for layer in neq.layers[:-1]
    }


def first_layers(neq: NEq, share: float) -> dict[str, Tensor]:
    """That share of the layers, whole, from the input on."""
    layers = neq.layers[: round(share * (len(neq.layers) - 1))]
    return {layer.name: torch.ones(layer.neurons, dtype=torch.bool) for layer in layers}


def step(model: nn.Module, optimizer: Optimizer, inputs: Tensor, **backward: Any) -> None:
    """One step of plain training, each image with label 0."""
    optimizer.zero_grad(set_to_none=True)
    labels = torch.zeros(len(inputs), dtype=torch.int64, device=inputs.device)
    nn.functional.cross_entropy(model(inputs), labels).backward(**backward)
    optimizer.step()
