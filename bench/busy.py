"""Does the savings panel say what cannot be while other programs hold the processor? The demo, judged by epochs.

    python bench/busy.py                  # 3 runs of 40 epochs beside two busy processes
    python bench/busy.py --former         # what the panel said before: wall clock over the first epochs' mean

An epoch's figure is wrong where all of its spread lies beyond what the counted operations allow, or beside no change
though nothing was left out. Ends with 1 if one is wrong, or if less than half of the epochs have a figure at all: to
say nothing would be no measurement.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import Event, Process
from multiprocessing.synchronize import Event as EventType
from pathlib import Path
from statistics import mean, median

from machine import machine

from contract.config import RunConfig
from contract.costs import Range
from contract.events import EpochFinished
from contract.presets import PRESETS
from trainer.engines.environment import Workplace
from trainer.training import train

FORMER_ERROR = 0.1
"""The former panel told no spread: a tenth of the dense step is granted to it."""


def _spin(stop: EventType) -> None:
    while not stop.is_set():
        sum(range(100_000))


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """So many processes compute meanwhile."""
    stop = Event()
    spinning = [Process(target=_spin, args=(stop,), daemon=True) for _ in range(processes)]
    for process in spinning:
        process.start()
    try:
        yield
    finally:
        stop.set()
        for process in spinning:
            process.join()


def wrong(measured: Range, bound: float, *, frozen: bool) -> str | None:
    """What cannot be about a figure."""
    if measured.high < bound:
        return f"{measured.median:+.0%} lies beyond the bound of {bound:+.0%}"
    if not frozen and not measured.low <= 0 <= measured.high:
        return f"{measured.median:+.0%} while nothing was left out"
    return None


def told(epoch: EpochFinished) -> Range | None:
    """The step's figure."""
    return epoch.saving.step.measured if epoch.saving else None


def formerly_told(epochs: Sequence[EpochFinished]) -> Range:
    """What the former panel said of the last: seconds on the wall over the mean of the first dense epochs."""
    frozen = next((epoch.epoch for epoch in epochs if epoch.applied_fraction), len(epochs))
    change = epochs[-1].seconds.train / mean(epoch.seconds.train for epoch in epochs[:frozen]) - 1
    return Range(low=change - FORMER_ERROR, median=change, high=change + FORMER_ERROR)


def _run(config: RunConfig, threads: int) -> Iterator[EpochFinished]:
    events = train(config, Workplace(Path("data"), device_limit="cpu", threads=threads))
    return (event for event in events if isinstance(event, EpochFinished))


def _report(epoch: EpochFinished, figure: Range | None) -> str | None:
    """Prints an epoch's line; returns what is wrong with its figure."""
    saving = epoch.saving
    assert saving is not None, "this program tells it"
    fault = wrong(figure, saving.step.bound, frozen=epoch.applied_fraction > 0) if figure else None
    said = f"{figure.median:+5.0%} [{figure.low:+.0%}, {figure.high:+.0%}]" if figure else saving.step.doubt
    print(
        f"  epoch {epoch.epoch:2d}: {epoch.applied_fraction:4.0%} frozen, FLOPs {saving.step.flops:+.0%}, bound "
        f"{saving.step.bound:+.0%}, told {said}; wall {saving.held_up or 0:.1f}×",
        f"  WRONG: {fault}" if fault else "",
        flush=True,
    )
    return fault


def _judge(run: Iterable[EpochFinished], *, former: bool) -> tuple[int, int, int]:
    """Prints a run; returns how many epochs there were, how many told a figure, and how many of these are wrong."""
    epochs, faults, widths = [], 0, []
    for epoch in run:
        epochs.append(epoch)
        figure = formerly_told(epochs) if former else told(epoch)
        faults += _report(epoch, figure) is not None
        widths += [figure.high - figure.low] if figure else []
    doubts = Counter(epoch.saving.step.doubt for epoch in epochs if epoch.saving and epoch.saving.step.doubt)
    width = median(widths) if widths else 0.0
    print(f"  {len(widths)} of {len(epochs)} told, median spread {width:.0%}; doubts {dict(doubts)}; {faults} wrong")
    return len(epochs), len(widths), faults


def main() -> int:
    """Runs, prints every epoch and a verdict."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument("--epochs", type=int, default=40)
    arguments.add_argument("--busy", type=int, default=2, help="processes beside the run")
    arguments.add_argument("--threads", type=int, default=1)
    arguments.add_argument("--preset", default="demo-sgd")
    arguments.add_argument("--former", action="store_true", help="judge what the former panel would have said")
    options = arguments.parse_args()
    print(machine())
    preset = next(preset for preset in PRESETS if preset.name == options.preset)
    counts = []
    for seed in range(options.runs):
        training = {**preset.config["training"], "epochs": options.epochs, "seed": seed}
        config = RunConfig.model_validate({**preset.config, "training": training})
        print(f"{options.preset}, seed {seed}, {options.threads} threads, beside {options.busy} busy processes")
        with busy(options.busy):
            counts.append(_judge(_run(config, options.threads), former=options.former))
    epochs, figures, faults = (sum(column) for column in zip(*counts, strict=True))
    print(f"{figures} of {epochs} epochs told a figure; {faults} wrong")
    return 1 if faults or 2 * figures < epochs else 0


if __name__ == "__main__":
    sys.exit(main())
