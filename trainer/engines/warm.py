"""The process that dry passes are made in: `python -m trainer.engines.warm`, started by `trainer.engines.dry` alone.

Importing torch takes longer than the pass itself, so this process imports it once and then waits. Each line of its
standard input is a job with a number; it is done in a fork of the process, which may crash or be killed, and answered
with a line that has the same number.
Where a process with torch cannot be forked safely it does one job itself and ends, and its parent starts another.
"""

import ctypes
import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

FORKS = sys.platform == "linux"
NICE = 5
"""Runs that are trained at the same time come first."""
LONGEST_SECONDS = 150
_PR_SET_PDEATHSIG = 1
_FIRST_TO_GO = "900"
"""Of 1,000: when memory runs out, a dry pass ends before any training does."""


def main() -> None:
    """Imports what dry passes need, says so, and does jobs until its input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    _end_with_the_parent()
    os.nice(NICE)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_GO)
    answers = os.dup(1)
    os.dup2(2, 1)  # what a network prints is no answer
    import trainer.engines.warm_jobs

    with suppress(ImportError):
        import torchvision.models  # noqa: F401

    _say(answers, {"ready": True})
    jobs = os.fdopen(os.dup(0), "rb", buffering=0)
    while line := jobs.readline():
        job = json.loads(line)
        number = {"id": job["id"]}
        if FORKS:
            _say(answers, _in_a_fork(job) | number)
        else:
            _say(answers, trainer.engines.warm_jobs.answer(job) | number)
            return


def _in_a_fork(job: dict[str, Any]) -> dict[str, Any]:
    """What came of the job; of a fork that ended without an answer, how it ended."""
    from trainer.engines.warm_jobs import answer

    outlet, inlet = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        _end_with_the_parent()
        signal.alarm(LONGEST_SECONDS)  # its default is to end the process, whether or not anybody is left to do so
        try:
            os.close(outlet)
            said = json.dumps(answer(job)).encode()
            with os.fdopen(inlet, "wb") as pipe:
                pipe.write(said)
            status = 0
        finally:
            os._exit(status)
    os.close(inlet)
    with os.fdopen(outlet, "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    try:
        found: dict[str, Any] = json.loads(said)
    except ValueError:
        return {"ended": -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)}
    return found


def _end_with_the_parent() -> None:
    """Has Linux kill this process when its parent is gone, whatever it is at; elsewhere the end of its input tells."""
    if FORKS:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _say(answers: int, content: dict[str, Any]) -> None:
    data = json.dumps(content).encode() + b"\n"
    while data:
        data = data[os.write(answers, data) :]


if __name__ == "__main__":
    main()
