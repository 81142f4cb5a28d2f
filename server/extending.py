"""Runs that are trained on to more epochs than they were planned for, each as a run of its own."""

import re
from collections.abc import Mapping

from fastapi.exceptions import RequestValidationError

from contract.checks.capabilities import Capabilities
from db import Run, Store
from server.forking import LONGEST_NAME, planned_fork, queue_fork

TAG = "extends:{}"
"""Marks an extension with the id of the run that it extends."""
MOST_TAGS = 20
_SUFFIX = re.compile(r" · \d+ epochs$")


class NotExtended(ValueError):
    """The run cannot be extended; the message is a sentence."""


def extend(store: Store, run: Run, epochs: int, workers: Mapping[str, Capabilities | None]) -> Run:
    """A run that begins with the latest checkpoint of this one and trains until it has this many epochs in all.

    It stays in the run's group. Its schedule is that of so many epochs, from the checkpoint on.

    Raises:
        NotExtended: the run has not ended, keeps no checkpoint, has so many epochs already, is extended by another, or
            it would fail.
    """
    _refuse_run(store, run, epochs)
    tags = [TAG.format(run.id), *(tag for tag in run.tags if not tag.startswith(TAG.format("")))]
    suffix = f" · {epochs} epochs"
    name = _SUFFIX.sub("", run.name)[: LONGEST_NAME - len(suffix)] + suffix
    try:
        planned = planned_fork(run, None, {"name": name, "tags": tags[:MOST_TAGS], "training": {"epochs": epochs}})
        return queue_fork(store, planned, workers, group=run.group)[0]
    except RequestValidationError as error:
        raise NotExtended(f"Run {run.id!r} cannot be extended: {_words(error)}.") from error


def _refuse_run(store: Store, run: Run, epochs: int) -> None:
    called = f"Run {run.id!r}"
    if run.source != "launched":
        raise NotExtended(f"{called} was recorded by a script: only runs that a worker trained can be extended here.")
    if run.state == "failed":
        raise NotExtended(f"{called} failed: resume it first.")
    if run.state not in ("finished", "stopped"):
        raise NotExtended(f"{called} is {run.state}: it can be extended once it has ended.")
    if run.checkpoint_epoch is None:
        raise NotExtended(f"{called} keeps no checkpoint: it would have to be trained anew.")
    if epochs <= run.epochs_done:
        raise NotExtended(f"{called} has trained {run.epochs_done} epochs already.")
    # What has itself ended early does not stand in the way; else a group would grow twice.
    others = store.runs(tag=TAG.format(run.id), archived=None, limit=100).items
    other = next((each for each in others if each.state in ("queued", "running", "finished")), None)
    if other is not None:
        raise NotExtended(f"{called} is extended by run {other.id!r} already: extend that one.")


def _words(error: RequestValidationError) -> str:
    first = error.errors()[0]
    field = first.get("ctx", {}).get("field") or ".".join(str(part) for part in first["loc"][1:])
    return f"{field}: {first['msg']}".rstrip(".")
