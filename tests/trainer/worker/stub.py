# ruff: noqa: T201 (what a training process prints is its log)
"""Generators for the child to run in place of the trainer: what each does is told by the run's notes. No torch."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path

import numpy as np

from contract.config import RunConfig
from contract.errors import RunError
from contract.events import (
    EpochFinished,
    EpochProgressed,
    Event,
    LayerCounts,
    LayerSnapshot,
    Logged,
    RunFinished,
    RunStarted,
    Seconds,
)
from contract.layers import Layer
from trainer.engines.environment import Workplace
from trainer.engines.resume_point import ResumePoint

TRAIN = "tests.trainer.worker.stub:train"
NEURONS = 4


def train(config: RunConfig, workplace: Workplace, resume_point: ResumePoint) -> Generator[Event, None, None]:
    """Does what the notes name; goes on after the epochs that are recorded."""
    if not resume_point.started:
        yield started(config.training.epochs)
    events = globals()[config.notes.partition(" ")[0]](config, workplace)
    yield from (event for event in events if not (event.kind == "epoch_finished" and event.epoch < resume_point.epochs))


def tells_masks(config: RunConfig, workplace: Workplace, resume_point: ResumePoint) -> Generator[Event, None, None]:
    """Says what the file with the masks to replay holds."""
    yield Logged(text=Path(resume_point.replayed or "/").read_text())
    yield ended(0)


def epochs(config: RunConfig, workplace: Workplace) -> Generator[Event, None, None]:
    """All epochs, at once."""
    for epoch in range(config.training.epochs):
        yield finished(epoch)
    yield ended(config.training.epochs)


def endless(config: RunConfig, workplace: Workplace) -> Generator[Event, None, None]:
    """A first epoch that does not end; leaves its process id twice in the data root."""
    ids = workplace.data_root / f"{config.name}.ids"
    ids.with_suffix(".new").write_text(f"{os.getpid()} {os.getpid()}")
    ids.with_suffix(".new").rename(ids)
    yield EpochProgressed(epoch=0, phase="train", batch=1, batches=9, loss=1.0, samples_per_second=None)
    time.sleep(300)


def slow(config: RunConfig, workplace: Workplace) -> Generator[Event, None, None]:
    """One epoch, and then one that does not end; leaves its process id and a grandchild's in the data root."""
    yield finished(0)
    grandchild = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
    ids = workplace.data_root / f"{config.name}.ids"
    ids.with_suffix(".new").write_text(f"{os.getpid()} {grandchild.pid}")
    ids.with_suffix(".new").rename(ids)
    yield EpochProgressed(epoch=1, phase="train", batch=1, batches=9, loss=1.0, samples_per_second=None)
    time.sleep(300)


def deaf(config: RunConfig, workplace: Workplace) -> Generator[Event, None, None]:
    """Will not hear SIGTERM, and then the same as `slow`."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    yield from slow(config, workplace)


def raises(config: RunConfig, workplace: Workplace) -> Generator[Event, None, None]:
    """Prints, and raises."""
    print("a line before the error")
    yield finished(0)
    raise ZeroDivisionError("the loss was divided by nothing")


def refuses(config: RunConfig, workplace: Workplace) -> Generator[Event, None, None]:
    """Says what is wrong and what to do."""
    yield finished(0)
    raise RunError("The images are not there.", "Put them there.")


def starves(config: RunConfig, workplace: Workplace) -> Generator[Event, None, None]:
    """Finds no memory."""
    yield finished(0)
    raise MemoryError


def killed(config: RunConfig, workplace: Workplace) -> Generator[Event, None, None]:
    """Killed as by a system without memory, while a grandchild holds its pipes open."""
    print("the last words")
    os.fork() or time.sleep(300)  # the pipes stay open in the child of the child
    os.kill(os.getpid(), signal.SIGKILL)
    yield ended(0)


def crashes(config: RunConfig, workplace: Workplace) -> Generator[Event, None, None]:
    """Ends without a word."""
    yield finished(0)
    os._exit(3)


def floods(config: RunConfig, workplace: Workplace) -> Generator[Event, None, None]:
    """Prints 100,000 lines, a long one, a progress bar, and bytes that are no text."""
    for number in range(100_000):
        print("line", number)
    print("x" * 100_000)
    sys.stdout.flush()
    os.write(1, b"10%\r20%\r30%\r\n\xff\xfe not text \x00\n")
    yield finished(0)
    print("the very last line")
    yield ended(1)


def hangs(config: RunConfig, workplace: Workplace) -> Generator[Event, None, None]:
    """A first sign of progress, and then nothing, for ever: no event, no line; nor does it hear SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    yield EpochProgressed(epoch=0, phase="train", batch=1, batches=9, loss=1.0, samples_per_second=None)
    _wait_for_ever()


def hangs_once(config: RunConfig, workplace: Workplace) -> Generator[Event, None, None]:
    """The same in the first process alone; the next one trains."""
    mark = workplace.data_root / "hung"
    if not mark.exists():
        mark.touch()
        yield from hangs(config, workplace)
    yield from epochs(config, workplace)


def waits_once(config: RunConfig, workplace: Workplace) -> Generator[Event, None, None]:
    """A first sign of progress, and then nothing, in the first process alone, which leaves its id in the data root; the
    next one trains."""
    mark = workplace.data_root / "waits.ids"
    if not mark.exists():
        mark.with_suffix(".new").write_text(str(os.getpid()))
        mark.with_suffix(".new").rename(mark)
        yield EpochProgressed(epoch=0, phase="train", batch=1, batches=9, loss=1.0, samples_per_second=None)
        _wait_for_ever()
    yield from epochs(config, workplace)


def mutters(config: RunConfig, workplace: Workplace) -> Generator[Event, None, None]:
    """A long epoch that reports now and then: a line of log, or progress."""
    for number in range(18):
        time.sleep(0.5)
        if number % 2:
            print("still at it", number, flush=True)
        else:
            yield EpochProgressed(epoch=0, phase="train", batch=number, batches=18, loss=1.0, samples_per_second=None)
    yield finished(0)
    yield ended(1)


def _wait_for_ever() -> None:
    while True:
        time.sleep(300)


def greedy(config: RunConfig, workplace: Workplace) -> Generator[Event, None, None]:
    """Notes in the data root how far it has come: it must not come further than what is recorded."""
    for epoch in range(config.training.epochs):
        (workplace.data_root / "made").write_text(str(epoch))
        yield finished(epoch)
    yield ended(config.training.epochs)


def gpu_less(config: RunConfig, workplace: Workplace) -> Generator[Event, None, None]:
    """Tells what it was given, in a file."""
    secrets = sorted(name for name in os.environ if name.startswith("NEQ_"))
    goes_first = Path("/proc/self/oom_score_adj").read_text().strip()
    own_group, given = os.getpgrp() == os.getpid(), sys.stdin.read()
    told = f"{workplace.threads} {workplace.device_limit} {secrets} {own_group} {given!r} {goes_first}"
    Path(workplace.data_root / "told").write_text(told)
    yield ended(0)


def started(epochs: int) -> RunStarted:
    """One layer of four neurons stands."""
    layer = Layer(index=0, name="only", type="Linear", neurons=NEURONS, parameters=8)
    return RunStarted(
        layers=(layer,),
        neurons=NEURONS,
        parameters=8,
        device="stub",
        epochs=epochs,
        batches_per_epoch=1,
        train_samples=1,
        test_samples=1,
        probe_samples=1,
        first_freezing_epoch=2,
        versions={},
    )


def finished(epoch: int) -> EpochFinished:
    """An epoch after which the first `epoch` neurons are frozen."""
    frozen = np.arange(NEURONS) < epoch
    count = (int(frozen.sum()),)
    snapshot = LayerSnapshot(
        index=0,
        neurons=NEURONS,
        divergence=np.full(NEURONS, epoch, "<f4").tobytes(),
        velocity=np.full(NEURONS, -epoch, "<f4").tobytes() if epoch else None,
        applied=np.packbits(np.arange(NEURONS) < epoch - 1).tobytes(),
        frozen=np.packbits(frozen).tobytes(),
    )
    counts = LayerCounts(
        applied=count,
        frozen=count,
        froze=count,
        thawed=count,
        phi_mean=(1.0,),
        speed_mean=(None,),
        velocity_histogram=(None,),
    )
    return EpochFinished(
        epoch=epoch,
        learning_rate=0.1,
        train_loss=float("nan"),
        train_accuracy=0.5,
        test_loss=1.0,
        test_accuracy=0.5,
        applied_fraction=0.0,
        frozen_fraction=float(frozen.mean()),
        layers=counts,
        seconds=Seconds(train=1.0, probe=0.1, evaluate=0.1, record=0.0),
        snapshots=(snapshot,),
    )


def ended(epochs: int) -> RunFinished:
    """All is trained."""
    return RunFinished(epochs=epochs, test_accuracy=0.5, frozen_fraction=0.5, seconds=1.0)


def sees(config: RunConfig, workplace: Workplace) -> Generator[Event, None, None]:
    """Leaves in the data root what its environment shows of GPUs, and does not end until `go` lies there."""
    names = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "PYTORCH_ALLOC_CONF", "PYTORCH_CUDA_ALLOC_CONF")
    seen = {name: os.environ[name] for name in names if name in os.environ} | {"gpu": workplace.gpu}
    written = workplace.data_root / f"{config.name}.new"
    written.write_text(json.dumps(seen))
    written.rename(workplace.data_root / f"{config.name}.sees")
    while not (workplace.data_root / "go").exists():
        time.sleep(0.02)
    yield ended(0)
