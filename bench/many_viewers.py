"""From the commit of an epoch to each of many viewers of its run: how long, and how much of the server's CPU?

    python bench/many_viewers.py [--viewers 500] [--epochs 60] [--pause 1]

One server process, one run of ResNet-32's size, viewers that have one layer open each. They are a process of their own
(`bench/viewers.py`), whose CPU time is told apart: what it takes to read a message is in the delays.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.machine import machine
from bench.many_scripts import processor
from bench.networks import RESNET32
from bench.stored import Recorder
from bench.synthetic import finished_epochs, started
from bench.viewers import viewers
from db import Store
from tests.system import System, running

MEDIAN_MS, P99_MS = 150, 1_000


def main() -> None:
    """Prints delays against their limits, the server's CPU for each epoch, and what is missing."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--viewers", type=int, default=500)
    options.add_argument("--epochs", type=int, default=60)
    options.add_argument("--pause", type=float, default=1.0, help="seconds between epochs")
    asked = options.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), worker=False) as system:
        delays, seconds = measure(system, asked.viewers, asked.epochs, asked.pause)
    missing = asked.viewers * asked.epochs - len(delays)
    delays.sort()
    median, p99 = (delays[int(place * (len(delays) - 1))] for place in (0.5, 0.99))
    print(
        f"{asked.viewers} viewers, {asked.epochs} epochs: median {median:.0f} ms (at most {MEDIAN_MS}), "
        f"p99 {p99:.0f} ms (at most {P99_MS}), max {delays[-1]:.0f} ms; {missing} missing; "
        f"server {1000 * seconds / asked.epochs:.0f} ms of CPU for each epoch; load {os.getloadavg()[0]:.1f}"
    )


def measure(system: System, count: int, epochs: int, pause: float) -> tuple[list[float], float]:
    """Delays in ms, one for each viewer and epoch, and the server's seconds of CPU."""
    store = Store.open(system.environment["NEQ_DATABASE_URL"])
    recorder = Recorder(store, epochs)
    recorder.say(started(RESNET32, epochs))
    committed: dict[int, float] = {}
    with viewers(system.url, recorder.run.id, count, "3") as heard:
        before = processor(system)
        for epoch in finished_epochs(RESNET32, epochs):
            recorder.say(epoch)
            committed[epoch.epoch] = time.time()
            time.sleep(pause)
        seconds = processor(system) - before
        told = heard()
    store.close()
    return [1000 * (each - moment) for epoch, moment in committed.items() for each in told.get(epoch, [])], seconds


if __name__ == "__main__":
    main()
