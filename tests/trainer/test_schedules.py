"""Learning rates are those of torch's own schedulers, step for step."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import nn
from torch.optim import lr_scheduler
from torch.optim.lr_scheduler import LRScheduler

from contract.config import Constant, Cosine, MultiStep, OneCycle, Polynomial, RunConfig, Schedule, Step
from contract.errors import RunError
from trainer.schedules import LearningRates

EPOCHS, STEPS, TOP = 12, 5, 0.4
Torch = Callable[[torch.optim.Optimizer], LRScheduler]


def ours(schedule: Schedule, *, epochs: int = EPOCHS, steps: int = STEPS) -> list[float]:
    rates = LearningRates(schedule, top=TOP, steps_per_epoch=steps, epochs=epochs)
    return [rates.at(step) for step in range(epochs * steps)]


def torchs(build: Torch, *, every: int) -> list[float]:
    """The rate of each step of a run in which torch's scheduler is advanced after every so many steps."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.ones(1))], lr=TOP, momentum=0.9)
    scheduler = build(optimizer)
    rates = []
    for step in range(EPOCHS * STEPS):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if (step + 1) % every == 0 and step + 1 < EPOCHS * STEPS:
            scheduler.step()
    return rates


ALL = EPOCHS * STEPS
PAIRS: dict[str, tuple[Schedule, Torch, int]] = {
    "constant": (Constant(), lambda o: lr_scheduler.ConstantLR(o, 1.0), STEPS),
    "multistep": (
        MultiStep(milestones=(3, 7), gamma=0.2),
        lambda o: lr_scheduler.MultiStepLR(o, [3, 7], gamma=0.2),
        STEPS,
    ),
    "step": (Step(step_size=4, gamma=0.3), lambda o: lr_scheduler.StepLR(o, 4, gamma=0.3), STEPS),
    "cosine": (Cosine(eta_min=0.01), lambda o: lr_scheduler.CosineAnnealingLR(o, EPOCHS, eta_min=0.01), STEPS),
    "cosine by steps": (Cosine(interval="step"), lambda o: lr_scheduler.CosineAnnealingLR(o, ALL), 1),
    "polynomial": (Polynomial(power=0.9), lambda o: lr_scheduler.PolynomialLR(o, ALL, power=0.9), 1),
    "one cycle": (
        OneCycle(pct_start=0.25, div_factor=10, final_div_factor=100),
        lambda o: lr_scheduler.OneCycleLR(
            o, TOP, total_steps=ALL, pct_start=0.25, div_factor=10, final_div_factor=100, cycle_momentum=False
        ),
        1,
    ),
    "one cycle in lines": (
        OneCycle(pct_start=0.4, anneal_strategy="linear"),
        lambda o: lr_scheduler.OneCycleLR(
            o, TOP, total_steps=ALL, pct_start=0.4, anneal_strategy="linear", cycle_momentum=False
        ),
        1,
    ),
}


@pytest.mark.parametrize(("schedule", "build", "every"), PAIRS.values(), ids=PAIRS)
def test_a_schedule_is_torchs(schedule: Schedule, build: Torch, every: int) -> None:
    assert ours(schedule) == pytest.approx(torchs(build, every=every), rel=1e-9)


@pytest.mark.parametrize(("warmup", "unit", "steps"), [(2, "epochs", 10), (7, "steps", 7)])
def test_a_decay_by_steps_begins_when_the_warm_up_is_over(warmup: int, unit: Any, steps: int) -> None:
    schedule = Polynomial(warmup=warmup, warmup_unit=unit, warmup_start_factor=0.05)
    expected = torchs(
        lambda o: lr_scheduler.SequentialLR(
            o,
            [lr_scheduler.LinearLR(o, 0.05, total_iters=steps), lr_scheduler.PolynomialLR(o, ALL - steps, power=0.9)],
            milestones=[steps],
        ),
        every=1,
    )
    assert ours(schedule) == pytest.approx(expected, rel=1e-9)
    assert max(ours(schedule)) == ours(schedule)[steps] == TOP


def test_a_cosine_by_epochs_takes_those_that_the_warm_up_leaves() -> None:
    rates = ours(Cosine(warmup=2, warmup_start_factor=0.5))
    assert rates[:10] == pytest.approx([TOP * (0.5 + 0.5 * step / 10) for step in range(10)])
    optimizer = torch.optim.SGD([nn.Parameter(torch.ones(1))], lr=TOP)
    scheduler = lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS - 2)
    for epoch in range(2, EPOCHS):
        assert rates[epoch * STEPS : (epoch + 1) * STEPS] == pytest.approx([optimizer.param_groups[0]["lr"]] * STEPS)
        optimizer.step()
        scheduler.step()


def test_milestones_stay_where_they_are_whatever_the_warm_up() -> None:
    plain = ours(MultiStep(milestones=(3, 7)))
    warmed = ours(MultiStep(milestones=(3, 7), warmup=4, warmup_unit="steps", warmup_start_factor=0.25))
    # a quarter of 0.4, then three quarters of it spread over four steps
    assert warmed[:5] == pytest.approx([0.1, 0.175, 0.25, 0.325, 0.4])
    assert warmed[4:] == plain[4:]


def test_a_cosine_starts_at_the_top_and_is_half_way_in_the_middle() -> None:
    rates = ours(Cosine(), epochs=4, steps=1)
    assert rates == pytest.approx([TOP * share for share in (1.0, (1 + 0.5**0.5) / 2, 0.5, (1 - 0.5**0.5) / 2)])


def test_a_cycle_of_a_single_step_has_a_rate() -> None:
    assert ours(OneCycle(), epochs=1, steps=1) == pytest.approx([TOP / 25 / 1e4])
    assert all(rate > 0 for rate in ours(OneCycle(pct_start=0.5), epochs=1, steps=2))


def test_a_warm_up_that_outlasts_the_run_is_refused() -> None:
    with pytest.raises(RunError, match="takes 60 steps, and the whole run has 60") as error:
        ours(Constant(warmup=60, warmup_unit="steps"))
    assert "schedule.warmup" in str(error.value.remedy)
    with pytest.raises(ValidationError, match="leaves none of 3"):
        RunConfig.model_validate({"schedule": {"kind": "step", "warmup": 3}, "training": {"epochs": 3}})


def test_a_lowest_rate_above_the_top_is_refused_at_its_field() -> None:
    with pytest.raises(ValidationError) as error:
        RunConfig.model_validate(
            {"schedule": {"kind": "cosine", "eta_min": 0.2}, "optimizer": {"learning_rate": 0.1, "kind": "sgd"}}
        )
    assert error.value.errors()[0]["ctx"]["field"] == "schedule.eta_min"
