"""Counted operations agree with those that torch's own counter sees in the same step, to the integer."""

from collections.abc import Callable

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torch.optim import SGD
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models.swin_transformer import SwinTransformerBlock

from contract.config.models import ResNetCifar
from neq import NEq
from neq.flops import Multiplied, StepFlops, multiply_adds
from neq.options import SavingsMode
from trainer.models.resnet_cifar import resnet_cifar
from trainer.models.shape import DataShape

pytestmark = pytest.mark.slow

Masks = Callable[[NEq], dict[str, Tensor]]


def mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(30, 64), nn.ReLU(), nn.Linear(64, 48, bias=False), nn.ReLU(), nn.Linear(48, 10))


def convolutions() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, 2, 1), nn.BatchNorm2d(32), nn.ConvTranspose2d(32, 20, 2), nn.Flatten(1), nn.Linear(1620, 4)
    )


def swin() -> nn.Module:
    return nn.Sequential(*(SwinTransformerBlock(64, 4, [7, 7], [3 * i] * 2) for i in range(2)), nn.Linear(64, 10))


NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "mlp": (mlp, (7, 5, 30)),
    "convolutions": (convolutions, (2, 3, 16, 16)),
    "swin": (swin, (1, 14, 14, 64)),
    "resnet18": (lambda: torchvision.models.resnet18(num_classes=10), (2, 3, 64, 64)),
}


def nothing(neq: NEq) -> dict[str, Tensor]:
    return {}


def random_half(neq: NEq) -> dict[str, Tensor]:
    draw = torch.Generator().manual_seed(0)
    return {layer.name: torch.rand(layer.neurons, generator=draw) < 0.5 for layer in neq.layers}


def first_half(neq: NEq) -> dict[str, Tensor]:
    return {layer.name: torch.ones(layer.neurons, dtype=torch.bool) for layer in neq.layers[: len(neq.layers) // 2]}


def counted(network: str, masks: Masks, savings: SavingsMode) -> tuple[StepFlops, int]:
    """Ours, and what torch's counter saw but for attention's products of two outputs."""
    make, shape = NETWORKS[network]
    torch.manual_seed(0)
    model, inputs = make(), torch.randn(shape)
    optim = SGD(model.parameters(), lr=1e-3)
    with NEq(model, optim, [inputs], savings=savings) as neq:
        with Multiplied(neq.layers) as dense:
            model(inputs).sum().backward()
        optim.step()
        neq.freeze(masks(neq))
        model(inputs).sum().backward()  # plans are decided
        optim.step()
        optim.zero_grad()
        with FlopCounterMode(display=False) as torchs, Multiplied(neq.layers) as seen:
            model(inputs).sum().backward()
        products = torchs.get_flop_counts()["Global"]
        of_weights = sum(made for function, made in products.items() if function is not torch.ops.aten.bmm)
        return seen.step_flops(neq.plans(), dense), of_weights


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("masks", [nothing, random_half, first_half])
@pytest.mark.parametrize("savings", [True, "rows", "transposed", False])
def test_a_step_s_operations_are_torchs_to_the_integer(network: str, masks: Masks, savings: SavingsMode) -> None:
    ours, torchs = counted(network, masks, savings)
    assert ours.total == torchs


def test_the_ceiling_is_three_over_three_less_both_shares() -> None:
    ours, _ = counted("resnet18", first_half, True)
    dense = sum(layer.forward for layer in ours.dense.values())
    skipped = dense - sum(layer.weights for layer in ours.layers.values())
    unreached = dense - sum(layer.inputs for layer in ours.layers.values())
    first = ours.dense["conv1"].forward  # its input's gradient is never computed
    f, p, o = skipped / dense, (unreached - first) / dense, first / dense
    assert ours.ceiling == pytest.approx((3 - o) / (3 - o - f - p))
    assert 1.5 < ours.ceiling < 3


def test_with_savings_off_the_paper_s_count_falls_and_the_step_s_does_not() -> None:
    dense, _ = counted("mlp", nothing, False)
    half, _ = counted("mlp", random_half, False)
    assert half.total == dense.total
    assert half.paper < 0.7 * dense.paper
    assert half.ceiling == 1


@pytest.mark.parametrize(
    ("model", "side", "published"),
    [
        # Multiply-adds of convolutions and classifier 68,862,592; norms 2 × 303,104 values: twice their sum.
        (lambda: resnet_cifar(ResNetCifar(), DataShape(3, 32, 10)), 32, 138_937_600),
        (torchvision.models.resnet18, 224, pytest.approx(3.64e9, rel=1e-3)),
    ],
)
def test_the_paper_s_count_of_a_dense_network_is_the_published_one(
    model: Callable[[], nn.Module], side: int, published: float
) -> None:
    network, inputs = model().eval(), torch.randn(1, 3, side, side)
    neq = NEq(network, SGD(network.parameters(), lr=0.1), [inputs])
    with Multiplied(neq.layers) as seen:
        network(inputs)
    assert seen.step_flops(neq.plans()).paper == published


@pytest.mark.parametrize(
    ("module", "inputs", "by_hand"),
    [
        (nn.Conv2d(8, 12, 3, groups=4), (1, 8, 5, 5), 12 * 9 * (2 * 9)),  # 12 outputs, 3 × 3 places, 2 channels × 3 × 3
        (nn.Conv2d(8, 8, 3, groups=8), (2, 8, 5, 5), 2 * 8 * 9 * 9),
        (nn.ConvTranspose1d(6, 4, 3, groups=2), (1, 6, 7), 6 * 7 * 2 * 3),  # each input goes to 2 outputs × 3 taps
        (nn.Linear(5, 3), (2, 4, 5), 2 * 4 * 5 * 3),
    ],
)
def test_multiply_adds_by_hand(module: nn.Module, inputs: tuple[int, ...], by_hand: int) -> None:
    shape = torch.Size(inputs)
    assert multiply_adds(module, shape, module(torch.zeros(shape)).shape) == by_hand


def test_torch_s_own_counter_does_not_know_groups_in_a_backward_pass() -> None:
    """Why grouped convolutions are compared by hand: should this fail, they can be compared with torch's counter."""
    module, inputs = nn.Conv2d(8, 12, 3, groups=4), torch.randn(1, 8, 5, 5, requires_grad=True)
    with FlopCounterMode(display=False) as torchs:
        module(inputs).sum().backward()
    forward = 2 * multiply_adds(module, inputs.shape, torch.Size((1, 12, 3, 3)))
    assert torchs.get_total_flops() > 3 * forward
