"""What counts as a neuron."""

from collections import Counter

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD
from torchvision.models import resnet18

from contract.config import ResNetCifar
from neq import NEq
from neq.network.discovery import LayerFilter, discover
from tests.neq.marks import no_step_is_made
from trainer.models import DataShape, build_model


def neurons_by_type(model: nn.Module, inputs: Tensor) -> Counter[str]:
    model.eval()
    count: Counter[str] = Counter()
    for layer in discover(model, lambda: model(inputs), LayerFilter()).layers:
        count[layer.type] += layer.neurons
    return count


def test_resnet32_has_the_papers_neurons_and_parameters() -> None:
    model = build_model(ResNetCifar(depth=32), DataShape(channels=3, size=32, classes=10), seed=0)
    count = neurons_by_type(model, torch.randn(1, 3, 32, 32))
    assert count == {"Conv2d": 1136, "BatchNorm2d": 1136, "Linear": 10}
    assert count.total() == 2282
    # Convolutions 3·16·9 + 10·16·16·9 + 16·32·9 + 9·32·32·9 + 32·64·9 + 9·64·64·9 = 461,232; norms 2 · 1,136;
    # head 64·10 + 10.
    assert sum(p.numel() for p in model.parameters()) == 461_232 + 2272 + 650 == 464_154


def test_torchvisions_resnet18_has_the_papers_neurons() -> None:
    assert neurons_by_type(resnet18(), torch.randn(1, 3, 32, 32)).total() == 10_600


@pytest.mark.parametrize(
    ("layer", "inputs", "neurons"),
    [
        (nn.Conv1d(2, 7, 3), (2, 2, 9), 7),
        (nn.Conv3d(2, 7, 3), (2, 2, 5, 5, 5), 7),
        (nn.ConvTranspose2d(4, 6, 3, groups=2), (2, 4, 5, 5), 6),
        (nn.Conv2d(4, 4, 3, groups=4), (2, 4, 5, 5), 4),
        (nn.Linear(4, 3), (2, 6, 4), 3),
        (nn.BatchNorm1d(4), (2, 4, 6), 4),
        (nn.GroupNorm(2, 4), (2, 4, 3, 3), 4),
        (nn.LayerNorm([3, 5]), (2, 4, 3, 5), 15),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)
@no_step_is_made
def test_phi_has_one_value_a_neuron(layer: nn.Module, inputs: tuple[int, ...], neurons: int) -> None:
    model = nn.Sequential(layer)
    neq = NEq(model, SGD(model.parameters(), lr=0.1), [torch.randn(inputs)])
    (found,) = neq.end_epoch().layers.values()
    assert found.phi.tolist() == [1.0] * neurons
    assert found.frozen.shape == (neurons,)


class Branches(nn.Module):
    """Calls its layers in another order than it names them, one twice, one never, and one that has no parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.second = nn.Linear(4, 4)
        self.first = nn.Linear(4, 4)
        self.again = self.first
        self.idle = nn.Linear(4, 4)
        self.plain = nn.BatchNorm1d(4, affine=False)
        self.still = nn.Linear(4, 4).requires_grad_(False)
        self.tied = nn.Linear(4, 4)
        self.tied.weight = self.second.weight

    def forward(self, inputs: Tensor) -> Tensor:
        out: Tensor = self.tied(self.still(self.again(self.plain(self.second(self.first(inputs))))))
        return out


@no_step_is_made
def test_layers_are_listed_once_in_forward_order_and_only_where_they_can_move() -> None:
    model = Branches()
    neq = NEq(model, SGD(model.parameters(), lr=0.1), [torch.randn(5, 4)])
    assert [layer.name for layer in neq.layers] == ["first", "second"]
    assert list(neq.end_epoch().layers) == ["first", "second"]


def test_a_layer_that_gives_no_tensor_is_named() -> None:
    class Pair(nn.Linear):
        def forward(self, inputs: Tensor) -> Tensor:
            return super().forward(inputs), None  # type: ignore[return-value]

    model = nn.Sequential(Pair(2, 2))
    with pytest.raises(ValueError, match="layer '0' gave a tuple"):
        NEq(model, SGD(model.parameters(), lr=0.1), [torch.randn(1, 2)])


def test_a_model_with_nothing_to_watch_is_refused() -> None:
    model = nn.Sequential(nn.PReLU())
    with pytest.raises(ValueError, match="nothing to watch"):
        NEq(model, SGD(model.parameters(), lr=0.1), [torch.randn(1, 2)])


@no_step_is_made
def test_probe_batches_may_be_pairs_mappings_or_anything_with_a_forward() -> None:
    model = nn.Sequential(nn.Linear(2, 2))
    inputs = torch.randn(3, 2)
    optimizer = SGD(model.parameters(), lr=0.1)
    for probe, forward in (
        ([(inputs, torch.zeros(3))], None),
        ([{"input": inputs, "labels": torch.zeros(3)}], None),
        ([{"deep": {"x": inputs}}], lambda m, batch: m(batch["deep"]["x"])),
    ):
        with NEq(model, optimizer, probe, forward=forward) as neq:
            assert neq.end_epoch().neurons == 2
    with pytest.raises(TypeError, match="give NEq a forward"):
        NEq(model, optimizer, ["text"])
