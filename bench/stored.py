"""Synthetic runs in a store, recorded as a worker records them."""

import os
from collections.abc import Iterable

from contract.config import RunConfig
from contract.events import Event
from db import Run, Store
from trainer.worker.event_records import record_of


class Recorder:
    """One run in a store, and the worker that speaks for it."""

    def __init__(self, store: Store, epochs: int, name: str = "bench") -> None:
        config = RunConfig.model_validate({"name": name, "training": {"epochs": epochs}})
        self._store = store
        self._worker = store.register_worker(name="bench", host="here", pid=os.getpid(), device="none", slots=1)
        self.run: Run = store.create_run(name=name, config=config.model_dump(mode="json"), epochs_planned=epochs)
        claimed = store.claim(self._worker.id)
        assert claimed and claimed.id == self.run.id, "another worker took it"

    def say(self, event: Event) -> None:
        """Records one event; it is committed when this returns."""
        self._store.append(self.run.id, self._worker.id, record_of(event))

    def say_all(self, events: Iterable[Event]) -> str:
        """Records all of them. Returns the run's id."""
        for event in events:
            self.say(event)
        return self.run.id
