"""Measuring leaves no trace, and a run can be continued from its state."""

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam

from neq import NEq
from tests.neq.marks import no_step_is_made


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(inplace=True),
        nn.Dropout(0.5),
        nn.Flatten(),
        nn.Linear(64, 3),
    )


PROBE = [torch.randn(5, 1, 6, 6, generator=torch.Generator().manual_seed(4))]


def train(model: nn.Module, optimizer: torch.optim.Optimizer, random: torch.Generator) -> None:
    for _ in range(3):
        optimizer.zero_grad()
        model(torch.randn(6, 1, 6, 6, generator=random)).square().mean().backward()
        optimizer.step()


@no_step_is_made
def test_modes_buffers_weights_and_random_state_are_as_before() -> None:
    model = network()
    model.train()
    model[1].eval()  # a batch norm that its owner keeps in eval mode
    state = copy.deepcopy(model.state_dict())
    neq = NEq(model, SGD(model.parameters(), lr=0.1), PROBE)
    random = torch.get_rng_state()
    neq.end_epoch()
    assert [module.training for module in model.modules()] == [True, True, False, True, True, True, True]
    assert torch.equal(random, torch.get_rng_state())
    assert all(torch.equal(tensor, state[name]) for name, tensor in model.state_dict().items())


@no_step_is_made
def test_a_model_that_draws_at_random_in_eval_mode_leaves_the_random_state_too() -> None:
    class Noisy(nn.Linear):
        def forward(self, inputs: Tensor) -> Tensor:
            out = super().forward(inputs)
            return out + torch.rand_like(out)

    model = Noisy(2, 2)
    neq = NEq(model, SGD(model.parameters(), lr=0.1), [torch.ones(3, 2)])
    random = torch.get_rng_state()
    neq.end_epoch()
    assert torch.equal(random, torch.get_rng_state())


@no_step_is_made
def test_an_error_on_the_way_leaves_the_mode_and_no_hooks() -> None:
    model = network()
    probe: list[Tensor] = [*PROBE]
    neq = NEq(model, SGD(model.parameters(), lr=0.1), probe)
    probe[0] = torch.randn(5, 2, 6, 6)  # two channels, where the network takes one
    with pytest.raises(RuntimeError):
        neq.end_epoch()
    assert model.training
    assert not any(module._forward_hooks for module in model.modules())


@pytest.mark.parametrize("kind", ["sgd", "adam"])
def test_continuing_from_a_state_gives_the_same_numbers_to_the_bit(kind: str) -> None:
    def fresh() -> tuple[nn.Module, torch.optim.Optimizer, NEq]:
        model = network()
        optimizer: torch.optim.Optimizer
        if kind == "sgd":
            optimizer = SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-3)
        else:
            optimizer = Adam(model.parameters(), lr=0.01)
        return model, optimizer, NEq(model, optimizer, PROBE, epsilon=0.01)

    torch.manual_seed(9)
    model, optimizer, neq = fresh()
    random = torch.Generator().manual_seed(5)
    for _ in range(3):
        train(model, optimizer, random)
        neq.end_epoch()
    states = copy.deepcopy((model.state_dict(), optimizer.state_dict(), neq.state_dict()))
    random_state, global_state = random.get_state(), torch.get_rng_state()
    expected = []
    for _ in range(3):
        train(model, optimizer, random)
        expected.append(neq.end_epoch())

    model, optimizer, neq = fresh()
    model.load_state_dict(states[0])
    optimizer.load_state_dict(states[1])
    neq.load_state_dict(states[2])
    random.set_state(random_state)
    torch.set_rng_state(global_state)
    for wanted in expected:
        train(model, optimizer, random)
        found = neq.end_epoch()
        assert found.epoch == wanted.epoch
        for name, layer in wanted.layers.items():
            again = found.layers[name]
            assert torch.equal(again.phi, layer.phi)
            assert layer.velocity is not None
            assert again.velocity is not None
            assert torch.equal(again.velocity, layer.velocity)
            assert torch.equal(again.frozen, layer.frozen)
            assert torch.equal(again.applied, layer.applied)
    assert any(epoch.frozen_fraction for epoch in expected)


def test_a_state_of_another_model_is_refused() -> None:
    model, other = network(), nn.Sequential(nn.Conv2d(1, 5, 3))
    state = NEq(other, SGD(other.parameters(), lr=0.1), PROBE).state_dict()
    with pytest.raises(ValueError, match="another model"):
        NEq(model, SGD(model.parameters(), lr=0.1), PROBE).load_state_dict(state)


class Merged(nn.Linear):
    """A low-rank addition that is merged into the weight for eval mode, as loralib does it."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs)
        self.weight.requires_grad_(False)
        self.a, self.b = nn.Parameter(torch.randn(2, inputs)), nn.Parameter(torch.randn(outputs, 2))
        self.merged = False

    def train(self, mode: bool = True) -> "Merged":
        super().train(mode)
        if mode == self.merged:
            self.weight.data += (-1 if mode else 1) * self.b @ self.a
            self.merged = not mode
        return self

    def forward(self, inputs: Tensor) -> Tensor:
        out: Tensor = super().forward(inputs)
        return out if self.merged else out + inputs @ self.a.T @ self.b.T


class Cached(nn.Module):
    """A table that is computed once in eval mode, until the module is trained again, as timm's LeViT does it."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.randn(6, 6))
        self.cache: dict[str, Tensor] = {}

    def train(self, mode: bool = True) -> "Cached":
        super().train(mode)
        if mode:
            self.cache = {}
        return self

    def forward(self, inputs: Tensor) -> Tensor:
        if self.training:
            return inputs @ self.bias.softmax(1)
        if "bias" not in self.cache:
            self.cache["bias"] = self.bias.softmax(1)
        return inputs @ self.cache["bias"]


def with_modes(kind: str) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(Merged(6, 6) if kind == "merged" else Cached(), nn.Linear(6, 4))


BATCH = torch.randn(12, 6, generator=torch.Generator().manual_seed(1))


def in_training(model: nn.Module) -> Tensor:
    """What the model gives in training mode, which no cache and no merging touches: float64 (neurons, samples)."""
    with torch.no_grad():
        out: Tensor = copy.deepcopy(model).train().double()(BATCH.double())
    return out.T


@pytest.mark.parametrize("way", ["streaming", "cached"])
@pytest.mark.parametrize("mode", [True, False])
@pytest.mark.parametrize("kind", ["merged", "cached"])
def test_a_model_with_an_eval_mode_of_its_own_is_measured_right(kind: str, mode: bool, way: str) -> None:
    model = with_modes(kind)
    optimizer = SGD([one for one in model.parameters() if one.requires_grad], lr=0.5)
    neq = NEq(model, optimizer, [BATCH], measure=way, select="none")  # type: ignore[arg-type]
    before = in_training(model)
    for _ in range(4):
        model.train()
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(BATCH), BATCH[:, :4].argmax(1)).backward()
        optimizer.step()
        model.train(mode)
        now = in_training(model)
        expected = nn.functional.cosine_similarity(now, before, dim=1)
        found = neq.end_epoch(explain=True).layers["1"]
        assert torch.allclose(found.phi.double(), expected, rtol=0, atol=1e-5)
        assert torch.allclose(in_training(model), now, rtol=0, atol=1e-6)
        with torch.no_grad():
            assert torch.allclose(model(BATCH).T.double(), now, rtol=0, atol=1e-5)
        before = now
    assert (found.phi < 0.999).any()


@no_step_is_made
@pytest.mark.parametrize("mode", [True, False])
def test_measuring_leaves_a_merged_layer_as_it_is_to_the_bit(mode: bool) -> None:
    model = with_modes("merged").train(mode)
    state, merged = copy.deepcopy(model.state_dict()), model[0].merged
    NEq(model, SGD(model.parameters(), lr=0.1), [BATCH]).end_epoch()
    assert (model[0].merged, model[0].training) == (merged, mode)
    assert all(torch.equal(tensor, state[name]) for name, tensor in model.state_dict().items())


@no_step_is_made
def test_a_layer_that_its_owner_keeps_merged_within_a_model_in_training_stays_so() -> None:
    model = with_modes("merged")
    merged = model[0].eval()
    weight = model.state_dict()["0.weight"].clone()
    NEq(model, SGD(model.parameters(), lr=0.1), [BATCH]).end_epoch()
    assert merged.merged and not merged.training and model.training
    assert torch.equal(model.state_dict()["0.weight"], weight)


class FadedIn(nn.Module):
    """A second layer whose share its owner raises epoch by epoch."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second, self.head = nn.Linear(6, 6), nn.Linear(6, 6), nn.Linear(6, 4)
        self.alpha, self.temperature, self.late = 0.0, torch.tensor(1.0), None

    def forward(self, inputs: Tensor) -> Tensor:
        mixed = (1 - self.alpha) * self.first(inputs).relu() + self.alpha * self.second(inputs).relu()
        out: Tensor = self.head(mixed / self.temperature if self.late is None else mixed * self.late)
        return out


@pytest.mark.filterwarnings("ignore::neq.errors.LayerStoodStill")  # what is not faded in
@pytest.mark.parametrize("way", ["streaming", "cached"])
@pytest.mark.parametrize("changes", ["alpha", "temperature", "late"])
def test_last_epochs_network_has_last_epochs_plain_attributes(changes: str, way: str) -> None:
    model = FadedIn()
    optimizer = SGD(model.parameters(), lr=0.1)
    neq = NEq(model, optimizer, [BATCH], measure=way, select="none")  # type: ignore[arg-type]
    before = in_training(model)
    for epoch in range(3):
        if changes == "alpha":
            model.alpha = 0.4 * (epoch + 1)
        elif changes == "temperature":
            model.temperature.fill_(1 / (epoch + 2))  # in place
        elif epoch:
            model.late = torch.linspace(1, 3, 6) + epoch  # type: ignore[assignment]
        optimizer.zero_grad()
        model(BATCH).square().mean().backward()
        optimizer.step()
        now = in_training(model) if changes != "late" else in_training_with(model, model.late)
        expected = nn.functional.cosine_similarity(now, before, dim=1)
        assert torch.allclose(neq.end_epoch().layers["head"].phi.double(), expected, rtol=0, atol=1e-5)
        before = now
        if epoch == 1:  # and in a run that goes on
            state = neq.state_dict()
            neq.close()
            neq = NEq(model, optimizer, [BATCH], measure=way, select="none")  # type: ignore[arg-type]
            neq.load_state_dict(state)
    assert model.alpha == pytest.approx(1.2 if changes == "alpha" else 0.0)


def in_training_with(model: FadedIn, late: Tensor | None) -> Tensor:
    other = copy.deepcopy(model)
    other.late = None if late is None else late.double()  # type: ignore[assignment]
    return in_training(other)
