"""How long a whole run takes with frozen neurons, over the same run without: steps of some epochs, measured.

    python bench/whole_run.py --optimizer sgd --rule equilibrium [--epochs 0 108 ...] [--rounds 5] [--keep FILE]
    python bench/whole_run.py --file RUN.neq --rule prefix

ResNet-32 on CIFAR-10's shape, 500 steps an epoch of batch 100, as the product trains it (channels last, fused
optimizer). Which neurons stand still in an epoch comes from a run file (`neq export`), or from the published share of
each epoch (250 epochs), drawn at random: the published curves do not say which neurons, and random ones save least.
Rule `prefix` freezes, from the input on, whole layers of which 80 % would be frozen, and the rest as they were.

In each sampled epoch plain and saving steps take turns; between sampled epochs the ratio is interpolated. To it come,
at every epoch's end, φ on 50 probe images and the first step after new masks, where plans are made. Beside it: the
ceiling, were time counted in operations (3 / (3 − f − p)), and stopping early. `--keep` adds the samples to a file
and tells the run from all that it holds, so that it can be measured in pieces.
"""

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import torch
from machine import machine
from masks import Masks, Source, published, recorded, with_prefix
from pairs import in_turns, keep_memory, ratios, spread, timed
from stepping import Stage, resnet32
from torch import nn
from torch.optim import SGD, Adam, Optimizer

from neq import NEq
from neq.savings.measuring import forget

STEPS = 500
BATCH = 100
PROBE = 50
PLATEAU = 160
"""The published SGD run's accuracy is within 0.2 points of its last from this epoch on."""

OPTIMIZERS: dict[str, Callable[[nn.Module], Optimizer]] = {
    "sgd": lambda model: SGD(model.parameters(), lr=1e-4, momentum=0.9, weight_decay=5e-4, fused=True),
    "adam": lambda model: Adam(model.parameters(), lr=1e-6, fused=True),
}


@dataclass(frozen=True)
class Sample:
    """One epoch: times over the plain step's by the clock and of the thread, quartiles and median."""

    epoch: int
    frozen: float
    ceiling: float
    clock: float
    thread: float
    extra: float
    """Milliseconds of the epoch's end and of making plans, over 500 plain steps."""
    described: str


class Replay:
    """The network, and what was frozen in it when."""

    def __init__(self, optimizer: str) -> None:
        torch.manual_seed(0)
        model = resnet32().to(memory_format=torch.channels_last)
        made = OPTIMIZERS[optimizer](model)
        with NEq(model, made, [torch.randn(PROBE, 3, 32, 32)], select="none") as neq:
            self._end = timed(neq.end_epoch).thread
        images = torch.randn(BATCH, 3, 32, 32).contiguous(memory_format=torch.channels_last)
        self._stage = Stage(model, made, images)
        self.sizes = self._stage.layers

    def sample(self, epoch: int, masks: Masks, rounds: int) -> Sample:
        """Measures the epoch in which these neurons stood still."""
        forget()  # plans are measured anew, as in the first epoch that has such masks
        firsts: list[float] = []

        @contextmanager
        def frozen() -> Iterator[Callable[[], None]]:
            with self._stage.frozen(masks) as run:
                firsts.append(self._stage.first)
                yield run

        plain, saving = in_turns([self._stage.plain, frozen], rounds)
        clock, thread = ratios(plain, saving), ratios(plain, saving, thread=True)
        planning = max(firsts[0] - median(time.thread for time in saving), 0)
        extra = (planning + self._end) / (STEPS * median(time.thread for time in plain))
        share = sum(int(mask.sum()) for mask in masks.values()) / sum(self.sizes.values())
        said = f"clock {spread(clock)}  thread {spread(thread)}"
        ceiling = self._stage.seen.ceiling if self._stage.seen else 1.0
        return Sample(epoch, share, ceiling, median(clock), median(thread), extra, said)


def over_all(samples: Sequence[Sample], epochs: int, value: Callable[[Sample], float]) -> float:
    """The mean over all epochs, interpolated between those sampled and even beyond the first and the last."""
    known = sorted(samples, key=lambda sample: sample.epoch)
    found = 0.0
    for epoch in range(epochs):
        before = [sample for sample in known if sample.epoch <= epoch] or known[:1]
        after = [sample for sample in known if sample.epoch >= epoch] or known[-1:]
        one, other = before[-1], after[0]
        part = (epoch - one.epoch) / (other.epoch - one.epoch) if other.epoch > one.epoch else 0
        found += value(one) + part * (value(other) - value(one))
    return found / epochs


def conclude(samples: Sequence[Sample], epochs: int) -> None:
    """Prints the whole run over the plain one."""
    extra = over_all(samples, epochs, lambda sample: sample.extra)
    by_clock = over_all(samples, epochs, lambda sample: sample.clock)
    by_thread = over_all(samples, epochs, lambda sample: sample.thread)
    counted = over_all(samples, epochs, lambda sample: 1 / sample.ceiling)
    print(f"over {epochs} epochs, {len(samples)} of them sampled and the others interpolated:")
    print(f"  of the plain run's time by the clock {by_clock + extra:.3f}, of the thread's {by_thread + extra:.3f}")
    print(f"  of this, ends of epochs and making plans {extra:.4f}")
    print(f"  were time counted in operations: {counted:.3f}, {1 / counted:.2f} times as fast")
    if epochs == 250:
        print(f"  a plain run that stops after {PLATEAU} of {epochs} epochs: {PLATEAU / epochs:.3f}")


def kept(file: Path | None, about: str, samples: Sequence[Sample]) -> list[Sample]:
    """These and those that the file holds for the same question; an epoch measured again counts as it is now."""
    if file is None:
        return list(samples)
    held = json.loads(file.read_text()) if file.exists() else {}
    mine = {str(sample["epoch"]): sample for sample in held.get(about, [])}
    mine |= {str(sample.epoch): asdict(sample) for sample in samples}
    held[about] = list(mine.values())
    file.write_text(json.dumps(held, indent=1, ensure_ascii=False))
    return [Sample(**sample) for sample in held[about]]


def main() -> None:
    """Samples the epochs that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--optimizer", choices=OPTIMIZERS, default="sgd")
    parser.add_argument("--rule", choices=("equilibrium", "prefix"), default="equilibrium")
    parser.add_argument("--file", type=Path, help="a recorded run of ResNet-32; else the published curves")
    parser.add_argument("--epochs", type=int, nargs="*", help="which to sample; else where the curve bends, or ten")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="adds the samples to this file, and counts in what it holds")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    replay = Replay(given.optimizer)
    sizes = replay.sizes
    source: Source = published(given.optimizer, sizes) if given.file is None else recorded(given.file, sizes)
    print(f"{machine()}; torch {torch.__version__}, {given.threads} thread(s), n = {given.rounds}")
    print(f"{source.title}, {given.optimizer}, rule {given.rule}", flush=True)
    samples = []
    for epoch in source.samples if given.epochs is None else given.epochs:
        masks = source.masks(epoch)
        sample = replay.sample(epoch, with_prefix(masks, sizes) if given.rule == "prefix" else masks, given.rounds)
        print(f"  epoch {epoch:3}: {sample.frozen:.3f} frozen  {sample.described}  "
              f"counted {1 / sample.ceiling:.3f}  extra {sample.extra:.4f}", flush=True)  # fmt: skip
        samples.append(sample)
    about = f"{source.title}, {given.optimizer}, {given.rule}, {given.threads} threads"
    conclude(kept(given.keep, about, samples), source.epochs)


if __name__ == "__main__":
    keep_memory()
    main()
