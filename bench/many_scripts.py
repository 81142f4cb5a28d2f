"""What runs that scripts record cost the server, with people watching; and is every epoch in the store?

    python bench/many_scripts.py [--runs 16] [--epochs 60] [--pause 1] [--viewers 10]

All runs are told by one process, an epoch each every `--pause` seconds; the viewers are another's, and follow all
layers of the first run. The server's CPU time is the kernel's count; what it uses while nothing happens is in it.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.browser.cpu import processor
from bench.machine import machine
from bench.networks import NETWORKS
from bench.pairs import reached
from bench.script import script
from bench.viewers import viewers
from db import Store
from tests.system import System, running

MOST_OF_A_CORE = 0.25


def main() -> None:
    """Prints the fraction of a core, and what is missing."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--network", choices=NETWORKS, default="resnet32")
    options.add_argument("--runs", type=int, default=16)
    options.add_argument("--epochs", type=int, default=60)
    options.add_argument("--pause", type=float, default=1.0, help="seconds between a run's epochs")
    options.add_argument("--viewers", type=int, default=10)
    asked = options.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), worker=False) as system:
        fraction, seconds, missing = measure(system, asked)
    print(
        f"{asked.runs} runs of {asked.network}, an epoch each every {asked.pause:g} s, {asked.viewers} viewers, "
        f"{seconds:.0f} s: of a core {reached([fraction], most=MOST_OF_A_CORE)}; {missing} epochs missing"
    )


def measure(system: System, asked: argparse.Namespace) -> tuple[float, float, int]:
    """The server's CPU time over the clock's, the clock's seconds, and epochs that are not in the store."""
    told = {"network": asked.network, "runs": asked.runs, "epochs": asked.epochs, "pause": asked.pause}
    with script(system.url, **told) as recorded, viewers(system.url, recorded.runs[0], asked.viewers):
        time.sleep(1)
        before, began = processor(system), time.monotonic()
        recorded.go()
        recorded.returned()
        seconds = time.monotonic() - began
        spent = processor(system) - before
    store = Store.open(system.environment["NEQ_DATABASE_URL"])
    there = sum(len(store.epoch_seqs(run)) for run in recorded.runs)
    store.close()
    return spent / seconds, seconds, asked.runs * asked.epochs - there


if __name__ == "__main__":
    main()
