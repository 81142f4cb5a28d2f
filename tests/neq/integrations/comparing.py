"""Whether two trainings were the same, to the bit."""

import torch
from torch import nn

from neq import Equilibrium


def assert_same(found: list[Equilibrium], wanted: list[Equilibrium]) -> None:
    assert [one.epoch for one in found] == [one.epoch for one in wanted]
    for one, other in zip(found, wanted, strict=True):
        assert one.layers.keys() == other.layers.keys()
        for name, layer in other.layers.items():
            again = one.layers[name]
            assert torch.equal(again.phi, layer.phi)
            assert torch.equal(again.frozen, layer.frozen)
            assert torch.equal(again.applied, layer.applied)
            assert (again.velocity is None) == (layer.velocity is None)
            assert layer.velocity is None or torch.equal(again.velocity, layer.velocity)


def assert_same_weights(module: nn.Module, other: nn.Module) -> None:
    assert all(torch.equal(tensor, other.state_dict()[name]) for name, tensor in module.state_dict().items())
