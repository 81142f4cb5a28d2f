"""A tab that watches a run of 1,000 epochs: does its memory stay flat?

    python bench/browser/memory.py [--network resnet18-62] [--epochs 1000] [--pause 0.1]

The run is told live. Every tenth of it, after a garbage collection, the size of the scripts' heap and of their array
buffers is read, and the memory of the tab's whole process (private pages, from the kernel).
"""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import CDPSession

sys.path.insert(0, str(Path(__file__).parents[2]))

from bench.browser.tabs import chromium, opened, options, renderer, wait_for_cells
from bench.machine import machine
from bench.networks import NETWORKS
from bench.stored import Recorder
from bench.synthetic import finished_epochs, started
from db import Store
from tests.system import running


def main() -> None:
    """Prints a line every tenth of the run."""
    parser = options(__doc__, network="resnet18-62", epochs=1000)
    parser.add_argument("--pause", type=float, default=0.1, help="seconds between epochs")
    asked = parser.parse_args()
    print(machine())
    layers = NETWORKS[asked.network]
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), worker=False) as system, chromium() as browser:
        store = Store.open(system.environment["NEQ_DATABASE_URL"])
        recorder = Recorder(store, asked.epochs)
        recorder.say(started(layers, asked.epochs))
        made = finished_epochs(layers, asked.epochs)
        recorder.say(next(made))
        page, line = opened(browser, f"{system.url}/runs/{recorder.run.id}", height=3600)
        wait_for_cells(page)
        page.wait_for_timeout(2000)
        process = renderer(browser.new_browser_cdp_session())
        print(f"  epoch    0: {told(line, process)}", flush=True)
        for epoch in made:
            recorder.say(epoch)
            page.wait_for_timeout(asked.pause * 1000)
            if (epoch.epoch + 1) % (asked.epochs // 10) == 0:
                page.wait_for_function(f"() => neq.run.present().feed.done > {epoch.epoch}", timeout=60_000)
                page.wait_for_timeout(1500)
                print(f"  epoch {epoch.epoch:4}: {told(line, process)}", flush=True)
        store.close()


def told(line: CDPSession, process: int) -> str:
    """Megabytes of heap, of buffers, and of the whole process."""
    line.send("HeapProfiler.collectGarbage")
    heap = line.send("Runtime.getHeapUsage")
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    sizes = {name: int(rest.split()[0]) for name, _, rest in (each.partition(":") for each in lines[1:])}
    private = sizes["Private_Clean"] + sizes["Private_Dirty"]
    buffers = heap.get("backingStorageSize", 0) / 1e6
    return f"scripts' heap {heap['usedSize'] / 1e6:5.1f} MB, buffers {buffers:5.1f} MB, process {private / 1e3:6.1f} MB"


if __name__ == "__main__":
    main()
