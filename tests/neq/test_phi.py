"""φ by hand, by property, and against the plain reference."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from neq.measure.similarity import divergence_from_sums, phi_from_sums, sample_sums
from neq.reference import cosine

pytestmark = pytest.mark.slow

values = st.floats(-100, 100, width=32).map(lambda x: 0.0 if abs(x) < 1e-3 else x)
pairs = st.integers(1, 30).flatmap(
    lambda n: st.tuples(st.lists(values, min_size=n, max_size=n), st.lists(values, min_size=n, max_size=n))
)


def phi(now: Tensor, before: Tensor, axis: int = 1) -> Tensor:
    return phi_from_sums(sample_sums(now, before, axis).sum(1))


def column(*values: float) -> Tensor:
    """A single neuron's outputs, one a sample."""
    return torch.tensor(values).unsqueeze(1)


def test_phi_by_hand() -> None:
    # (3, 4) · (4, 3) = 24; both have norm 5: 24 / 25 = 0.96
    assert phi(column(3, 4), column(4, 3)).item() == pytest.approx(0.96, abs=1e-15)


def test_a_neuron_that_only_grew_louder_has_not_changed() -> None:
    assert phi(column(2, 4, -6), column(1, 2, -3)).item() == 1.0


def test_a_neuron_turned_over_is_at_minus_one() -> None:
    assert phi(column(1, -2), column(-1, 2)).item() == -1.0


@pytest.mark.parametrize(
    ("now", "before", "expected"),
    [((0, 0), (0, 0), 1.0), ((0, 0), (1, 2), 0.0), ((1, 2), (0, 0), 0.0)],
    ids=["silent both times", "fell silent", "woke up"],
)
def test_silence_has_a_defined_phi(now: tuple[float, ...], before: tuple[float, ...], expected: float) -> None:
    assert phi(column(*now), column(*before)).item() == expected


def test_phi_is_one_cosine_over_all_samples_and_positions() -> None:
    # Channel 0: now 1, 0, 0, 1 and before 1, 0, 0, 0 over two samples of two positions: 1 / (√2 · 1).
    # A mean of one cosine per sample would be (1 + 0) / 2.
    now = torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]]])
    before = torch.tensor([[[1.0, 0.0]], [[0.0, 0.0]]])
    assert phi(now, before).item() == pytest.approx(1 / math.sqrt(2), abs=1e-15)


def test_outputs_that_cannot_be_paired_are_refused() -> None:
    with pytest.raises(ValueError, match="same samples in the same order"):
        sample_sums(torch.ones(3, 2), torch.ones(2, 2), 1)


@pytest.mark.parametrize("distance", [1e-3, 1e-4, 4.5e-5, 1e-5])
def test_a_nearly_unchanged_neuron_is_no_noise(distance: float) -> None:
    # before ⟂ step, |step| = distance · |before|: φ = 1 / √(1 + distance²), so 1 − φ ≈ distance² / 2, down to 5e-11.
    random = torch.Generator().manual_seed(1)
    before = torch.randn(100_000, 1, generator=random, dtype=torch.float64)
    step = torch.randn(100_000, 1, generator=random, dtype=torch.float64)
    step -= before * (step * before).sum() / (before * before).sum()
    now = before + step * (before.norm() / step.norm()) * distance
    expected = -math.expm1(-0.5 * math.log1p(distance**2))
    assert 1 - phi(now, before).item() == pytest.approx(expected, rel=1e-4)


def test_float32_outputs_are_compared_as_float64_would() -> None:
    random = torch.Generator().manual_seed(2)
    before = torch.randn(64, 3, 8, 8, generator=random)
    now = before + 3e-5 * torch.randn(before.shape, generator=random)
    rows = [tensor.movedim(1, 0).flatten(1).tolist() for tensor in (now, before)]
    expected = [1 - cosine(a, b) for a, b in zip(*rows, strict=True)]
    assert max(expected) < 1e-9
    assert (1 - phi(now, before)).tolist() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("louder", [1.0, 1.01, 10.0, 1000.0])
@pytest.mark.parametrize("change", [1e-6, 1e-3, 0.1, 1.0, 10.0])
def test_float32_outputs_of_any_size_are_within_1e_7_of_float64(change: float, louder: float) -> None:
    random = torch.Generator().manual_seed(4)
    before = torch.randn(5, 4, 20, 20, generator=random) + 0.5
    now = (before + change * torch.randn(before.shape, generator=random)) * louder
    rows = [tensor.movedim(1, 0).flatten(1).tolist() for tensor in (now, before)]
    expected = [cosine(a, b) for a, b in zip(*rows, strict=True)]
    assert phi(now, before).tolist() == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("change", [2e-5, 0.3])
def test_ten_million_values_a_neuron_lose_nothing(change: float) -> None:
    random = torch.Generator().manual_seed(5)
    before = torch.randn(2, 1, 2500, 2000, generator=random) + 1
    now = before + change * torch.randn(before.shape, generator=random)
    a, b = now.double().flatten(), before.double().flatten()
    a_unit, b_unit = a / a.norm(), b / b.norm()
    expected = 0.5 * (a_unit - b_unit).square().sum().item()  # 1 − cos = |â − b̂|² / 2, without cancellation
    found = divergence_from_sums(sample_sums(now, before, 1).sum(1)).item()
    assert found == pytest.approx(expected, rel=1e-5)
    assert abs(found - expected) < 1e-6


@pytest.mark.parametrize("layout", ["contiguous", "channels last", "strided", "bfloat16"])
def test_how_outputs_lie_in_memory_changes_nothing(layout: str) -> None:
    random = torch.Generator().manual_seed(6)
    before, now = torch.randn(2, 3, 5, 4, 4, generator=random).unbind(0)
    if layout == "bfloat16":
        before, now = before.bfloat16(), now.bfloat16()
    expected = [
        cosine(a, b) for a, b in zip(*(x.movedim(1, 0).flatten(1).tolist() for x in (now, before)), strict=True)
    ]
    if layout == "channels last":
        before = before.contiguous(memory_format=torch.channels_last)  # and now not
    if layout == "strided":
        before, now = (x.repeat_interleave(2, dim=3)[:, :, :, ::2] for x in (before, now))
    assert phi(now, before).tolist() == pytest.approx(expected, abs=1e-7)


@given(pairs)
def test_phi_agrees_with_the_reference(pair: tuple[list[float], list[float]]) -> None:
    now, before = pair
    assert phi(column(*now), column(*before)).item() == pytest.approx(cosine(now, before), abs=1e-14)


@given(pairs)
def test_phi_lies_between_minus_one_and_one_and_is_symmetric(pair: tuple[list[float], list[float]]) -> None:
    now, before = column(*pair[0]), column(*pair[1])
    assert -1 <= phi(now, before).item() <= 1
    assert phi(now, before).item() == phi(before, now).item()


@given(st.lists(values, min_size=1, max_size=30))
def test_an_unchanged_neuron_is_at_one_exactly(outputs: list[float]) -> None:
    assert phi(column(*outputs), column(*outputs)).item() == 1.0


@given(pairs, st.integers(1, 29))
def test_how_the_probe_set_is_cut_into_batches_changes_nothing(pair: tuple[list[float], list[float]], cut: int) -> None:
    now, before = column(*pair[0]), column(*pair[1])
    parts = torch.cat([sample_sums(now[:cut], before[:cut], 1), sample_sums(now[cut:], before[cut:], 1)], dim=1).sum(1)
    assert phi_from_sums(parts).item() == pytest.approx(phi(now, before).item(), abs=1e-14)


@given(pairs, st.randoms(use_true_random=False))
def test_phi_does_not_ask_in_which_order_samples_come(pair: tuple[list[float], list[float]], random: object) -> None:
    order = list(range(len(pair[0])))
    random.shuffle(order)  # type: ignore[attr-defined]
    now, before = column(*pair[0]), column(*pair[1])
    assert phi(now[order], before[order]).item() == pytest.approx(phi(now, before).item(), abs=1e-14)
