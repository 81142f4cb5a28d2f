"""Epoch by epoch: φ, Δφ, v and the mask of whole networks."""

from collections.abc import Callable, Iterator

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.optim import SGD

from neq import NEq
from neq.errors import FrozenNeuronsChanged
from neq.reference import follow
from tests.neq.marks import no_step_is_made


class Rows(nn.Module):
    """Two linear layers without a bias; on the identity as probe, a neuron's outputs are its own weight row."""

    def __init__(self, neurons: int, inputs: int) -> None:
        super().__init__()
        self.rows = nn.Linear(inputs, neurons, bias=False)
        self.last = nn.Linear(neurons, 1, bias=False)

    def forward(self, inputs: Tensor) -> Tensor:
        out: Tensor = self.last(self.rows(inputs))
        return out

    def set(self, rows: list[list[float]]) -> None:
        with torch.no_grad():
            self.rows.weight.copy_(torch.tensor(rows))


@no_step_is_made
def test_an_epoch_sequence_by_hand() -> None:
    model = Rows(2, 2)
    model.set([[4, 3], [1, 0]])
    neq = NEq(model, SGD(model.parameters(), lr=0.1), [torch.eye(2)], epsilon=0.05, mu=0.5)

    # Epoch 0. Neuron 0: (3, 4) · (4, 3) / 25 = 0.96. Neuron 1: (0, 1) · (1, 0) = 0.
    model.set([[3, 4], [0, 1]])
    first = neq.end_epoch().layers["rows"]
    assert first.phi.tolist() == pytest.approx([0.96, 0.0])
    assert first.delta_phi is None
    assert first.velocity is None
    assert first.frozen.tolist() == [False, False]

    # Epoch 1. Neuron 0 stands: φ 1, Δφ 0.04. Neuron 1 turns back: φ 0, Δφ 0. v = Δφ − 0.5 · 0.
    model.set([[3, 4], [1, 0]])
    second = neq.end_epoch().layers["rows"]
    assert second.delta_phi is not None
    assert second.velocity is not None
    assert second.delta_phi.tolist() == pytest.approx([0.04, 0.0])
    assert second.velocity.tolist() == pytest.approx([0.04, 0.0])
    assert second.frozen.tolist() == [True, True]  # both below 0.05, the second although it turns by 90°
    assert second.applied.tolist() == [False, False]

    # Epoch 2. Neuron 0: φ 0.96, Δφ −0.04, v = −0.04 − 0.5 · 0.04 = −0.06. Neuron 1: φ 1, Δφ 1, v = 1 − 0 = 1.
    model.set([[4, 3], [2, 0]])
    with pytest.warns(FrozenNeuronsChanged, match="2 frozen neurons were changed in epoch 2"):
        third = neq.end_epoch().layers["rows"]
    assert third.velocity is not None
    assert third.velocity.tolist() == pytest.approx([-0.06, 1.0])
    assert third.frozen.tolist() == [False, False]  # both thaw
    assert third.applied.tolist() == [False, False]  # both were frozen, and this test moved them all the same

    # Epoch 3. Neuron 0: φ 1, Δφ 0.04, v = 0.04 + 0.5 · 0.06 = 0.07. Neuron 1: φ 1, Δφ 0, v = −0.5 · 1.
    model.set([[4, 3], [2, 0]])
    fourth = neq.end_epoch()
    velocity = fourth.layers["rows"].velocity
    assert velocity is not None
    assert velocity.tolist() == pytest.approx([0.07, -0.5])
    assert fourth.epoch == 3


@no_step_is_made
def test_shares_are_of_all_watched_neurons() -> None:
    model = Rows(3, 2)
    model.set([[1, 0], [0, 1], [1, 1]])
    neq = NEq(model, SGD(model.parameters(), lr=0.1), [torch.eye(2)], epsilon=0.5, mu=0.0)
    neq.end_epoch()
    model.set([[0, 1], [0, 1], [1, 1]])  # neuron 0: φ 1 → 0, v −1; the last layer sees other inputs
    equilibrium = neq.end_epoch()
    frozen = sum(int(layer.frozen.sum()) for layer in equilibrium.layers.values())
    assert equilibrium.layers["rows"].frozen.tolist() == [False, True, True]
    assert equilibrium.neurons == 4
    assert equilibrium.frozen_fraction == frozen / 4
    assert equilibrium.applied_fraction == 0


@no_step_is_made
def test_the_threshold_itself_does_not_freeze() -> None:
    model = Rows(2, 2)
    model.set([[1, 0], [1, 0]])
    neq = NEq(model, SGD(model.parameters(), lr=0.1), [torch.eye(2)], epsilon=1.0, mu=0.0)
    model.set([[1, 0], [1, 0]])
    neq.end_epoch()
    model.set([[0, 1], [1, 0]])  # neuron 0: φ 1 → 0, |v| = 1 = ε
    assert neq.end_epoch().layers["rows"].frozen.tolist() == [False, True]


@no_step_is_made
def test_where_all_would_freeze_the_last_layer_goes_on() -> None:
    model = Rows(2, 2)
    neq = NEq(model, SGD(model.parameters(), lr=0.1), [torch.eye(2)], epsilon=1.0)
    neq.end_epoch()
    equilibrium = neq.end_epoch()  # nothing moved: v is 0 everywhere
    assert equilibrium.layers["rows"].frozen.all()
    assert not equilibrium.layers["last"].frozen.any()


@no_step_is_made
def test_select_none_watches_and_freezes_nothing() -> None:
    model = Rows(2, 2)
    neq = NEq(model, SGD(model.parameters(), lr=0.1), [torch.eye(2)], epsilon=1.0, select="none")
    neq.end_epoch()
    equilibrium = neq.end_epoch()
    assert equilibrium.frozen_fraction == 0
    assert equilibrium.layers["rows"].velocity is not None


weight = st.integers(-3, 3).map(float)
histories = st.lists(st.lists(st.lists(weight, min_size=3, max_size=3), min_size=2, max_size=2), min_size=3, max_size=7)


@pytest.mark.filterwarnings("ignore::neq.errors.FrozenNeuronsChanged")  # moved by hand
@settings(deadline=None)
@given(histories, st.sampled_from([0.0, 0.25, 0.5]), st.sampled_from([1e-3, 0.1, 0.6]))
@no_step_is_made
def test_any_history_agrees_with_the_reference(history: list[list[list[float]]], mu: float, epsilon: float) -> None:
    model = Rows(2, 3)
    model.set(history[0])
    neq = NEq(model, SGD(model.parameters(), lr=0.1), [torch.eye(3)[:2], torch.eye(3)[2:]], epsilon=epsilon, mu=mu)
    for rows, expected in zip(history[1:], follow(history, epsilon=epsilon, mu=mu), strict=True):
        model.set(rows)
        found = neq.end_epoch().layers["rows"]
        assert found.phi.tolist() == pytest.approx(expected.phi, abs=1e-6)
        if expected.velocity is None:
            assert found.velocity is None
        else:
            assert found.velocity is not None
            assert found.velocity.tolist() == pytest.approx(expected.velocity, abs=1e-6)
            clear = [abs(abs(v) - epsilon) > 1e-9 for v in expected.velocity]
            assert [f for f, c in zip(found.frozen.tolist(), clear, strict=True) if c] == [
                f for f, c in zip(expected.frozen, clear, strict=True) if c
            ]


class Tokens(nn.Module):
    """Linear and layer norm on (batch, tokens, features), the same linear twice."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(6, 6)
        self.norm = nn.LayerNorm(6)
        self.head = nn.Linear(6, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        out: Tensor = self.head(self.norm(self.mix(torch.relu(self.mix(inputs)))))
        return out


def image_model() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(2, 6, 3, padding=1),
        nn.BatchNorm2d(6),
        nn.ReLU(inplace=True),  # changes the batch norm's output after it was given
        nn.ConvTranspose2d(6, 4, 2, groups=2),
        nn.GroupNorm(2, 4),
        nn.ReLU(inplace=True),
        nn.Flatten(),
        nn.Linear(4 * 7 * 7, 5),
    )


def recorded(model: nn.Module, names: list[str], probe: list[Tensor]) -> dict[str, list[list[float]]]:
    """Each layer's outputs, one row a neuron, taken by hooks of the test's own."""
    taken: dict[str, list[Tensor]] = {name: [] for name in names}

    def keep(name: str) -> Callable[[nn.Module, object, Tensor], None]:
        def hook(module: nn.Module, inputs: object, output: Tensor) -> None:
            last = isinstance(module, nn.Linear | nn.LayerNorm)
            axis = output.dim() - 1 if last else 1
            taken[name].append(output.detach().double().transpose(0, axis).flatten(1).clone())

        return hook

    handles = [model.get_submodule(name).register_forward_hook(keep(name)) for name in names]
    model.eval()
    with torch.no_grad():
        for batch in probe:
            model(batch)
    model.train()
    for handle in handles:
        handle.remove()
    return {name: torch.cat(outputs, dim=1).tolist() for name, outputs in taken.items()}


@pytest.mark.parametrize(
    ("model", "shape"), [(image_model, (9, 2, 6, 6)), (Tokens, (9, 4, 6))], ids=["images", "tokens"]
)
def test_a_network_in_training_agrees_with_the_reference(
    model: Callable[[], nn.Module], shape: tuple[int, ...]
) -> None:
    torch.manual_seed(3)
    net = model()
    probe = list(torch.randn(shape).split(4))
    optimizer = SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-3)
    neq = NEq(net, optimizer, probe, epsilon=0.02)
    names = [layer.name for layer in neq.layers]
    outputs = [recorded(net, names, probe)]
    found = []
    for _ in range(5):
        for _ in range(3):
            optimizer.zero_grad()
            net(torch.randn(shape)).square().mean().backward()
            optimizer.step()
        outputs.append(recorded(net, names, probe))
        found.append(neq.end_epoch())
    frozen = 0
    for name in names:
        expected = follow([epoch[name] for epoch in outputs], epsilon=0.02, mu=0.5)
        for epoch, reference in zip(found, expected, strict=True):
            layer = epoch.layers[name]
            assert layer.phi.tolist() == pytest.approx(reference.phi, abs=1e-6)
            if reference.velocity is not None and layer.velocity is not None:
                assert layer.velocity.tolist() == pytest.approx(reference.velocity, abs=1e-6)
                assert layer.frozen.tolist() == reference.frozen
                frozen += sum(reference.frozen)
    assert frozen  # the case is one in which neurons do freeze


@no_step_is_made
def test_a_step_of_the_measurement_is_a_probe_batch() -> None:
    model = Rows(2, 2)
    neq = NEq(model, SGD(model.parameters(), lr=0.1), [torch.eye(2)] * 3)
    assert list(neq.end_epoch_in_steps()) == [1, 2, 3]


@no_step_is_made
def test_a_probe_that_can_be_read_once_only_is_refused_when_it_runs_dry() -> None:
    def once() -> Iterator[Tensor]:
        yield torch.eye(2)

    class RunsDry:
        def __init__(self, passes: int) -> None:
            self.passes = passes

        def __iter__(self) -> Iterator[Tensor]:
            self.passes -= 1
            return iter([torch.eye(2)] if self.passes >= 0 else [])

    model = Rows(2, 2)
    optimizer = SGD(model.parameters(), lr=0.1)
    with pytest.raises(TypeError, match="iterated only once"):
        NEq(model, optimizer, once())
    with pytest.raises(ValueError, match="again every epoch"):
        NEq(model, optimizer, RunsDry(1), measure="cached")
    probe = RunsDry(9)
    neq = NEq(model, optimizer, probe, measure="streaming")
    probe.passes = 0
    with pytest.raises(ValueError, match="again every epoch"):
        neq.end_epoch()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epsilon": -1.0}, "epsilon is -1.0"),
        ({"epsilon": float("nan")}, "epsilon is nan"),
        ({"mu": 0.6}, "mu is 0.6"),
        ({"select": "some"}, "choose one of equilibrium, none, random, topk"),
    ],
)
def test_a_wrong_option_is_named(values: dict[str, object], message: str) -> None:
    model = Rows(2, 2)
    with pytest.raises(ValueError, match=message):
        NEq(model, SGD(model.parameters(), lr=0.1), [torch.eye(2)], **values)  # type: ignore[arg-type]


def test_an_empty_probe_set_is_refused() -> None:
    model = Rows(2, 2)
    with pytest.raises(ValueError, match="gave no batch"):
        NEq(model, SGD(model.parameters(), lr=0.1), [])
