"""What leaves the page: files with a title and a legend, axes that tell whole epochs, and paper."""

import csv
import re
from base64 import b64decode
from io import BytesIO
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from db import Store
from tests.server.recording import Recording

TICKS = """(part) => [...document.querySelectorAll(`[data-part=${part}] .xaxislayer-above .xtick text`)]
  .map((each) => each.textContent)"""
LOWEST = "(part) => neq.run.present().curves.charts[part].range.y[0]"
FITTED = """() => [...document.querySelectorAll(".plot:has(.main-svg)")].filter((each) => each.clientWidth)
  .every((each) => Math.abs(each.querySelector(".main-svg").clientWidth - each.clientWidth) <= 1)"""
STATE = """() => {
  const { plot } = neq.run.present().heatmap.picture;
  window.schemes ??= [];
  new MutationObserver((seen) => window.schemes.push(...seen)).observe(document.documentElement, { attributes: true });
  return JSON.stringify([plot.layout, plot.data, location.href, plot.querySelector("svg").outerHTML.length]);
}"""


@pytest.fixture
def recording(store: Store) -> Recording:
    """A run of one epoch."""
    recording = Recording(store, (5, 300), epochs=1)
    recording.start()
    recording.epoch(dead=(0, 2), churning=(1, 0))
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


def saved(page: Page, picture: str, kind: str, size: str | None = None) -> tuple[str, bytes]:
    """A figure's file and its name, asked for by keyboard alone."""
    button = page.get_by_role("button", name=f"Save…: recorded {picture}", exact=True)
    expect(button).to_be_enabled()  # the histogram's once its counts have come
    button.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Save figure")
    dialog.get_by_label(kind).check()
    if size:
        dialog.get_by_label(size).check()
    expect(dialog.get_by_label("One column")).to_be_enabled(enabled=bool(size))
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(button).to_be_focused()
    return download.value.suggested_filename, download.value.path().read_bytes()


def texts(svg: bytes) -> list[str]:
    """All that is written in a picture."""
    return ["".join(each.itertext()) for each in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_a_figure_is_saved_as_a_vector_as_a_picture_and_as_data_and_the_page_stays(
    opened: Page, recording: Recording
) -> None:
    opened.emulate_media(color_scheme="dark")
    expect(opened.locator("html")).to_have_attribute("data-mantine-color-scheme", "dark")
    opened.wait_for_function(FITTED)
    before = opened.evaluate(STATE)
    name, svg = saved(opened, "neurons", "SVG", "One column")
    assert name == "recorded-conv1-States-of-neurons-by-epoch.svg"
    said = texts(svg)
    assert "States of neurons by epoch" in said
    assert "recorded · conv1 · epoch 0 · 300 neurons · ε = 0.001" in " · ".join(said)
    assert {"updating", "frozen", "just thawed", "just frozen", "epoch", "dead neurons"} <= set(said)
    assert "churning neurons" not in said
    root = ElementTree.fromstring(svg)
    assert root.get("width") == "321"
    assert b"rgb(255, 255, 255)" in svg and b"pixelated" in svg
    # A cell is a pixel, however large the picture.
    (image,) = root.iter("{http://www.w3.org/2000/svg}image")
    cells = Image.open(BytesIO(b64decode(image.attrib["{http://www.w3.org/1999/xlink}href"].split(",")[1])))
    assert cells.height == 300 and cells.width < 20
    assert cells.getpixel((0, 0))[:3] == (0xF5, 0xD7, 0x8C)  # updating, as the light theme has it
    name, png = saved(opened, "loss", "PNG", "Two columns")
    picture = Image.open(BytesIO(png))
    assert (name, picture.width) == ("recorded-Loss.png", round(673 * 300 / 96))
    assert picture.info["dpi"] == pytest.approx((300, 300), abs=0.1)
    assert picture.getpixel((3, 3))[:3] == (255, 255, 255)
    opened.get_by_role("button", name="Colour by φ").click()
    _, table = saved(opened, "neurons", "Data")
    rows = list(csv.DictReader(table.decode().splitlines()))
    assert [row["neuron"] for row in rows] == [str(neuron) for neuron in range(300)]
    assert np.array_equal(np.array([row["1 - phi"] for row in rows], np.float32), recording.divergence[1][0])
    # The scale of φ is a bar with its decades.
    assert {"1 − φ", "10⁻⁶", "1"} <= set(texts(saved(opened, "neurons", "SVG", "As on screen")[1]))
    opened.locator("[data-part=values-phi]").click()
    _, svg = saved(opened, "histogram", "SVG", "One column")
    assert {"Histogram of φ at epoch 0", "φ", "neurons", "−0.5"} <= set(texts(svg))
    bins = list(csv.DictReader(saved(opened, "histogram", "Data")[1].decode().splitlines()))
    counts = np.histogram(np.array(recording.phi[1][0], np.float64), bins=50, range=(-1, 1))[0]
    assert [int(row["neurons"]) for row in bins] == counts.tolist()
    opened.locator("[data-part=values-velocity]").click()
    opened.get_by_role("button", name="Colour by State").click()
    assert opened.evaluate(STATE) == before
    assert opened.evaluate("() => window.schemes") == []


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
    # They are as wide as a sheet, whose head says what and where it is.
    sheet = page.locator("[data-part=overview]").bounding_box()
    assert page.evaluate(FITTED) and sheet and sheet["width"] < 680
    expect(page.locator(".paper-head")).to_contain_text(re.compile(f"recorded.*/runs/{run.id}.* · "))
    page.evaluate("() => window.dispatchEvent(new Event('afterprint'))")
    expect(root).to_have_attribute("data-mantine-color-scheme", "dark")
    page.wait_for_function(f"() => ({GROUND})()[0] < 60")
    expect(page.locator(".paper-head")).to_have_count(0)
    page.wait_for_function(FITTED)
    screen = page.locator("[data-part=overview]").bounding_box()
    assert screen and screen["width"] > 500


def test_dead_and_churning_neurons_are_marked_where_a_layer_has_any(opened: Page) -> None:
    note = opened.locator("[data-part=neurons-note]")
    expect(note).to_contain_text("epochs in which the layer had neurons that were dead (grey).")
    opened.locator("[data-part=neurons]").focus()
    opened.keyboard.press("ArrowLeft")
    expect(opened.locator(".tooltip:visible")).to_contain_text("in the layer: 2 dead")
    opened.get_by_role("combobox", name="Colour by").select_option("churning")
    box = opened.locator("[data-part=overview] canvas").bounding_box()
    assert box
    opened.mouse.move(box["x"] + 5, box["y"] + 5)
    expect(opened.locator(".tooltip:visible").first).to_contain_text("20.0 % churning")  # 1 of 5


def test_many_neurons_in_one_row_are_explained(opened: Page) -> None:
    opened.set_viewport_size({"width": 1440, "height": 1000})
    note = opened.locator("[data-part=neurons-note]")
    opened.evaluate("() => (document.querySelector('[data-part=neurons]').style.height = '140px')")
    expect(note).to_have_text(re.compile(r"1 row = \d+ neurons: colours are averaged; .*just thawed"))
