"""The default engine: a child process per run, so that a crash or a lack of memory ends the run and nothing else."""

import json
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from typing import BinaryIO

from contract.config import PLUGINS, RunConfig
from contract.events import END_KINDS, EpochFinished, Event, RunFailed
from trainer.engines import Engine, Interrupted, ResumePoint
from trainer.engines.environment import Workplace
from trainer.engines.event_stream import EventStream
from trainer.engines.frames import Begun, FrameBroken, read_frame
from trainer.engines.gpus import Gpu, GpuPool, growing_segments, shown
from trainer.engines.lines import LogLines
from trainer.engines.memory import less_memory
from trainer.engines.own_python import module_command

TRAIN = "trainer.training:train"
GRACE_SECONDS = 1.0
TEARDOWN_SECONDS = 5.0
TRACE_SECONDS = 0.5
"""What a training process that hangs gets to say where."""
START_MINUTES = 30.0
"""What a process may take until it begins with its run: importing torch takes minutes on a busy machine."""
_LOOK_SECONDS = 0.25


def process_engine(workplace: Workplace, *, train: str = TRAIN, gpus: GpuPool | None = None) -> Engine:
    """An engine whose runs are trained in a process each; their `.close()` may be called from any thread.

    Args:
        workplace: what this machine offers; handed to the child.
        gpus: of which each run gets one for each of its processes, and sees no others; None: runs see what this
            process sees.
        train: `module:generator` that the child calls with (config, workplace, resume_point). The program's own, never
            a browser's.
    """
    return lambda config, resume_point: ChildRun(config, workplace, resume_point, train, gpus)


class ChildRun(EventStream):
    """A run in a process of its own, and its events as they come. For one reading thread; any thread may close it."""

    def __init__(
        self,
        config: RunConfig,
        workplace: Workplace,
        resume_point: ResumePoint,
        train: str = TRAIN,
        gpus: GpuPool | None = None,
    ) -> None:
        """Starts the process; OSError where the system cannot."""
        self._config = config
        self._gpus = GpuPool(None) if gpus is None else gpus
        self._lent = () if config.compute.on_cpu else self._gpus.take(config.compute.processes)
        self._closed = threading.Event()
        self._lines = LogLines()
        # Bounded: while nobody takes events, the pipe fills and the child waits.
        self._arrived: queue.Queue[Event | Interrupted] = queue.Queue(maxsize=16)
        self._held: Event | Interrupted | None = None
        self._unacknowledged = self._over = False
        self._begun_at: float | None = None
        workplace = replace(workplace, gpu=", ".join(gpu.title for gpu in self._lent) or None)
        described = config.model_dump(mode="json")
        job = {
            "train": train,
            "config": described,
            "workplace": workplace.to_json(),
            "resume_point": asdict(resume_point),
        }
        try:
            self._open()
            self._listen()
        except BaseException:  # no more files or threads: no run keeps what it was lent
            self._release_gpus()
            raise
        self._tell(json.dumps(job).encode() + b"\n")

    def _open(self) -> None:
        outlet, inlet = os.pipe()
        self._events = os.fdopen(outlet, "rb")
        try:
            self._process = _start(inlet, environment_of_child(self._lent))
        except BaseException:
            self._events.close()
            raise
        finally:
            os.close(inlet)

    def _listen(self) -> None:
        """Starts the threads that hear the process; where one cannot be started, the process is ended."""
        output = self._process.stdout
        try:
            self._log = self._start_thread(self._read_log, "log")
            output = None  # which that thread closes
            self._watcher = self._start_thread(self._watch, "watch")
            self._reader = self._start_thread(self._read_events, "events")  # the last: nobody else reads events
        except BaseException:
            self._kill()
            self._process.wait()
            for pipe in (self._process.stdin, output, self._events):
                if pipe is not None:
                    pipe.close()
            raise

    def send(self, value: None) -> Event:
        """The next event; Interrupted where the process was killed. Asking means that the one before is recorded."""
        if self._unacknowledged:
            self._unacknowledged = False
            self._tell(b".")
        event = None if self._over or self._closed.is_set() else self._next()
        if event is None:
            self.close()
            raise StopIteration
        if isinstance(event, Interrupted):
            self.close()
            raise event
        self._over = event.kind in END_KINDS
        self._unacknowledged = isinstance(event, EpochFinished)
        return event

    def close(self) -> None:
        """Ends the process and all that it started, within about a second; a second call does nothing more."""
        self._closed.set()
        try:
            self._end()
        finally:
            self._release_gpus()

    def _end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._kill()
        self._reader.join()
        self._log.join(GRACE_SECONDS)
        with suppress(OSError):
            self._process.stdin.close()  # type: ignore[union-attr]

    def _release_gpus(self) -> None:
        lent, self._lent = self._lent, ()
        self._gpus.release(lent)

    def _next(self) -> Event | Interrupted | None:
        asked_at = time.monotonic()  # while nobody asks, the process may be waiting for us: that is not its silence
        while not self._closed.is_set():
            if self._held is None and self._silent_since(asked_at):
                self._held = self._stalled()
            if (logged := self._lines.take(now=self._held is not None)) is not None:
                return logged
            if self._held is not None:
                return self._held
            with suppress(queue.Empty):
                event = self._arrived.get(timeout=_LOOK_SECONDS)
                if not (isinstance(event, Interrupted) or event.kind in END_KINDS):
                    return event
                self._held = event  # its log goes first
        return None

    def _silent_since(self, asked_at: float) -> bool:
        """Whether neither an event nor a line of log has come for longer than the run allows.

        The run's own limit is for training; of a process that has not begun with it another one holds.
        """
        heard_at = max(asked_at, self._lines.fed_at, self._begun_at or 0.0)
        return self._arrived.empty() and time.monotonic() - heard_at > 60 * self._limit_minutes()

    def _limit_minutes(self) -> float:
        limit = self._config.training.stall_minutes
        return limit if self._begun_at is not None else max(limit, START_MINUTES)

    def _stalled(self) -> Interrupted:
        """Has the process print where it hangs, and ends it."""
        with suppress(ProcessLookupError):
            os.kill(self._process.pid, signal.SIGUSR1)
        self._watcher.join(TRACE_SECONDS)
        self._process.terminate()
        self._watcher.join(GRACE_SECONDS)
        self._kill()
        minutes = self._limit_minutes()
        span = f"{minutes:g} {'minute' if minutes == 1 else 'minutes'}"
        if self._begun_at is None:
            return Interrupted(
                f"The training process had not started the run after {span} and was terminated.",
                "Importing torch took too long: the worker's machine, or the disk that torch lies on, is too busy.",
                self._lines.tail(),
            )
        return Interrupted(
            f"Training made no progress for {span} and was terminated.",
            "The end of the run's log shows where it hung. If it was only slow, raise training.stall_minutes.",
            self._lines.tail(),
        )

    def _read_events(self) -> None:
        """Passes events on until the child has ended, and then says how, where the child could not."""
        end: Event | None = None
        broken: str | None = None
        try:
            while end is None and (event := read_frame(self._events)) is not None:
                if isinstance(event, Begun):
                    self._begun_at = time.monotonic()
                elif event.kind in END_KINDS:
                    end = event
                else:
                    self._pass_on(event)
        except FrameBroken as error:
            broken = str(error)
        self._pass_on(self._complete(end, broken))

    def _complete(self, end: Event | None, broken: str | None) -> Event | Interrupted:
        """The event that ends the run, once its process is gone and its log is read."""
        self._watcher.join(0 if broken else TEARDOWN_SECONDS)
        if self._watcher.is_alive():
            broken = broken or "it stopped responding and did not exit"
            self._kill()
        self._watcher.join()
        self._log.join(GRACE_SECONDS)
        self._events.close()
        status = self._process.returncode
        if end is None and broken is None and status < 0:
            return _cut_off(-status, self._config, self._lines.tail())
        if end is None:
            end = _failed(status, broken)
        if isinstance(end, RunFailed) and not end.details:
            end = end.model_copy(update={"details": self._lines.tail()})
        return end

    def _pass_on(self, event: Event | Interrupted) -> None:
        while not self._closed.is_set():
            with suppress(queue.Full):
                self._arrived.put(event, timeout=_LOOK_SECONDS)
                return

    def _read_log(self) -> None:
        output: BinaryIO = self._process.stdout  # type: ignore[assignment]
        with output:
            while data := os.read(output.fileno(), 65_536):
                self._lines.feed(data)
        self._lines.feed(b"")

    def _watch(self) -> None:
        """Waits for the child's end, and ends what outlived it: a loader would hold the pipes open."""
        self._process.wait()
        self._kill()

    def _kill(self) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _tell(self, data: bytes) -> None:
        with suppress(OSError, ValueError):  # it died, or was closed meanwhile; the reader says so
            self._process.stdin.write(data)  # type: ignore[union-attr]
            self._process.stdin.flush()  # type: ignore[union-attr]

    def _start_thread(self, target: object, name: str) -> threading.Thread:
        thread = threading.Thread(target=target, name=f"{name}-{self._process.pid}", daemon=True)  # type: ignore[arg-type]
        thread.start()
        return thread


def environment_of_child(gpus: Sequence[Gpu] = ()) -> dict[str, str]:
    """This process's environment without the database's address and the token, which are no business of a child's; and
    where it gets GPUs, those alone."""
    hidden = {name for name in os.environ if name.startswith("NEQ_")} - {PLUGINS}  # it reads the same descriptions
    hidden.add("PGPASSWORD")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    if not gpus:
        return environment
    grown = growing_segments(environment) if all(gpu.segments_grow for gpu in gpus) else {}
    return environment | grown | shown(gpus, environment)


def _start(inlet: int, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603
        module_command("trainer.engines.child", str(inlet)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=(inlet,),
        process_group=0,
        env=environment | {"PYTHONUNBUFFERED": "1"},
    )


def _failed(status: int, broken: str | None) -> RunFailed:
    """What is known of a process that ended, by itself or by us, without a word."""
    if broken is not None:
        return RunFailed(reason=f"The training process sent an invalid message: {broken}.")
    return RunFailed(reason=f"The training process ended with status {status} before its run had finished.")


def _cut_off(number: int, config: RunConfig, details: str) -> Interrupted:
    """What a process that was killed may have died of."""
    name = signal.Signals(number).name if number in set(signal.Signals) else "unknown"
    reason = f"The training process was killed by signal {number} ({name})"
    if number == signal.SIGKILL:
        reason += ", as the system does when it is out of memory."
        return Interrupted(reason, f"If memory was short: {less_memory(config)}", details)
    return Interrupted(f"{reason}.", "The last lines of the run's log may say more.", details)
