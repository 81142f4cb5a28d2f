"""The first minutes on a GPU: is NEq right there, what does it cost, what does it save? See `bench/gpu.md`.

    python bench/gpu.py --out FOLDER [--seconds 400] [--only machine,right,...]
    python bench/gpu.py --out FOLDER --dry            # the same code on a CPU, tiny; its times mean nothing

The sections run in a process of their own, which writes FOLDER/gpu.json anew after every line. Where it ends before its
time, because an error stays with the GPU, a section hangs or the process dies, that is told and another process goes on
with the next section. Needs torch (2.11 or later) and torchvision; ResNet-32 and the section `run` pydantic too.

Exit status: 0: no failure; 1: there were some, or nothing could be run; 2: the command was wrong. Surprises, figures
outside of what was expected, are marked `!` and are no failures.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from bench.gpu_sections.record import Record  # noqa: E402
from bench.gpu_sections.schedule import SECTIONS  # noqa: E402

CHILD = (sys.executable, "-u", "-m", "bench.gpu_sections")
STICKS = 3
"""The exit status of a process whose GPU no longer answers after an error."""

GRACE = 20.0
"""Seconds that a section may run beyond its share, which it looks at between its cases."""

SLACK = 10.0
"""Seconds before the end of all in which the sections begin nothing new: a case may take longer than it had left."""

POLL = 0.25


def environment() -> dict[str, str]:
    """That the sections run in: cuBLAS reads its own variable when the GPU is first used."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {"CUBLAS_WORKSPACE_CONFIG": ":4096:8", **os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def supervise(record: Record, sections: Sequence[str], ends: float, child: Sequence[str] = CHILD) -> Record:
    """Runs sections in a process, and those that are left in another where it ended before its time.

    Args:
        record: a new one.
        ends: when all is to be over, by `time.time()`.
        child: the command that takes the options of `gpu_sections.__main__`.

    Returns:
        what was found.
    """
    todo = list(sections)
    record.keep()
    while todo and time.time() < ends:
        last = ends - min(SLACK, (ends - time.time()) / 10)
        options = ["--out", str(record.path.parent), "--only", ",".join(todo), "--ends", repr(last)]
        process = subprocess.Popen([*child, *options, *(["--dry"] if record.dry else [])], env=environment(), cwd=ROOT)
        why = _wait(process, record.path, ends)
        record = Record.read(record.path)
        if why is not None:
            _tell(record, why)
        left = [] if why is None else [section for section in todo if section not in record.seconds]
        if left == todo:
            record.ended = "could not begin"
            break
        todo = left
    for section in todo:
        record.leave_out(section, "", "no time is left" if record.ended is None else "no process for it could begin")
    record.ended = record.ended or "in order"
    record.keep()
    return record


def _wait(process: "subprocess.Popen[bytes]", path: Path, ends: float) -> str | None:
    """Until it ended; returns why it did so before its time, None where it did not."""
    try:
        while process.poll() is None:
            time.sleep(POLL)
            running = Record.read(path).running
            until = ends if running is None else float(running["until"])
            if time.time() > min(until + GRACE, ends + POLL):
                return "it did not end in its time, and was ended"
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    status = process.returncode
    if status == STICKS:
        return "the GPU does not answer any more after the error before: this process ended, another goes on"
    return None if status == 0 else f"the process ended with status {status}"


def _tell(record: Record, why: str) -> None:
    """A process ended before its time, and with it the section that was running, if one was."""
    running, record.running = record.running, None
    section = "all" if running is None else str(running["section"])
    record.fail(section, "the process", why)
    if running is not None:
        record.seconds[section] = time.time() - float(running["since"])


def main(arguments: Sequence[str] | None = None, child: Sequence[str] = CHILD) -> int:
    """Runs what was asked for and prints what came of it; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(), help="folder of gpu.json; here if none is named")
    parser.add_argument("--seconds", type=float, default=400.0, help="that all may take; at most 400")
    parser.add_argument("--only", default=",".join(SECTIONS), metavar="SECTIONS", help=", ".join(SECTIONS))
    parser.add_argument("--dry", action="store_true", help="on a CPU, tiny")
    options = parser.parse_args(arguments)
    sections = options.only.split(",")
    if unknown := [section for section in sections if section not in SECTIONS]:
        parser.error(f"there is no section {unknown[0]!r}; choose among {', '.join(SECTIONS)}")
    if not 0 < options.seconds <= 400:
        parser.error(f"--seconds is {options.seconds:g}; it must be above 0, and at most 400")
    options.out.mkdir(parents=True, exist_ok=True)
    record = Record((options.out / "gpu.json").resolve(), dry=options.dry)
    in_order = [section for section in SECTIONS if section in sections]
    record = supervise(record, in_order, time.time() + options.seconds, child)
    print(record.summary())
    return 1 if record.failures or not record.lines else 0


if __name__ == "__main__":
    sys.exit(main())
