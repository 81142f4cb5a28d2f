"""A script that trains and is recorded: `python -m bench.script URL [--epochs 100] [--pause 1]`.

Prints `run ID`, waits for a line, then ends an epoch each `--pause` seconds, and prints `epoch NUMBER MILLISECONDS`
whenever `end_epoch` has returned. At the end `done`.
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
    options.add_argument("--epochs", type=int, default=100)
    options.add_argument("--pause", type=float, default=1.0)
    asked = options.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        run = neq.init("script", url=asked.url, folder=folder, capture=False, epochs=asked.epochs)
        model, optimizer, probe = training(NETWORKS[asked.network])
        watch = run.watch(model, optimizer, probe, epsilon=1e-3)
        print("run", run.id, flush=True)
        sys.stdin.readline()
        for epoch in range(asked.epochs):
            began = time.monotonic()
            move(model, optimizer)
            watch.end_epoch(loss=0.5, accuracy=0.25)
            print("epoch", epoch, time.time() * 1000, flush=True)
            time.sleep(max(0.0, began + asked.pause - time.monotonic()))
        run.finish()
    print("done", flush=True)


class Script:
    """The process, seen from a benchmark."""

    def __init__(self, process: "Popen[str]") -> None:
        assert process.stdout
        self._process = process
        self.run = process.stdout.readline().split()[1]

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


@contextmanager
def script(url: str, *, network: str = "resnet32", epochs: int = 100, pause: float = 1.0) -> Iterator[Script]:
    """A script in a process of its own, which has begun its run and waits for `go`."""
    told = {"--network": network, "--epochs": epochs, "--pause": pause}
    words = [str(word) for pair in told.items() for word in pair]
    with Popen([sys.executable, "-m", "bench.script", url, *words], stdin=PIPE, stdout=PIPE, text=True) as process:
        try:
            yield Script(process)
        finally:
            process.terminate()


if __name__ == "__main__":
    main()
