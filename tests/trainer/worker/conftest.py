"""A worker in a thread of the test, on a real store, whose runs are real processes that do what a stub says."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from contract.config import Compute, RunConfig, Training
from db import END_STATES, Run, Store
from tests.stores import empty_store
from tests.trainer.worker.stub import TRAIN
from trainer.checkpoints.folder import CheckpointStore
from trainer.engines import Engine
from trainer.engines.cluster import Cluster
from trainer.engines.environment import Workplace
from trainer.engines.process import process_engine
from trainer.worker import run_worker
from trainer.worker.closing_time import ClosingTime

PATIENCE_SECONDS = 90.0


def eventually(is_so: Callable[[], Any]) -> Any:
    """Waits until the claim holds, and returns what it returned; for tests, long enough on a busy machine."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := is_so()):
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.03)
    return found


class Bench:
    """A store, and what a test does with it."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store, self.folder = store, folder
        self._workers: list[tuple[threading.Event, threading.Thread]] = []

    def engine(self) -> Engine:
        """Processes that run the stub."""
        return process_engine(Workplace(self.folder, "cpu", 1), train=TRAIN)

    def launch(
        self, what: str, *, epochs: int = 3, name: str = "run", stall_minutes: float = 30, **compute: Any
    ) -> str:
        """Queues a run that does what the stub's function of this name does. Returns its id."""
        training = Training(epochs=epochs, stall_minutes=stall_minutes)
        config = RunConfig(name=name, notes=what, training=training, compute=Compute(**compute))
        return self.store.create_run(name=name, config=config.model_dump(mode="json"), epochs_planned=epochs).id

    def start_worker(
        self,
        *,
        slots: int = 1,
        engine: Engine | Cluster | None = None,
        limit: float = 60,
        checkpoint_store: CheckpointStore | None = None,
        closing_time: ClosingTime | None = None,
    ) -> threading.Event:
        """Starts a worker; setting what is returned ends it."""
        stop = threading.Event()
        thread = threading.Thread(
            target=run_worker,
            args=(self.store,),
            kwargs={
                "engine": engine or self.engine(),
                "name": "w",
                "device": "cpu",
                "slots": slots,
                "silence_limit_seconds": limit,
                "stop": stop,
                "checkpoint_store": checkpoint_store,
                "closing_time": closing_time,
            },
        )
        thread.start()
        self._workers.append((stop, thread))
        return stop

    def end_workers(self) -> None:
        """Ends all workers, and waits for them."""
        for stop, _ in self._workers:
            stop.set()
        for _, thread in self._workers:
            thread.join(PATIENCE_SECONDS)
            assert not thread.is_alive()

    def end_of(self, run_id: str) -> Run:
        """The run, once it has ended."""
        return eventually(lambda: (run := self.store.run(run_id)).state in END_STATES and run)  # type: ignore[no-any-return]

    def kinds(self, run_id: str) -> list[str]:
        """What kinds of things the run said."""
        return [event.kind for event in self.store.events_after(run_id, 0)]

    def processes_of(self, name: str) -> list[int]:
        """The ids of a slow run's process and its grandchild, once it is in its endless epoch."""
        path = self.folder / f"{name}.ids"
        eventually(path.exists)
        return [int(number) for number in path.read_text().split()]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A new store in a folder of its own; workers are ended after the test."""
    store = empty_store(f"sqlite:///{tmp_path / 'neq.db'}")
    bench = Bench(store, tmp_path)
    yield bench
    bench.end_workers()
    store.close()


def is_alive(pid: int) -> bool:
    """Whether the process exists and is no mere zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
