"""A run on several processes of this machine: the training process starts them, hears them, and ends with them.

Torch's elastic launcher starts them and tells when one has died. They stay in the training process's own process group,
which its parent ends whole, and each ends by itself once its socket is closed.
"""

import gc
import logging
import os
import queue
import re
import shutil
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from contract.config import RunConfig
from contract.counted import counted
from contract.errors import RunError
from contract.events import END_KINDS, EpochFinished, Event, RunFailed
from trainer.engines.environment import Workplace
from trainer.engines.frames import Begun, read_frame
from trainer.engines.lines import LONGEST_PIECE
from trainer.engines.rank import EVENTS, HELLO, SOCKET, train_rank
from trainer.training.device import choose_device

CLOSE_SECONDS = 0.7
"""What the launcher may take to see that its processes are gone: less than the grace that a stopped run has."""

_LOOK_SECONDS = 0.05
_LAST_LINES_SECONDS = 1.0
_printing = threading.Lock()


@dataclass(frozen=True, slots=True)
class _Ended:
    """The launcher has ended, since a process died; of what."""

    error: BaseException | None


def train_together(config: RunConfig, job: dict[str, Any]) -> Generator[Event, None, None]:
    """Starts the processes of a run; returns its events once all have imported what they need and met.

    Args:
        job: as `trainer.engines.process` writes it.

    Raises:
        RunError: there are fewer GPUs than processes, or one failed.
    """
    device = checked_device(config, Workplace.from_json(job["workplace"]))
    processes = _Processes(config.compute.processes, job | {"device": device})
    try:
        return processes.events(processes.first_events())
    except BaseException:
        processes.close()
        raise


def checked_device(config: RunConfig, workplace: Workplace) -> str:
    """The kind of device that all processes train on.

    Raises:
        RunError: it is none that several can train on, or there are not enough.
    """
    kind, wanted = choose_device(config, workplace).type, config.compute.processes
    if kind not in ("cpu", "cuda"):
        raise RunError(
            f"Several processes train on CUDA GPUs or on the CPU, and not on {kind}.",
            "Set compute.processes to 1, or compute.device to cpu.",
        )
    if kind == "cuda" and (there := torch.cuda.device_count()) < wanted:
        raise RunError(
            f"The run needs {wanted} GPUs, one for each of its processes, and this worker has {counted(there, 'GPU')}.",
            f"Set compute.processes to at most {there}, or compute.device to cpu.",
        )
    return kind


class _Processes:
    """The processes while they train."""

    def __init__(self, count: int, job: dict[str, Any]) -> None:
        self._count = count
        self._heard: queue.SimpleQueue[tuple[int, Event | Begun] | _Ended] = queue.SimpleQueue()
        self._links: dict[int, socket.socket] = {}
        self._pids: list[int] = []
        self._printers: list[threading.Thread] = []
        self._folder = tempfile.mkdtemp(prefix="neq-")  # this user's alone
        self._server = socket.socket(socket.AF_UNIX)
        try:
            self._server.bind(str(Path(self._folder) / SOCKET))
        except OSError as error:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise RunError(
                f"The processes of the run cannot meet in {self._folder}: {error}.",
                "Set TMPDIR for the worker to a folder on a local disk, with a short path.",
            ) from error
        self._server.listen(2 * count)
        threading.Thread(target=self._accept, name="processes", daemon=True).start()
        self._launcher = threading.Thread(target=self._launch, args=(job,), name="launcher", daemon=True)
        gc.freeze()  # what is there by now: to look through it once more at the end would take half a second
        self._launcher.start()
        signal.signal(signal.SIGUSR1, self._ask_where_they_are)
        signal.signal(signal.SIGTERM, lambda number, _: self._end_by(number))

    def first_events(self) -> list[Event]:
        """Waits until all have begun; returns what they said meanwhile."""
        begun, early = 0, []
        while begun < self._count:
            heard = self._next()
            if isinstance(heard, Begun):
                begun += 1
            else:
                early.append(heard)
                if isinstance(heard, RunFailed):
                    break
        return early

    def events(self, early: list[Event]) -> Generator[Event, None, None]:
        """What the first process says, and why any of them failed. Asking for the next event means that the one before
        is recorded."""
        try:
            while True:
                event = early.pop(0) if early else self._next()
                if isinstance(event, Begun):
                    continue
                yield event
                if isinstance(event, EpochFinished):
                    self._links[0].sendall(b".")
                elif event.kind in END_KINDS:
                    return
        finally:
            self.close()

    def close(self) -> None:
        """Ends the processes, and leaves nothing behind: neither the folder nor the launcher's semaphores, which go
        with the objects that hold them."""
        for link in (self._server, *self._links.values()):
            with suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)
            link.close()
        self._launcher.join(CLOSE_SECONDS)
        for printer in self._printers:  # what the processes printed last
            printer.join(_LAST_LINES_SECONDS)
        shutil.rmtree(self._folder, ignore_errors=True)
        gc.collect()

    def _next(self) -> Event | Begun:
        heard = self._heard.get()
        if isinstance(heard, _Ended):
            self._explain(heard.error)
        return heard[1]

    def _explain(self, error: BaseException | None) -> NoReturn:
        """Of a process that died, without a word of its own: by a signal this one dies of the same."""
        if not isinstance(error, ChildFailedError):
            raise error or RuntimeError("the processes of the run ended before it had finished")
        rank, failure = error.get_first_failure()
        who = f"Process {rank} of the {self._count} that train this run"
        if failure.exitcode < 0:
            print(f"{who} was killed by signal {-failure.exitcode}.", file=sys.stderr, flush=True)  # noqa: T201
            del error
            self._end_by(-failure.exitcode)
        raise RunError(
            f"{who} ended with status {failure.exitcode} before the run had finished.",
            "The last lines of the run's log may say why.",
        )

    def _end_by(self, number: int) -> NoReturn:
        """Ends this process as if it had been hit itself: whoever waits for it takes that for an interruption."""
        self.close()
        with suppress(OSError, ValueError):
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        raise SystemExit(128 + number)  # the signal is one that ends nobody

    def _launch(self, job: dict[str, Any]) -> None:
        for name in ("torch.distributed.elastic.multiprocessing.api", "torch.multiprocessing.spawn"):
            logging.getLogger(name).setLevel(logging.CRITICAL)  # how processes end is told here
        config = LaunchConfig(
            min_nodes=1,
            max_nodes=1,
            nproc_per_node=self._count,
            run_id=Path(self._folder).name,
            rdzv_backend="static",
            rdzv_endpoint="127.0.0.1:0",  # for the launcher itself: the processes meet elsewhere
            rdzv_configs={"rank": 0},
            local_addr="127.0.0.1",
            max_restarts=0,
            monitor_interval=_LOOK_SECONDS,
            start_method="spawn",
            logs_specs=DefaultLogsSpecs(log_dir=os.devnull),
        )
        ended = _Ended(None)
        try:
            elastic_launch(config, train_rank)(job, self._folder)
        except BaseException as error:
            ended = _Ended(error.with_traceback(None))
        self._heard.put(ended)

    def _accept(self) -> None:
        with suppress(OSError):  # closed: the run is over
            while True:
                link, _ = self._server.accept()
                threading.Thread(target=self._hear, args=(link,), name="process", daemon=True).start()

    def _hear(self, link: socket.socket) -> None:
        with suppress(OSError), link.makefile("rb") as pipe:
            purpose, rank, pid = HELLO.unpack(pipe.read(HELLO.size))
            if purpose != EVENTS:
                self._printers.append(threading.current_thread())
                print_log(pipe, rank)
                return
            self._links[rank] = link
            self._pids.append(pid)
            while (heard := read_frame(pipe)) is not None:
                self._heard.put((rank, heard))

    def _ask_where_they_are(self, number: int, _: object) -> None:
        """A parent that hears nothing wants to know where every thread is: the processes print it."""
        for pid in self._pids:
            with suppress(ProcessLookupError):
                os.kill(pid, number)


def print_log(pipe: BufferedReader, rank: int) -> None:
    """Prints what a process prints, whole lines at a time; of another than the first with its number before each.

    A progress bar's line is over at each carriage return: also a run that prints nothing else is heard of.
    """
    prefix = b"[rank %d] " % rank if rank else b""
    rest = b""
    while data := pipe.read1(LONGEST_PIECE):
        *lines, rest = re.split(rb"(?<=[\r\n])", rest + data)
        if len(rest) > LONGEST_PIECE:
            lines.append(rest)
            rest = b""
        _print(prefix, lines)
    _print(prefix, [rest] if rest else [])


def _print(prefix: bytes, lines: list[bytes]) -> None:
    text = b"".join(prefix + line for line in lines)
    with _printing, suppress(OSError):
        while text:
            text = text[os.write(1, text) :]
