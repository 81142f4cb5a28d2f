"""The savings meter: what was measured beside what was counted, in numbers worked by hand."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from contract.config import RunConfig
from contract.costs import Change, Saving
from db import Store
from tests.pictures.costs import MEASURED, costs, costs_on_a_gpu, flops, older_costs, saving, saving_on_a_gpu
from tests.server.recording import Costs, Recording

ALPHA = """(ms) => {
  const chart = neq.run.present().savings.charts[0];
  chart.paint();
  const { canvas } = chart;
  const { x, y } = chart.range;
  const across = ((2.5 - x[0]) / (x[1] - x[0])) * canvas.width;
  const down = canvas.height - ((ms - y[0]) / (y[1] - y[0])) * canvas.height;
  return canvas.getContext("2d").getImageData(across, down, 1, 1).data[3];
}"""


@pytest.fixture
def made(store: Store, page: Page, address: str) -> Callable[..., Recording]:
    """Makes a run of so many epochs and opens its page."""

    def make(epochs: int, query: str = "", **options: object) -> Recording:
        recording = Recording(store, epochs=30, **options)  # type: ignore[arg-type]
        recording.start()
        for _ in range(epochs):
            recording.epoch()
        page.goto(f"{address}/runs/{recording.id}{query}")
        page.wait_for_selector("#run-page[data-drawn]")
        return recording

    return make


def said(page: Page, part: str = "savings-words") -> str:
    return (page.locator(f"[data-part={part}]").text_content() or "").replace("\u00a0", " ")


def share_held(recording: Recording, epoch: int) -> int:
    held = sum(int(masks[epoch].sum()) for masks in recording.applied)
    return round(100 * held / sum(recording.neurons))


def test_flops_come_first_then_the_measured_change_with_its_range_and_what_it_is_compared_with(
    page: Page, made: Callable[..., Recording]
) -> None:
    recording = made(4, costs=costs, saving=saving)
    # FLOPs: 224 / 300 and 124 / 200; at least 200 / 300 and 100 / 200. Measured: 59.5 / 75 and 34.5 / 50 ms.
    expect(page.locator("[data-part=savings-words]")).to_contain_text("epoch 3")
    assert said(page) == (
        f"{share_held(recording, 3)} % of the neurons were frozen during epoch 3. "
        "Step: −25 % FLOPs (bound −33 %), −21 % measured. Backward: −38 % FLOPs (bound −50 %), −31 % measured."
    )
    # Deciles 32.6 … 36.4 over 34.5 and 46 … 54 over 50; of the step 57.6 … 61.4 over 59.5 and 71 … 79 over 75, each in
    # squares of logarithms: −31 (−37 to −24), −21 (−25 to −15). φ's tenth is added.
    assert said(page, "savings-more") == (
        "Measured: backward −31 % (−37 to −24), step −21 % (−25 to −15); medians of 7 batches with the 10th and 90th "
        "percentile, in CPU time of the training thread. Including the measurement of φ, the step changes by −11 %. "
        "Baseline: 5 dense batches of epochs 0–1, scaled by the forward time, which freezing does not change."
    )
    # Between epochs 2 and 3 the bands reach to 20 + 34.5 + 5 + 7.5 = 67 ms; the dense step's spread is 71 to 79.
    assert [page.evaluate(ALPHA, ms) > 0 for ms in (10, 40, 57, 65, 69, 77)] == [True, True, True, True, False, True]


def test_charts_table_and_words_follow_the_epoch_cursor(page: Page, made: Callable[..., Recording]) -> None:
    recording = made(4, "?epoch=2", costs=costs, saving=saving)
    page.locator("[data-part=plans]").scroll_into_view_if_needed()
    rows = page.locator(".plans-table tbody tr")
    expect(page.locator("[data-part=plans-title]")).to_have_text(
        "Backward plans in epoch 2: 1 stopped, 1 rows, 1 dense"
    )
    active = 17 - int(recording.applied[1][2].sum())
    expect(rows.nth(1).locator("th, td")).to_have_text(
        ["conv1 Conv2d", f"{active} of 17", "rows", "16", "1.00 ms / 2.00 ms", MEASURED]
    )
    canvas = page.locator("[data-part=step_ms] canvas")
    at = (
        "forward 20.0 ms (20.0 to 20.0); backward 34.5 ms (32.6 to 36.4); optimizer 5.00 ms (5.00 to 5.00); "
        "measuring φ 7.50 ms; dense step 75.0 ms (71.0 to 79.0)."
    )
    expect(canvas).to_have_attribute("aria-label", f"ms per batch by epoch. At epoch 2: {at}")
    share = page.locator("[data-part=step_fraction] canvas")
    expect(share).to_have_attribute(
        "aria-label",
        "Step relative to a dense step by epoch. At epoch 2: FLOP lower bound 66.7 %; FLOPs 74.7 %; "
        "with φ 89.3 %; measured 79.3 % (74.6 % to 84.5 %).",
    )
    page.keyboard.press("ArrowLeft")
    expect(page.locator("[data-part=plans-title]")).to_have_text("Backward plans in epoch 1: 3 untouched")
    assert said(page) == "Nothing was frozen during epoch 1: its steps are dense."
    assert "step 0 % (−7 to +8)" in said(page, "savings-more")
    assert "The step's range includes 0 %." in said(page, "savings-more")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("[data-part=savings-more]")).to_have_text(
        "No time: no dense step was timed before, so there is no baseline."
    )
    expect(share).to_have_attribute(
        "aria-label",
        "Step relative to a dense step by epoch. At epoch 0: FLOP lower bound 100.0 %; FLOPs 100.0 %.",
    )
    recording.epoch()
    page.keyboard.press("End")
    expect(page.locator("[data-part=plans-title]")).to_contain_text("Backward plans in epoch 4")
    expect(canvas).to_have_attribute("aria-label", f"ms per batch by epoch. At epoch 4: {at}")


def test_with_savings_off_it_says_so_and_what_was_possible(page: Page, made: Callable[..., Recording]) -> None:
    def off(epoch: int) -> Costs:
        ordinary, _, told = costs(epoch)
        return ordinary, flops(100, 100, 60 if epoch > 1 else 100, 40 if epoch > 1 else 100), told

    recording = made(3, costs=off, neq={"savings": False})
    held = share_held(recording, 2)
    assert said(page) == (
        f"Skipping frozen gradients is off: all gradients were computed. {held} % of the neurons were frozen during "
        "epoch 2. Step: 0 % FLOPs (bound −33 %). Backward: 0 % FLOPs (bound −50 %)."
    )


DOUBTS: dict[str, str] = {
    "few_batches": "too few batches (5 dense batches timed)",
    "busy": "the machine was busy (wall clock 2.3× the CPU time) and batch times vary too much",
    "spread": "batch times vary too much",
    "beyond_bound": "the measured change, spread included, exceeds the FLOP bound and is not shown",
    "drifted": "the same computation now takes a different time than before, so no time is shown",
}


@pytest.mark.parametrize("doubt", DOUBTS)
def test_what_cannot_be_told_is_said_instead_of_a_number_and_leaves_a_gap(
    page: Page, made: Callable[..., Recording], doubt: Any
) -> None:
    def doubted(epoch: int) -> Saving:
        told = saving(epoch, held_up=2.3)
        if epoch != 2:
            return told
        parts = {name: Change(flops=-0.2, bound=-0.3, doubt=doubt) for name in ("backward", "step")}
        return told.model_copy(update={**parts, "with_phi": None})

    made(4, "?epoch=2", costs=costs, saving=doubted)
    expect(page.locator("[data-part=savings-words]")).to_contain_text("−20 % FLOPs (bound −30 %).")
    assert "measured" not in said(page)
    assert said(page, "savings-more") == f"No time: {DOUBTS[doubt]}."
    share = page.locator("[data-part=step_fraction] canvas")
    expect(share).to_have_attribute("aria-label", re.compile(r"At epoch 2: FLOP lower bound 70.0 %; FLOPs 80.0 %\.$"))


def test_a_run_on_a_gpu_whose_clock_does_not_tell_of_other_programs_is_shown_all_the_same(
    page: Page, made: Callable[..., Recording]
) -> None:
    failed: list[str] = []
    page.on("pageerror", lambda error: failed.append(str(error)))
    made(4, costs=costs_on_a_gpu, saving=saving_on_a_gpu)
    expect(page.locator("[data-part=savings-words]")).to_contain_text("epoch 3")
    assert "Measured: backward −31 % (−37 to −24)" in said(page, "savings-more")
    assert "in GPU events." in said(page, "savings-more")
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    expect(page.locator("[data-part=savings-more]")).to_have_text(
        "No time: no dense step was timed before, so there is no baseline."
    )
    assert failed == []


@pytest.mark.parametrize("doubt", DOUBTS)
def test_no_doubt_about_a_run_on_a_gpu_needs_the_load_of_the_processor(
    page: Page, made: Callable[..., Recording], doubt: Any
) -> None:
    def doubted(epoch: int) -> Saving:
        parts = {name: Change(flops=-0.2, bound=-0.3, doubt=doubt) for name in ("backward", "step")}
        return saving_on_a_gpu(epoch).model_copy(update={**parts, "with_phi": None})

    made(3, costs=costs_on_a_gpu, saving=doubted)
    expect(page.locator("[data-part=savings-words]")).to_contain_text("−20 % FLOPs (bound −30 %).")
    assert said(page, "savings-more") == f"No time: {DOUBTS[doubt].replace(' (wall clock 2.3× the CPU time)', '')}."


def test_a_run_recorded_without_spread_shows_flops_and_compares_no_times(
    page: Page, made: Callable[..., Recording]
) -> None:
    recording = made(4, costs=older_costs)
    assert said(page) == (
        f"{share_held(recording, 3)} % of the neurons were frozen during epoch 3. "
        "Step: −25 % FLOPs (bound −33 %). Backward: −38 % FLOPs (bound −50 %)."
    )
    assert said(page, "savings-more") == (
        "Times were recorded in wall-clock time and without their spread: they are plotted but not compared."
    )
    expect(page.locator("[data-part=step_fraction] canvas")).to_have_attribute(
        "aria-label",
        "Step relative to a dense step by epoch. At epoch 3: FLOP lower bound 66.7 %; FLOPs 74.7 %.",
    )
    expect(page.locator("[data-part=step_ms] canvas")).to_have_attribute(
        "aria-label",
        "ms per batch by epoch. At epoch 3: forward 20.0 ms; backward 34.5 ms; optimizer 5.00 ms; measuring φ 5.00 ms.",
    )


def test_a_run_of_an_older_program_says_that_nothing_was_timed(page: Page, made: Callable[..., Recording]) -> None:
    made(3)
    assert said(page) == "Steps were not timed in epoch 2: it was trained by a version that did not time them."
    expect(page.locator("[data-part=step_ms] .plot-words")).to_have_text("The steps of this run were not timed.")
    page.locator("[data-part=plans]").scroll_into_view_if_needed()
    expect(page.locator("[data-part=plans]")).to_have_text("Backward plans were not recorded in epoch 2.")


def test_before_the_first_epoch_it_says_when_there_will_be_something(
    page: Page, store: Store, address: str, made: Callable[..., Recording]
) -> None:
    made(0)
    assert said(page) == "The first column appears when epoch 0 ends."
    waiting = store.create_run(name="waits", config=RunConfig().model_dump(mode="json"), epochs_planned=24)
    page.goto(f"{address}/runs/{waiting.id}")
    expect(page.locator("[data-part=savings-words]")).to_have_text("The run has not started.")
    page.locator("[data-part=plans]").scroll_into_view_if_needed()
    expect(page.locator("[data-part=plans]")).to_have_text("The run has not started.")


def test_an_empty_chart_names_no_ticks_of_values(page: Page, made: Callable[..., Recording]) -> None:
    recording = made(0, costs=older_costs)
    for key in ("step_ms", "step_fraction"):
        chart = page.locator(f"[data-part={key}]")
        expect(chart.locator(".xtick").first).to_be_attached()
        expect(chart.locator(".ytick")).to_have_count(0)
    recording.epoch()
    for key in ("step_ms", "step_fraction"):
        expect(page.locator(f"[data-part={key}] .ytick").first).to_be_attached()
