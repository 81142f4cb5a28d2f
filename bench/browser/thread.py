"""What an epoch costs the page's main thread, with 62 small pictures in sight.

    python bench/browser/thread.py [--network resnet18-62] [--epochs 60] [--pause 0.3]

The window is so high that all small pictures are in sight. The processor time of the page's main thread, which the
kernel counts in nanoseconds, is read before and after each epoch; what the thread does when nothing happens is taken
off. Processor time, for other programs on the machine do not count. Beside it the browser's own clock, which does not
stop while others have the processor.
"""

import sys
import tempfile
from pathlib import Path
from statistics import median

from playwright.sync_api import CDPSession

sys.path.insert(0, str(Path(__file__).parents[2]))

from bench.browser.tabs import chromium, on_processor, opened, options, renderer, told, wait_for_cells
from bench.machine import machine
from bench.networks import NETWORKS
from bench.stored import Recorder
from bench.synthetic import finished_epochs, started
from db import Store
from tests.system import running

NAMES = ("TaskDuration", "ScriptDuration", "LayoutDuration", "RecalcStyleDuration")


def main() -> None:
    """Prints what an epoch takes, and of what kind it is."""
    parser = options(__doc__, network="resnet18-62", epochs=60)
    parser.add_argument("--pause", type=float, default=0.4, help="seconds between epochs")
    parser.add_argument("--stored", type=int, default=100, help="epochs that are there before")
    parser.add_argument("--height", type=int, default=3600, help="of the window")
    asked = parser.parse_args()
    print(machine())
    network = NETWORKS[asked.network]
    total = asked.stored + asked.epochs
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), worker=False) as system, chromium() as browser:
        store = Store.open(system.environment["NEQ_DATABASE_URL"])
        recorder = Recorder(store, total)
        recorder.say(started(network, total))
        made = finished_epochs(network, total)
        for _ in range(asked.stored):
            recorder.say(next(made))
        page, line = opened(browser, f"{system.url}/runs/{recorder.run.id}", height=asked.height)
        wait_for_cells(page, asked.stored - 1)
        page.wait_for_timeout(3000)
        seen = page.evaluate("() => neq.run.present().multiples.seen.size")
        line.send("Performance.enable")
        thread = renderer(browser.new_browser_cdp_session())
        idle = []
        for _ in range(10):
            before = on_processor(thread)
            page.wait_for_timeout(asked.pause * 1000)
            idle.append(on_processor(thread) - before)
        busy, kinds = [], {name: list[float]() for name in NAMES}
        for epoch in made:
            before, clock = on_processor(thread), spent(line)
            recorder.say(epoch)
            page.wait_for_timeout(asked.pause * 1000)
            busy.append(on_processor(thread) - before - median(idle))
            after = spent(line)
            for name in NAMES:
                kinds[name].append(1000 * (after[name] - clock[name]))
        store.close()
    print(f"main thread, an epoch of {asked.network}, {seen} small pictures in sight: {told(busy)} of processor time")
    parts = ", ".join(f"{name} {median(values):.1f}" for name, values in kinds.items())
    print(f"  by the browser's clock, medians in ms: {parts}; idle {median(idle):.1f} of processor time")


def spent(line: CDPSession) -> dict[str, float]:
    """Seconds, by kind."""
    return {each["name"]: each["value"] for each in line.send("Performance.getMetrics")["metrics"]}


if __name__ == "__main__":
    main()
