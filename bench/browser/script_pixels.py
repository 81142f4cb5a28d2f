"""From the return of `end_epoch` in a script to the epoch's pixels in a real browser.

    python bench/browser/script_pixels.py [--network resnet32] [--epochs 100] [--pause 0.5]

The script, the server and the browser are three processes. The clock starts when `end_epoch` has returned to the
script, and stops at the first animation frame after the one in which the open layer's canvas was found to hold a pixel
of the epoch. One machine, one clock.
"""

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from bench.browser.pixels import WATCH
from bench.browser.tabs import chromium, opened, options, told, wait_for_cells
from bench.machine import machine
from bench.networks import NETWORKS
from bench.script import script
from tests.system import running

SETTLING = 20
"""Epochs that pass while the page loads, and do not count."""


def main() -> None:
    """Prints the delays."""
    parser = options(__doc__, network="resnet32", epochs=100)
    parser.add_argument("--pause", type=float, default=0.5, help="seconds between epochs")
    asked = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), worker=False) as system:
        delays = measure(system.url, asked.network, asked.epochs, asked.pause)
    neurons = sum(layer.neurons for layer in NETWORKS[asked.network])
    print(f"end_epoch returned to pixels, {asked.network}, {neurons:,} neurons: {told(delays)}")


def measure(url: str, network: str, epochs: int, pause: float) -> list[float]:
    """Delays in ms, one an epoch."""
    last = epochs + SETTLING - 1
    with chromium() as browser, script(url, network=network, epochs=last + 1, pause=pause) as recorded:
        recorded.go()
        page, _ = opened(browser, f"{url}/runs/{recorded.run}")
        wait_for_cells(page)
        page.evaluate(WATCH)
        page.wait_for_function(f"() => window.times[{last}]", timeout=(epochs * pause + 60) * 1000)
        drawn = page.evaluate("() => window.times")
        returned = recorded.returned()
    return [drawn[str(epoch)] - moment for epoch, moment in returned.items() if epoch > last - epochs]


if __name__ == "__main__":
    main()
