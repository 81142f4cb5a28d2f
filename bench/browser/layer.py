"""A layer of 4,096 neurons × 300 epochs: opened, coloured and ordered otherwise, and its cursor moved.

    python bench/browser/layer.py [--neurons 4096] [--epochs 300] [--times 20]

The clock starts before what a reader does (a call of the same function that the control calls) and stops at the
animation frame after the one in which the canvas shows something else; for opening, in which its whole width is
painted. The cursor's line is an element: there it stops at the frame after the one in which that has moved. Beside it
the processor time of the page's main thread, which does not count what else runs on the machine (nor the two frames).
"""

import argparse
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page

sys.path.insert(0, str(Path(__file__).parents[2]))

from bench.browser.tabs import chromium, on_processor, opened, renderer, told, wait_for_cells
from bench.machine import machine
from bench.networks import plain
from bench.stored import Recorder
from bench.synthetic import stream
from db import Store
from tests.system import running

TIMED = """async ([act, last]) => {
  const ORDERS = ["first", "flips", "v", "index"];
  const page = neq.run.present();
  const canvas = page.card.main.picture.canvas;
  const frame = () => new Promise(requestAnimationFrame);
  const look = () => {
    const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let sum = 0;
    for (let at = 0; at < data.length; at += 64) sum = (sum * 31 + data[at] + data[at + 1] * 7 + data[at + 2] * 13) | 0;
    return sum;
  };
  const place = () => [...document.querySelectorAll(".epoch-cursor, .multiple-cursor, .cursor-words, .picture-cursor")]
    .map((each) => each.style.cssText + each.textContent + each.getBoundingClientRect().x).join();
  await frame(); await frame();
  const before = act === "cursor" ? place() : look();
  const began = performance.now();
  ({
    colour: () => page.card.colourBy(["speed", "state"][window.turn = 1 - (window.turn ?? 1)]),
    phi: () => page.card.colourBy("phi"),
    order: () => page.card.orderBy(ORDERS[window.turned = ((window.turned ?? -1) + 1) % 4]),
    cursor: () => page.cursor.by(-1),
    open: () => page.open(page.index ? 0 : 1),
  })[act]();
  const changed = () => act === "cursor" ? place() !== before
    : act === "open" ? window.neqDrawn(last) && window.neqDrawn(0) && look() !== before : look() !== before;
  while (!changed()) {
    if (performance.now() - began > 20000) throw new Error(`${act} changed nothing`);
    await frame();
  }
  await frame();
  return performance.now() - began;
}"""


def main() -> None:
    """Prints a line for each thing that a reader does."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--neurons", type=int, default=4096)
    parser.add_argument("--epochs", type=int, default=300)
    parser.add_argument("--times", type=int, default=20)
    asked = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), worker=False) as system, chromium() as browser:
        store = Store.open(system.environment["NEQ_DATABASE_URL"])
        network = plain((asked.neurons, asked.neurons))
        run_id = Recorder(store, asked.epochs).say_all(stream(network, asked.epochs))
        store.close()
        page, _ = opened(browser, f"{system.url}/runs/{run_id}?layer=1")
        wait_for_cells(page, asked.epochs - 1)
        page.wait_for_timeout(2000)
        thread = renderer(browser.new_browser_cdp_session())
        print(f"a layer of {asked.neurons:,} neurons × {asked.epochs} epochs")
        for act, words in (
            ("open", "opened (the server's first time among them)"),
            ("colour", "coloured by |v| or by state"),
            ("order", "ordered otherwise"),
            ("cursor", "cursor moved"),
        ):
            clock, processor = timed(page, thread, act, asked.epochs - 1, asked.times)
            print(f"  {words}: {told(clock)}; main thread's processor time {told(processor)}", flush=True)


def timed(page: Page, thread: int, act: str, last: int, times: int) -> tuple[list[float], list[float]]:
    """Milliseconds by the clock and of processor time, one a time."""
    clock, processor = [], []
    for _ in range(times):
        before = on_processor(thread)
        clock.append(page.evaluate(TIMED, [act, last]))
        processor.append(on_processor(thread) - before)
        page.wait_for_timeout(300)
    return clock, processor


if __name__ == "__main__":
    main()
