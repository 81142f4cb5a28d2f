"""Ways to carry out a run. Each is an `Engine`; what is heavy is imported inside the process that needs it."""

from collections.abc import Callable, Generator

from contract.config import RunConfig
from contract.events import Event
from trainer.engines.resume_point import ResumePoint

Engine = Callable[[RunConfig, ResumePoint], Generator[Event, None, None]]
"""Starts a run, or continues it where it stands, and tells what happens. It continues when the next event is asked for:
an epoch counts as recorded by then; `.close()` ends it. An engine whose `.close()` may be called from another thread
ends a run in mid-epoch. It raises `Interrupted` where training was ended from outside."""


class Interrupted(Exception):
    """Training was ended from outside, by a signal for instance: the run can resume from its last checkpoint.

    Attributes:
        reason: one sentence, what happened.
        remedy: one sentence, what to do should it happen again and again.
        details: the last lines of its log.
    """

    def __init__(self, reason: str, remedy: str, details: str = "") -> None:
        super().__init__(reason)
        self.reason, self.remedy, self.details = reason, remedy, details


__all__ = ["Engine", "Interrupted", "ResumePoint"]
