"""From the commit of an epoch to its column in a real browser: how long?

    python bench/live.py [--epochs 60] [--pause 0.5]

Starts the web process on a new store, opens a run's page in headless Chromium, and appends epochs as a worker does.
The clock starts when the commit has returned and stops at the first animation frame after the column was painted;
that the column holds pixels is checked. One machine, one clock.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.networks import RESNET32
from bench.stored import Recorder
from bench.synthetic import finished_epochs, started
from db import Store
from tests.chromium import FLAGS
from tests.setup_browser import find_chromium
from tests.system import System, running

WATCH = """() => {
  window.drawn = {};
  const append = neq.Heatmap.prototype.append;
  neq.Heatmap.prototype.append = function (epoch) {
    append.call(this, epoch);
    requestAnimationFrame(() => requestAnimationFrame(() => { window.drawn[epoch] = Date.now(); }));
  };
}"""

PIXELS = """() => {
  const canvas = document.querySelector("[data-part=neurons] canvas.picture-pixels");
  const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let filled = 0;
  for (let at = 3; at < data.length; at += 4) filled += data[at] > 0;
  return filled / (canvas.width * canvas.height);
}"""


def main() -> None:
    """Prints the delays' median, 95th percentile and extremes."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--epochs", type=int, default=60)
    options.add_argument("--pause", type=float, default=0.5, help="seconds between epochs")
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), worker=False) as system:
        delays = measure(system, asked.epochs, asked.pause)
    p95 = quantiles(delays, n=20)[-1]
    print(
        f"commit to pixels, 2,282 neurons in {len(RESNET32)} layers, {os.cpu_count()} cores: "
        f"median {median(delays):.0f} ms, p95 {p95:.0f} ms, min {min(delays):.0f}, max {max(delays):.0f} "
        f"(n = {len(delays)} epochs)"
    )


def measure(system: System, count: int, pause: float) -> list[float]:
    """Delays in ms, one an epoch."""
    store = Store.open(system.environment["NEQ_DATABASE_URL"])
    recorder = Recorder(store, count)
    recorder.say(started(RESNET32, count))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1440, "height": 1400})
        page.goto(f"{system.url}/runs/{recorder.run.id}")
        page.wait_for_selector("[data-part=neurons] canvas.picture-pixels")
        page.wait_for_timeout(2000)
        page.evaluate(WATCH)
        committed: dict[int, float] = {}
        for epoch in finished_epochs(RESNET32, count):
            recorder.say(epoch)
            committed[epoch.epoch] = time.time() * 1000
            page.wait_for_timeout(pause * 1000)
        delays = _delays(page, committed)
        browser.close()
    store.close()
    return delays


def _delays(page: Page, committed: dict[int, float]) -> list[float]:
    last = max(committed)
    page.wait_for_function(f"() => window.drawn[{last}]", timeout=10_000)
    drawn: dict[str, Any] = page.evaluate("() => window.drawn")
    assert len(drawn) == len(committed), "a column was not drawn by itself"
    assert page.evaluate(PIXELS) > 0.5, "the canvas is empty"
    return [drawn[str(epoch)] - moment for epoch, moment in committed.items()]


if __name__ == "__main__":
    main()
