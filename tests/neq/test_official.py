"""The recursion of the released code, and its other habits."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.optim import SGD, Adam

from neq import Equilibrium, LayerFilter, NEq
from neq.decide.recorded import as_recorded
from neq.decide.velocity import OfficialTracker, velocity_official, velocity_paper
from neq.options import PhiName
from neq.reference import cosine_by_sample, follow_official
from tests.neq.marks import no_step_is_made

# One neuron of a ResNet as the paper's figures show it: 0.1 at first, 0.65 while the learning rate is high, 0.97 at its
# drop, 1.0 at the end. μ = 0.5. Worked out on paper:
#   t   φ      Δφ      Δφ_t − Δφ_{t−1}   V_t = that + 0.5 · V_{t−1}
#   0   0.10  −0.90    −0.90             −0.90
#   1   0.65   0.55     1.45              1.45 − 0.45    =  1.00
#   2   0.65   0.00    −0.55             −0.55 + 0.50    = −0.05
#   3   0.97   0.32     0.32              0.32 − 0.025   =  0.295
#   4   1.00   0.03    −0.29             −0.29 + 0.1475  = −0.1425
#   5   1.00   0.00    −0.03             −0.03 − 0.07125 = −0.10125
PHI = [0.10, 0.65, 0.65, 0.97, 1.00, 1.00]
VELOCITY = [-0.90, 1.00, -0.05, 0.295, -0.1425, -0.10125]


def test_the_official_recursion_by_hand() -> None:
    tracker = OfficialTracker(epsilon=0.12, mu=0.5)
    states = [tracker.next(torch.tensor([1 - phi], dtype=torch.float64)) for phi in PHI]
    assert [state.velocity.item() for state in states if state.velocity is not None] == pytest.approx(VELOCITY)
    assert [bool(state.at_equilibrium) for state in states] == [
        False,
        False,
        True,
        False,
        False,
        True,
    ]
    assert states[0].delta_phi is None  # φ before the first epoch is a convention, not a measurement


def test_the_reference_agrees_with_the_hand() -> None:
    epochs = follow_official([[phi] for phi in PHI], epsilon=0.12, mu=0.5)
    assert [epoch.velocity[0] for epoch in epochs if epoch.velocity] == pytest.approx(VELOCITY)


@given(
    st.lists(st.lists(st.floats(-1, 1), min_size=3, max_size=3), min_size=1, max_size=8),
    st.sampled_from([0.0, 0.5, 0.9]),
)
def test_any_course_of_phi_agrees_with_the_reference(phis: list[list[float]], mu: float) -> None:
    tracker = OfficialTracker(epsilon=0.1, mu=mu)
    for phi, expected in zip(phis, follow_official(phis, epsilon=0.1, mu=mu), strict=True):
        state = tracker.next(as_recorded(1 - torch.tensor(phi, dtype=torch.float64)))
        assert state.velocity is not None
        assert expected.velocity is not None
        assert state.velocity.tolist() == pytest.approx(expected.velocity, abs=1e-12)
        if expected.delta_phi is not None:
            assert state.delta_phi is not None
            assert state.delta_phi.tolist() == pytest.approx(expected.delta_phi, abs=1e-12)


def test_the_threshold_itself_freezes() -> None:
    tracker = OfficialTracker(epsilon=0.25, mu=0.0)
    assert tracker.next(torch.tensor([0.25], dtype=torch.float64)).at_equilibrium.tolist() == [
        True
    ]  # V_0 = φ − 1 = −0.25


def test_a_steady_drift_dies_away_and_does_not_in_the_papers() -> None:
    # φ rises by 0.01 an epoch. DC gain of the official recursion 0; of the paper's 1 / (1 + μ) = 2/3.
    drift = torch.tensor([0.01], dtype=torch.float64)
    official = paper = None
    for _ in range(60):
        official = velocity_official(drift, drift if official is not None else torch.zeros(1), official, mu=0.5)
        paper = velocity_paper(drift, paper, mu=0.5)
    assert official is not None
    assert paper is not None
    assert official.item() == pytest.approx(0, abs=1e-15)
    assert paper.item() == pytest.approx(0.01 * 2 / 3)


class Positions(nn.Module):
    """A convolution of 1 × 1 (outputs with positions), and a linear layer on their means (outputs without)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 3, 1)
        self.head = nn.Linear(3, 2)

    def forward(self, images: Tensor) -> Tensor:
        out: Tensor = self.head(self.conv(images).mean((2, 3)))
        return out


def outputs_by_sample(model: Positions, images: Tensor) -> list[list[list[float]]]:
    """For each neuron of the convolution and each sample its values."""
    with torch.no_grad():
        return model.conv(images).flatten(2).transpose(0, 1).double().tolist()  # type: ignore[no-any-return]


@no_step_is_made
def test_phi_is_the_mean_of_one_cosine_a_sample_over_its_positions() -> None:
    torch.manual_seed(0)
    model, images = Positions(), torch.randn(5, 2, 3, 3)
    images[1] = 0  # with the bias at 0: silent both times
    nn.init.zeros_(model.conv.bias)  # type: ignore[arg-type]
    neq = NEq(model, SGD(model.parameters(), lr=0.1), list(images.split(2)), formula="official")
    before = outputs_by_sample(model, images)
    with torch.no_grad():
        model.conv.weight += 0.5 * torch.randn_like(model.conv.weight)
    now = outputs_by_sample(model, images)
    expected = [cosine_by_sample(a, b) for a, b in zip(now, before, strict=True)]
    assert neq.end_epoch().layers["conv"].phi.tolist() == pytest.approx(expected, abs=1e-6)


@no_step_is_made
def test_without_positions_per_sample_and_global_are_the_same() -> None:
    def found(phi: PhiName) -> Equilibrium:
        torch.manual_seed(1)
        model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
        probe = [torch.randn(7, 3), torch.randn(2, 3)]
        neq = NEq(model, SGD(model.parameters(), lr=0.1), probe, phi=phi)
        with torch.no_grad():
            model[0].weight += torch.randn(4, 3)
        return neq.end_epoch()

    first, second = found("global"), found("per-sample")
    for name in first.layers:
        assert torch.equal(first.layers[name].phi, second.layers[name].phi)


@no_step_is_made
def test_masks_may_act_from_epoch_one_and_the_last_layer_stays_free() -> None:
    model = Positions()
    neq = NEq(model, SGD(model.parameters(), lr=0.1), [torch.randn(2, 2, 3, 3)], formula="official")
    assert neq.first_freezing_epoch == 1
    equilibrium = neq.end_epoch()  # nothing moved: V_0 = φ_0 − 1 = 0
    assert equilibrium.layers["conv"].frozen.all()
    assert equilibrium.layers["head"].at_equilibrium.all()
    assert not equilibrium.layers["head"].frozen.any()


@no_step_is_made
def test_layers_said_otherwise_take_the_place_of_the_formulas() -> None:
    model = Positions()
    layer_filter = LayerFilter(never_freeze=("conv",))
    neq = NEq(
        model, SGD(model.parameters(), lr=0.1), [torch.randn(2, 2, 3, 3)], formula="official", layers=layer_filter
    )
    equilibrium = neq.end_epoch()
    assert not equilibrium.layers["conv"].frozen.any()
    assert equilibrium.layers["head"].frozen.all()


def test_mu_may_reach_towards_one_with_the_official_formula_only() -> None:
    model = Positions()
    probe = [torch.randn(2, 2, 3, 3)]
    NEq(model, SGD(model.parameters(), lr=0.1), probe, mu=0.9, formula="official")
    with pytest.raises(ValueError, match=r"mu is 0\.9; it must lie between 0 and 0\.5"):
        NEq(model, SGD(model.parameters(), lr=0.1), probe, mu=0.9)
    with pytest.raises(ValueError, match=r"mu is 1\.0"):
        NEq(model, SGD(model.parameters(), lr=0.1), probe, mu=1.0, formula="official")


def masked_sgd(weight: Tensor, buffer: Tensor, gradient: Tensor, frozen: Tensor) -> None:
    """A step of the released code's SGD as its text describes it: lr 0.1, momentum 0.9, weight decay 0.01."""
    gradient = gradient.add(weight, alpha=0.01)
    gradient[frozen] = 0
    buffer[frozen] = 0
    buffer.mul_(0.9).add_(gradient)
    weight.add_(buffer, alpha=-0.1)


def test_sgd_with_frozen_rows_equals_the_released_codes_masked_sgd() -> None:
    torch.manual_seed(2)
    model = nn.Sequential(nn.Linear(3, 4, bias=False), nn.Linear(4, 1, bias=False))
    optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=0.01)
    neq = NEq(model, optimizer, [torch.eye(3)], formula="official")
    weight = model[0].weight.detach().clone()
    buffer = torch.zeros_like(weight)
    masks = [[0, 0, 0, 0], [1, 0, 1, 0], [1, 0, 0, 1], [0, 0, 0, 0]]
    for mask in masks:
        frozen = torch.tensor(mask, dtype=torch.bool)
        neq.freeze({"0": frozen})
        for _ in range(3):
            gradient = torch.randn_like(weight)
            model[0].weight.grad = gradient.clone()
            optimizer.step()
            masked_sgd(weight, buffer, gradient, frozen)
        assert torch.equal(model[0].weight, weight)


def test_a_thawed_neuron_of_adam_starts_with_the_released_codes_moments() -> None:
    torch.manual_seed(3)
    model = nn.Sequential(nn.Linear(3, 2, bias=False), nn.Linear(2, 1, bias=False))
    optimizer = Adam(model.parameters(), lr=1e-2)
    neq = NEq(model, optimizer, [torch.eye(3)], formula="official")

    def step() -> None:
        optimizer.zero_grad()
        model(torch.randn(4, 3)).square().sum().backward()
        optimizer.step()

    for _ in range(3):
        step()
    squares = optimizer.state[model[0].weight]["exp_avg_sq"][0].clone()
    neq.freeze({"0": torch.tensor([True, False])})
    for _ in range(5):
        step()
    neq.freeze({})
    state = optimizer.state[model[0].weight]
    assert state["exp_avg"][0].tolist() == [0, 0, 0]
    assert state["exp_avg"][1].abs().min() > 0
    assert state["exp_avg_sq"][0].tolist() == pytest.approx((squares * 0.999**5).tolist(), rel=1e-6)
