"""What the training takes of the machine, every few seconds: curves under `system/`."""

import os
import sys
import time
from pathlib import Path

from neq.recording.facts import Points
from neq.recording.scalars import Number

EVERY_SECONDS = 5.0
SYSTEM = "system/"
"""How the names of these curves begin."""


class SystemMetrics:
    """Samples of this process and its GPUs; never starts CUDA, and never waits for it.

    Args:
        last: step of the newest sample of a run that is taken up again; None where there is none.
    """

    def __init__(self, last: int | None = None) -> None:
        self._next = 0.0
        self._step = 0 if last is None else last + 1
        self._before = time.monotonic(), time.process_time()

    def sample(self) -> Points | None:
        """The figures, or None while it is not yet time.

        Returns:
            `system/cpu_cores`, processor seconds per second since the sample before; `system/memory_gib`, the process's
            resident memory; `system/gpu0/memory_gib`, of tensors, and `system/gpu0/reserved_gib`, for each GPU in use.
        """
        now = time.monotonic()
        if now < self._next:
            return None
        self._next = now + EVERY_SECONDS
        values: dict[str, Number] = {**self._processor(now), **_memory(), **_gpus()}
        self._step += 1
        return Points(values, self._step - 1, None, time.time())

    def _processor(self, now: float) -> dict[str, float]:
        spent = time.process_time()
        (then, spent_then), self._before = self._before, (now, spent)
        return {"system/cpu_cores": (spent - spent_then) / (now - then)} if now > then else {}


def _memory() -> dict[str, float]:
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return {"system/memory_gib": pages * os.sysconf("SC_PAGE_SIZE") / 2**30}
    except (OSError, ValueError, IndexError, AttributeError):  # not Linux
        return {}


def _gpus() -> dict[str, float]:
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return {}
    found = {}
    for number in range(torch.cuda.device_count()):
        if torch.cuda.memory_reserved(number):
            found[f"system/gpu{number}/memory_gib"] = torch.cuda.memory_allocated(number) / 2**30
            found[f"system/gpu{number}/reserved_gib"] = torch.cuda.memory_reserved(number) / 2**30
    return found
