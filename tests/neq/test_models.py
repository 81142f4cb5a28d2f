"""Models as people have them: compiled, wrapped, tied, computed weights, attention, unusual norms."""

from collections import Counter

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations
from torch.nn.utils import weight_norm as old_weight_norm
from torch.optim import SGD
from torchvision.models import convnext_tiny, googlenet, swin_b
from torchvision.models.segmentation import deeplabv3_resnet50

from neq import LayerFilter, NEq
from neq.errors import FrozenNeuronsChanged
from neq.network.discovery import discover
from tests.neq.marks import no_step_is_made

pytestmark = pytest.mark.slow


def sgd(model: nn.Module) -> SGD:
    return SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=0.1)


def test_swin_b_has_the_papers_neurons_in_the_last_dimension() -> None:
    model = swin_b()
    model.eval()
    with torch.no_grad():
        found = discover(model, lambda: model(torch.randn(1, 3, 64, 64)), LayerFilter())
    assert sum(layer.neurons for layer in found.layers) == 140_008
    # Its layers give (B, H, W, C); only the first one is a convolution, (B, C, H, W).
    assert {layer.type: layer.axis for layer in found.layers} == {"Conv2d": -3, "LayerNorm": -1, "Linear": -1}
    assert not found.unwatched


def test_deeplabv3_counts_every_convolution_norm_and_both_heads() -> None:
    model = deeplabv3_resnet50(weights=None, weights_backbone=None, num_classes=21, aux_loss=True)
    expected: Counter[str] = Counter()
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.BatchNorm2d):
            expected[type(module).__name__] += len(module.weight)
    model.eval()
    with torch.no_grad():
        found = discover(model, lambda: model(torch.randn(1, 3, 64, 64)), LayerFilter())
    count: Counter[str] = Counter()
    for layer in found.layers:
        count[layer.type] += layer.neurons
    assert count == expected
    assert {"classifier.4", "aux_classifier.4"} <= {layer.name for layer in found.layers}


def test_a_head_that_only_training_uses_is_left_alone_and_named() -> None:
    model = googlenet(weights=None, aux_logits=True, init_weights=False, num_classes=4)
    neq = NEq(model, sgd(model), [torch.randn(1, 3, 64, 64)], measure="streaming")
    assert "aux1.fc1" not in {layer.name for layer in neq.layers}
    assert neq.unwatched["aux1.fc1"] == "the forward pass over the probe set does not call it"


def test_a_norm_that_moves_its_neurons_to_another_dimension_is_found_out() -> None:
    model = convnext_tiny(weights=None, num_classes=4)  # LayerNorm2d gives (B, C, H, W)
    neq = NEq(model, sgd(model), [torch.randn(1, 3, 64, 64)], measure="streaming")
    norms = [layer for layer in neq.layers if layer.type == "LayerNorm2d"]
    assert norms
    assert all(layer.axis == 1 for layer in norms)


def test_a_layer_whose_neurons_cannot_be_placed_is_named_and_not_watched() -> None:
    class Square(nn.LayerNorm):
        def forward(self, inputs: Tensor) -> Tensor:
            return super().forward(inputs).transpose(1, 2)

    model = nn.Sequential(nn.Linear(4, 4), Square(4))
    neq = NEq(model, sgd(model), [torch.randn(2, 4, 4)])  # both dimensions might be the neurons'
    assert [layer.name for layer in neq.layers] == ["0"]
    assert "(2, 4, 4) has no dimension for its 4 neurons" in neq.unwatched["1"]


@pytest.mark.parametrize("in_place", [False, True], ids=["torch.compile(model)", "model.compile()"])
def test_a_compiled_model_is_measured_uncompiled_and_trains_frozen(in_place: bool) -> None:
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    model: nn.Module = plain
    if in_place:
        plain.compile(backend="eager")
    else:
        model = torch.compile(plain, backend="eager")  # type: ignore[assignment]
    probe, data = [torch.randn(5, 3)], torch.randn(5, 3)
    optimizer = sgd(model)
    model(data).sum().backward()
    neq = NEq(model, optimizer, probe, measure="streaming")
    assert [layer.name for layer in neq.layers] == ["0", "2"]
    neq.freeze({"0": torch.tensor([True, False, True, False])})
    before = plain[0].weight.detach().clone()
    for _ in range(3):
        optimizer.zero_grad()
        model(data).square().sum().backward()
        optimizer.step()
    moved = (plain[0].weight != before).any(1)
    assert moved.tolist() == [False, True, False, True]
    assert (neq.end_epoch().layers["0"].phi < 1).tolist() == [False, True, False, True]


class Tied(nn.Module):
    """A decoder that shares the encoder's weight and has a bias of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.second = nn.Linear(4, 4)
        self.second.weight = self.first.weight
        self.head = nn.Linear(4, 2)

    def forward(self, inputs: Tensor) -> Tensor:
        out: Tensor = self.head(torch.relu(self.second(torch.relu(self.first(inputs)))))
        return out


def test_tied_layers_are_one_with_all_their_outputs_and_both_biases() -> None:
    torch.manual_seed(0)
    model = Tied()
    optimizer = sgd(model)
    neq = NEq(model, optimizer, [torch.randn(5, 4)])
    assert [layer.name for layer in neq.layers] == ["first", "head"]
    neq.freeze({"first": torch.tensor([True, True, False, False])})
    before = [p.detach().clone() for p in (model.first.weight, model.first.bias, model.second.bias)]
    for _ in range(3):
        optimizer.zero_grad()
        model(torch.randn(5, 4)).square().sum().backward()
        optimizer.step()
    for parameter, was in zip((model.first.weight, model.first.bias, model.second.bias), before, strict=True):
        assert torch.equal(parameter[:2], was[:2])
        assert (parameter[2:] != was[2:]).any()
    with torch.no_grad():
        model.second.bias.copy_(model.first.bias + 1)  # an output of the second place alone moves
    with pytest.warns(FrozenNeuronsChanged, match="layer 'first': 2 frozen neurons"):  # two of them are frozen
        assert (neq.end_epoch().layers["first"].phi < 1).any()


@pytest.mark.parametrize("kind", ["weight_norm", "spectral_norm", "old weight_norm"])
@pytest.mark.filterwarnings("ignore:.*weight_norm.*deprecated")
@no_step_is_made
def test_computed_weights_are_measured_and_left_free(kind: str) -> None:
    make = {
        "weight_norm": parametrizations.weight_norm,
        "spectral_norm": parametrizations.spectral_norm,
        "old weight_norm": old_weight_norm,
    }[kind]
    torch.manual_seed(0)
    model = nn.Sequential(make(nn.Linear(3, 4)), nn.Linear(4, 2))
    neq = NEq(model, sgd(model), [torch.randn(5, 3)], measure="streaming")
    neq.end_epoch()
    equilibrium = neq.end_epoch()
    assert equilibrium.layers["0"].at_equilibrium.all()
    assert not equilibrium.layers["0"].frozen.any()
    assert equilibrium.layers["1"].frozen.all()
    with pytest.raises(ValueError, match="'0' cannot be frozen: its weight is computed from other parameters"):
        neq.freeze({"0": torch.ones(4, dtype=torch.bool)})
    assert neq.layers[0].type == "Linear"


def test_the_fused_path_of_attention_does_not_hide_its_layers() -> None:
    block = nn.TransformerEncoderLayer(8, 2, dim_feedforward=16, batch_first=True)
    neq = NEq(block, sgd(block), [torch.randn(2, 5, 8)])
    assert {"linear1", "linear2", "norm1", "norm2"} <= {layer.name for layer in neq.layers}
    assert torch.backends.mha.get_fastpath_enabled()
    assert {"self_attn", "self_attn.out_proj"} <= {layer.name for layer in neq.layers}  # computed by a function


def test_a_pattern_that_names_nothing_is_refused() -> None:
    model = nn.Sequential(nn.Linear(3, 3))
    with pytest.raises(
        ValueError, match=r"layers.never_freeze: 'heads\.\*' names no layer with neurons; the first are 0"
    ):
        NEq(model, sgd(model), [torch.randn(2, 3)], layers=LayerFilter(never_freeze=("heads.*",)))


def test_layers_are_chosen_by_name_and_by_class() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.LayerNorm(3), nn.Linear(3, 3))
    optimizer = sgd(model)
    probe = [torch.randn(2, 3)]
    for layer_filter, names in (
        (LayerFilter(only=(nn.Linear,)), ["0", "2"]),
        (LayerFilter(only=("[01]",)), ["0", "1"]),
        (LayerFilter(never=("2", nn.LayerNorm)), ["0"]),
    ):
        with NEq(model, optimizer, probe, layers=layer_filter) as neq:
            assert [layer.name for layer in neq.layers] == names
            assert len(neq.unwatched) == 3 - len(names)


KINDS: list[tuple[nn.Module, tuple[int, ...]]] = [
    (nn.Conv1d(3, 5, 3), (2, 3, 8)),
    (nn.Conv2d(4, 8, 3, groups=4), (2, 4, 5, 5)),
    (nn.ConvTranspose1d(2, 6, 3, groups=2), (2, 2, 9)),
    (nn.ConvTranspose3d(2, 4, 2), (2, 2, 3, 3, 3)),
    (nn.Linear(3, 5), (2, 6, 3)),
    (nn.BatchNorm3d(4), (2, 4, 2, 2, 2)),
    (nn.SyncBatchNorm(4), (2, 4, 3, 3)),
    (nn.GroupNorm(2, 4), (2, 4, 3, 3)),
    (nn.LayerNorm([2, 3]), (4, 2, 3)),
    (nn.RMSNorm(4), (2, 3, 4)),
]


@pytest.mark.parametrize(("layer", "shape"), KINDS, ids=[type(layer).__name__ for layer, _ in KINDS])
@no_step_is_made
def test_each_kind_of_layer_tells_which_of_its_neurons_moved(layer: nn.Module, shape: tuple[int, ...]) -> None:
    """Neuron 1's own parameters turn over, and so does its output; the others stand."""
    torch.manual_seed(0)
    model = nn.Sequential(layer)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn_like(parameter))
    neq = NEq(model, sgd(model), [torch.randn(shape)])
    watched = neq.layers[0]
    with torch.no_grad():
        for parameter in watched.parameters():
            watched.rows(parameter.data)[watched.place(torch.tensor([1]), parameter)] *= -1
    expected = [1.0] * watched.neurons
    expected[1] = -1.0
    assert neq.end_epoch().layers["0"].phi.tolist() == pytest.approx(expected, abs=1e-6)
