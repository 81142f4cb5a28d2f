"""From the commit of an epoch to its pixels in a real browser, with others watching.

    python bench/browser/pixels.py [--network resnet18-62] [--viewers 50] [--epochs 100] [--pause 0.5]
    python bench/browser/pixels.py --network swin-b --viewers 1 --all

One of the viewers is a page in Chromium, the others are sockets in a process of their own that follow all layers. The
clock starts when the commit has returned, and stops at the first animation frame after the one in which the open
layer's canvas was found to hold a pixel of the epoch. One machine, one clock. `--all`: the page's socket is sent every
layer, and every layer's small picture is kept up to date, as if all were in sight.
"""

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from bench.browser.tabs import chromium, opened, options, told, wait_for_cells
from bench.machine import machine
from bench.networks import NETWORKS
from bench.stored import Recorder
from bench.synthetic import finished_epochs, started
from bench.viewers import viewers
from db import Store
from tests.system import System, running

WATCH = """() => {
  window.times = {};
  let next = 1;
  const look = () => {
    while (window.neqDrawn(next)) {
      const epoch = next;
      next += 1;
      requestAnimationFrame(() => { window.times[epoch] = Date.now(); });
    }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}"""

ALL = """() => {
  const {feed} = neq.run.present();
  const every = feed.layers.map((layer) => layer.index);
  feed.small.show(every);
  feed.small.show = () => {};
}"""


def main() -> None:
    """Prints the delays."""
    parser = options(__doc__, network="resnet18-62", epochs=100)
    parser.add_argument("--viewers", type=int, default=50, help="the page among them")
    parser.add_argument("--pause", type=float, default=0.5, help="seconds between epochs")
    parser.add_argument("--all", action="store_true", help="the page follows every layer")
    asked = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), worker=False) as system:
        delays = measure(system, asked.network, asked.viewers, asked.epochs, asked.pause, every=asked.all)
    neurons = sum(layer.neurons for layer in NETWORKS[asked.network])
    what = f"{asked.network}, {neurons:,} neurons, {asked.viewers} viewers{', all layers' if asked.all else ''}"
    print(f"commit to pixels, {what}: {told(delays)}")


def measure(system: System, name: str, count: int, epochs: int, pause: float, *, every: bool) -> list[float]:
    """Delays in ms, one an epoch but for the first, with which the page begins."""
    store = Store.open(system.environment["NEQ_DATABASE_URL"])
    recorder = Recorder(store, epochs + 1)
    recorder.say(started(NETWORKS[name], epochs + 1))
    made = finished_epochs(NETWORKS[name], epochs + 1)
    recorder.say(next(made))
    committed: dict[int, float] = {}
    with chromium() as browser, viewers(system.url, recorder.run.id, count - 1):
        page, _ = opened(browser, f"{system.url}/runs/{recorder.run.id}")
        wait_for_cells(page)
        if every:
            page.evaluate(ALL)
        page.wait_for_timeout(2000)
        page.evaluate(WATCH)
        for epoch in made:
            began = time.monotonic()
            recorder.say(epoch)
            committed[epoch.epoch] = time.time() * 1000
            page.wait_for_timeout(max(0.0, pause - (time.monotonic() - began)) * 1000)
        page.wait_for_function(f"() => window.times[{epochs}]", timeout=20_000)
        drawn = page.evaluate("() => window.times")
    store.close()
    return [drawn[str(epoch)] - moment for epoch, moment in committed.items()]


if __name__ == "__main__":
    main()
