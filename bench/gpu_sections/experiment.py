"""What every section works with: the device, the record, its time, and a guard around each case."""

import gc
import time
import traceback
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any, TypeVar

import torch

from bench.gpu_sections.record import Range, Record

_Case = TypeVar("_Case", bound=tuple[Any, ...])

LEAST_SECONDS = 3.0
"""A case that has less is left out."""


class DeviceLost(Exception):
    """The GPU refuses all that it is told after an error, as after a failed assertion in a kernel."""


class Experiment:
    """One process's part of the script.

    Attributes:
        dry: on a CPU, as small as can be: the figures mean nothing, the rules hold.
        device: that all is measured on.
        section: that is running.
    """

    def __init__(self, record: Record, ends: float, device: torch.device | None = None) -> None:
        """Args: device: a dry run's is the CPU, another's the GPU, unless it is named."""
        self.dry, self._record, self._ends = record.dry, record, ends
        self.device = device or torch.device("cpu" if self.dry else "cuda")
        self.section = ""
        self._until = ends

    def begin(self, section: str, seconds: float) -> None:
        """A section begins, and may take so many seconds."""
        now = time.time()
        self.section, self._until = section, min(now + seconds, self._ends)
        self._record.running = {"section": section, "since": now, "until": self._until}
        self._record.keep()

    def end(self) -> None:
        """It is over."""
        assert self._record.running is not None
        self._record.seconds[self.section] = time.time() - self._record.running["since"]
        self._record.running = None
        self._record.keep()

    @property
    def left(self) -> float:
        """Seconds of the section."""
        return self._until - time.time()

    def is_cuda(self) -> bool:
        """Whether what only CUDA has can be asked."""
        return self.device.type == "cuda"

    def describe(self, **facts: Any) -> None:
        """What the figures were measured on."""
        self._record.machine |= facts
        self._record.keep()
        print(self._record.machine, flush=True)

    def say(
        self, case: str, name: str, value: Any, unit: str = "", expected: Range | None = None, note: str = ""
    ) -> None:
        """One figure of the section."""
        self._record.say(self.section, case, name, value, unit, expected, note)

    def leave_out(self, case: str, why: str) -> None:
        """A case is not run."""
        self._record.leave_out(self.section, case, why)

    def attempt(self, case: str, run: Callable[..., None], *arguments: Any, least: float = LEAST_SECONDS) -> None:
        """Runs one case, if there is time. An error is told, and the next case goes on.

        Args:
            least: seconds that the case needs.

        Raises:
            DeviceLost: no other can.
        """
        if self.left < (0.0 if self.dry else least):
            self.leave_out(case, f"{max(self.left, 0):.0f} s are left for the section")
            return
        try:
            run(case, *arguments)
            self.wait()
        except ModuleNotFoundError as error:
            if not (error.name or "").startswith("pydantic"):
                self._failed(case, error)
            else:
                self.leave_out(case, "it needs pydantic, which is not installed here")
        except Exception as error:  # whatever it is, the rest is worth having
            self._failed(case, error)
        if self.is_cuda():
            self._answers_or_raise()

    def _failed(self, case: str, error: Exception) -> None:
        trace = traceback.format_exc()
        self._record.fail(self.section, case, f"{type(error).__name__}: {error}", trace)
        print(trace[-1200:], flush=True)

    def _answers_or_raise(self) -> None:
        """Also gives back what the case left behind, for the peaks of the next one."""
        gc.collect()
        try:
            torch.cuda.empty_cache()
            torch.zeros(1, device=self.device).add_(1)
            torch.cuda.synchronize()
        except RuntimeError as error:
            raise DeviceLost(str(error)) from error

    def some(self, cases: Sequence[_Case]) -> list[_Case]:
        """Those that a dry run has too: its ResNet-18 is its ResNet-32."""
        return [case for case in cases if not self.dry or case[0] != "resnet18"]

    def wait(self) -> None:
        """Until the device has done all that it was told."""
        if self.is_cuda():
            torch.cuda.synchronize()

    def milliseconds(self, run: Callable[[], object], times: int = 1) -> tuple[float, float]:
        """Of a call, by the clock, the device awaited at the end; and of the host alone, which tells it what to do."""
        self.wait()
        began = time.perf_counter()
        for _ in range(times):
            run()
        host = time.perf_counter() - began
        self.wait()
        return 1e3 * (time.perf_counter() - began) / times, 1e3 * host / times

    def median_ms(self, run: Callable[[], object], rounds: int) -> float:
        """Of a call, by the clock, in so many rounds."""
        return median(self.milliseconds(run)[0] for _ in range(rounds))
