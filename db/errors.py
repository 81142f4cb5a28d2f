"""What can go wrong between a caller and the store.

StoreError
├── StoreUnreachable      the database cannot be reached, is busy, or is full; the message names the remedy
│   ├── StoreNewer        it was written by a newer version of this program
│   ├── StoreDamaged      what stands in it cannot be read
│   └── StoreFull         its disk is full; what ends or deletes a run still works
├── UnknownRun, UnknownLayer, UnknownWorker, UnknownCursor, UnknownCheckpoint, UnknownCheck
├── RunActive             it is running, and what was asked needs it not to be
├── NotQueued             it is not queued, and what was asked needs it to be
├── CannotResume          it has not ended, has finished all its epochs, or no checkpoint of it is kept
├── RunEnded              it has ended, and what was asked needs it not to have
├── RunLost               it no longer belongs to the worker that speaks
├── TooManyRecorded       as many external runs are recorded as may be at once
└── EventRefused          the event contradicts what is stored; nothing of it was kept
"""

from collections.abc import Iterable


class StoreError(Exception):
    """Anything that the store refuses; `str(error)` is a sentence for a person."""


class StoreUnreachable(StoreError):
    """The database does not answer. Nothing of the call was kept; it can be tried again."""


class StoreNewer(StoreUnreachable):
    """The database was written by a newer version of the program."""


class StoreDamaged(StoreUnreachable):
    """Something in the database cannot be read; the message names the cause."""


class StoreFull(StoreUnreachable):
    """The database's disk is full. Runs can still be stopped and deleted."""


class UnknownRun(StoreError):
    """There is no run of this id."""

    def __init__(self, run_id: str) -> None:
        super().__init__(f"There is no run {run_id!r}: it may have been deleted.")
        self.run_id = run_id


class UnknownView(StoreError):
    """There is no view of this id."""

    def __init__(self, view_id: str) -> None:
        super().__init__(f"There is no view {view_id!r}: it may have been deleted.")
        self.view_id = view_id


class TooManyViews(StoreError):
    """As many views of a page are saved as may be."""

    def __init__(self, most: int) -> None:
        super().__init__(f"A page has {most} views at most: delete one first.")


class UnknownLayer(StoreError):
    """The run has no layer of this index, or has not said yet which layers it has."""

    def __init__(self, run_id: str, layer: int) -> None:
        super().__init__(f"Run {run_id!r} has no layer {layer}.")
        self.run_id = run_id
        self.layer = layer


class UnknownWorker(StoreError):
    """No worker of this id is registered; it was forgotten."""

    def __init__(self, worker_id: str) -> None:
        super().__init__(f"No worker {worker_id!r} is registered.")
        self.worker_id = worker_id


class UnknownCursor(StoreError):
    """The cursor of a page of runs is not one that a page returned."""

    def __init__(self, cursor: str) -> None:
        super().__init__(f"{cursor!r} is no cursor of a page of runs: leave it out to start from the first page.")
        self.cursor = cursor


class UnknownCheckpoint(StoreError):
    """No checkpoint of this epoch is kept."""

    def __init__(self, run_id: str, epoch: int, kept: Iterable[int]) -> None:
        there = ", ".join(map(str, kept))
        choice = f"choose one of {there}" if there else "none of its checkpoints is"
        super().__init__(f"No checkpoint of epoch {epoch} of run {run_id!r} is kept: {choice}.")
        self.run_id = run_id
        self.epoch = epoch


class UnknownCheck(StoreError):
    """No check of this id is kept."""

    def __init__(self, check_id: str) -> None:
        super().__init__(f"No check {check_id!r} is kept: request a new one.")
        self.check_id = check_id


class CannotResume(StoreError):
    """The run cannot be continued as it stands."""

    def __init__(self, run_id: str, why: str) -> None:
        super().__init__(f"Run {run_id!r} cannot be resumed: {why}.")
        self.run_id = run_id


class RunActive(StoreError):
    """The run is running."""

    def __init__(self, run_id: str) -> None:
        super().__init__(f"Run {run_id!r} is running: stop it first.")
        self.run_id = run_id


class NotQueued(StoreError):
    """The run is not in the queue, and so has no place there."""

    def __init__(self, run_id: str, state: str) -> None:
        super().__init__(f"Run {run_id!r} is {state}, not queued: it has no place in the queue.")
        self.run_id = run_id


class RunEnded(StoreError):
    """The run has ended already."""

    def __init__(self, run_id: str, state: str) -> None:
        super().__init__(f"Run {run_id!r} has ended already: it is {state}.")
        self.run_id = run_id
        self.state = state


class RunLost(StoreError):
    """The run is not, or no longer, run by the worker that speaks of it: stop talking."""

    def __init__(self, run_id: str, worker_id: str) -> None:
        super().__init__(f"Run {run_id!r} is no longer run by worker {worker_id!r}.")
        self.run_id = run_id
        self.worker_id = worker_id


class RunExists(StoreError):
    """Another run has this id."""

    def __init__(self, run_id: str) -> None:
        super().__init__(f"There is a run {run_id!r} already: draw another id.")
        self.run_id = run_id


class NotExternal(StoreError):
    """The run is trained by a worker; no recorder can tell of it."""

    def __init__(self, run_id: str) -> None:
        super().__init__(f"Run {run_id!r} was launched here, and its worker alone tells of it.")
        self.run_id = run_id


class RunHeld(StoreError):
    """Another writer tells of the run."""

    def __init__(self, run_id: str) -> None:
        super().__init__(f"Another recorder holds run {run_id!r}: end that one first, or begin a run of its own.")
        self.run_id = run_id


class TooManyRecorded(StoreError):
    """As many external runs are recorded as may be at once."""

    def __init__(self, most: int) -> None:
        super().__init__(
            f"{most:,} external runs are being recorded, the most that may be at once: wait until one ends."
        )
        self.most = most


class PartGap(StoreError):
    """Events between those that are stored and those that come are missing."""

    def __init__(self, run_id: str, last_seq: int) -> None:
        super().__init__(f"Run {run_id!r} is stored up to event {last_seq}: go on with event {last_seq + 1}.")
        self.run_id = run_id
        self.last_seq = last_seq


class PartMoved(StoreError):
    """More of the run is stored than whoever sent this believed."""

    def __init__(self, run_id: str) -> None:
        super().__init__(f"More of run {run_id!r} is stored meanwhile: look at it again.")
        self.run_id = run_id


class EventRefused(StoreError):
    """The event contradicts what is stored, such as an epoch that is there already."""
