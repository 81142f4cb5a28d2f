"""What an epoch costs the server, with one viewer and with fifty.

    python bench/browser/cpu.py [--network resnet18-62] [--epochs 60] [--pause 0.2]

A worker appends epochs; viewers in a process of their own follow all layers. The processor time of the web process is
read from the kernel before and after; what it uses while nothing happens is measured first and taken off.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from bench.machine import machine
from bench.networks import NETWORKS
from bench.stored import Recorder
from bench.synthetic import finished_epochs, started
from bench.viewers import viewers
from db import Store
from tests.system import System, running

TICK = os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Prints a line for each number of viewers."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--network", choices=NETWORKS, default="resnet18-62")
    options.add_argument("--epochs", type=int, default=60)
    options.add_argument("--pause", type=float, default=0.2)
    options.add_argument("--viewers", type=int, nargs="+", default=[1, 50])
    asked = options.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), worker=False) as system:
        for count in asked.viewers:
            cost = measure(system, asked.network, count, asked.epochs, asked.pause)
            print(
                f"{asked.network}, {count:3} viewers: {cost:.1f} ms of the server's CPU an epoch (n = {asked.epochs})"
            )


def measure(system: System, name: str, count: int, epochs: int, pause: float) -> float:
    """Milliseconds an epoch."""
    store = Store.open(system.environment["NEQ_DATABASE_URL"])
    recorder = Recorder(store, epochs)
    recorder.say(started(NETWORKS[name], epochs))
    made = list(finished_epochs(NETWORKS[name], epochs))
    with viewers(system.url, recorder.run.id, count):
        time.sleep(1)
        idle = _spent(system, lambda: time.sleep(pause * epochs))

        def work() -> None:
            for epoch in made:
                recorder.say(epoch)
                time.sleep(pause)

        busy = _spent(system, work)
    store.close()
    return 1000 * (busy - idle) / epochs


def _spent(system: System, work: object) -> float:
    """Seconds of processor time that the web process used meanwhile."""
    before = processor(system)
    work()  # type: ignore[operator]
    return processor(system) - before


def processor(system: System) -> float:
    """Seconds of CPU time that the web process has used."""
    assert system.server
    fields = Path(f"/proc/{system.server.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


if __name__ == "__main__":
    main()
