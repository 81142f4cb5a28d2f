# ruff: noqa: T201 (what a training process prints is its log)
"""Generators for processes that train together, in place of the trainer: what each does is told by the run's notes."""

import os
import signal
import time
from collections.abc import Generator

import torch
import torch.distributed

from contract.config import RunConfig
from contract.errors import RunError
from contract.events import Event
from tests.trainer.worker.stub import ended, finished, started
from trainer.engines.environment import Workplace
from trainer.engines.resume_point import ResumePoint

TRAIN = "tests.trainer.worker.together_stub:train"


def train(config: RunConfig, workplace: Workplace, resume_point: ResumePoint) -> Generator[Event, None, None]:
    """Leaves its process id in the data root, does an epoch with the others, and then what the notes name."""
    yield started(config.training.epochs)
    ids = workplace.data_root / f"{config.name}.{workplace.rank}"
    ids.with_suffix(f".new{workplace.rank}").write_text(str(os.getpid()))
    ids.with_suffix(f".new{workplace.rank}").rename(ids)
    print("rank", workplace.rank, "of", workplace.processes, "has", workplace.threads, "threads", flush=True)
    torch.distributed.barrier()
    yield finished(0)
    globals()[config.notes](workplace.rank)
    torch.distributed.barrier()
    yield ended(1)


def nothing(rank: int) -> None:
    """All goes well."""


def refuses(rank: int) -> None:
    """The second knows why it cannot go on."""
    if rank == 1:
        raise RunError("The second process has no images.", "Give it some.")


def raises(rank: int) -> None:
    """The second does not know."""
    if rank == 1:
        raise ZeroDivisionError("by nothing")


def exits(rank: int) -> None:
    """The second ends without a word."""
    if rank == 1:
        os._exit(3)


def killed(rank: int) -> None:
    """The second is killed."""
    if rank == 1:
        os.kill(os.getpid(), signal.SIGKILL)


def sleeps(rank: int) -> None:
    """Both go on for ever."""
    time.sleep(300)
