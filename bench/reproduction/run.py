"""The paper's main experiment on a shortened schedule: one run, into a run file.

    OMP_NUM_THREADS=1 python bench/reproduction/run.py NAME --data FOLDER [--into docs/reproduction]

NAME is sgd-official, sgd-paper, sgd-dense, adam-official, adam-paper or adam-dense; FOLDER holds CIFAR-10 in
torchvision's layout. Writes NAME.neq, which `neq replay` plays, and NAME.json: the clock's and the processor's seconds.
"""

import argparse
import json
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from bench.machine import machine
from bench.reproduction.recipes import REPRODUCTIONS, reproduction
from contract.config import RunConfig
from contract.events import EpochFinished, EpochProgressed, RunStarted
from contract.runfile import Moment, RunHeader, run_file_chunks
from trainer.engines.environment import Workplace
from trainer.training import train


def record(config: RunConfig, data: Path) -> tuple[list[Moment], list[float], str]:
    """What the run says but for its signs of life, the processor's seconds of every epoch, and the device.

    Of single neurons the masks are kept; φ and v, which hardly shrink, are left to the means that epochs tell.
    """
    moments: list[Moment] = []
    seconds: list[float] = []
    device, before = "", 0.0
    for event in train(config, Workplace(data, threads=1)):
        if isinstance(event, EpochProgressed):
            continue
        if isinstance(event, RunStarted):
            device, before = event.device, time.process_time()
        arrays = ()
        if isinstance(event, EpochFinished):
            arrays, now = tuple(replace(each, phi=None, velocity=None) for each in event.snapshots), time.process_time()
            seconds.append(round(now - before, 3))
            before = now
            print(
                f"epoch {event.epoch}: {event.test_accuracy:.4f} {event.frozen_fraction:.4f} {seconds[-1]:.1f} s",
                flush=True,
            )
        moments.append(Moment(len(moments) + 1, datetime.now(UTC), event.model_dump_json(), arrays))
    return moments, seconds, device


def main() -> None:
    """Trains and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=REPRODUCTIONS)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--into", type=Path, default=Path("docs/reproduction"))
    given = parser.parse_args()
    config, on = reproduction(given.name), machine()
    began, clock = datetime.now(UTC), time.perf_counter()
    moments, seconds, device = record(config, given.data)
    header = RunHeader(
        id=given.name,
        name=config.name,
        tags=config.tags,
        config=config.model_dump(mode="json"),
        epochs_planned=config.training.epochs,
        state="finished",
        device=device,
        created_at=began,
        started_at=began,
        ended_at=datetime.now(UTC),
    )
    (given.into / f"{given.name}.neq").write_bytes(b"".join(run_file_chunks(header, moments)))
    told = {"machine": on, "clock_seconds": round(time.perf_counter() - clock, 1), "processor_seconds": seconds}
    (given.into / f"{given.name}.json").write_text(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
