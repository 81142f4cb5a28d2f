"""When a worker ends by itself: once it has been idle for long enough, or before the machine is taken from it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

JOB_END = "SLURM_JOB_END_TIME"
"""In a SLURM job's environment: when the job will be ended, in seconds since 1970."""
CLAIM_MARGIN_SECONDS = 60.0
"""A run is not begun so shortly before the end: it would hardly get through its start."""
LEAVE_MARGIN_SECONDS = 15.0
"""Runs go back to the queue so long before the end, while there still is time to say so."""


@dataclass
class ClosingTime:
    """Tells a worker whether to claim another run, and whether to end.

    Args:
        idle_seconds: it ends once it has had no run for so long; None: it waits for ever.
        ends_at: when the machine is taken from it, in seconds since 1970; None: never.
    """

    idle_seconds: float | None = None
    ends_at: float | None = None
    _busy_at: float = field(default_factory=lambda: time.monotonic())

    @classmethod
    def of(cls, idle_seconds: float | None, environment: Mapping[str, str]) -> "ClosingTime":
        """By the option of the command, and by what a SLURM job says of its end."""
        told = environment.get(JOB_END, "")
        return cls(idle_seconds, float(told) if told.isascii() and told.isdigit() else None)

    def may_claim(self) -> bool:
        """Whether there is time to begin a run."""
        return self._left() > CLAIM_MARGIN_SECONDS

    def reason_to_end(self, *, busy: bool) -> str | None:
        """Why the worker ends now; None: it goes on.

        Args:
            busy: whether it has a run.
        """
        now = time.monotonic()
        if busy:
            self._busy_at = now
            return "the job ends" if self._left() <= LEAVE_MARGIN_SECONDS else None
        if not self.may_claim():
            return "the job ends soon, too soon to begin a run"
        if self.idle_seconds is not None and now - self._busy_at >= self.idle_seconds:
            return f"no run was queued for {self.idle_seconds:g} s"
        return None

    def _left(self) -> float:
        return float("inf") if self.ends_at is None else self.ends_at - time.time()
