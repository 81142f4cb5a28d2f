"""A worker that ends by itself: when it is idle, and before its job does."""

import threading
import time
from dataclasses import dataclass, field

import pytest

from db import Store, StoreUnreachable
from tests.trainer.worker.conftest import Bench, eventually
from trainer.worker import loop
from trainer.worker.closing_time import CLAIM_MARGIN_SECONDS, JOB_END, LEAVE_MARGIN_SECONDS, ClosingTime


class Clock:
    """Stands still until a test moves it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_000_000.0
        monkeypatch.setattr("trainer.worker.closing_time.time.time", lambda: self.now)
        monkeypatch.setattr("trainer.worker.closing_time.time.monotonic", lambda: self.now)


@dataclass
class Asked(ClosingTime):
    """Tells when it has said that there is no time for another run."""

    refused: threading.Event = field(default_factory=threading.Event)

    def may_claim(self) -> bool:
        may = super().may_claim()
        if not may:
            self.refused.set()
        return may


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_one_that_was_told_nothing_goes_on_for_ever(clock: Clock) -> None:
    closing = ClosingTime.of(None, {})
    clock.now += 1e9
    assert closing.may_claim() and closing.reason_to_end(busy=False) is None


def test_idle_time_counts_from_the_last_run(clock: Clock) -> None:
    closing = ClosingTime.of(30, {})
    clock.now += 29
    assert closing.reason_to_end(busy=False) is None
    assert closing.reason_to_end(busy=True) is None
    clock.now += 29
    assert closing.reason_to_end(busy=False) is None
    clock.now += 1
    assert closing.reason_to_end(busy=False) == "no run was queued for 30 s"


def test_near_its_job_s_end_it_claims_nothing_and_leaves_while_there_is_time(clock: Clock) -> None:
    closing = ClosingTime.of(None, {JOB_END: "1001000"})
    clock.now += 1000 - CLAIM_MARGIN_SECONDS - 1
    assert closing.may_claim() and closing.reason_to_end(busy=False) is None
    clock.now += 1
    assert not closing.may_claim()
    assert closing.reason_to_end(busy=False) == "the job ends soon, too soon to begin a run"
    assert closing.reason_to_end(busy=True) is None
    clock.now = 1_001_000 - LEAVE_MARGIN_SECONDS
    assert closing.reason_to_end(busy=True) == "the job ends"


@pytest.mark.parametrize("told", ["", "soon", "1e9", "-1", "²"])
def test_an_end_that_is_not_a_time_is_none(told: str) -> None:
    assert ClosingTime.of(5, {JOB_END: told}).ends_at is None


@pytest.mark.process
def test_a_worker_trains_what_is_queued_and_ends_when_idle(bench: Bench) -> None:
    run_ids = [bench.launch("epochs", epochs=1) for _ in range(2)]
    stop = bench.start_worker(closing_time=ClosingTime(idle_seconds=0.5))
    eventually(stop.is_set)
    assert [bench.store.run(run_id).state for run_id in run_ids] == ["finished", "finished"]
    eventually(lambda: not bench.store.workers())


@pytest.mark.process
def test_a_worker_whose_job_ends_gives_its_run_back_and_takes_no_other(bench: Bench) -> None:
    first = bench.launch("endless")
    closing = Asked(ends_at=time.time() + 1e6)
    stop = bench.start_worker(slots=2, closing_time=closing)
    bench.processes_of("run")
    closing.ends_at = time.time() + CLAIM_MARGIN_SECONDS  # there is a slot, and no time
    assert closing.refused.wait(20)  # the worker had asked before, and may have been about to claim
    second = bench.launch("epochs")
    time.sleep(1)
    assert [bench.store.run(run_id).state for run_id in (first, second)] == ["running", "queued"]
    closing.ends_at = time.time() + LEAVE_MARGIN_SECONDS
    eventually(stop.is_set)
    eventually(lambda: bench.store.run(first).state == "queued")
    assert bench.store.run(second).state == "queued"


@pytest.mark.process
def test_while_the_store_is_gone_nobody_knows_that_nothing_is_queued(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "RETRY_SECONDS", 0.01)
    real, gone = Store.claim, [True]

    def claim(*arguments: object) -> object:
        if gone:
            raise StoreUnreachable("away")
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Store, "claim", claim)
    stop = bench.start_worker(closing_time=ClosingTime(idle_seconds=0.2))
    assert not stop.wait(1.5)
    gone.clear()
    eventually(stop.is_set)
