"""Section `sync`: does a step with frozen neurons wait for the GPU, and how many kernels does it launch?"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.profiler import ProfilerActivity, profile

from bench.gpu_sections import expected
from bench.gpu_sections.experiment import Experiment
from bench.gpu_sections.record import Range
from bench.gpu_sections.stage import Stage, kinds, products

_CASES = (("resnet32", "float32"), ("resnet18", "bf16"), ("vit-b", "bf16"))
_SETTLED = 9
"""Steps after which one is like the next: the first makes plans, and frozen rows are looked at before 1, 2, 4 and 8."""

_FROZEN = ("nothing", "random 50", "prefix 50")


@dataclass(frozen=True)
class Launches:
    """What the profiler saw of a call.

    Attributes:
        waits: for the stream.
        operations: torch's own, which a CPU has too.
    """

    kernels: int
    waits: int
    copies: int
    operations: int

    def __str__(self) -> str:
        return f"{self.kernels} kernels, {self.waits} waits, {self.copies} copies, {self.operations} operations"


def run(here: Experiment) -> None:
    """Host waits by CUDA's own look-out for them, kernels by the profiler."""
    for name, precision in here.some(_CASES):
        here.attempt(f"{name} {precision}", _counted, here, name, precision)


def _counted(case: str, here: Experiment, name: str, precision: str) -> None:
    with products(precision, here.device):
        stage = Stage(name, here.device, dry=here.dry, precision=precision)
        stage.step()
        plain = launched(here, stage.step)
        _say(case, here, "plain", stage.step, plain, "")
        for what in _FROZEN:
            with stage.watched(what) as neq:
                for _ in range(_SETTLED):
                    stage.step()
                seen = launched(here, stage.step)
                _say(case, here, what, stage.step, seen, kinds(neq))
                unit, limit = ("kernels", expected.MORE_KERNELS) if here.is_cuda() else ("operations", None)
                more = getattr(seen, unit) - getattr(plain, unit)
                here.say(case, f"{what}, more {unit}", more, "a step", limit)


def _say(case: str, here: Experiment, what: str, step: Callable[[], object], seen: Launches, note: str) -> None:
    told = f"{seen}; {note}" if note else str(seen)
    limit: Range | None = None if what == "plain" else expected.NONE
    here.say(case, f"{what}, host waits", waits(here, step), "a step", limit, told)


def waits(here: Experiment, run: Callable[[], object]) -> int | None:
    """How often the host waited for the GPU in a call; None where that is not looked for."""
    if not here.is_cuda():
        run()
        return None
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        try:
            run()
        finally:
            torch.cuda.set_sync_debug_mode("default")
    return sum("called a synchronizing" in str(one.message) for one in seen)


def launched(here: Experiment, run: Callable[[], object]) -> Launches:
    """What a call launches."""
    here.wait()
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if here.is_cuda() else [])]
    with profile(activities=activities) as seen:
        run()
    counts = {one.key: one.count for one in seen.key_averages()}
    return Launches(
        kernels=sum(count for key, count in counts.items() if "LaunchKernel" in key),
        waits=counts.get("cudaStreamSynchronize", 0),
        copies=counts.get("cudaMemcpyAsync", 0),
        operations=sum(count for key, count in counts.items() if key.startswith("aten::")),
    )
