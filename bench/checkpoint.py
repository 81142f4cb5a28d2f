"""What a checkpoint costs: written after an epoch, and read to go on, for the demo's network and for ResNet-32.

    python bench/checkpoint.py [FOLDER]

The network is not trained between two writes: what is written has the size and the kinds of a trained run's (weights,
momentum, last epoch's network, random states), each write with its fsync of file and folder.
"""

import platform
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter
from typing import Any

import torch

from contract.config import RunConfig
from trainer.checkpoints import files
from trainer.checkpoints.train_state import TrainState
from trainer.engines.environment import Workplace
from trainer.training.components import build_components

WRITES = 30
SMALL_DATA: dict[str, Any] = {"kind": "synthetic", "channels": 3, "size": 32, "train_samples": 1000}
CASES: dict[str, dict[str, Any]] = {
    "the demo's network": {},
    "ResNet-32": {"model": {"kind": "resnet-cifar", "depth": 32}, "data": SMALL_DATA},
    "ResNet-32, Adam": {
        "model": {"kind": "resnet-cifar", "depth": 32},
        "data": SMALL_DATA,
        "optimizer": {"kind": "adam"},
    },
}


def main(folder: Path) -> None:
    """Prints two lines a network."""
    print(f"{platform.machine()}, Python {platform.python_version()}, torch {torch.__version__}, in {folder}")
    for title, described in CASES.items():
        config = RunConfig.model_validate(described | {"compute": {"device": "cpu"}})
        state = _stepped(config, folder)
        writing, size = _write(folder, config, state)
        print(f"{title}: write {_spread(writing)}; {size:,} bytes")
        print(f"{title}: read and restored {_spread(_read(folder, config, state))}")


def _stepped(config: RunConfig, folder: Path) -> TrainState:
    """The state of a run after one step and one measurement, so that the optimizer and NEq have all their memory."""
    components = build_components(config, Workplace(folder, "cpu", torch.get_num_threads()), torch.device("cpu"))
    inputs, targets = next(iter(components.data.training_batches(50, components.random)))
    components.train_step.begin_epoch(0)
    components.train_step(inputs, targets, batch=0, batches=1)
    for _ in range(2):
        components.neq.end_epoch()
    return components.state()


def _write(folder: Path, config: RunConfig, state: TrainState) -> tuple[list[float], int]:
    seconds, size = [], 0
    for epoch in range(WRITES):
        before = perf_counter()
        content = state.state_dict(config) | {"epoch": epoch}
        _, size = files.write(folder, "bench", epoch, content)
        seconds.append(perf_counter() - before)
    return seconds, size


def _read(folder: Path, config: RunConfig, state: TrainState) -> list[float]:
    seconds = []
    for path in sorted((folder / "bench").glob("*.pt")):
        before = perf_counter()
        state.load_state_dict(files.read(folder, f"bench/{path.name}"), config)
        seconds.append(perf_counter() - before)
        path.unlink()
    return seconds


def _spread(seconds: list[float]) -> str:
    p95 = quantiles(seconds, n=20)[-1]
    low, high = 1e3 * min(seconds), 1e3 * max(seconds)
    middle = f"median {1e3 * median(seconds):.1f} ms, p95 {1e3 * p95:.1f} ms"
    return f"{middle}, {low:.1f}–{high:.1f} ms (n = {len(seconds)})"


@contextmanager
def _folder(given: list[str]) -> Iterator[Path]:
    if given:
        yield Path(given[0])
    else:
        with tempfile.TemporaryDirectory() as made:
            yield Path(made)


if __name__ == "__main__":
    with _folder(sys.argv[1:]) as place:
        main(place)
