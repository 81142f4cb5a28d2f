"""The façade: the project's questions to its database, in its own words.

Every method is one transaction. Any of them may be called from any thread, and raises StoreUnreachable when the
database does not answer.
"""

from typing import Self

from db.changes import Changes, PostgresChanges, SqliteChanges
from db.checkpoints import CheckpointQueries
from db.checks import CheckQueries
from db.claims import ClaimQueries
from db.comparing import ComparingQueries
from db.completion import CompletionQueries
from db.condition import Condition, examine
from db.costs import CostQueries
from db.database import Database
from db.epochs import EpochQueries
from db.errors import StoreError
from db.events import EventQueries
from db.forks import ForkQueries
from db.groups import GroupQueries
from db.lifetimes import LifetimeQueries
from db.lineage import LineageQueries
from db.metrics import MetricQueries
from db.migration import migrate
from db.queue import QueueQueries
from db.recordings import RecordingQueries
from db.remedies import unreachable
from db.run_pages import RunPageQueries
from db.runs import RunQueries
from db.snapshots import SnapshotQueries
from db.space import give_space_back
from db.transitions import TransitionQueries
from db.values import ValueQueries
from db.views import ViewQueries
from db.workers import WorkerQueries


class Store(
    RunQueries,
    RunPageQueries,
    ValueQueries,
    LifetimeQueries,
    LineageQueries,
    QueueQueries,
    GroupQueries,
    CostQueries,
    ComparingQueries,
    TransitionQueries,
    ForkQueries,
    ClaimQueries,
    RecordingQueries,
    EventQueries,
    EpochQueries,
    SnapshotQueries,
    MetricQueries,
    CheckpointQueries,
    WorkerQueries,
    CheckQueries,
    CompletionQueries,
    ViewQueries,
):
    """All that is kept. Make one with `Store.open`."""

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

    @property
    def kind(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._database.url.get_backend_name()

    def close(self) -> None:
        """Ends all connections; the store may not be used afterwards."""
        self._database.close()

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

    def changes(self) -> Changes:
        """Something to wait on until anybody has written; it has a connection of its own, so close it."""
        return SqliteChanges(self._database) if self._database.is_sqlite else PostgresChanges(self._database)
