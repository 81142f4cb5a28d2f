"""When queued runs are expected to start."""

import math

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from contract.config import RunConfig
from contract.cost_key import cost_key
from db import NewRun, Store
from server.schemas import Queue
from server.waiting import expected_starts
from tests.db.making import WORKER
from tests.server.recording import Recording


@pytest.mark.parametrize(
    ("free_in", "takes", "starts"),
    [
        ([], [5], [None]),
        ([0], [5, 5, 5], [0, 5, 10]),
        ([0, 3], [10, 2, 4, 1], [0, 3, 5, 9]),
        ([7, None], [1, 1], [7, 8]),
        ([None], [1], [None]),
        ([0, 0], [None, 5, 5], [0, 0, 5]),
        ([0], [None, 5], [0, None]),
    ],
)
def test_by_hand(free_in: list[float | None], takes: list[float | None], starts: list[float | None]) -> None:
    assert expected_starts(free_in, takes) == starts


@given(st.lists(st.floats(0, 1e3), min_size=1, max_size=5), st.lists(st.floats(0, 1e3), max_size=20))
def test_no_slot_is_idle_while_somebody_waits(free_in: list[float], takes: list[float]) -> None:
    starts = [start for start in expected_starts(free_in, takes) if start is not None]
    assert len(starts) == len(takes) and starts == sorted(starts)
    for place, start in enumerate(starts):
        ends = sorted([*free_in, *(begun + took for begun, took in zip(starts[:place], takes, strict=False))])
        # So many slots have been given away before it: it starts as soon as the next is free.
        assert math.isclose(start, ends[place])


def test_the_queue_is_told_in_its_order_with_expected_starts(client: TestClient, store: Store) -> None:
    key = cost_key(RunConfig())
    recording = Recording(store)
    recording.start()
    recording.epoch()
    with store._database.writing() as connection:
        connection.exec_driver_sql("UPDATE runs SET cost_key = ?", (key,))
    store.request_stop(recording.id)
    known = NewRun(config={}, epochs_planned=7, cost_key=key, group="g", name="known")
    unknown = NewRun(config={}, epochs_planned=7, name="unknown", priority=-1)
    made = store.create_runs([unknown, known, known])
    store.hold(made[2].id, True)
    store.register_worker(**WORKER | {"slots": 2})
    told = Queue.model_validate_json(client.get("/api/v1/queue").content)
    assert [(run.name, run.group, run.priority) for run in told.queue] == [("known", "g", 0), ("unknown", None, -1)]
    assert told.length == 2 and told.slots == 3
    assert [run.starts_in_seconds for run in told.queue] == [0, 0]
    whole = Queue.model_validate_json(client.get("/api/v1/queue?held=true").content)
    assert [(run.id, run.held, run.starts_in_seconds) for run in whole.queue] == [
        (made[1].id, False, 0),
        (made[2].id, True, None),
        (made[0].id, False, 0),
    ], "the held one in its place, and it delays nobody"
    assert whole.length == 3
    (worker,) = [each for each in store.workers() if each.slots == 2]
    store.claim(worker.id)
    store.claim(worker.id)
    assert client.get("/api/v1/queue").json()["queue"] == []
