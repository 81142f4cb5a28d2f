"""What runs that scripts record cost the server, with people watching; and is every epoch in the store?

    python bench/many_scripts.py [--runs 16] [--epochs 60] [--pause 1] [--viewers 10]

All runs are told by one process (`bench/retold.py`), an epoch each every `--pause` seconds; the viewers are another's,
and follow all layers of the first run. The server's CPU time is the kernel's count, with what it uses while idle.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.browser.cpu import processor
from bench.machine import machine
from bench.networks import NETWORKS
from bench.pairs import reached
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
        fraction, pace, missing = measure(system, asked)
    print(
        f"{asked.runs} runs of {asked.network}, {asked.viewers} viewers, {pace:.1f} epochs a second: "
        f"of a core {reached([fraction], most=MOST_OF_A_CORE)}; {missing} epochs missing"
    )


def measure(system: System, asked: argparse.Namespace) -> tuple[float, float, int]:
    """The server's CPU time over the clock's, epochs a second, and epochs that are not in the store."""
    with told(system.url, asked) as process:
        assert process.stdin and process.stdout
        runs = [process.stdout.readline().split()[1] for _ in range(asked.runs)]
        with viewers(system.url, runs[0], asked.viewers):
            time.sleep(1)
            before, began = processor(system), time.monotonic()
            print(file=process.stdin, flush=True)
            pace = float(process.stdout.readline().split()[1])
            fraction = (processor(system) - before) / (time.monotonic() - began)
    store = Store.open(system.environment["NEQ_DATABASE_URL"])
    there = sum(len(store.epoch_seqs(run)) for run in runs)
    store.close()
    return fraction, pace, asked.runs * asked.epochs - there


@contextmanager
def told(url: str, asked: argparse.Namespace) -> "Iterator[subprocess.Popen[str]]":
    """The process that tells the runs."""
    words = [
        str(word) for name in ("network", "runs", "epochs", "pause") for word in (f"--{name}", getattr(asked, name))
    ]
    command = [sys.executable, "-m", "bench.retold", url, *words]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.terminate()


if __name__ == "__main__":
    main()
