"""A metric of a million points on a run's page: how long until its chart is drawn, and in how many bytes?

    python bench/browser/metric.py [--points 1000000] [--rounds 5]

The points are recorded as a script's recorder tells them. Timed from the page's first byte asked for to the frame after
the chart has its line; then two zooms, a tenth of a tenth of the axis, until its own points are there.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
from playwright.sync_api import Page, Response

from bench.browser.tabs import chromium, opened, told
from bench.machine import machine
from db import Store
from tests.pictures.script_recording import ScriptRecording
from tests.system import running

A_CALL = 10_000
BOX = "[data-metric='loss']"
DRAWN = f"""() => new Promise((done) => {{
  const look = () => {{
    const label = document.querySelector("{BOX} canvas.chart-lines")?.getAttribute("aria-label") ?? "";
    const note = document.querySelector("{BOX} .picture-note")?.textContent ?? "";
    if (label.includes("point") && note.includes("thinned")) requestAnimationFrame(() => done(true));
    else requestAnimationFrame(look);
  }};
  look();
}})"""


def main() -> None:
    """Prints the times."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--points", type=int, default=1_000_000)
    options.add_argument("--rounds", type=int, default=5)
    asked = options.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), worker=False) as system:
        store = Store.open(system.environment["NEQ_DATABASE_URL"])
        run = recorded(store, asked.points)
        store.close()
        rounds = [measure(f"{system.url}/runs/{run}") for _ in range(asked.rounds)]
    opening, zooming, size = zip(*rounds, strict=True)
    print(f"{asked.points:,} points, page to chart: {told(list(opening))}; its answer {max(size) / 1e3:.0f} kB")
    print(f"zoom to a hundredth to its own points: {told(list(zooming))}")


def recorded(store: Store, points: int) -> str:
    """A run with such a metric."""
    script = ScriptRecording(store, "amillion01")
    values = np.cumsum(np.random.default_rng(0).normal(size=points)) / 100
    for first in range(0, points, A_CALL):
        script.log("loss", values[first : first + A_CALL].tolist(), first=first)
    script.finish()
    return script.id


def measure(url: str) -> tuple[float, float, int]:
    """Milliseconds to the chart, and from a zoom to its points; bytes of the points' answer."""
    sizes: list[int] = []

    def heard(response: Response) -> None:
        if "/metrics/points" in response.url:
            sizes.append(int(response.headers.get("content-length", 0)))

    with chromium() as browser:
        page, _ = opened(browser, "about:blank", height=1600)
        page.on("response", heard)
        began = time.monotonic()
        page.goto(url)
        page.locator(BOX).scroll_into_view_if_needed()
        page.evaluate(DRAWN)
        opening = time.monotonic() - began
        page.wait_for_timeout(1000)
        zooming = _zoom(page)
    return opening * 1000, zooming * 1000, sizes[0]


def _zoom(page: Page) -> float:
    box = page.locator(f"{BOX} .nsewdrag").first.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    began = time.monotonic()
    for _ in range(2):  # a tenth of a tenth
        page.mouse.move(box["x"] + 0.45 * box["width"], middle)
        page.mouse.down()
        page.mouse.move(box["x"] + 0.55 * box["width"], middle, steps=3)
        with page.expect_response(lambda response: "start=" in response.url):
            page.mouse.up()
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return time.monotonic() - began


if __name__ == "__main__":
    main()
