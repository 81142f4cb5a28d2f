"""How long a run has been trained, and how long it will be: the one home of both for pages, API and command line."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from statistics import median
from typing import Any

from db.records import Run, Transition

RECENT_EPOCHS = 8
PHASES = ("train", "probe", "evaluate")
USUAL = {"train": 0.88, "probe": 0.05, "evaluate": 0.07}
"""Where an epoch's time goes, before the first one tells."""
BEGINNINGS = frozenset({"run_started", "run_continued"})


def timing_of(run: Run, turns: Sequence[Transition], epochs: Sequence[dict[str, Any]], now: datetime) -> dict[str, Any]:
    """The run's times at a moment, as `schemas.Timing` has them.

    Args:
        run: as it stands.
        turns: of the run, oldest first.
        epochs: what its newest finished epochs said, oldest first.
        now: the moment; aware.
    """
    per_epoch, fraction = _seconds_per_epoch(run, epochs), _epoch_fraction(run, epochs)
    left = None
    planned = run.epochs_planned if run.state == "running" and not run.stop_requested else None
    if planned is not None and per_epoch is not None:
        left = per_epoch * max(0.0, planned - run.epochs_done - fraction) or None
    return {
        "elapsed_seconds": elapsed_seconds(run, turns, now),
        "seconds_per_epoch": per_epoch,
        "epoch_fraction": fraction,
        "seconds_left": left,
    }


def elapsed_seconds(run: Run, turns: Iterable[Transition], now: datetime) -> float | None:
    """Seconds since a worker took the run, without those in which none had it; None: none took it yet.

    The first stretch begins when the run was taken, so that what it prepares counts; a fork's does too, for its first
    turn is its parent's `run_started`.
    """
    if run.started_at is None:
        return None
    total, since = 0.0, run.started_at
    at_work = True
    for turn in turns:
        if turn.kind in BEGINNINGS:
            since = since if at_work else turn.at
            at_work = True
        elif at_work:
            total += max(0.0, (_last_heard(turn) - since).total_seconds())
            at_work = False
    if at_work and run.state == "running":
        total += max(0.0, (now - since).total_seconds())
    return total


def starting_seconds(run: Run, turns: Sequence[Transition]) -> float | None:
    """From the moment that a worker took the run to its training; None: it is not known, or that worker lost it."""
    own = [turn for turn in turns if turn.kind != "run_started"] if run.parent_id else turns  # a fork's is its parent's
    first = own[0] if own else None
    if run.started_at is None or first is None or first.kind not in BEGINNINGS:
        return None
    return max(0.0, (first.at - run.started_at).total_seconds())  # two clocks


def _last_heard(turn: Transition) -> datetime:
    """When the training was over: a lost worker's run is requeued long after its last heartbeat."""
    heard = turn.payload.get("heard_at")
    return min(turn.at, datetime.fromisoformat(heard)) if heard else turn.at


def epoch_seconds(epochs: Sequence[dict[str, Any]]) -> float | None:
    """The median of what these finished epochs took; None of none."""
    return float(median(sum(epoch["seconds"].values()) for epoch in epochs)) if epochs else None


def _seconds_per_epoch(run: Run, epochs: Sequence[dict[str, Any]]) -> float | None:
    if epochs:
        return epoch_seconds(epochs)
    progress = run.progress or {}
    pace, batches = progress.get("samples_per_second"), progress.get("batches")
    if run.state != "running" or progress.get("phase") != "train" or not pace or not batches:
        return None
    samples = batches * int(run.config.get("training", {}).get("batch_size", 1))
    return float(samples / pace / USUAL["train"])


def _epoch_fraction(run: Run, epochs: Sequence[dict[str, Any]]) -> float:
    """By where the newest epoch's time went."""
    if run.progress is None or run.state != "running":
        return 0.0
    seconds = epochs[-1]["seconds"] if epochs else USUAL
    phase, whole = str(run.progress["phase"]), sum(seconds.values())
    if phase not in PHASES or not whole:
        return 0.0
    before = sum(seconds[each] for each in PHASES[: PHASES.index(phase)])
    batches = run.progress["batches"]
    inside = run.progress["batch"] / batches if batches else 0.0
    return min(1.0, float((before + inside * seconds[phase]) / whole))
