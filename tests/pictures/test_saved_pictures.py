"""What leaves the page: files with a title and a legend, axes that tell whole epochs, and paper."""

import re

import pytest
from playwright.sync_api import Page, expect

from db import Store
from tests.server.recording import Recording

TICKS = """(part) => [...document.querySelectorAll(`[data-part=${part}] .xaxislayer-above .xtick text`)]
  .map((each) => each.textContent)"""
LOWEST = "(part) => neq.run.present().curves.charts[part].range.y[0]"
SAVED = """([part, mode]) => {
  const page = neq.run.present();
  if (mode) document.querySelector(`[data-part=mode-${mode}]`).click();
  const axes = part === "loss" ? page.curves.charts.loss : page.heatmap.picture;
  const { data, layout } = axes.figureToSave();
  return [layout.title.text, layout.showlegend, data.map(({ name }) => name), layout.images.length];
}"""


@pytest.fixture
def recording(store: Store) -> Recording:
    """A run of one epoch."""
    recording = Recording(store, (5, 300), epochs=1)
    recording.start()
    recording.epoch()
    recording.finish()
    return recording


@pytest.fixture
def opened(page: Page, address: str, recording: Recording) -> Page:
    """Its page, drawn."""
    page.goto(f"{address}/runs/{recording.id}?layer=1")
    page.wait_for_function("() => neq.run.present()?.drawn && neq.run.present().heatmap.layer?.cells.epochs === 1")
    return page


def test_one_epoch_has_one_tick_and_no_loss_lies_below_zero(opened: Page) -> None:
    for part in ("loss", "neurons", "overview"):
        assert opened.evaluate(TICKS, part) == ["0"]
    assert opened.evaluate(LOWEST, "loss") >= 0
    assert opened.evaluate(LOWEST, "accuracy") >= 0


def test_a_saved_picture_has_a_title_and_a_legend(opened: Page) -> None:
    assert opened.evaluate(SAVED, ["loss", None]) == ["recorded loss", True, ["train", "test"], 1]
    title, legend, names, images = opened.evaluate(SAVED, ["neurons", None])
    assert (title, legend, images) == ("recorded neurons", True, 1)
    assert names == ["updating", "frozen", "just thawed", "just frozen"]
    _, _, scale, _ = opened.evaluate(SAVED, ["neurons", "phi"])
    assert scale[0] == "1 − φ 10⁻⁶" and scale[-1] == "1 − φ 1"


def test_paper_has_no_buttons_and_light_colours(opened: Page) -> None:
    opened.emulate_media(media="print", color_scheme="dark")
    for part in ("stop", "again", "cursor-play", "copy-json"):
        expect(opened.locator(f"[data-part={part}]")).to_be_hidden()
    expect(opened.get_by_role("banner").first).to_be_hidden()
    expect(opened.get_by_role("heading", name="recorded")).to_be_visible()
    assert opened.evaluate("() => getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


GROUND = """() => {
  // The ground of the heat map of v, of which most bins are empty: dark on a screen, near white on paper.
  const canvas = document.querySelector("[data-part=distribution] canvas");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const greens = [...data].filter((_, place) => place % 4 === 1 && data[place + 2] === 255).sort((a, b) => a - b);
  return [greens[greens.length >> 1], document.querySelector("[data-part=loss] .gtitle")?.style.fill];
}"""


def test_a_dark_page_is_printed_in_light_pictures_and_is_dark_again(page: Page, address: str, store: Store) -> None:
    run = Recording(store, (5,), epochs=4)
    run.start()
    for _ in range(4):
        run.epoch()
    page.emulate_media(color_scheme="dark")
    page.goto(f"{address}/runs/{run.id}")
    expect(page.locator("[data-part=loss] .gtitle")).to_be_attached()
    root = page.locator("html")
    expect(root).to_have_attribute("data-mantine-color-scheme", "dark")
    page.wait_for_function(f"() => ({GROUND})()[0] < 60")
    # What has been drawn before the next frame is what a browser prints.
    ground, title = page.evaluate(
        f"async () => {{ window.dispatchEvent(new Event('beforeprint')); await null; return ({GROUND})(); }}"
    )
    assert ground > 200
    assert title == "rgb(27, 33, 39)"
    page.evaluate("() => window.dispatchEvent(new Event('afterprint'))")
    expect(root).to_have_attribute("data-mantine-color-scheme", "dark")
    page.wait_for_function(f"() => ({GROUND})()[0] < 60")


def test_many_neurons_in_one_row_are_explained(opened: Page) -> None:
    opened.set_viewport_size({"width": 1440, "height": 1000})
    note = opened.locator("[data-part=neurons-note]")
    opened.evaluate("() => (document.querySelector('[data-part=neurons]').style.height = '140px')")
    expect(note).to_have_text(re.compile(r"1 row = \d+ neurons: colours are averaged; .*just thawed"))
