"""Whether a measured saving is told, and with which spread: by hand, and of clocks that other programs disturb."""

import math
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

from contract.costs import Saving, StepFlops
from tests.pictures.costs import flops
from trainer.measured_saving import Comparison, TimedBatch, judged, spread

HALF = flops(60, 60, 50, 50)
NOTHING = flops(100, 100, 100, 100)


def batches(backward: Sequence[float], forward: float = 20.0, optimizer: float = 5.0) -> list[TimedBatch]:
    return [TimedBatch(forward, each, optimizer) for each in backward]


def judge(
    ordinary: Sequence[TimedBatch], dense: Sequence[TimedBatch], counted: StepFlops = HALF, **options: Any
) -> Saving:
    given = {"scaled": False, "left_out": True, "held_up": 1.0} | options
    return judged(Comparison(ordinary, dense, **given), counted, probe=0.1)


STEADY = [50.0] * 6


def test_medians_are_compared_and_the_spreads_of_both_add_up_in_squares() -> None:
    # Deciles of 27 … 33: 27.6, 30, 32.4. Of 45 … 55: 46, 50, 54. Shares 30/50, e^-hypot(ln 30/27.6, ln 54/50) of it, …
    ordinary = batches([27, 28, 29, 30, 31, 32, 33])
    dense = batches([45, 47.5, 50, 52.5, 55])
    told = judge(ordinary, dense).backward
    assert told.measured is not None
    low = 0.6 * math.exp(-math.hypot(math.log(30 / 27.6), math.log(54 / 50)))
    high = 0.6 * math.exp(math.hypot(math.log(32.4 / 30), math.log(50 / 46)))
    assert told.measured.median == pytest.approx(-0.4)
    assert (told.measured.low, told.measured.high) == pytest.approx((low - 1, high - 1))
    assert (told.flops, told.bound) == pytest.approx((-0.4, -0.5))


def test_the_step_is_compared_whole_and_phi_is_added_to_it() -> None:
    told = judge(batches([30.0] * 6), batches(STEADY))
    # 55 of 75 ms; by operations 220 of 300, at least 200.
    assert told.step.measured is not None and told.with_phi is not None
    assert told.step.measured.median == pytest.approx(55 / 75 - 1)
    assert (told.step.flops, told.step.bound) == pytest.approx((-80 / 300, -100 / 300))
    assert told.with_phi.median == pytest.approx(55 / 75 - 1 + 0.1)


def test_dense_steps_of_other_epochs_count_as_multiples_of_the_forward_pass() -> None:
    """Everything takes twice as long as it did: a cache that is shared, a slower clock."""
    told = judge(batches([60.0] * 6, forward=40, optimizer=10), batches(STEADY), scaled=True)
    assert told.backward.measured is not None
    assert told.backward.measured.median == pytest.approx(-0.4)


@pytest.mark.parametrize(
    ("ordinary", "dense", "options", "doubt"),
    [
        ([30.0] * 4, STEADY, {}, "few_batches"),
        ([30.0] * 6, [50.0] * 4, {}, "few_batches"),
        ([30.0] * 6, [], {}, "no_dense_step"),
        ([10.0, 10, 10, 90, 90, 90], STEADY, {}, "spread"),
        ([10.0, 10, 10, 90, 90, 90], STEADY, {"held_up": 2.3}, "busy"),
        ([10.0] * 6, STEADY, {}, "beyond_bound"),  # 80 % less, and 50 % at most
        ([60.0] * 6, STEADY, {"left_out": False}, "drifted"),
        ([40.0] * 6, STEADY, {"left_out": False}, "drifted"),
    ],
)
def test_what_cannot_be_told_is_named_instead_of_a_number(
    ordinary: list[float], dense: list[float], options: dict[str, Any], doubt: str
) -> None:
    counted = HALF if options.get("left_out", True) else NOTHING
    told = judge(batches(ordinary), batches(dense), counted, **options)
    assert (told.backward.measured, told.backward.doubt) == (None, doubt)
    assert told.backward.flops == pytest.approx(-0.4 if counted is HALF else 0.0), "operations are told all the same"
    if told.step.doubt:
        assert told.with_phi is None
    assert told.busy == (doubt == "busy")


def test_beside_the_bound_but_within_its_spread_it_is_told() -> None:
    told = judge(batches([20.0, 22, 23, 24, 26, 30]), batches(STEADY)).backward
    assert told.measured is not None and told.measured.median < told.bound < told.measured.high


def test_a_slower_step_is_told_as_it_is() -> None:
    told = judge(batches([52.0] * 6), batches(STEADY), flops(100, 100, 100, 99)).backward
    assert told.measured is not None and told.measured.low == pytest.approx(0.04)


def test_a_batch_that_took_no_time_and_operations_that_nobody_counted_end_nothing() -> None:
    told = judge([TimedBatch(0, 0, 0)] * 6, [TimedBatch(0, 0, 0)] * 6, flops(0, 0, 0, 0), scaled=True)
    assert told.backward.doubt is None
    nothing = NOTHING.model_copy(update=dict.fromkeys(("dense_inputs", "dense_weights", "inputs", "weights"), 0))
    assert judge(batches(STEADY), batches(STEADY), nothing).backward.flops == 0


def test_one_value_is_its_own_spread() -> None:
    assert spread([3.0]).model_dump() == {"low": 3, "median": 3, "high": 3}


def disturbed(random: Random, epochs: int) -> list[Saving]:
    """Epochs whose every batch takes as long as other programs leave it: by up to three times, changing epoch by epoch
    and batch by batch. In the later half 40 % of the backward pass are left out."""
    dense: list[TimedBatch] = []
    told = []
    for epoch in range(epochs):
        slow, frozen = random.uniform(1, 3), epoch >= epochs // 2
        each = [slow * random.uniform(0.9, 1.2) for _ in range(50)]
        own = [TimedBatch(20 * f, (30 if frozen else 50) * f * random.uniform(0.97, 1.03), 5 * f) for f in each]
        counted = HALF if frozen else NOTHING
        told.append(judge(own, dense, counted, scaled=True, left_out=frozen, held_up=slow))
        dense = dense if frozen else [*dense, *own[::4]]
    return told


@pytest.mark.parametrize("seed", range(5))
def test_on_a_machine_that_slows_and_quickens_no_figure_is_impossible(seed: int) -> None:
    told = disturbed(Random(seed), 40)
    for place, saving in enumerate(told):
        for change in (saving.backward, saving.step):
            if change.measured is None:
                continue
            assert change.measured.high >= change.bound
            if place < 20:
                assert change.measured.low <= 0 <= change.measured.high
    assert sum(saving.step.measured is not None for saving in told) >= 38
    later = [saving.backward.measured for saving in told[20:]]
    assert all(each is not None and each.median == pytest.approx(-0.4, abs=0.03) for each in later)


def test_the_former_way_of_telling_says_what_cannot_be_of_the_same_clocks() -> None:
    """Means over an epoch beside the mean of the first: the check that must fail on it."""
    random = Random(0)
    slow = [random.uniform(1, 3) for _ in range(40)]
    shares = [each * (0.79 if epoch >= 20 else 1.0) / slow[0] for epoch, each in enumerate(slow)]
    impossible = [share < 2 / 3 or (epoch < 20 and share > 1.1) for epoch, share in enumerate(shares)]
    assert sum(impossible) > 5
