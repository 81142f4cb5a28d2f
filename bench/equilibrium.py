"""What `end_epoch()` costs beside plain forward passes over the probe set and beside an epoch of training.

    python bench/equilibrium.py [--threads 1] [--rounds 7] [--network resnet32|resnet18]

ResNet-32 on CIFAR-10's shape with 500 probe images, resnet18 at 224 px with 256; both ways of measuring, each in a
process of its own, rounds interleaved with plain passes. Memory is the process's peak during `end_epoch()` above what
it held before (Linux). The epoch of training is measured on some batches and scaled to the training set.
"""

import argparse
import multiprocessing
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from time import perf_counter

import torch
from machine import machine
from torch import Tensor, nn
from torch.optim import SGD
from torchvision.models import resnet18

from contract.config import ResNetCifar
from neq import NEq
from neq.options import MeasureMode
from trainer.models import DataShape, build_model


@dataclass(frozen=True)
class Case:
    """A network, its probe set and its training set."""

    make: Callable[[], nn.Module]
    pixels: int
    probe: int
    batch: int
    training_set: int
    steps: int


WAYS: tuple[MeasureMode, ...] = ("streaming", "cached")
CASES = {
    "resnet32": Case(lambda: build_model(ResNetCifar(), DataShape(3, 32, 10), seed=0), 32, 500, 100, 50_000, 10),
    "resnet18": Case(lambda: resnet18(), 224, 256, 32, 1_281_167, 2),
}


def images(count: int, pixels: int) -> Tensor:
    """Noise of the right shape."""
    return torch.randn(count, 3, pixels, pixels).contiguous(memory_format=torch.channels_last)


def timed(run: Callable[[], object]) -> float:
    """Seconds."""
    before = perf_counter()
    run()
    return perf_counter() - before


def resident(field: str) -> float:
    """MB of the process: VmRSS now, or VmHWM at its peak."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(field)).split()[1]) / 1000


def peak_above_now(run: Callable[[], object]) -> float:
    """MB that `run` took at its peak beyond what the process held before."""
    Path("/proc/self/clear_refs").write_text("5")  # forgets the former peak
    before = resident("VmRSS")
    run()
    return resident("VmHWM") - before


def measure(case: Case, way: MeasureMode, threads: int, rounds: int, answer: Connection) -> None:
    """Sends the figures of one way."""
    torch.manual_seed(0)
    torch.set_num_threads(threads)
    model = case.make().to(memory_format=torch.channels_last)
    optimizer = SGD(model.parameters(), lr=0.01, momentum=0.9)
    probe = images(case.probe, case.pixels).split(case.batch)
    held = resident("VmRSS")
    neq = NEq(model, optimizer, probe, measure=way)
    keeps = resident("VmRSS") - held

    def forward() -> None:
        model.eval()
        with torch.no_grad():
            for batch in probe:
                model(batch)
        model.train()

    forward()
    peak = peak_above_now(neq.end_epoch)
    pairs = [(timed(forward), timed(neq.end_epoch)) for _ in range(rounds)]
    model.train()
    inputs, targets = images(case.batch, case.pixels), torch.randint(10, (case.batch,))

    def step() -> None:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(inputs), targets).backward()
        optimizer.step()

    step()
    epoch = median(timed(step) for _ in range(case.steps)) * case.training_set / case.batch
    answer.send((pairs, keeps, peak, epoch))


def main() -> None:
    """Prints one line a network and way."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--threads", type=int, default=1)
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("--network", choices=list(CASES))
    given = arguments.parse_args()
    print(f"{machine()}, torch {torch.__version__}, {given.threads} threads")
    for name, case in CASES.items():
        for way in WAYS:
            if given.network not in (None, name):
                continue
            ours, theirs = multiprocessing.get_context("spawn").Pipe(duplex=False)
            process = multiprocessing.get_context("spawn").Process(
                target=measure_named, args=(name, way, given.threads, given.rounds, theirs)
            )
            process.start()
            pairs, keeps, peak, epoch = ours.recv()
            process.join()
            ratios = sorted(end / plain for plain, end in pairs)
            end = median(end for _, end in pairs)
            print(
                f"{name}, {case.probe} images of {case.pixels} px in batches of {case.batch}, {way}: "
                f"{median(ratios):.2f} plain passes ({ratios[0]:.2f}-{ratios[-1]:.2f}), {end:.2f} s, "
                f"{end / epoch:.1%} of an epoch of training; keeps {keeps:.0f} MB, peak {peak:.0f} MB more "
                f"(n = {len(pairs)})"
            )


def measure_named(name: str, way: MeasureMode, threads: int, rounds: int, answer: Connection) -> None:
    """`measure` for a case by its name, which can be sent to another process."""
    measure(CASES[name], way, threads, rounds, answer)


if __name__ == "__main__":
    main()
