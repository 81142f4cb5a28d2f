"""Groups of neurons as one."""

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD
from torchvision.models import resnet18, swin_t

from contract.config import ResNetCifar
from neq import Equilibrium, NEq
from neq.decide.groups import group_layers
from neq.network.discovery import LayerFilter, discover
from neq.options import Groups
from neq.reference import cosine
from tests.neq.marks import no_step_is_made
from trainer.models import DataShape, build_model


def grouped(model: nn.Module, inputs: Tensor, groups: Groups) -> dict[str, tuple[str, ...]]:
    model.eval()
    with torch.no_grad():
        layers = discover(model, lambda: model(inputs), LayerFilter()).layers
    return {group.name: group.layers for group in group_layers(groups, layers, model)}


@no_step_is_made
def test_phi_of_a_group_is_that_of_its_concatenated_outputs() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    probe = torch.randn(6, 3)
    neq = NEq(model, SGD(model.parameters(), lr=0.1), [probe], groups={"all": ("*",), "first": ("0",)})

    def outputs() -> tuple[list[float], list[float]]:
        with torch.no_grad():
            first = model[0](probe)
            return [*first.T.flatten().tolist(), *model[1](first).T.flatten().tolist()], first.T.flatten().tolist()

    before = outputs()
    with torch.no_grad():
        model[0].weight += 0.3 * torch.randn(4, 3)
    now = outputs()
    found = neq.end_epoch().groups
    assert found["all"].phi == pytest.approx(cosine(now[0], before[0]), abs=1e-6)
    assert found["first"].phi == pytest.approx(cosine(now[1], before[1]), abs=1e-6)
    assert found["all"].neurons == 6
    assert found["all"].velocity is None
    assert not found["all"].at_equilibrium
    still = neq.end_epoch().groups["all"]
    assert still.phi == 1
    assert still.velocity == pytest.approx(1 - found["all"].phi)


def test_a_convolution_and_its_norm_are_one_group() -> None:
    groups = grouped(resnet18(), torch.randn(1, 3, 32, 32), "conv+norm")
    assert groups["conv1"] == ("conv1", "bn1")
    assert groups["layer2.0.downsample.0"] == ("layer2.0.downsample.0", "layer2.0.downsample.1")
    assert groups["fc"] == ("fc",)
    assert len(groups) == 21  # 20 convolutions with their norms, and the head


def test_residual_stages_are_found_in_torchvisions_and_our_networks() -> None:
    stages = grouped(resnet18(), torch.randn(1, 3, 32, 32), "stage")
    assert list(stages) == ["conv1", "bn1", "layer1", "layer2", "layer3", "layer4", "fc"]
    assert len(stages["layer2"]) == 10
    ours = build_model(ResNetCifar(depth=20), DataShape(3, 32, 10), seed=0)
    assert list(grouped(ours, torch.randn(1, 3, 32, 32), "stage")) == [
        "conv", "norm", "stages.0", "stages.1", "stages.2", "head",
    ]  # fmt: skip
    swin = grouped(swin_t(), torch.randn(1, 3, 64, 64), "stage")
    assert {"features.1", "features.3", "features.5", "features.7"} <= set(swin)


def test_every_layer_is_a_group_of_its_own() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4))
    assert grouped(model, torch.randn(2, 3), "layer") == {"0": ("0",), "1": ("1",)}


class Pair(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rows = nn.Linear(2, 3, bias=False)
        self.last = nn.Linear(3, 1, bias=False)

    def forward(self, inputs: Tensor) -> Tensor:
        out: Tensor = self.last(self.rows(inputs))
        return out


@no_step_is_made
def test_a_group_that_decides_freezes_all_of_its_neurons_or_none() -> None:
    def found_by(decide_by: str) -> Equilibrium:
        model = Pair()
        with torch.no_grad():
            model.rows.weight.copy_(torch.tensor([[10.0, 0.0], [0.0, 10.0], [0.1, 0.0]]))
            model.last.weight.fill_(1.0)
        optimizer = SGD(model.parameters(), lr=0.1)
        groups = {"rows": ("rows",)}
        neq = NEq(model, optimizer, [torch.eye(2)], epsilon=0.01, groups=groups, decide_by=decide_by)
        neq.end_epoch()
        with torch.no_grad():
            model.rows.weight[2] = torch.tensor([0.0, 0.1])  # a faint neuron turns by 90°: the group hardly notices
        return neq.end_epoch()

    assert found_by("neurons").layers["rows"].frozen.tolist() == [True, True, False]
    found = found_by("groups")
    assert found.layers["rows"].frozen.tolist() == [True, True, True]
    assert found.layers["rows"].at_equilibrium.tolist() == [True, True, False]
    assert found.groups["rows"].at_equilibrium


@no_step_is_made
def test_a_group_that_moves_keeps_its_still_neurons_moving() -> None:
    model = Pair()
    neq = NEq(model, SGD(model.parameters(), lr=0.1), [torch.eye(2)], groups="layer", decide_by="groups")
    neq.end_epoch()
    with torch.no_grad():
        model.rows.weight[0] = -10 * model.rows.weight[0]
    layer = neq.end_epoch().layers["rows"]
    assert layer.at_equilibrium.tolist() == [False, True, True]
    assert layer.frozen.tolist() == [False, False, False]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"groups": "block"}, "groups is 'block'; choose one of layer, conv"),
        ({"groups": {"heads": ("head*",)}}, "'heads' names no watched layer"),
        ({"decide_by": "groups"}, "say which with groups"),
        ({"groups": {"a": ("*",), "b": ("last",)}, "decide_by": "groups"}, "share a layer"),
        ({"decide_by": "votes"}, "choose one of neurons, groups"),
    ],
)
def test_groups_that_make_no_sense_are_refused(options: dict[str, object], message: str) -> None:
    model = Pair()
    with pytest.raises(ValueError, match=message):
        NEq(model, SGD(model.parameters(), lr=0.1), [torch.eye(2)], **options)  # type: ignore[arg-type]
