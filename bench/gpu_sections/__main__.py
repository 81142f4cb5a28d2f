"""Runs sections one after the other, in the process that `bench/gpu.py` starts."""

import argparse
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch

from bench.gpu_sections import graph, machine, memory, plans, probe, right, step, sync, training
from bench.gpu_sections.experiment import DeviceLost, Experiment
from bench.gpu_sections.record import Record
from bench.gpu_sections.schedule import share

Section = Callable[[Experiment], None]

RUNS: dict[str, Section] = {
    "machine": machine.run,
    "right": right.run,
    "sync": sync.run,
    "step": step.run,
    "probe": probe.run,
    "memory": memory.run,
    "plans": plans.run,
    "graph": graph.run,
    "run": training.run,
}
LOST = 3
"""The exit status where the GPU does not answer any more."""


def run_sections(record: Record, sections: Sequence[str], ends: float, runs: Mapping[str, Section] = RUNS) -> int:
    """Runs them in order, each in its share of what is left; returns the exit status.

    Args:
        ends: when all is to be over, by `time.time()`.
    """
    if not record.dry and not torch.cuda.is_available():
        record.fail("all", "", "torch finds no GPU; --dry runs the same on a CPU")
        return 0
    here = Experiment(record, ends)
    for place, section in enumerate(sections):
        left = ends - time.time()
        if left <= 0:
            record.leave_out(section, "", "no time is left")
            continue
        here.begin(section, share(section, sections[place:], left))
        try:
            runs[section](here)
        except DeviceLost as error:
            print(f"the GPU does not answer any more: {error}", flush=True)
            return LOST
        except Exception as error:  # the sections after it are worth having
            record.fail(section, "", f"{type(error).__name__}: {error}", traceback.format_exc())
        here.end()
    return 0


def main() -> int:
    """As `bench/gpu.py` starts it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", required=True)
    parser.add_argument("--ends", type=float, required=True)
    parser.add_argument("--dry", action="store_true")
    options = parser.parse_args()
    if options.dry:
        torch.set_num_threads(1)
    return run_sections(Record.read(options.out / "gpu.json"), options.only.split(","), options.ends)


if __name__ == "__main__":
    sys.exit(main())
