"""The façade: the project's questions to its database, in its own words.

Every method is one transaction. Any of them may be called from any thread, and raises StoreUnreachable when the
database does not answer.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Self, TypeVar

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection

from db import checkpoints, checks, epochs, events, lifetimes, runs, snapshots, workers
from db.changes import Changes, PostgresChanges, SqliteChanges
from db.condition import Condition, examine
from db.database import Database
from db.errors import EntryRefused, StoreError, StoreFull
from db.forks import fork
from db.migration import migrate
from db.records import (
    Check,
    Checkpoint,
    CheckState,
    Entry,
    Field,
    LayerHistory,
    Run,
    RunPage,
    Snapshot,
    StoredEvent,
    StoredText,
    Timeline,
    Turn,
    Worker,
)
from db.remedies import unreachable
from db.space import give_space_back
from db.turns import give_back, give_back_silent, resume, stop_queued

T = TypeVar("T")

HEARING_SECONDS = 10.0
"""What workers get to speak up after the database was away: a few of their heartbeats."""


class Store:
    """All that is kept. Make one with `Store.open`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    def open(cls, url: str) -> Self:
        """Connects, and brings the database to this program's schema.

        Args:
            url: `sqlite:///folder/neq.db` (the folder is made) or `postgresql://user:password@host/database`.
        Raises:
            StoreUnreachable: it cannot be opened; the message says what to do. StoreNewer: it is too new.
        """
        database = Database(url)
        try:
            migrate(database)
        except BaseException as error:
            database.close()
            if isinstance(error, StoreError) or not isinstance(error, Exception):
                raise
            # Whatever a driver makes of an option or a damaged file, who starts a process reads one sentence.
            raise unreachable(database.url, f"{type(error).__name__}: {error}") from error
        return cls(database)

    def _urgently(self, act: Callable[[Connection], T], *, tell: bool = True, durable: bool = False) -> T:
        """Writes what must be possible on a full disk too, with as much of the room kept for that as it takes."""
        while True:
            try:
                with self._database.writing(tell=tell, durable=durable, urgent=True) as connection:
                    return act(connection)
            except StoreFull:
                if not self._database.release_reserve():
                    raise

    @property
    def kind(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._database.url.get_backend_name()

    def close(self) -> None:
        """Ends all connections; the store may not be used afterwards."""
        self._database.close()

    # ------------------------------------------------------------ runs

    def create_run(
        self,
        *,
        config: Mapping[str, Any],
        epochs_planned: int,
        name: str = "",
        notes: str = "",
        tags: Iterable[str] = (),
        warnings: Iterable[dict[str, Any]] = (),
    ) -> Run:
        """Queues a new run; `warnings` is what was doubtful about it, `field` and `message` of each."""
        with self._database.writing() as connection:
            return runs.create(
                connection,
                self._database.clock(),
                name=name,
                notes=notes,
                tags=tags,
                config=config,
                epochs_planned=epochs_planned,
                warnings=warnings,
            )

    def run(self, run_id: str) -> Run:
        """The run as it stands, or UnknownRun."""
        with self._database.reading() as connection:
            return runs.read(connection, run_id)

    def runs(
        self,
        *,
        state: str | None = None,
        tag: str | None = None,
        search: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> RunPage:
        """A page of runs, newest first.

        Args:
            state: only runs in this state.
            tag: only runs with exactly this tag.
            search: only runs whose name, notes, tags or id hold this text, in whatever case.
            cursor: the `next` of the page before; UnknownCursor where it is none.
            limit: runs a page, 1 to 500.
        """
        with self._database.reading() as connection:
            return runs.page(connection, state=state, tag=tag, search=search, cursor=cursor, limit=limit)

    def describe_run(
        self,
        run_id: str,
        *,
        name: str | None = None,
        notes: str | None = None,
        tags: Iterable[str] | None = None,
    ) -> Run:
        """Changes what is given of a run's name, notes and tags, whatever its state; or UnknownRun."""
        with self._database.writing() as connection:
            return runs.describe(connection, run_id, name=name, notes=notes, tags=tags)

    def delete_run(self, run_id: str) -> None:
        """Deletes a run with all that belongs to it; RunActive while it is running, or UnknownRun."""
        self._urgently(lambda connection: runs.remove(connection, run_id))

    def request_stop(self, run_id: str) -> Run:
        """Stops a queued run at once, and asks a running one to stop; RunEnded after its end, or UnknownRun."""

        def stop(connection: Connection) -> Run:
            stop_queued(connection, self._database.clock(), run_id)
            return runs.read(connection, run_id)

        return self._urgently(stop)

    def resume(self, run_id: str) -> Run:
        """Queues a stopped or failed run again, to go on where its records end; CannotGoOn, or UnknownRun."""
        with self._database.writing() as connection:
            resume(connection, self._database.clock(), run_id)
            return runs.read(connection, run_id)

    def fork(
        self,
        parent_id: str,
        epoch: int,
        *,
        config: Mapping[str, Any],
        epochs_planned: int,
        words: str,
        name: str = "",
        notes: str = "",
        tags: Iterable[str] = (),
        warnings: Iterable[dict[str, Any]] = (),
    ) -> Run:
        """Queues a new run that goes on from the checkpoint after an epoch of another, with a copy of its records.

        Args:
            words: what the fork's log says of its beginning.
        Raises:
            UnknownRun, UnknownCheckpoint: there is no such parent, or it keeps no such checkpoint.
        """
        with self._database.writing() as connection:
            return fork(
                connection,
                self._database.clock(),
                parent_id,
                epoch,
                name=name,
                notes=notes,
                tags=tags,
                config=config,
                epochs_planned=epochs_planned,
                words=words,
                warnings=warnings,
            )

    def forks(self, run_id: str) -> list[Run]:
        """The runs that were forked from this one and are still there, oldest first."""
        with self._database.reading() as connection:
            return runs.forks(connection, run_id)

    def examine(self, seconds: float) -> Condition:
        """What keeps the store from being read and written now; it takes no longer than about the seconds given."""
        return examine(self._database, seconds)

    def keep_reserve(self, size_bytes: int) -> bool:
        """Keeps so much room beside an SQLite file that runs can be stopped and deleted when its disk is full.

        To be called now and then: what was used is kept anew once there is room. Returns whether it is kept.
        """
        reserve = self._database.reserve
        return reserve is not None and size_bytes > 0 and reserve.keep(size_bytes)

    def give_space_back(self) -> int:
        """Gives what deleted runs have left free in an SQLite file back to its disk; see `db.space`. Returns bytes."""
        return give_space_back(self._database)

    def free_bytes(self) -> int | None:
        """What is left on the disk of an SQLite store; None where that cannot be known, as of another machine's."""
        return self._database.free_bytes()

    def revisions(self) -> dict[str, int]:
        """Every run's revision, which rises whenever the run changes."""
        with self._database.reading() as connection:
            return runs.revisions(connection)

    def frozen_trail(self, run_ids: Iterable[str], points: int = 60) -> dict[str, list[float]]:
        """At most `points` (two at least) frozen shares of each run, evenly spaced, the newest included."""
        with self._database.reading() as connection:
            return runs.frozen_trail(connection, list(run_ids), points)

    def turns(self, run_ids: Iterable[str]) -> dict[str, list[Turn]]:
        """What began, cut off, continued and ended each of these runs, oldest first."""
        with self._database.reading() as connection:
            return lifetimes.turns(connection, list(run_ids))

    def newest_epochs(self, run_id: str, count: int) -> list[dict[str, Any]]:
        """What a run's newest finished epochs said, oldest first, without their per-layer columns."""
        with self._database.reading() as connection:
            return lifetimes.newest_epochs(connection, run_id, count)

    def queue(self) -> list[str]:
        """The ids of the queued runs in the order in which workers take them."""
        with self._database.reading() as connection:
            return lifetimes.queue(connection)

    # ------------------------------------------------------------ what runs said

    def events_after(
        self,
        run_id: str,
        seq: int,
        limit: int = 500,
        kinds: Collection[str] | None = None,
        *,
        before: int | None = None,
        newest: bool = False,
    ) -> list[StoredEvent]:
        """The run's events after a number, in order; none for an unknown run.

        Args:
            limit: the oldest so many of them; with `newest`, the newest.
            before: only those below this number.
        """
        with self._database.reading() as connection:
            return events.after(
                connection, run_id, seq, limit=limit, kinds=kinds, layers=True, before=before, newest=newest
            )

    def epochs_after(
        self, run_id: str, seq: int = 0, *, layers: bool = True, limit: int = 1_000_000
    ) -> list[StoredEvent]:
        """The run's finished epochs after a number; without their per-layer columns on request, which is quicker."""
        with self._database.reading() as connection:
            return events.after(connection, run_id, seq, limit=limit, kinds=(events.FINISHED,), layers=layers)

    def texts_after(
        self,
        run_id: str,
        seq: int = 0,
        *,
        limit: int = 1_000_000,
        kinds: Collection[str] | None = None,
        layers: bool = True,
    ) -> list[StoredText]:
        """The run's events after a number as their stored JSON, unparsed; without the per-layer columns on request."""
        with self._database.reading() as connection:
            return events.texts_after(connection, run_id, seq, limit=limit, kinds=kinds, layers=layers)

    def layers(self, run_id: str) -> list[dict[str, Any]]:
        """The layers that the run watches, in forward order; none before it has started."""
        with self._database.reading() as connection:
            return events.layers(connection, run_id)

    def data_found(self, run_id: str) -> dict[str, Any] | None:
        """What the run found in its data; none before it has started, and where it did not look."""
        with self._database.reading() as connection:
            return events.data_found(connection, run_id)

    def frozen_counts(self, run_id: str) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """The finished epochs (E,), and the neurons of each layer that each of them decided to freeze (E, L)."""
        with self._database.reading() as connection:
            return events.frozen_counts(connection, run_id)

    def epoch_seqs(
        self, run_id: str, first: int = 0, stop: int | None = None, *, among: Collection[int] | None = None
    ) -> list[tuple[int, int]]:
        """The finished epochs from `first` up to before `stop`, each with its event's number, which is never reused.

        Args:
            among: only those whose number is one of these.
        """
        with self._database.reading() as connection:
            return epochs.seqs(connection, run_id, first=first, stop=stop, among=among)

    def epoch_columns(
        self, run_id: str, seqs: Collection[int], *, histograms: bool = False
    ) -> dict[int, dict[str, Any]]:
        """The per-layer columns (`LayerCounts`) of the epochs with these numbers; histograms cost most."""
        with self._database.reading() as connection:
            return epochs.columns(connection, run_id, seqs, histograms=histograms)

    def layer_history(
        self, run_id: str, layer: int, field: Field, first: int = 0, stop: int | None = None
    ) -> LayerHistory:
        """One field of one layer, epochs × neurons, for the epochs from `first` up to before `stop`.

        Raises:
            UnknownLayer: the run has no such layer, or has not said yet which it has.
        """
        with self._database.reading() as connection:
            return snapshots.history(connection, run_id, layer, field, first=first, stop=stop)

    def frozen_masks(
        self, run_id: str, layers: Collection[int], first: int = 0, stop: int | None = None
    ) -> dict[int, LayerHistory]:
        """The decided masks of several layers, each epochs × neurons."""
        with self._database.reading() as connection:
            return snapshots.frozen_masks(connection, run_id, layers, first=first, stop=stop)

    def neuron(self, run_id: str, layer: int, number: int, first: int = 0, stop: int | None = None) -> Timeline:
        """One neuron of a layer over epochs; the caller sees to it that the layer has as many neurons."""
        with self._database.reading() as connection:
            return snapshots.neuron(connection, run_id, layer, number, first=first, stop=stop)

    def snapshots_at(self, run_id: str, epoch: int, layers: list[int] | None = None) -> list[Snapshot]:
        """The raw arrays of one epoch, of all layers or those named, in forward order."""
        with self._database.reading() as connection:
            return snapshots.at_epoch(connection, run_id, epoch, layers)

    def changes(self) -> Changes:
        """Something to wait on until anybody has written; it has a connection of its own, so close it."""
        return SqliteChanges(self._database) if self._database.is_sqlite else PostgresChanges(self._database)

    # ------------------------------------------------------------ checkpoints

    def checkpoints(self, run_id: str) -> list[Checkpoint]:
        """The checkpoints that are kept of a run, oldest first."""
        with self._database.reading() as connection:
            return checkpoints.of_run(connection, run_id)

    def discard_unknown_checkpoints(self, shelf: str, paths: Sequence[str]) -> None:
        """Makes those of these files needless that no run has recorded: their writer was cut off in between."""
        with self._database.writing(tell=False) as connection:
            checkpoints.discard_unknown(connection, shelf, paths)

    def needless_checkpoints(self, shelf: str) -> list[str]:
        """Paths on a shelf that no run needs any more: delete the files, and say so."""
        with self._database.reading() as connection:
            return checkpoints.needless(connection, shelf)

    def checkpoints_deleted(self, paths: Sequence[str]) -> None:
        """Notes that the files under these paths are gone."""
        with self._database.writing(tell=False) as connection:
            checkpoints.deleted(connection, paths)

    # ------------------------------------------------------------ workers

    def register_worker(self, *, name: str, host: str, pid: int, device: str, slots: int) -> Worker:
        """Enters a worker under an id of its own."""
        with self._database.writing() as connection:
            return workers.register(
                connection,
                self._database.clock(),
                name=name,
                host=host,
                pid=pid,
                device=device,
                slots=slots,
            )

    def worker_alive(self, worker_id: str) -> None:
        """Notes that a worker was heard; UnknownWorker when it was forgotten meanwhile."""
        self._urgently(lambda connection: workers.alive(connection, self._database.clock(), worker_id), tell=False)

    def describe_worker(self, worker_id: str, capabilities: Mapping[str, Any]) -> None:
        """Notes what a worker has: data sets, weights, devices, memory; one that was forgotten is no error."""
        with self._database.writing(tell=False) as connection:
            workers.describe(connection, worker_id, capabilities)

    def forget_worker(self, worker_id: str) -> None:
        """Takes a worker off the list."""
        with self._database.writing() as connection:
            workers.forget(connection, worker_id)

    def workers(self) -> list[Worker]:
        """The workers on the list, the longest at work first; `heard_at` tells which still live."""
        with self._database.reading() as connection:
            return workers.read_all(connection)

    # ------------------------------------------------------------ checks before launch

    def ask_check(self, check_id: str, *, config: Mapping[str, Any], workers: Iterable[str]) -> Check:
        """Asks one of these workers to try a description, or finds the answer where it was asked before and holds.

        Args:
            check_id: the digest of all that the answer depends on.
        """
        try:
            with self._database.writing(tell=False) as connection:
                return checks.ask(connection, self._database.clock(), check_id, config, workers)
        except EntryRefused:  # somebody else asked the same in this very moment
            return self.check(check_id)

    def check(self, check_id: str) -> Check:
        """A check as it stands, or UnknownCheck."""
        with self._database.reading() as connection:
            return checks.read(connection, check_id)

    def claim_check(self, worker_id: str) -> Check | None:
        """Gives the check that was asked for last, of those that this worker may take; None when there is none."""
        with self._database.reading() as connection:
            check_id = checks.waiting(connection, worker_id)
        if check_id is None:
            return None
        with self._database.writing(tell=False) as connection:
            return checks.take(connection, self._database.clock(), check_id, worker_id)

    def answer_check(self, check_id: str, worker_id: str, state: CheckState, answer: Mapping[str, Any]) -> None:
        """Records what came of a check that this worker took."""
        with self._database.writing(tell=False) as connection:
            checks.answer(connection, self._database.clock(), check_id, worker_id, state, answer)

    # ------------------------------------------------------------ claims, and what workers write

    def claim(self, worker_id: str, shelf: str = "") -> Run | None:
        """Gives the oldest queued run to this worker; None when nothing is queued for it. No run is given twice.

        Args:
            worker_id: who asks.
            shelf: where it keeps checkpoints; runs whose checkpoints rest on another are not for it.
        """
        with self._database.writing(tell=False) as connection:
            run = runs.claim(connection, self._database.clock(), worker_id, shelf)
            if run is not None:
                self._database.announce(connection)
            return run

    def begin_run(
        self,
        worker_id: str,
        *,
        config: Mapping[str, Any],
        epochs_planned: int,
        shelf: str,
        name: str = "",
        notes: str = "",
        tags: Iterable[str] = (),
    ) -> Run:
        """Makes a run that is this worker's from its first moment on, so that no other can claim it.

        Args:
            worker_id: who tells it.
            shelf: as in `claim`. One that no other worker has keeps the run from all others for good.
        """
        with self._database.writing() as connection:
            now = self._database.clock()
            made = runs.create(
                connection,
                now,
                name=name,
                notes=notes,
                tags=tags,
                config=config,
                epochs_planned=epochs_planned,
            )
            return runs.take_up(connection, now, made.id, worker_id, shelf)

    def append(self, run_id: str, worker_id: str, entry: Entry) -> int:
        """Stores what a run said, with its epoch, neurons and end, wholly or not at all. Returns its number.

        What names checkpoints outlives a power cut, once this returns: older ones may then be deleted.

        Raises:
            RunLost: the run is not, or no longer, running under this worker.
            EntryRefused: it contradicts what is stored, such as an epoch that is there already.
        """

        def append(connection: Connection) -> int:
            return events.append(connection, self._database.clock(), run_id, worker_id, entry)

        if entry.ends is not None:
            return self._urgently(append)
        with self._database.writing(durable=entry.kept is not None) as connection:
            return append(connection)

    def touch(self, run_id: str, worker_id: str) -> bool:
        """Notes that the worker still has the run. Returns whether a stop is asked for; or RunLost."""
        return self._urgently(
            lambda connection: runs.touch(connection, self._database.clock(), run_id, worker_id), tell=False
        )

    def give_back(
        self, run_id: str, worker_id: str, *, reason: str, remedy: str, details: str = "", counted: bool = True
    ) -> str:
        """Ends a run's time with its worker: it goes back to the queue, and continues from its last checkpoint.

        It is failed instead where it has no checkpoint, or was cut off more than three times in the same epoch.

        Args:
            run_id, worker_id: which run, and who has it.
            reason: a sentence: what cut it off.
            remedy: a sentence for a person, should it fail.
            details: the last lines of its log, should it fail.
            counted: whether this counts as the run's misfortune; False for a worker that is ended in order.
        Returns:
            The run's new state.
        Raises:
            RunLost, UnknownRun: the run is not, or no longer, running under this worker.
        """
        return self._urgently(
            lambda connection: give_back(
                connection,
                self._database.clock(),
                runs.read(connection, run_id, alone=True),
                guard=runs.owned(run_id, worker_id),
                reason=reason,
                remedy=remedy,
                details=details,
                counted=counted,
            )
        )

    def give_back_silent(self, limit_seconds: float) -> dict[str, str]:
        """Takes the running runs whose worker has been silent for longer than that, as `give_back` does: id → state.

        After the database did not answer, no run is taken for some seconds: its worker could not be heard.
        """
        with self._database.reading() as connection:
            late = runs.silent(connection, self._database.clock(), limit_seconds)
        if not late or self._database.answering_seconds() < min(limit_seconds, HEARING_SECONDS):
            return {}
        return self._urgently(
            lambda connection: give_back_silent(connection, self._database.clock(), late, limit_seconds)
        )
