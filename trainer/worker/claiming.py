"""How a worker comes by its runs: each with what trains it."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from pydantic import ValidationError

from contract.checks.capabilities import Node
from contract.config import Compute
from contract.placement import Request
from db import Run, Store
from trainer.engines import Engine
from trainer.engines.cluster import Cluster, Reservation

PAGE = 50
"""Of the queue's runs, looked at in one go."""

log = logging.getLogger("neq.worker")


@dataclass(frozen=True, slots=True)
class Claimed:
    """A run that is the worker's, what trains it, and what to call once it is over."""

    run: Run
    engine: Engine
    release: Callable[[], None] = lambda: None


class Claims(Protocol):
    """Where a worker gets its runs from."""

    def claim(self, worker_id: str) -> Claimed | None:
        """The next run that it can train at once; None: there is none now."""

    def close(self) -> None:
        """No more runs are asked for."""


class FirstOfQueue:
    """Claims whichever run is first, for a machine that has room for it."""

    def __init__(self, store: Store, engine: Engine, checkpoint_store: str) -> None:
        self._store, self._engine, self._checkpoint_store = store, engine, checkpoint_store

    def claim(self, worker_id: str) -> Claimed | None:
        run = self._store.claim(worker_id, self._checkpoint_store)
        return None if run is None else Claimed(run, self._engine)

    def close(self) -> None:
        pass


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A place for a run, on one of the nodes that could hold it."""

    run_id: str
    request: Request
    node_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Asked:
    wanted: _Wanted
    reservation: Reservation


class FirstThatFits:
    """Reserves a place for the first run of the queue that some node could hold, and then claims that run.

    Claimed first it would be *running*, and silent, while nothing has room. There is one reservation at a time, always
    for the first such run: what comes behind it waits, small as it may be, because a large run would otherwise wait
    for ever. What no node could hold even when idle is passed over.
    """

    def __init__(self, store: Store, cluster: Cluster, checkpoint_store: str) -> None:
        self._store, self._cluster, self._checkpoint_store = store, cluster, checkpoint_store
        self._asked: _Asked | None = None
        self._passed_over: dict[str, str] = {}

    def claim(self, worker_id: str) -> Claimed | None:
        asked = self._ask()
        if asked is None or not asked.reservation.is_ready():
            return None
        self._asked = None
        try:
            run = self._store.claim_run(asked.wanted.run_id, worker_id, self._checkpoint_store)
        except BaseException:
            asked.reservation.release()
            raise
        if run is None:  # claimed, held, stopped or deleted meanwhile
            asked.reservation.release()
            return None
        return Claimed(run, asked.reservation.engine(), asked.reservation.release)

    def close(self) -> None:
        asked, self._asked = self._asked, None
        if asked is not None:
            asked.reservation.release()

    def _ask(self) -> _Asked | None:
        """What is asked for now: the queue and the nodes may have changed since the last look."""
        nodes = self._cluster.nodes()
        if not nodes:
            return None  # nor is the reservation given back to a cluster that does not answer
        wanted = self._first(nodes)
        if self._asked is not None and wanted != self._asked.wanted:
            self.close()
        if wanted is not None and self._asked is None:
            self._asked = _Asked(wanted, self._cluster.reserve(wanted.request, wanted.node_ids))
        return self._asked

    def _first(self, nodes: tuple[Node, ...]) -> _Wanted | None:
        found: _Wanted | None = None
        passed_over = {}
        for run in self._queue():
            request = _request(run, nodes)
            if holding := tuple(sorted(node.id for node in nodes if request.could_fit(node))):
                found = _Wanted(run.id, request, holding)
                break
            passed_over[run.id] = reason = request.why_nowhere(nodes) or ""
            if self._passed_over.get(run.id) != reason:
                log.info("run %s: passed over, it fits no node: %s", run.id, reason)
        self._passed_over = passed_over
        return found

    def _queue(self) -> Iterator[Run]:
        last: Run | None = None
        while page := self._store.claimable(self._checkpoint_store, after=last, limit=PAGE):
            yield from page
            last = page[-1]


def _request(run: Run, nodes: tuple[Node, ...]) -> Request:
    try:
        compute = Compute.model_validate(run.config.get("compute", {}))
    except ValidationError:  # of another version: whoever trains the run says so
        compute = Compute()
    return Request.of(compute, nodes)
