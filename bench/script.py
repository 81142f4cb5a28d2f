"""Scripts that train and are recorded: `python -m bench.script URL [--runs 1] [--epochs 100] [--pause 1]`.

Prints `run ID` for each, waits for a line, then ends an epoch of every run each `--pause` seconds, one run after the
other, and prints `epoch NUMBER MILLISECONDS` whenever `end_epoch` of the first run has returned. At the end `done`.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import PIPE, Popen

import torch

import neq
from bench.networks import NETWORKS
from bench.watched import move, training


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("url")
    options.add_argument("--network", choices=NETWORKS, default="resnet32")
    options.add_argument("--runs", type=int, default=1)
    options.add_argument("--epochs", type=int, default=100)
    options.add_argument("--pause", type=float, default=1.0)
    asked = options.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        runs = [
            neq.init(f"script {place}", url=asked.url, folder=folder, capture=False, epochs=asked.epochs)
            for place in range(asked.runs)
        ]
        trainings = [training(NETWORKS[asked.network]) for _ in runs]
        watches = [run.watch(*each, epsilon=1e-3) for run, each in zip(runs, trainings, strict=True)]
        for run in runs:
            print("run", run.id, flush=True)
        sys.stdin.readline()
        for epoch in range(asked.epochs):
            began = time.monotonic()
            for place, (watch, (model, optimizer, _)) in enumerate(zip(watches, trainings, strict=True)):
                move(model, optimizer)
                watch.end_epoch(loss=0.5, accuracy=0.25)
                if place == 0:
                    print("epoch", epoch, time.time() * 1000, flush=True)
                until = began + asked.pause * (place + 1) / asked.runs
                time.sleep(max(0.0, until - time.monotonic()))
        for run in runs:
            run.finish()
    print("done", flush=True)


class Script:
    """The process, seen from a benchmark."""

    def __init__(self, process: "Popen[str]", runs: int) -> None:
        self._process = process
        self.runs = [self._line("run")[0] for _ in range(runs)]

    def go(self) -> None:
        """Lets it train."""
        assert self._process.stdin
        print(file=self._process.stdin, flush=True)

    def returned(self) -> dict[int, float]:
        """When `end_epoch` of each epoch returned, in ms since 1970; waits for the end."""
        assert self._process.stdout
        words = [line.split() for line in self._process.stdout]
        assert words[-1] == ["done"], words
        return {int(epoch): float(moment) for _, epoch, moment in words[:-1]}

    def _line(self, head: str) -> list[str]:
        assert self._process.stdout
        found, *words = self._process.stdout.readline().split()
        assert found == head, found
        return words


@contextmanager
def script(
    url: str, *, network: str = "resnet32", runs: int = 1, epochs: int = 100, pause: float = 1.0
) -> Iterator[Script]:
    """Scripts in a process of their own, which have begun their runs and wait for `go`."""
    told = {"--network": network, "--runs": runs, "--epochs": epochs, "--pause": pause}
    words = [str(word) for pair in told.items() for word in pair]
    with Popen([sys.executable, "-m", "bench.script", url, *words], stdin=PIPE, stdout=PIPE, text=True) as process:
        try:
            yield Script(process, runs)
        finally:
            process.terminate()


if __name__ == "__main__":
    main()
