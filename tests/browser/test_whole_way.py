"""The whole way: form → queue → worker → store → socket → pixels, and back by the stop button."""

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from tests.system import System

NEURONS = "[data-part=neurons]"
SLOW_RUN: dict[str, Any] = {
    "data": {"kind": "synthetic", "train_samples": 4000, "size": 20, "noise": 2.0},
    "model": {"kind": "cnn", "channels": [8, 16]},
    "training": {"epochs": 2000, "batch_size": 50},
    "schedule": {"kind": "constant"},
    "neq": {"epsilon": 0.02},
}

COLUMNS = """(selector) => {
  // Epochs whose column holds painted pixels, by the axes' own range.
  const host = document.querySelector(selector);
  const canvas = host.querySelector("canvas.picture-pixels");
  const plot = host.querySelector(".js-plotly-plot");
  if (!canvas || !plot || !plot._fullLayout || !canvas.width) return 0;
  const [from, to] = plot._fullLayout.xaxis.range;
  const row = canvas.getContext("2d").getImageData(0, Math.floor(canvas.height / 2), canvas.width, 1).data;
  let painted = 0;
  for (let epoch = Math.ceil(from); epoch < to; epoch += 1) {
    const x = Math.floor(((epoch - from) / (to - from)) * canvas.width);
    if (x >= 0 && x < canvas.width && row[4 * x + 3] > 0) painted += 1;
  }
  return painted;
}"""


def columns(page: Page, selector: str = NEURONS) -> int:
    """How many epochs are painted in a neuron picture, read back from its pixels."""
    counted: int = page.evaluate(COLUMNS, selector)
    return counted


def wait_for(page: Page, condition: Callable[[], bool], seconds: float = 40) -> None:
    """Until it holds; the page goes on meanwhile."""
    for _ in range(int(seconds * 10)):
        if condition():
            return
        page.wait_for_timeout(100)
    raise AssertionError("it never held")


def open_run(page: Page, system: System, run_id: str, epochs: int = 1) -> None:
    """Opens a run's page and waits until so many columns are there."""
    page.goto(f"{system.url}/runs/{run_id}")
    page.wait_for_selector(f"{NEURONS} canvas.picture-pixels")
    wait_for(page, lambda: columns(page) >= epochs)


def test_a_run_launched_from_the_form_draws_itself_and_stops(page: Page, system: System) -> None:
    page.goto(f"{system.url}/new")
    page.get_by_label("Name").fill("from the form")
    page.get_by_label("Epochs").fill("400")
    page.get_by_role("button", name="Launch run").click()
    page.wait_for_url(re.compile(r"/runs/[a-z0-9]{10}"))
    expect(page.get_by_role("heading", name="from the form")).to_be_visible()
    page.wait_for_selector(f"{NEURONS} canvas.picture-pixels")
    wait_for(page, lambda: columns(page) >= 1, 90)
    first = columns(page)
    wait_for(page, lambda: columns(page) >= first + 2, 90)

    page.locator("[data-part=stop]").click()
    page.get_by_role("dialog").get_by_role("button", name=re.compile("stop", re.IGNORECASE)).click()
    expect(page.locator("[data-part=state]")).to_contain_text("stopped", timeout=15_000)
    run_id = page.url.split("/runs/")[1].split("?")[0]
    assert system.ask("GET", f"/runs/{run_id}")["state"] == "stopped"


def test_a_reload_in_mid_run_loses_nothing(page: Page, system: System) -> None:
    run_id = system.ask("POST", "/runs", json=SLOW_RUN)["id"]
    open_run(page, system, run_id, epochs=3)
    page.reload()
    page.wait_for_selector(f"{NEURONS} canvas.picture-pixels")
    recorded = system.ask("GET", f"/runs/{run_id}")["epochs_done"]
    wait_for(page, lambda: columns(page) >= recorded)
    after = columns(page)
    wait_for(page, lambda: columns(page) >= after + 2)
    system.ask("POST", f"/runs/{run_id}/stop")


def test_the_page_says_that_the_server_is_gone_and_catches_up_when_it_returns(page: Page, system: System) -> None:
    run_id = system.ask("POST", "/runs", json=SLOW_RUN)["id"]
    open_run(page, system, run_id, epochs=2)
    system.stop_server()
    expect(page.locator("[data-part=notice]")).to_contain_text(re.compile("connection", re.IGNORECASE))
    seen = columns(page)
    page.wait_for_timeout(2000)
    assert columns(page) == seen

    system.start_server()
    expect(page.locator("[data-part=notice]")).to_be_hidden(timeout=30_000)
    done = system.ask("GET", f"/runs/{run_id}")["epochs_done"]
    assert done > seen, "the worker went on meanwhile"
    wait_for(page, lambda: columns(page) >= done)
    system.ask("POST", f"/runs/{run_id}/stop")


def test_zoom_and_layer_survive_new_epochs(page: Page, system: System) -> None:
    run_id = system.ask("POST", "/runs", json=SLOW_RUN)["id"]
    open_run(page, system, run_id, epochs=3)
    page.locator("[data-part=layer]").select_option(index=2)
    expect(page).to_have_url(re.compile(r"layer=2"))
    page.wait_for_selector(f"{NEURONS} canvas.picture-pixels")
    box = page.locator(f"{NEURONS} canvas.picture-pixels").bounding_box()
    assert box
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=5)
    page.mouse.up()
    ranges = (
        "() => { const l = document.querySelector('[data-part=neurons] .js-plotly-plot')._fullLayout;"
        " return [...l.xaxis.range, ...l.yaxis.range]; }"
    )
    page.wait_for_timeout(500)
    zoomed = page.evaluate(ranges)
    done = system.ask("GET", f"/runs/{run_id}")["epochs_done"]
    system.wait_until(run_id, lambda run: run["epochs_done"] >= done + 2)
    page.wait_for_timeout(500)
    assert page.evaluate(ranges) == zoomed
    assert page.locator("[data-part=layer]").evaluate("select => select.selectedIndex") == 2
    system.ask("POST", f"/runs/{run_id}/stop")
