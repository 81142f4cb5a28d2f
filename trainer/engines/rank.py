"""One of several processes that train a run together, started by `trainer.engines.together` alone.

It meets the others through a file in a folder that is theirs alone, and speaks over a Unix socket there: the first
process sends its events, the others only why they failed. What each prints goes over a socket of its own, because a
line is written in parts, and those of two processes would mix. No process exits on its own: each waits until the other
end of its socket closes, because one that exited early would be taken for the cause.
"""

import faulthandler
import os
import signal
import socket
import struct
import sys
import threading
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import torch.distributed

from contract.config import RunConfig
from contract.events import EpochFinished
from neq.errors import OtherProcessFailed
from trainer.engines.child import explain, generator_of
from trainer.engines.environment import Workplace
from trainer.engines.frames import write_begun, write_frame
from trainer.engines.gpus import Gpu
from trainer.engines.resume_point import ResumePoint

HELLO = struct.Struct("<cII")
"""What a socket is for, and whose: rank and process id."""
EVENTS, LOG = b"e", b"l"
SOCKET = "socket"
ECHO_SECONDS = 5.0
"""That a process waits before it tells what is most likely an echo of another one's failure."""
_LOOPBACK = {"linux": "lo", "darwin": "lo0"}
_EXCHANGES_NOTHING = ("connection closed by peer", "connection reset by peer", "gloo", "nccl")


def train_rank(job: dict[str, Any], folder: str) -> None:
    """Trains as the job says, as the process of this rank; never returns.

    Args:
        job: as `trainer.engines.process` writes it, and the `device` that was chosen.
    """
    faulthandler.register(signal.SIGUSR1)
    rank = int(os.environ["RANK"])
    link = _connect(folder, EVENTS, rank)
    _print_to(_connect(folder, LOG, rank))
    recorded = threading.Semaphore(0)
    threading.Thread(target=_listen, args=(link, recorded), name="training process", daemon=True).start()
    with link.makefile("wb") as pipe:
        config: RunConfig | None = None
        try:
            config = RunConfig.model_validate(job["config"])
            workplace = own_workplace(job, rank, config.compute.processes)
            _meet(folder, workplace, job["device"])
            train = generator_of(job)
            write_begun(pipe)
            for event in train(config, workplace, ResumePoint(**job["resume_point"])):
                if rank == 0:
                    write_frame(pipe, event)
                    if isinstance(event, EpochFinished):
                        recorded.acquire()
        except BaseException as error:
            failure = explain(error, config)
            sys.stdout.flush()
            sys.stderr.flush()
            if _is_echo(error):
                time.sleep(ECHO_SECONDS)
            write_frame(pipe, failure)
        threading.Event().wait()


def own_workplace(job: dict[str, Any], rank: int, processes: int) -> Workplace:
    """A process's part of what the machine offers: threads and loaders are divided; energy is measured once."""
    workplace = Workplace.from_json(job["workplace"])
    return replace(
        workplace,
        threads=max(1, (workplace.threads or os.cpu_count() or 1) // processes),
        loaders=None if workplace.loaders is None else -(-workplace.loaders // processes),
        country=workplace.country if rank == 0 else None,
        rank=rank,
        processes=processes,
    )


def _meet(folder: str, workplace: Workplace, device: Literal["cpu", "cuda"]) -> None:
    """Joins the others; on GPUs, with one GPU that this process sees alone."""
    if device == "cuda":
        os.environ.update(Gpu("cuda", workplace.rank, "", 0).alone(os.environ))  # read when CUDA is first used
    elif sys.platform in _LOOPBACK:
        os.environ.setdefault("GLOO_SOCKET_IFNAME", _LOOPBACK[sys.platform])
    torch.distributed.init_process_group(
        "nccl" if device == "cuda" else "gloo",
        init_method=f"file://{folder}/meeting",
        rank=workplace.rank,
        world_size=workplace.processes,
        timeout=timedelta(days=7),  # a run that hangs is ended by training.stall_minutes, and a store may be away
    )


def _is_echo(error: BaseException) -> bool:
    """Whether it most likely says no more than that another process failed."""
    for each in (error, error.__cause__):
        if isinstance(each, OtherProcessFailed | torch.distributed.DistError):
            return True
        if isinstance(each, RuntimeError) and any(words in str(each).lower() for words in _EXCHANGES_NOTHING):
            return True
    return False


def _connect(folder: str, purpose: bytes, rank: int) -> socket.socket:
    link = socket.socket(socket.AF_UNIX)
    link.connect(str(Path(folder) / SOCKET))
    link.sendall(HELLO.pack(purpose, rank, os.getpid()))
    return link


def _print_to(log: socket.socket) -> None:
    """Standard output and error go there from now on; what a process that crashes wrote last still arrives."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        os.dup2(log.fileno(), stream.fileno())
    log.close()


def _listen(link: socket.socket, recorded: threading.Semaphore) -> None:
    try:
        while link.recv(1):
            recorded.release()
    finally:
        # The training process is gone, or is done with this one. Not by way of the interpreter's last steps: gloo's
        # threads may abort a process in them.
        os.kill(os.getpid(), signal.SIGKILL)
