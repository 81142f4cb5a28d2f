"""From the commit of an epoch to each of many viewers of its run: how long, and how much of the server's CPU?

    python bench/many_viewers.py [--viewers 500] [--epochs 60] [--pause 1]

One server process, one run of ResNet-32's size, viewers that have one layer open each. All of them come at once, as
after a server's restart, and the epochs begin when each has heard of the run. They are a process of their own
(`bench/viewers.py`), whose CPU time is told apart: what it takes to read a message is in the delays.

They do after an epoch what a page does on which nobody scrolled or clicked, as counted in Chromium: take three messages
of the socket (the events, the open layer's frame, the run), and ask for nothing. Pages once asked for the run's metrics
too wherever an epoch had scores, as most launched runs have; now the epoch itself tells how these stand.
"""

import argparse
import os
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

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
        found = measure(system, asked.viewers, asked.epochs, asked.pause)
    print(f"{asked.viewers} viewers, {asked.epochs} epochs: {told(found, asked.viewers, asked.epochs)}")


def told(found: "Measured", count: int, epochs: int) -> str:
    """What was found, in a line."""
    delays = sorted(found.delays)
    median, p99 = (delays[int(place * (len(delays) - 1))] for place in (0.5, 0.99))
    return (
        f"median {median:.0f} ms (at most {MEDIAN_MS}), p99 {p99:.0f} ms (at most {P99_MS}), max {delays[-1]:.0f} ms; "
        f"{count * epochs - len(delays)} missing; "
        f"server {1000 * found.server_cpu / epochs:.0f} ms of CPU for each epoch, "
        f"and {1000 * found.arrival_cpu:.0f} ms until all were there, in {found.arrival_seconds:.1f} s; "
        f"viewers {1000 * found.viewers_cpu / epochs:.0f} ms, with their start; load {os.getloadavg()[0]:.1f}"
    )


class Measured(NamedTuple):
    """What was found, in seconds but for the delays."""

    delays: list[float]
    """In ms, one for each viewer and epoch."""
    arrival_seconds: float
    """Until each viewer has heard of the run, with the start of their process."""
    arrival_cpu: float
    server_cpu: float
    """While the epochs came."""
    viewers_cpu: float


def measure(system: System, count: int, epochs: int, pause: float) -> Measured:
    """Lets so many viewers come, and records the epochs."""
    store = Store.open(system.environment["NEQ_DATABASE_URL"])
    recorder = Recorder(store, epochs)
    recorder.say(started(RESNET32, epochs))
    committed: dict[int, float] = {}
    idle, began, others = processor(system), time.monotonic(), _ended_children()
    with viewers(system.url, recorder.run.id, count, "3") as heard:
        arrived, before = time.monotonic() - began, processor(system)
        for epoch in finished_epochs(RESNET32, epochs):
            recorder.say(epoch)
            committed[epoch.epoch] = time.time()
            time.sleep(pause)
        after = processor(system)
        times = heard()
    store.close()
    delays = [1000 * (each - moment) for epoch, moment in committed.items() for each in times.get(epoch, [])]
    return Measured(delays, arrived, before - idle, after - before, _ended_children() - others)


def _ended_children() -> float:
    """Seconds of CPU that processes of this one have used that are over; the server is not yet."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
