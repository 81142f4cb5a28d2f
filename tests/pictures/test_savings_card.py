"""The savings meter: what was measured beside what was counted, in numbers worked by hand."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from db import Store
from tests.pictures.costs import MEASURED, costs, flops, plans
from tests.server.recording import Costs, Recording
from trainer.config import RunConfig
from trainer.costs import StepTimes

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
        page.wait_for_function("() => neq.run?.present()?.drawn")
        return recording

    return make


def said(page: Page, part: str = "savings-words") -> str:
    return (page.locator(f"[data-part={part}]").text_content() or "").replace("\u00a0", " ")


def share_held(recording: Recording, epoch: int) -> int:
    held = sum(int(masks[epoch].sum()) for masks in recording.applied)
    return round(100 * held / sum(recording.neurons))


def test_sentence_and_bands_compare_an_epoch_with_the_first_dense_ones(
    page: Page, made: Callable[..., Recording]
) -> None:
    recording = made(4, costs=costs)
    # Dense: backward (40 + 60) / 2 = 50 ms of 20 + 50 + 5 = 75. Then 34.5 / 50 = 0.69 and 59.5 / 75 = 0.793.
    # Counted: (70 + 54) / 200 = 0.62; least: (60 + 40) / 200 = 0.5; ceiling 300 / 200. With φ: 64.5 / 75 = 0.86.
    expect(page.locator("[data-part=savings-words]")).to_contain_text("epoch 3")
    assert said(page) == (
        f"With {share_held(recording, 3)} % of the neurons held frozen in epoch 3, backward took 31 % less time than "
        "before anything froze; counted operations say 38 % less, and allow 50 % at most. The whole step took "
        "21 % less time than then: it was 1.26 times as fast, and by operations could be 1.50 times at most."
    )
    more = said(page, "savings-more")
    assert "with it an epoch's training took 14 % less time than it did without" in more
    assert "Compared with the mean of epochs 0–1, before anything froze." in more
    # Between epochs 2 and 3 the bands reach to 20 + 34.5 + 5 + 5 = 64.5 ms; the dense step's line is at 75.
    assert [page.evaluate(ALPHA, ms) > 0 for ms in (10, 40, 57, 62, 69)] == [True, True, True, True, False]


def test_charts_table_and_words_follow_the_epoch_cursor(page: Page, made: Callable[..., Recording]) -> None:
    recording = made(4, "?epoch=2", costs=costs)
    page.locator("[data-part=plans]").scroll_into_view_if_needed()
    rows = page.locator(".plans-table tbody tr")
    expect(page.locator("[data-part=plans-title]")).to_have_text("Layers in epoch 2: 1 stopped, 1 rows, 1 dense")
    active = 17 - int(recording.applied[1][2].sum())
    expect(rows.nth(1).locator("th, td")).to_have_text(
        ["conv1 Conv2d", f"{active} of 17", "rows", "16", "1.00 ms / 2.00 ms", MEASURED]
    )
    canvas = page.locator("[data-part=step_ms] canvas")
    expect(canvas).to_have_attribute(
        "aria-label",
        "Milliseconds a batch over the epochs. At epoch 2: forward 20.0 ms; backward 34.5 ms; optimizer 5.00 ms; "
        "measuring φ 5.00 ms; dense step 75.0 ms.",
    )
    expect(page.locator("[data-part=step_share] canvas")).to_have_attribute(
        "aria-label",
        "Step, as a share of the dense one over the epochs. At epoch 2: least possible 66.7 %; counted 74.7 %; "
        "with φ 86.0 %; measured 79.3 %.",
    )
    page.keyboard.press("ArrowLeft")
    expect(page.locator("[data-part=plans-title]")).to_have_text("Layers in epoch 1: 3 untouched")
    assert said(page).startswith("Nothing was frozen in epoch 1")
    recording.epoch()
    page.keyboard.press("End")
    expect(page.locator("[data-part=plans-title]")).to_contain_text("Layers in epoch 4")
    expect(canvas).to_have_attribute(
        "aria-label",
        "".join(
            [
                "Milliseconds a batch over the epochs. At epoch 4: "
                "forward 20.0 ms; backward 34.5 ms; optimizer 5.00 ms; measuring φ 5.00 ms; dense step 75.0 ms."
            ]
        ),
    )


def test_with_savings_off_it_says_so_and_what_was_possible(page: Page, made: Callable[..., Recording]) -> None:
    recording = made(3, costs=costs, neq={"savings": False})
    held = share_held(recording, 2)
    assert said(page) == (
        f"Savings are off: {held} % of the neurons stayed put, and everything was computed all the same. At most 33 % "
        "of a step's operations could have been left out."
    )


def test_no_saving_is_said_as_it_is(page: Page, made: Callable[..., Recording]) -> None:
    def slower(epoch: int) -> Costs:
        backward = 50.0 if epoch < 2 else 52.0
        times = StepTimes(forward=20, backward=backward, optimizer=5, probe=5, first=90, batches=9)
        return times, flops(100, 100, 100, 100 if epoch < 2 else 99), plans(epoch)

    made(3, costs=slower)
    assert "backward took 4 % more time than before anything froze; counted operations say 0 % less" in said(page)


def test_a_run_of_an_older_program_says_that_nothing_was_timed(page: Page, made: Callable[..., Recording]) -> None:
    made(3)
    assert said(page) == "Steps were not timed in epoch 2: a program that did not yet do so trained it."
    expect(page.locator("[data-part=step_ms] .plot-words")).to_have_text("The steps of this run were not timed.")
    page.locator("[data-part=plans]").scroll_into_view_if_needed()
    expect(page.locator("[data-part=plans]")).to_have_text("The layers' plans were not recorded in epoch 2.")


def test_before_the_first_epoch_it_says_when_there_will_be_something(
    page: Page, store: Store, address: str, made: Callable[..., Recording]
) -> None:
    made(0)
    assert said(page) == "The first column comes with the end of epoch 0."
    waiting = store.create_run(name="waits", config=RunConfig().model_dump(mode="json"), epochs_planned=24)
    page.goto(f"{address}/runs/{waiting.id}")
    expect(page.locator("[data-part=savings-words]")).to_have_text("The run has not started.")
    page.locator("[data-part=plans]").scroll_into_view_if_needed()
    expect(page.locator("[data-part=plans]")).to_have_text("The run has not started.")
