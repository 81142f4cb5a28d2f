"""Ways to carry out a run. Each is an `Engine`; what is heavy is imported inside the process that needs it."""

from collections.abc import Callable, Generator

from trainer.config import RunConfig
from trainer.events import Event

Engine = Callable[[RunConfig], Generator[Event, None, None]]
"""Starts a run and tells what happens. It goes on when the next event is asked for, so an epoch counts as recorded by
then; `.close()` ends it. An engine whose `.close()` may be called from another thread ends a run in mid-epoch."""

__all__ = ["Engine"]
