"""Times of several ways to do a thing, taken in turns in one process, and their ratios."""

import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from statistics import median, quantiles

_STEADY = {
    "MALLOC_TRIM_THRESHOLD_": "8000000000",
    "MALLOC_MMAP_THRESHOLD_": "8000000000",
    "MALLOC_TOP_PAD_": "500000000",
}


def keep_memory() -> None:
    """Starts the program anew in a process that gives no memory back to the system (glibc).

    Without it a step of ResNet-32 met 20,000 to 40,000 page faults, a tenth of its time, more or fewer by luck.
    """
    if not _STEADY.items() <= os.environ.items():
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, **_STEADY})


@dataclass(frozen=True)
class Time:
    """Milliseconds of one call, by the clock and of this thread's own."""

    clock: float
    thread: float


def timed(run: Callable[[], object]) -> Time:
    """How long one call takes."""
    clock, thread = time.perf_counter(), time.thread_time()
    run()
    return Time((time.perf_counter() - clock) * 1e3, (time.thread_time() - thread) * 1e3)


def paired(runs: Sequence[Callable[[], object]], rounds: int) -> list[list[Time]]:
    """Times of each, taking turns and taking turns at being first, after two rounds that do not count."""
    times: list[list[Time]] = [[] for _ in runs]
    for number in range(-2, rounds):
        for offset in range(len(runs)):
            place = (number + offset) % len(runs)
            found = timed(runs[place])
            if number >= 0:
                times[place].append(found)
    return times


Arm = Callable[[], AbstractContextManager[Callable[[], object]]]
"""Makes everything ready for a way to do a thing, gives what is to be timed, and clears up behind it."""


def in_turns(arms: Sequence[Arm], rounds: int, calls: int = 2) -> list[list[Time]]:
    """Times of a call in each, taking turns at being first; each turn is one call that does not count and some that do.

    All work on the same objects: copies of a network may differ by some per cent by their places in memory alone.
    """
    times: list[list[Time]] = [[] for _ in arms]
    for number in range(rounds):
        for offset in range(len(arms)):
            place = (number + offset) % len(arms)
            with arms[place]() as run:
                run()
                found = [timed(run) for _ in range(calls)]
            clock, thread = sum(time.clock for time in found), sum(time.thread for time in found)
            times[place].append(Time(clock / calls, thread / calls))
    return times


def ratios(base: Sequence[Time], other: Sequence[Time], *, thread: bool = False) -> list[float]:
    """The other's time over the base's, round by round."""
    pairs = zip(base, other, strict=True)
    return [b.thread / a.thread if thread else b.clock / a.clock for a, b in pairs]


def spread(values: Sequence[float]) -> str:
    """Median and quartiles."""
    low, _, high = quantiles(values, n=4)
    return f"{median(values):.3f} [{low:.3f}, {high:.3f}]"


def reached(values: Sequence[float], *, most: float | None = None, least: float | None = None) -> str:
    """The median beside its limit, in words."""
    found = median(values)
    holds = (most is None or found <= most) and (least is None or found >= least)
    limit = f"at most {most}" if most is not None else f"at least {least}"
    return f"{found:.3f}, wanted {limit}: {'reached' if holds else 'MISSED'}"
