"""Times by the clock on the wall are told with how far they reach, wherever a page tells one."""

import re

import pytest
from playwright.sync_api import Page, expect

from contract.events import EpochFinished, Event, Seconds
from db import Store
from tests.server.recording import Recording

TAKEN = (30.0, 4.0, 5.0, 3.0, 6.0)
"""Seconds of training, epoch by epoch: the machine was busy in the first."""


class Timed(Recording):
    def _append(self, event: Event, **given: object) -> int:
        if isinstance(event, EpochFinished):
            train = TAKEN[event.epoch]
            seconds = Seconds(train=train, probe=0.5, evaluate=0.25, record=0, checkpoint=0.25)
            event = event.model_copy(update={"seconds": seconds, "samples_per_second": 600 / train})
        return super()._append(event, **given)  # type: ignore[arg-type]


@pytest.fixture
def timed(store: Store) -> Recording:
    recording = Timed(store, epochs=30)
    recording.start()
    for _ in TAKEN:
        recording.epoch()
    return recording


def test_pace_and_time_of_an_epoch_come_with_those_of_the_other_epochs(
    page: Page, address: str, timed: Recording
) -> None:
    page.goto(f"{address}/runs/{timed.id}?epoch=3")
    machine = page.locator("[data-part=machine]")
    # 600 / 3 = 200; of epochs 0–3 sorted 20, 120, 150, 200, the middle between 120 and 150.
    expect(machine).to_contain_text("Training, wall clock200 samples/s; median of 4 epochs 135 (20 to 200)")
    tile = page.locator(".tile", has_text="Time per epoch")
    # 4, 5, 6, 7, 31 s with φ, evaluation and checkpoint.
    told = re.compile(r"^All epochs so far, wall clock: 6\.0 s \(4\.0 s to 31 s\)\. This epoch: training ")
    expect(tile).to_have_attribute("data-help", told)


def test_compared_runs_tell_medians_of_all_their_epochs_not_the_last_one(
    page: Page, address: str, timed: Recording, store: Store
) -> None:
    single = Timed(store, epochs=30)
    single.start()
    single.epoch()
    page.goto(f"{address}/compare?runs={timed.id},{single.id}")
    heads = page.locator(".compare-numbers thead th")
    expect(heads.filter(has_text="Training time per epoch")).to_have_count(1)
    place = heads.all_text_contents().index("Training time per epoch")
    column = page.locator(f".compare-numbers tbody :nth-child({place + 1})")
    expect(column).to_have_text(["5.0 s (3.0 s to 30 s)", "30 s"])
