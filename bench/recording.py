"""What recording an epoch costs the thread that trains, beside other trackers that store histograms.

    python bench/recording.py [--network resnet32 | swin-b] [--rounds 60] [--rest 0.3]

All record the same epochs, in turns: ours to a server, with the server gone, and with one that answers after 5 s; wandb
(offline), trackio and TensorBoard, where they are installed (`uv pip install wandb trackio tensorboard`), each with two
histograms a layer, of velocity and φ, which is what they can hold of it; ours sends every neuron's values and masks.
Counted is what the training's thread does beyond `NEq.end_epoch`; between two turns it rests, as training would.
"""

import argparse
import importlib
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from pathlib import Path
from statistics import median, quantiles
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import torch

import neq
from bench.machine import machine
from bench.networks import NETWORKS, Watched
from bench.watched import move, training
from neq import Equilibrium
from tests.system import running

LIMITS = {"resnet32": 1.0, "swin-b": 6.0}
"""Milliseconds that were promised."""
NOBODY = "http://127.0.0.1:9"
LATE_SECONDS = 5.0

Tracker = Callable[[Equilibrium], None]
"""Records an epoch."""


def main() -> None:
    """Prints a line for each way to record."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--network", choices=LIMITS, default="resnet32")
    options.add_argument("--rounds", type=int, default=60)
    options.add_argument("--rest", type=float, default=0.3, help="seconds between two turns")
    asked = options.parse_args()
    torch.set_num_threads(1)
    layers = NETWORKS[asked.network]
    print(machine())
    print(f"{asked.network}: {sum(layer.neurons for layer in layers):,} neurons in {len(layers)} layers")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        trackers = {name: stack.enter_context(made) for name, made in _all(layers, Path(folder), stack).items()}
        times = _in_turns(trackers, layers, asked.rounds, asked.rest)
    _tell(times, LIMITS[asked.network])


def _tell(times: dict[str, list[float]], limit: float) -> None:
    for name, found in times.items():
        p95, n = quantiles(found, n=20)[-1], len(found)
        print(f"{name:24} median {median(found):8.3f} ms, p95 {p95:8.3f}, max {max(found):8.3f} (n = {n})")
    ours, peers = [[each for name, each in times.items() if name.startswith("neq") is mine] for mine in (True, False)]
    slowest = max(median(each) for each in ours)
    print(f"slowest of ours {slowest:.3f} ms, wanted at most {limit}: {'reached' if slowest <= limit else 'MISSED'}")
    if peers:
        ratio = min(median(each) for each in peers) / slowest
        print(f"fastest peer over it: {ratio:.1f}, wanted at least 5: {'reached' if ratio >= 5 else 'MISSED'}")


def _in_turns(trackers: dict[str, Tracker], layers: Watched, rounds: int, rest: float) -> dict[str, list[float]]:
    """Milliseconds by tracker; who is first changes from round to round, and the first two do not count."""
    model, optimizer, probe = training(layers)
    watch = neq.NEq(model, optimizer, probe, epsilon=1e-3)
    times: dict[str, list[float]] = {name: [] for name in trackers}
    order = list(trackers)
    for number in range(-2, rounds):
        move(model, optimizer)
        equilibrium = watch.end_epoch()
        order.append(order.pop(0))
        for name in order:
            began = time.perf_counter()
            trackers[name](equilibrium)
            if number >= 0:
                times[name].append((time.perf_counter() - began) * 1e3)
            time.sleep(rest)
    return times


# ------------------------------------------------------------ ours


def _all(layers: Watched, folder: Path, stack: ExitStack) -> dict[str, Any]:
    system = stack.enter_context(running(folder, worker=False))
    late = stack.enter_context(_late(system.port))
    peers = {"wandb": _wandb, "trackio": _trackio, "tensorboard": _tensorboard}
    return {
        "neq": _neq(layers, system.url, folder / "a"),
        "neq, server gone": _neq(layers, NOBODY, folder / "b"),
        "neq, answers after 5 s": _neq(layers, late, folder / "c"),
        **{f"{name} {version(name)}": make(folder) for name, make in peers.items() if _is_installed(name)},
    }


@contextmanager
def _neq(layers: Watched, url: str, folder: Path) -> Iterator[Tracker]:
    """The watch's own part of `end_epoch`, given what the epoch's end found."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", neq.NEqRecordingWarning)
        run = neq.init("bench", url=url, folder=folder, capture=False)
        watch = run.watch(*training(layers), epsilon=1e-3)
        recording, tell, numbers = run._recording, watch._tell, neq.recording.scalars.flattened
        assert recording is not None

        def record(equilibrium: Equilibrium) -> None:
            told = numbers({"loss": 0.5, "accuracy": 0.25})
            recording.guarded(recording.watches.begin_end)
            recording.guarded(lambda: tell(recording, equilibrium, told, 0.1))

        yield record
        run.finish()


@contextmanager
def _late(port: int) -> Iterator[str]:
    command = [sys.executable, "-m", "bench.slow_server", str(port), str(LATE_SECONDS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1]) as process:
        assert process.stdout
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.terminate()


# ------------------------------------------------------------ the others


def _is_installed(name: str) -> bool:
    found = importlib.util.find_spec(name) is not None
    if not found:
        print(f"{name} is not installed, and left out")
    return found


def _values(equilibrium: Equilibrium) -> Iterator[tuple[str, Any]]:
    """What is to be kept as histograms: velocity, from the second epoch on, and φ, by layer."""
    for name, layer in equilibrium.layers.items():
        if layer.velocity is not None:
            yield f"velocity/{name}", layer.velocity.numpy()
        yield f"phi/{name}", (1 - layer.divergence).numpy()


SCALARS = {"loss": 0.5, "accuracy": 0.25}


@contextmanager
def _wandb(folder: Path) -> Iterator[Tracker]:
    wandb: Any = importlib.import_module("wandb")
    run = wandb.init(mode="offline", dir=folder, project="bench", settings=wandb.Settings(silent=True, console="off"))

    def record(equilibrium: Equilibrium) -> None:
        run.log(SCALARS | {name: wandb.Histogram(values) for name, values in _values(equilibrium)})

    yield record
    run.finish()


@contextmanager
def _trackio(folder: Path) -> Iterator[Tracker]:
    os.environ["TRACKIO_DIR"] = str(folder / "trackio")
    trackio: Any = importlib.import_module("trackio")
    trackio.init(project="bench", embed=False)

    def record(equilibrium: Equilibrium) -> None:
        trackio.log(SCALARS | {name: trackio.Histogram(values) for name, values in _values(equilibrium)})

    yield record
    trackio.finish()


@contextmanager
def _tensorboard(folder: Path) -> Iterator[Tracker]:
    from torch.utils.tensorboard import SummaryWriter

    writer: Any = SummaryWriter(folder / "tensorboard")
    epochs = iter(range(1_000_000))

    def record(equilibrium: Equilibrium) -> None:
        epoch = next(epochs)
        for name, value in SCALARS.items():
            writer.add_scalar(name, value, epoch)
        for name, values in _values(equilibrium):
            writer.add_histogram(name, values, epoch)

    yield record
    writer.close()


if __name__ == "__main__":
    main()
