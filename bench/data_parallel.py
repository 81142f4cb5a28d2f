"""A step of two processes that train together with the first 70 % of ResNet-20's layers frozen, over their dense step.

    python bench/data_parallel.py [--depth 20] [--share 0.7] [--batch 100] [--channels-last] [--rounds 15]

Each process has one thread and half of the batch; they exchange gradients over gloo. On one network, wrapped in
`neq.DistributedDataParallel`, dense steps and steps with frozen layers take turns; each turn freezes anew and makes a
step that does not count, in which the network is wrapped anew, and some that do. The same layers are frozen in a copy
that is wrapped in torch's own class, where NEq has to give zeros for them. Each round gives a ratio to the dense step
by the clock of the first process, which waits for the others, and by its training thread's own time, which other
programs disturb less.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median

import torch
import torch.distributed
from machine import machine
from pairs import Time, in_turns, keep_memory, ratios, reached, spread
from savings import sizes
from stepping import first_layers, step
from torch import nn
from torch.nn.parallel import DistributedDataParallel as TorchDistributedDataParallel
from torch.optim import SGD

import neq
from contract.config.models import ResNetCifar
from neq import NEq
from trainer.models.resnet_cifar import resnet_cifar
from trainer.models.shape import DataShape

PROCESSES = 2
MOST = 0.50
"""Of the dense step, that a step with 70 % of the layers frozen may take."""


class Trained:
    """ResNet for CIFAR-10 as one process trains it: its part of a batch, and what is frozen."""

    def __init__(self, wrap: Callable[[nn.Module], nn.Module], wanted: argparse.Namespace) -> None:
        torch.manual_seed(0)
        order = torch.channels_last if wanted.channels_last else torch.contiguous_format
        model = resnet_cifar(ResNetCifar(depth=wanted.depth), DataShape(3, 32, 10))
        self.model = wrap(model.to(memory_format=order))
        self.inputs = torch.randn(wanted.batch // PROCESSES, 3, 32, 32).to(memory_format=order)
        self.optimizer = SGD(self.model.parameters(), lr=1e-4, momentum=0.9)
        self.neq = NEq(self.model, self.optimizer, [self.inputs[:2]])
        self.masks = first_layers(sizes(self.neq), wanted.share)
        self.kinds: set[str] = set()
        self.step()

    def step(self) -> None:
        """One step of training."""
        step(self.model, self.optimizer, self.inputs)

    @contextmanager
    def arm(self, *, frozen: bool) -> Iterator[Callable[[], object]]:
        """A step, dense or with the layers frozen."""
        self.neq.freeze(self.masks if frozen else {})
        yield self.step
        if frozen:
            self.kinds = {plan.kind for plan in self.neq.plans().values()}


def process(rank: int, wanted: argparse.Namespace, meeting: str) -> None:
    """One of the processes; the first one prints."""
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=PROCESSES)
    mine, torchs = Trained(neq.DistributedDataParallel, wanted), Trained(TorchDistributedDataParallel, wanted)
    arms = [partial(mine.arm, frozen=False), partial(mine.arm, frozen=True), partial(torchs.arm, frozen=True)]
    times = in_turns(arms, wanted.rounds, calls=3)
    torch.distributed.barrier()
    if rank == 0:
        report(times, [mine.kinds, torchs.kinds])


def report(times: Sequence[Sequence[Time]], kinds: Sequence[set[str]]) -> None:
    """Prints milliseconds and ratios."""
    dense = times[0]
    print(f"  dense: {median(time.clock for time in dense):.1f} ms a step")
    for title, found, plans, most in zip(
        ("neq.DistributedDataParallel", "torch's own"), times[1:], kinds, (MOST, None), strict=True
    ):
        ratio, own = ratios(dense, found), ratios(dense, found, thread=True)
        limit = "" if most is None else f"  {reached(ratio, most=most)}"
        taken = median(time.clock for time in found)
        print(f"  frozen, {title} ({', '.join(sorted(plans))}): {taken:.1f} ms")
        print(f"    clock {spread(ratio)}, thread {spread(own)}{limit}")


def main() -> None:
    """Starts the processes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--depth", type=int, default=20)
    parser.add_argument("--share", type=float, default=0.7)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--rounds", type=int, default=15)
    wanted = parser.parse_args()
    print(machine())
    print(f"torch {torch.__version__}, ResNet-{wanted.depth}, batch {wanted.batch}, n = {wanted.rounds}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        meeting = str(Path(folder) / "meeting")
        torch.multiprocessing.start_processes(process, args=(wanted, meeting), nprocs=PROCESSES, start_method="spawn")


if __name__ == "__main__":
    keep_memory()
    main()
