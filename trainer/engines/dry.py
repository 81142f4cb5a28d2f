"""Dry passes of runs, in a process that waits with torch imported; for one thread."""

import json
import os
import select
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import replace
from typing import Any

from contract.checks.finding import Finding
from contract.config import RunConfig
from trainer.engines.environment import Workplace
from trainer.engines.gpus import GpuPool
from trainer.engines.memory import SMALLER_RUN
from trainer.engines.own_python import module_command
from trainer.engines.process import environment_of_child

LONGEST_SECONDS = 120.0
"""A dry pass that takes longer is given up."""
GPU_SECONDS = 60.0
START_SECONDS = 300.0
"""What importing torch may take on a busy machine."""
_UNKNOWN: dict[str, Any] = {"errors": [], "reason": None, "seconds": None}


class DryPasses:
    """Makes dry passes one after the other. A crash ends the process that makes them, and the next one is started."""

    def __init__(self, workplace: Workplace, gpus: GpuPool | None = None) -> None:
        """The process is started with the first call of `warm`.

        Args:
            workplace: what this machine offers.
            gpus: of which a dry pass sees the one that fewest runs have.
        """
        self._workplace, self._gpus = workplace, gpus or GpuPool(None)
        self._process: subprocess.Popen[bytes] | None = None
        self._rest = b""
        self._ready = False
        self._asked = 0

    def warm(self) -> subprocess.Popen[bytes]:
        """The process, started if it does not run; it then imports torch. OSError where the system cannot."""
        process = self._process
        if process is not None and process.poll() is None:
            return process
        self.close()
        self._rest, self._ready = b"", False
        self._process = process = subprocess.Popen(  # noqa: S603
            module_command("trainer.engines.warm"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            process_group=0,
            # A process with threads of its own cannot be forked safely; torch starts its own later.
            env=environment_of_child() | {"OPENBLAS_NUM_THREADS": "1"},
        )
        return process

    def gpus(self) -> list[dict[str, Any]] | None:
        """Kind, number, name and memory of every GPU that runs may use; None where torch could not be asked."""
        limit = self._workplace.device_limit
        try:
            said = self._ask({"job": "gpus", "kind": "cuda" if limit in ("auto", "cpu") else limit}, GPU_SECONDS)
        except _NotReady:
            return None
        found: list[dict[str, Any]] | None = None if said is None else said.get("gpus")
        return found

    def other_kinds(self) -> list[str] | None:
        """Which of Intel's (xpu) and Apple's GPUs (mps) torch can use; None where it could not be asked."""
        try:
            said = self._ask({"job": "other kinds"}, GPU_SECONDS)
        except _NotReady:
            return None
        found: list[str] | None = None if said is None else said.get("kinds")
        return found

    def make(self, config: RunConfig) -> dict[str, Any]:
        """What came of a dry pass, as the store keeps it: `state`, and what `trainer.training.dry_pass` says."""
        described = config.model_dump(mode="json")
        gpu = None if config.compute.on_cpu else self._gpus.free()
        job = {
            "job": "dry pass",
            "config": described,
            "workplace": replace(self._workplace, gpu=None if gpu is None else gpu.title).to_json(),
            "environment": {} if gpu is None else gpu.alone(os.environ),
        }
        try:
            said = self._ask(job, LONGEST_SECONDS)
        except _NotReady:
            reason = f"The worker was still importing torch after {START_SECONDS:.0f} s: its machine may be busy."
            return _UNKNOWN | {"state": "unknown", "reason": reason}
        if said is None:
            reason = f"The check took longer than {LONGEST_SECONDS:.0f} s and was aborted, or could not be started."
            return _UNKNOWN | {"state": "unknown", "reason": reason}
        if "ended" in said:
            return _UNKNOWN | {"state": "failed", "errors": [_crashed(said["ended"]).to_json()]}
        return said

    def close(self) -> None:
        """Ends the process and all that it started."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()

    def _ask(self, job: dict[str, Any], seconds: float) -> dict[str, Any] | None:
        """The answer to a job; None where there was none in time, and then the process is ended.

        Raises:
            _NotReady: it is still importing torch, and keeps at it.
        """
        with suppress(OSError, ValueError, EOFError):  # it died before its answer, or was closed meanwhile
            process = self.warm()
            self._await_ready(process)
            self._asked += 1
            process.stdin.write(json.dumps(job | {"id": self._asked}).encode() + b"\n")  # type: ignore[union-attr]
            process.stdin.flush()  # type: ignore[union-attr]
            if (said := self._answer_to(self._asked, process, time.monotonic() + seconds)) is not None:
                return said
        self.close()
        return None

    def _await_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._ready:
            if (said := self._line(process, deadline)) is None:
                raise _NotReady
            self._ready = "ready" in said

    def _answer_to(self, number: int, process: subprocess.Popen[bytes], deadline: float) -> dict[str, Any] | None:
        """What the process says to the job of this number; None where the time is over."""
        while (said := self._line(process, deadline)) is not None:
            if said.pop("id", None) == number:
                return said
        return None

    def _line(self, process: subprocess.Popen[bytes], deadline: float) -> dict[str, Any] | None:
        """The next line that the process says; None where the time is over, EOFError where it has ended."""
        output: Any = process.stdout
        while b"\n" not in self._rest:
            ready, _, _ = select.select([output], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                return None
            data = os.read(output.fileno(), 65_536)
            if not data:
                raise EOFError
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        found: dict[str, Any] = json.loads(line)
        return found


class _NotReady(Exception):
    """The process that makes dry passes has not imported torch yet."""


def _crashed(status: int) -> Finding:
    if status == -signal.SIGKILL:
        why = f"was killed, as the system does when it is out of memory: {SMALLER_RUN}"
    elif status < 0:
        name = signal.Signals(-status).name if -status in set(signal.Signals) else str(-status)
        why = f"crashed with {name}: the run would end in the same way"
    else:
        why = f"ended with status {status} and without an answer: the run would end in the same way"
    return Finding("", f"The dry pass {why}")
