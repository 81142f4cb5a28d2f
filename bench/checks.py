"""What the checks of one `end_epoch` cost beside an epoch of training: ResNet-32 on images of CIFAR-10's size.

Each round ends an epoch with the checks and one without, in turns, after the same steps; the difference of the
processor times is what they cost. An epoch is 500 steps of 100 images, of which a few are timed. The start's check is
left out.

    python bench/checks.py [--rounds 15] [--probe 50] [--threads 1]
"""

import argparse
import statistics
import time

import torch
from torch import nn
from torch.optim import SGD

from contract.config import ResNetCifar
from neq import NEq
from neq.checks import CheckMode
from trainer.models.resnet_cifar import resnet_cifar
from trainer.models.shape import DataShape

STEPS = 500


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--probe", type=int, default=50)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    ends: dict[CheckMode, list[float]] = {"raise": [], "off": []}
    hooks: dict[CheckMode, list[float]] = {"raise": [], "off": []}
    probe = [torch.randn(arguments.probe, 3, 32, 32)]
    trainings = {mode: Training(probe, mode) for mode in ends}
    steps: list[float] = []
    for number in range(arguments.rounds):
        for mode in sorted(ends, reverse=bool(number % 2)):
            training = trainings[mode]
            steps += [timed(training.step) for _ in range(2)]
            ends[mode].append(timed(training.neq.end_epoch))
            training.freeze_half()
            hooks[mode].append(timed(training.looks))
    report(ends, hooks, steps, arguments)


class Training:
    """A network, its optimizer and an NEq."""

    def __init__(self, probe: list[torch.Tensor], mode: CheckMode) -> None:
        torch.manual_seed(0)
        self.model = resnet_cifar(ResNetCifar(depth=32), DataShape(3, 32, 10, 32))
        self.optimizer = SGD(self.model.parameters(), lr=1e-3, momentum=0.9, weight_decay=5e-4)
        self.neq = NEq(self.model, self.optimizer, probe, select="none", checks=mode)
        self.images, self.labels = torch.randn(100, 3, 32, 32), torch.randint(0, 10, (100,))

    def step(self) -> None:
        self.optimizer.zero_grad()
        nn.functional.cross_entropy(self.model(self.images), self.labels).backward()
        self.optimizer.step()

    def freeze_half(self) -> None:
        self.neq.freeze({layer.name: torch.arange(layer.neurons) % 2 == 0 for layer in self.neq.layers})

    def looks(self) -> None:
        """What is done before each step: the frozen rows are looked at."""
        self.neq._freezer._before_step(self.optimizer, True)


def timed(work: object) -> float:
    """Processor seconds of this process."""
    start = time.process_time()
    work()  # type: ignore[operator]
    return time.process_time() - start


def report(
    ends: dict[CheckMode, list[float]],
    hooks: dict[CheckMode, list[float]],
    steps: list[float],
    arguments: argparse.Namespace,
) -> None:
    """Writes the figures, with n and spread."""
    epoch = statistics.median(steps) * STEPS
    differences = [one - other for one, other in zip(ends["raise"], ends["off"], strict=True)]
    low, middle, high = statistics.quantiles(differences, n=4)
    looks = statistics.median(hooks["raise"])
    print(f"torch {torch.__version__}, {arguments.threads} thread(s), probe set of {arguments.probe} images")
    print(
        f"an epoch's 500 steps: {epoch:.1f} s (median of {len(steps)} steps, {statistics.median(steps) * 1e3:.0f} ms)"
    )
    print(
        f"checks of one end_epoch: {middle * 1e3:.1f} ms (median of n = {len(differences)} pairs, quartiles "
        f"{low * 1e3:.1f} to {high * 1e3:.1f}), {100 * middle / epoch:.4f} % of the epoch"
    )
    print(
        f"looking at half of the rows before a step: {looks * 1e3:.2f} ms (n = {len(hooks['raise'])}), "
        f"{100 * looks / statistics.median(steps):.2f} % of a step"
    )


if __name__ == "__main__":
    main()
