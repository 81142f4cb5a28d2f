"""Section `plans`: the planner's milliseconds beside those of kernels that find a cold cache, layer by layer."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Any
from unittest import mock

import torch

from bench.gpu_sections import expected
from bench.gpu_sections.experiment import Experiment
from bench.gpu_sections.stage import Stage, kinds, products
from neq.savings import choice, measuring
from neq.savings.choice import GradientMethod, WeightGradientTask
from neq.savings.gradients import Rows

_CASES = (("resnet32", "float32"), ("resnet18", "bf16"), ("vit-b", "bf16"))
_ROUNDS = 7
_CACHE = 160 * 2**20
"""Bytes, more than any GPU's L2 cache has."""


@dataclass
class _Seen:
    """Milliseconds of both ways with a cold cache, by the shapes of a layer's weight and gradient."""

    dense: dict[str, float] = field(default_factory=dict)
    rows: dict[str, float] = field(default_factory=dict)


def run(here: Experiment) -> None:
    """A half of the neurons frozen at random."""
    for name, precision in here.some(_CASES):
        here.attempt(f"{name} {precision}", _planned, here, name, precision)


def _planned(case: str, here: Experiment, name: str, precision: str) -> None:
    measuring.forget()
    with products(precision, here.device):
        stage = Stage(name, here.device, dry=here.dry, precision=precision)
        with _spied(here) as seen, stage.watched("random 50") as neq:
            stage.step()
            _tell(case, here, seen, neq.plans())
        measuring.forget()
        with stage.watched("random 50") as neq:
            taken, host = here.milliseconds(stage.step)
            note = f"host {host:.1f} ms; {kinds(neq)}"
            here.say(case, "the step that makes the plans", taken, "ms", None, note)
            reasons = sorted({plan.reason for plan in neq.plans().values() if plan.dense_ms is not None})
            here.say(case, "reasons", len(reasons), "", None, " | ".join(reasons)[:2000])


def _tell(case: str, here: Experiment, seen: _Seen, plans: dict[str, Any]) -> None:
    """The planner's own figures are in its plans; those here were taken in the same step."""
    timed = {name: plan for name, plan in plans.items() if plan.dense_ms is not None}
    here.say(case, "layers that were timed", len(timed), "", None, f"{len(seen.dense)} shapes")
    for shapes, dense in seen.dense.items():
        here.say(case, f"cold {shapes}"[:60], dense, "ms dense", None, f"rows {seen.rows[shapes]:.4f} ms")
    planned, cold = sum(p.dense_ms for p in timed.values()), sum(seen.dense.values())
    if len(timed) == len(seen.dense) and cold:  # no two layers are alike
        here.say(case, "planned over cold", planned / cold, "dense", expected.COLD)
    worst = [name for name, plan in timed.items() if plan.kind == "dense" and plan.rows_ms < 0.8 * plan.dense_ms]
    here.say(case, "dense although rows are 20 % faster", len(worst), "layers", None, ", ".join(worst)[:300])


@contextmanager
def _spied(here: Experiment) -> Iterator[_Seen]:
    """Whatever the planner tries is also timed with a cold cache, in its very step."""
    seen, on_gpu, on_cpu = _Seen(), measuring.tried, choice._measured

    def note(task: WeightGradientTask, rows: Rows) -> None:
        shapes = f"{tuple(task.weight.shape)} x {tuple(task.gradient.shape)}"
        if shapes not in seen.dense:
            seen.dense[shapes] = _cold_ms(here, lambda: task.whole())
            seen.rows[shapes] = _cold_ms(here, lambda: task.run("rows", rows))

    def tried(task: WeightGradientTask, rows: Rows) -> Any:
        found = on_gpu(task, rows)
        note(task, rows)
        return found

    def measured(task: WeightGradientTask, rows: Rows, ways: list[GradientMethod]) -> Any:
        note(task, rows)
        return on_cpu(task, rows, ways)

    with mock.patch.object(measuring, "tried", tried), mock.patch.object(choice, "_measured", measured):
        yield seen


def _cold_ms(here: Experiment, run: Callable[[], object]) -> float:
    """Median of a call, each after something else filled the device's cache."""
    return median(_once_ms(here, run) for _ in range(2 if here.dry else _ROUNDS))


def _once_ms(here: Experiment, run: Callable[[], object]) -> float:
    if not here.is_cuda():
        began = time.perf_counter()
        run()
        return 1e3 * (time.perf_counter() - began)
    torch.empty(_CACHE, dtype=torch.uint8, device=here.device).zero_()
    begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    begin.record()
    run()
    end.record()
    end.synchronize()
    return begin.elapsed_time(end)
