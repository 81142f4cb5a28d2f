"""What a run was started with: command, commit, versions, machine."""

import os
import platform
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Any

from neq.version import VERSION

_DISTRIBUTIONS = ("torch", "torchvision", "numpy", "lightning", "transformers", "accelerate", "timm")
_GIT_SECONDS = 5.0


def started_with() -> dict[str, Any]:
    """The facts that `run_started` tells of a script; None where one is not known."""
    script = script_path()
    return {
        "device": device_title(),
        "versions": versions(),
        "commit": commit(Path.cwd() if script is None else script.parent),
        "command": shlex.join(sys.orig_argv),
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "script": None if script is None else str(script),
    }


def versions() -> dict[str, str]:
    """Of Python, this library, and those libraries of the field that are loaded."""
    found = {"python": platform.python_version(), "neq": VERSION}
    for name in _DISTRIBUTIONS:
        if name in sys.modules:
            module = sys.modules[name]
            found[name] = str(getattr(module, "__version__", None) or metadata.version(name))
    return found


def script_path() -> Path | None:
    """The file that Python was given; None in a notebook or at a prompt."""
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    return Path(file).absolute() if isinstance(file, str) else None


def commit(folder: Path) -> str | None:
    """The Git commit that a folder is at, with `-dirty` if tracked files were modified; None outside a checkout."""
    found = _git(folder, "rev-parse", "HEAD")
    if not found:
        return None
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return found + ("-dirty" if changed else "")


def _git(folder: Path, *words: str) -> str | None:
    """What Git prints; None where it does not answer.

    It prints into a file, and is started without pipes of any kind (which `close_fds=False` and a whole path bring
    about): a child that the training forks at that moment, such as a DataLoader's worker, would hold their ends open,
    and reading them would wait for that child's end.
    """
    git = shutil.which("git")
    if git is None:
        return None
    try:
        with tempfile.TemporaryFile() as printed:
            done = subprocess.run(  # noqa: S603 - fixed words
                [git, "--no-optional-locks", "-C", str(folder), *words],
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.DEVNULL,
                close_fds=False,
                timeout=_GIT_SECONDS,
            )
            printed.seek(0)
            return printed.read().decode(errors="replace").strip() if done.returncode == 0 else None
    except (OSError, subprocess.SubprocessError):
        return None


def device_title() -> str:
    """The machine's GPU, else its processor, as a person names it.

    Asks CUDA only where it is in use already: starting it takes seconds, and forked children could not use it.
    """
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        return str(torch.cuda.get_device_name())
    for file in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")):
        for line in file.read_text(errors="replace").splitlines():
            if line.startswith("Model:"):
                return line.partition(":")[2].strip()
    if torch is not None and torch.backends.mps.is_available():
        return "Apple GPU"
    threads = torch.get_num_threads() if torch is not None else os.cpu_count() or 1
    return f"CPU, {threads} thread{'' if threads == 1 else 's'}"


def rank() -> int:
    """Which of the processes that train together this is; 0 where it is alone."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.distributed.is_available() and torch.distributed.is_initialized():
        return int(torch.distributed.get_rank())
    told = os.environ.get("RANK", "0")  # as torchrun sets it, before the processes have found each other
    return int(told) if told.isdigit() else 0
