"""A study of a thousand runs, as one: launched, held, stopped, resumed and trained by several workers, and averaged."""

import threading
import time
from collections import Counter
from collections.abc import Generator, Iterator
from typing import Any

import httpx
import numpy as np
import pytest

from cli.assemble import assemble
from contract.config import RunConfig
from contract.events import Event
from db import Store
from server.settings import ServerSettings
from tests.db.conftest import store, url
from tests.server.serving import serving
from tests.trainer.worker.stub import ended, finished, started
from trainer.engines import ResumePoint
from trainer.worker import run_worker

__all__ = ["store", "url"]

pytestmark = pytest.mark.endurance

GRID = {"neq.epsilon": [1e-5, 1e-4, 1e-3, 1e-2, 1e-1], "optimizer.kind": ["sgd", "adam"]}
SEEDS, EPOCHS, WORKERS = 100, 2, 3


def accuracy(config: dict[str, Any]) -> float:
    """Of a run of these settings; each seed has another."""
    drawn = np.random.default_rng(config["training"]["seed"]).normal(0, 0.02)
    return float(
        0.5 + 0.03 * np.log10(config["neq"]["epsilon"]) + 0.1 * (config["optimizer"]["kind"] == "adam") + drawn
    )


def engine(config: RunConfig, resume_point: ResumePoint) -> Generator[Event, None, None]:
    """A training that takes no time."""
    yield started(EPOCHS)
    for epoch in range(EPOCHS):
        yield finished(epoch).model_copy(update={"test_accuracy": accuracy(config.model_dump())})
    yield ended(EPOCHS)


@pytest.fixture
def api(store: Store, url: str) -> Iterator[httpx.Client]:
    settings = ServerSettings(database_url=url)
    with (
        serving(assemble(store, settings), settings) as address,
        httpx.Client(base_url=f"{address}/api/v1", timeout=120, trust_env=False) as client,
    ):
        yield client


def work(url: str, stop: threading.Event) -> None:
    store = Store.open(url)
    run_worker(store, engine=engine, name="w", device="cpu", slots=2, silence_limit_seconds=60, stop=stop)
    store.close()


def act(api: httpx.Client, action: str, **more: Any) -> dict[str, Any]:
    answer = api.post("/runs/actions", json={"action": action, "group": "big", **more})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def states(store: Store, run_ids: list[str]) -> Counter[str]:
    return Counter(store.run(run_id).state for run_id in run_ids)


def eventually(is_so: Any, seconds: float = 600) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.2)


def test_a_thousand_runs_are_one_study(api: httpx.Client, store: Store, url: str) -> None:
    base = {"training": {"epochs": EPOCHS}, "schedule": {"kind": "constant"}}
    answer = api.post("/sweeps", json={"base": base, "grid": GRID, "seeds": SEEDS, "group": "big"})
    assert answer.status_code == 201, answer.text
    run_ids = [run["id"] for run in answer.json()["runs"]]
    assert len(set(run_ids)) == 1_000
    act(api, "hold")
    stop = threading.Event()
    workers = [threading.Thread(target=work, args=(url, stop)) for _ in range(WORKERS)]
    for each in workers:
        each.start()
    try:
        time.sleep(2)
        assert states(store, run_ids) == {"queued": 1_000}, "held runs were taken"
        act(api, "release")
        eventually(lambda: states(store, run_ids)["finished"] >= 100)
        act(api, "stop")
        eventually(lambda: set(states(store, run_ids)) == {"finished", "stopped"})
        stopped = [run_id for run_id in run_ids if store.run(run_id).state == "stopped"]
        assert stopped, "nothing was left to stop"
        # One that was stopped behind an epoch has no checkpoint here to go on from.
        lost = {each["id"] for each in act(api, "resume")["refused"] if store.run(each["id"]).state == "stopped"}
        assert {store.run(run_id).epochs_done for run_id in lost} <= {1, EPOCHS}
        eventually(lambda: states(store, run_ids)["finished"] == 1_000 - len(lost))
    finally:
        stop.set()
        for each in workers:
            each.join(60)
    whole = [run_id for run_id in run_ids if run_id not in lost]
    told = Counter(event.kind for run_id in whole for event in store.events_after(run_id, 0))
    assert told["epoch_finished"] == len(whole) * EPOCHS and told["run_finished"] == len(whole)
    averaged(api, store, whole)


def averaged(api: httpx.Client, store: Store, run_ids: list[str]) -> None:
    """The table's means and deviations are those of the runs, a hundred seeds each."""
    asked = {"by": "neq.epsilon,optimizer.kind", "fields": "accuracy", "where": 'group = "big" and state = finished'}
    groups = api.get("/runs/grouped", params=asked).json()["groups"]
    assert len(groups) == 10 and sum(group["runs"] for group in groups) == len(run_ids)
    expected: dict[tuple[float, str], list[float]] = {}
    for config in (store.run(run_id).config for run_id in run_ids):
        expected.setdefault((config["neq"]["epsilon"], config["optimizer"]["kind"]), []).append(accuracy(config))
    for group in groups:
        values = expected[tuple(group["values"])]
        assert group["runs"] == len(values) <= SEEDS
        cell = group["cells"][0]
        assert cell["mean"] == pytest.approx(np.mean(values)) and cell["std"] == pytest.approx(np.std(values, ddof=1))
