"""Whoever kept 1 − φ as it was recorded repeats every decision to the bit, with no code of the library."""

import copy
import itertools
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.optim import SGD

from neq import Equilibrium, NEq, Options
from neq.decide.decision import Decision
from neq.measure.probe_statistics import ProbeStatistics
from neq.network.layers import WatchedLayer
from neq.options import FormulaName
from tests.neq.marks import no_step_is_made
from tests.neq.training_loop import Loop

Record = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.float64]


def paper(record: Sequence[Record], mu: float) -> list[Numbers | None]:
    """v of every epoch: v = Δφ − μ · v before, Δφ being the fall of 1 − φ."""
    found: list[Numbers | None] = [None]
    apart = [one.astype(np.float64) for one in record]
    for before, now in itertools.pairwise(apart):
        last = found[-1]
        found.append(before - now if last is None else before - now - mu * last)
    return found


def official(record: Sequence[Record], mu: float) -> list[Numbers | None]:
    """V of every epoch: V = Δφ − Δφ before + μ · V before, from φ = 1, Δφ = 0 and V = 0."""
    found: list[Numbers | None] = []
    before = fall_before = velocity = np.zeros(len(record[0]))
    for one in record:
        now = one.astype(np.float64)
        velocity = (before - now) - fall_before + mu * velocity
        before, fall_before = now, before - now
        found.append(velocity)
    return found


def slow(velocity: Numbers | None, formula: str, epsilon: float, neurons: int) -> npt.NDArray[np.bool_]:
    """Whom the rule finds at equilibrium."""
    if velocity is None:
        return np.zeros(neurons, dtype=bool)
    return np.abs(velocity) < epsilon if formula == "paper" else np.abs(velocity) <= epsilon


def bits(values: Tensor | Numbers | None) -> bytes | None:
    """Of the float32 values."""
    if values is None:
        return None
    return (values.numpy() if isinstance(values, Tensor) else values.astype(np.float32)).tobytes()


def check_repeats(equilibria: Sequence[Equilibrium], formula: str, mu: float, epsilon: float) -> None:
    """Every v, rule and count of churning neurons follows from the recorded 1 − φ of the layer's epochs alone."""
    for name in equilibria[0].layers:
        layers = [equilibrium.layers[name] for equilibrium in equilibria]
        record: list[Record] = [layer.divergence.numpy() for layer in layers]
        assert all(one.dtype == np.float32 for one in record)
        velocities = (paper if formula == "paper" else official)(record, mu)
        for layer, apart, velocity in zip(layers, record, velocities, strict=True):
            at_equilibrium = slow(velocity, formula, epsilon, len(apart))
            phi = 1 - apart.astype(np.float64)
            assert bits(layer.velocity) == bits(velocity)
            assert bits(layer.phi) == bits(phi)
            assert (layer.at_equilibrium.numpy() == at_equilibrium).all()
            assert (layer.churning.numpy() == (at_equilibrium & (phi < 0.9) & ~layer.dead.numpy())).all()


def masks(equilibria: Sequence[Equilibrium], formula: str, mu: float, epsilon: float) -> list[dict[str, list[bool]]]:
    """Who is frozen, from the record: by the rule; the last layer stays free by the code, and where all would stop."""
    found: list[dict[str, list[bool]]] = [{} for _ in equilibria]
    names = list(equilibria[0].layers)
    for name in names:
        record = [equilibrium.layers[name].divergence.numpy() for equilibrium in equilibria]
        velocities = (paper if formula == "paper" else official)(record, mu)
        for mask, velocity in zip(found, velocities, strict=True):
            free = formula == "official" and name == names[-1]
            mask[name] = (slow(velocity, formula, epsilon, len(record[0])) & (not free)).tolist()
    for mask in found:
        if all(all(layer) for layer in mask.values()):
            mask[names[-1]] = [False] * len(mask[names[-1]])
    return found


def check_masks(equilibria: Sequence[Equilibrium], formula: str, mu: float, epsilon: float) -> None:
    for equilibrium, mask in zip(equilibria, masks(equilibria, formula, mu, epsilon), strict=True):
        assert {name: layer.frozen.tolist() for name, layer in equilibrium.layers.items()} == mask


@cache
def network(formula: FormulaName) -> tuple[nn.Module, Sequence[WatchedLayer]]:
    """A network of two layers of 3 and 2 neurons, and how it is watched."""
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 2))
    return model, NEq(model, SGD(model.parameters(), lr=0.1), [torch.eye(2)], formula=formula).layers


def decided(course: Sequence[Sequence[float]], options: Options, stop: int) -> list[Equilibrium]:
    """All epochs of these 1 − φ; at `stop` another process goes on from the state."""
    model, layers = network(options.formula)
    decision = Decision(layers, (), options)
    found = []
    for epoch, divergence in enumerate(course):
        if epoch == stop:
            state, decision = copy.deepcopy(decision.state_dict()), Decision(layers, (), options)
            decision.load_state_dict(state)
        statistics = ProbeStatistics(torch.tensor(divergence, dtype=torch.float64), torch.ones(4, 5).double())
        found.append(decision.next(statistics, model, {}))
    return found


# Of a neuron that turns, of one at rest, of one that has nearly come to rest, and of one that stands.
apart = st.one_of(st.floats(0, 2), st.floats(0.5, 2).map(lambda x: x * 1e-12), st.floats(0, 1e-3), st.just(0.0))
courses = st.lists(st.lists(apart, min_size=5, max_size=5), min_size=3, max_size=7)


@settings(deadline=None)
@given(
    courses,
    st.sampled_from(["paper", "official"]),
    st.sampled_from([0.0, 0.1, 0.5]),
    st.sampled_from([None, 0.0, 1e-12, 1e-3, 0.1]),
    st.integers(0, 6),
)
@no_step_is_made
def test_any_course_of_phi_is_decided_again_from_its_record(
    course: list[list[float]], formula: FormulaName, mu: float, epsilon: float | None, stop: int
) -> None:
    if epsilon is None:  # what Δφ of the first neuron would be without rounding: the rounding puts it on either side
        epsilon = abs(course[0][0] - course[1][0])
    equilibria = decided(course, Options(formula=formula, mu=mu, epsilon=epsilon), stop)
    check_repeats(equilibria, formula, mu, epsilon)
    check_masks(equilibria, formula, mu, epsilon)


@no_step_is_made
def test_a_velocity_within_the_rounding_of_epsilon_is_decided_as_recorded() -> None:
    # 1 − φ falls from 0.3 to 0.2: by 0.09999999999999998 in float64, and by 0.10000000894069672 as float32 has the two,
    # 0.30000001192092896 and 0.20000000298023224. ε lies between.
    epsilon = 0.1 + 4e-9
    options = Options(mu=0.5, epsilon=epsilon)
    second = decided([[0.3] * 5, [0.2] * 5], options, stop=1)[1]
    assert not second.layers["0"].at_equilibrium.any()
    assert not second.layers["0"].frozen.any()


@pytest.mark.slow
@pytest.mark.parametrize("formula", ["paper", "official"])
@pytest.mark.parametrize(("mu", "epsilon"), [(0.0, 1e-9), (0.5, 5e-3), (0.5, 0.05)])
def test_a_training_until_it_hardly_moves_is_decided_again_from_its_record(
    formula: FormulaName, mu: float, epsilon: float
) -> None:
    def fresh() -> Loop:
        torch.manual_seed(0)
        model = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(288, 16), nn.Linear(16, 4))
        return Loop(model, epsilon=epsilon, mu=mu, formula=formula, groups="layer")

    loop = fresh()
    equilibria = []
    for epoch in range(9):
        for group in loop.optimizer.param_groups:
            group["lr"] = 0.05 if epoch < 4 else 1e-6
        if epoch == 6:
            states = [copy.deepcopy(one.state_dict()) for one in (loop.model, loop.optimizer, loop.neq)]
            loop = fresh()
            for one, state in zip((loop.model, loop.optimizer, loop.neq), states, strict=True):
                one.load_state_dict(state)
        equilibria.append(loop.epoch())
    check_repeats(equilibria, formula, mu, epsilon)
    check_masks(equilibria, formula, mu, epsilon)
    check_groups(equilibria, formula, mu, epsilon)
    every = torch.cat([layer.divergence for equilibrium in equilibria for layer in equilibrium.layers.values()])
    assert bool(((every > 0) & (every < 1e-11)).any())  # of φ as float32 nothing would be left
    assert any(0 < equilibrium.frozen_fraction < 1 for equilibrium in equilibria)


def check_groups(equilibria: Sequence[Equilibrium], formula: str, mu: float, epsilon: float) -> None:
    """v and rule of every group follow from its recorded 1 − φ, all digits of them."""
    for name in equilibria[0].groups:
        groups = [equilibrium.groups[name] for equilibrium in equilibria]
        record: list[Record] = [np.array([group.divergence], np.float32) for group in groups]
        assert [float(one[0]) for one in record] == [group.divergence for group in groups]
        for group, velocity in zip(groups, (paper if formula == "paper" else official)(record, mu), strict=True):
            assert group.velocity == (None if velocity is None else velocity[0])
            assert group.at_equilibrium == slow(velocity, formula, epsilon, 1)[0]


@no_step_is_made
def test_the_rule_on_parameters_is_decided_from_what_float32_holds_too() -> None:
    loop = Loop(select="parameter-norm")
    loop.epoch()
    divergence = loop.neq.state_dict()["decision"]["parameters"]["divergence"]
    assert bool((divergence > 0).any())
    assert torch.equal(divergence, divergence.float().double())


def test_phi_near_one_keeps_its_digits_in_what_is_recorded() -> None:
    first = decided([[1.25e-12] * 5], Options(), stop=-1)[0].layers["0"]
    assert (first.phi == 1).all()
    assert first.divergence.dtype == first.phi.dtype == torch.float32
    assert first.divergence.tolist() == pytest.approx([1.25e-12] * 3, rel=6e-8, abs=0)


def test_a_state_with_more_digits_than_are_recorded_goes_on_from_all_of_them() -> None:
    model, layers = network("paper")
    options = Options(mu=0.5, epsilon=0.1)
    decision = Decision(layers, (), options)
    decision.next(ProbeStatistics(torch.full((5,), 0.5).double(), torch.ones(4, 5).double()), model, {})
    state: dict[str, Any] = decision.state_dict()
    exact = torch.full((5,), 0.3, dtype=torch.float64)
    state["outputs"] = {"divergence": exact, "delta_phi": 0.5 - exact, "velocity": 0.5 - exact}
    decision.load_state_dict(state)
    decision.next(ProbeStatistics(torch.full((5,), 0.25).double(), torch.ones(4, 5).double()), model, {})
    # Δφ = 0.3 − 0.25, v = 0.05 − 0.5 · 0.2, with all digits of 0.3: float32's differs from it by 1.2e-8.
    assert decision.state_dict()["outputs"]["velocity"].tolist() == pytest.approx([-0.05] * 5, abs=1e-15)
