"""A run's page says how the run stands now: from its state and its turns, not from lines that were logged once."""

import re

import pytest
from playwright.sync_api import Page, expect

from contract.config import RunConfig
from db import Store
from tests.server.recording import Recording

NOTICE = "[data-part=notice]"
SHUT_DOWN = "The worker was shut down."


@pytest.fixture
def recording(store: Store) -> Recording:
    """A run with three epochs that its worker gave back."""
    recording = Recording(store, (4,), epochs=5)
    recording.start()
    for _ in range(3):
        recording.epoch()
    # A checkpoint of its newest epoch is what lets a run be queued again; without one there is nothing to resume.
    return recording


@pytest.fixture
def early(store: Store) -> Recording:
    """A run that its worker gave back before its first epoch was over."""
    early = Recording(store, (4,), epochs=5)
    early.start()
    early.requeue(SHUT_DOWN)
    return early


def open_run(page: Page, address: str, recording: Recording) -> None:
    page.goto(f"{address}/runs/{recording.id}")
    page.wait_for_selector("#run-page[data-drawn]")


def test_why_a_run_went_back_to_the_queue_is_said_until_it_goes_on(page: Page, address: str, early: Recording) -> None:
    open_run(page, address, early)
    expect(page.locator(NOTICE)).to_contain_text(SHUT_DOWN)
    expect(page.locator(NOTICE)).to_contain_text("Queued (1st of 1)")
    early.go_on()
    expect(page.locator(NOTICE)).to_be_hidden()
    early.epoch()
    early.finish()
    expect(page.locator("[data-part=state]")).to_have_text("finished")
    expect(page.locator(NOTICE)).to_be_hidden()
    expect(page.locator("[data-part=log]")).to_contain_text(SHUT_DOWN)
    page.reload()
    page.wait_for_selector("#run-page[data-drawn]")
    expect(page.locator(NOTICE)).to_be_hidden()


def test_a_run_that_is_queued_again_is_not_said_never_to_have_started(
    page: Page, address: str, early: Recording
) -> None:
    open_run(page, address, early)
    words = "The run is queued again. No epoch has finished yet."
    expect(page.locator("[data-part=neurons] .plot-words")).to_have_text(words)
    expect(page.locator("[data-part=savings-words]")).to_have_text(words)
    expect(page.get_by_text("has not started")).to_have_count(0)


def test_the_newest_warning_stands_on_top_and_those_of_a_former_beginning_are_over(
    page: Page, address: str, early: Recording
) -> None:
    early.go_on()
    early.warn("The power meter cannot be read.")
    early.epoch()
    early.warn("conv0 moved while it was frozen.")
    open_run(page, address, early)
    title, details = page.locator(f"{NOTICE} h2"), page.locator(f"{NOTICE} pre")
    expect(title).to_have_text("conv0 moved while it was frozen.")
    expect(details).to_have_text("The power meter cannot be read.")


RULE = "([turns, log, epochs]) => neq.warnings(turns, log, epochs)"


def test_what_a_later_beginning_does_not_say_again_is_over_and_what_is_said_of_an_epoch_stays(bench: Page) -> None:
    turns = [
        {"seq": 1, "kind": "run_started", "reason": None},
        {"seq": 6, "kind": "run_requeued", "reason": "It was shut down."},
        {"seq": 8, "kind": "run_continued", "reason": None},
    ]
    log = [
        {"seq": 2, "level": "warning", "text": "said at first"},
        {"seq": 3, "level": "info", "text": "no warning"},
        {"seq": 5, "level": "warning", "text": "said of epoch 1"},
        {"seq": 7, "level": "warning", "text": "It was shut down."},
        {"seq": 9, "level": "warning", "text": "said anew"},
    ]
    assert bench.evaluate(RULE, [turns, log, [{"seq": 4}]]) == ["said anew", "said of epoch 1"]
    assert bench.evaluate(RULE, [turns[:1], log[:3], [{"seq": 4}]]) == ["said of epoch 1", "said at first"]


def test_the_heartbeat_is_the_runs_own_and_not_that_of_any_worker(
    page: Page, address: str, store: Store, recording: Recording
) -> None:
    """Another worker that is well says nothing of this run's."""
    open_run(page, address, recording)
    expect(page.locator(NOTICE)).to_contain_text(re.compile(r"No heartbeat for \d"), timeout=40_000)
    assert store.run(recording.id).state == "running"


def test_table_page_comparison_and_api_tell_the_same_times(
    page: Page, address: str, store: Store, recording: Recording
) -> None:
    page.goto(address)
    expect(page.locator(".runs-name")).to_be_visible()
    recording.progress(5)
    # Epochs of 1.21 s, and half of the training of the fourth is over: (1.21 × 2 − 0.5) s are left.
    left = "2 s"
    expect(page.locator(".runs-words").first).to_contain_text(f"3 of 5 epochs · {left} left")
    open_run(page, address, recording)
    expect(page.locator("[data-part=progress-words]")).to_contain_text(f"about {left} left")
    expect(page.locator("[data-part=pulse]")).to_contain_text(f"run: about {left} left")
    page.goto(f"{address}/compare?runs={recording.id}")
    expect(page.locator("[data-part=numbers]")).to_contain_text(left)


def test_a_wide_table_has_room_for_the_time_that_is_left(
    page: Page, address: str, store: Store, recording: Recording
) -> None:
    page.set_viewport_size({"width": 1400, "height": 900})
    page.goto(address)
    words = page.locator(".runs-words").first
    expect(words).to_contain_text("3 of 5 epochs")
    cut = words.evaluate("""words => {
        words.textContent = "25 of 40 epochs · 2 min 30 s left";
        return words.scrollWidth > words.clientWidth;
    }""")
    assert not cut


def test_the_table_tells_a_place_in_the_queue_as_the_page_does(page: Page, address: str, store: Store) -> None:
    config = RunConfig().model_dump(mode="json")
    runs = [store.create_run(name=f"run {number}", config=config, epochs_planned=24) for number in range(4)]
    page.goto(address)
    words = page.locator("[col-id=progress] .runs-words")
    expect(words).to_have_text([f"Queued ({place} of 4)" for place in ("4th", "3rd", "2nd", "1st")])
    store.request_stop(runs[1].id)  # what stands behind it moves up, and no run of these has changed
    expect(words).to_have_text(["Queued (3rd of 3)", "Queued (2nd of 3)", "0 of 24 epochs", "Queued (1st of 3)"])
    store.delete_run(runs[0].id)
    expect(words).to_have_text(["Queued (2nd of 2)", "Queued (1st of 2)", "0 of 24 epochs"])
    page.goto(f"{address}/runs/{runs[3].id}")
    expect(page.locator(NOTICE)).to_contain_text("Queued (2nd of 2)")


def test_a_queued_run_is_stopped_without_talk_of_an_epoch(page: Page, address: str, store: Store) -> None:
    queued = store.create_run(name="waits", config=RunConfig().model_dump(mode="json"), epochs_planned=24)
    page.goto(f"{address}/runs/{queued.id}")
    page.locator("[data-part=stop]").click()
    expect(page.get_by_role("dialog")).to_contain_text("it leaves the queue immediately")
    expect(page.get_by_role("dialog")).not_to_contain_text("epoch")


def test_one_epoch_is_not_epochs_and_none_follows_the_last(page: Page, address: str, store: Store) -> None:
    only = Recording(store, (4,), epochs=1)
    only.start()
    only.epoch()
    only.finish()
    open_run(page, address, only)
    expect(page.locator("[data-part=progress-words]")).to_have_text(re.compile("^1 of 1 epoch in "))
    expect(page.locator("[data-part=tiles]")).to_contain_text("Frozen at the end")
    expect(page.locator("[data-part=tiles]")).not_to_contain_text("next epoch")


def test_a_run_that_ended_early_and_cannot_resume_has_no_next_epoch(
    page: Page, address: str, recording: Recording
) -> None:
    open_run(page, address, recording)
    tiles = page.locator("[data-part=tiles]")
    expect(tiles).to_contain_text("Frozen next epoch")
    recording.finish()
    expect(tiles).to_contain_text("Frozen at the end")
    page.keyboard.press("Home")
    expect(tiles).to_contain_text("Frozen next epoch")


def test_who_looks_at_a_run_that_is_deleted_hears_of_it_and_is_led_to_the_table(
    page: Page, address: str, store: Store, recording: Recording
) -> None:
    recording.finish()
    open_run(page, address, recording)
    store.delete_run(recording.id)
    expect(page.get_by_text("This run was deleted.")).to_be_visible()
    expect(page).to_have_url(f"{address}/")
