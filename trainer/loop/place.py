"""The device that a run is trained on."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

import torch

from trainer.config import RunConfig
from trainer.engines.workplace import Workplace
from trainer.errors import RunError
from trainer.version import VERSION


def choose_device(config: RunConfig, workplace: Workplace) -> torch.device:
    """What the run asks for, within what the workplace allows; `auto` takes a GPU where there is one.

    Raises:
        RunError: the run asks for a GPU that is not there or not allowed, or the workplace insists on one.
    """
    wanted, limit = config.compute.device, workplace.device_limit
    if wanted == "cuda" and limit == "cpu":
        raise RunError(
            "The run asks for a GPU, and this worker may use the CPU only.",
            "Set compute.device to auto or cpu, or let the worker use its GPU.",
        )
    if wanted == "cpu" and limit == "cuda":
        raise RunError(
            "The run asks for the CPU, and this worker trains on a GPU only.",
            "Set compute.device to auto or cuda, or lift the worker's limit.",
        )
    there = torch.cuda.is_available()
    if "cuda" in (wanted, limit) and not there:
        raise RunError(
            "The run needs a GPU, and torch finds none on this machine.",
            "Set compute.device to auto or cpu, or start a worker where torch.cuda.is_available() is true.",
        )
    return torch.device("cuda" if there and limit != "cpu" and wanted != "cpu" else "cpu")


def device_title(device: torch.device) -> str:
    """As a person names it: `CPU, 2 threads` or `NVIDIA H200`."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"CPU, {threads} thread{'' if threads == 1 else 's'}"


def versions() -> dict[str, str]:
    """Python, torch, torchvision and this program."""
    return {
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "torchvision": version("torchvision"),
        "neq": VERSION,
    }


def commit() -> str | None:
    """git's name for this program's code, where it runs from a checkout; `-dirty` where files were changed."""
    here = Path(__file__).parent
    git = ["git", "-C", str(here), "describe", "--always", "--dirty", "--abbrev=40", "--match="]
    try:
        said = subprocess.run(git, capture_output=True, text=True, timeout=10, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None
    return said.stdout.strip() or None


def use_threads(workplace: Workplace) -> None:
    """Gives torch as many CPU threads as the workplace allows, process-wide.

    Raises:
        RunError: fewer than one.
    """
    if workplace.threads is None:
        return
    if workplace.threads < 1:
        raise RunError(f"{workplace.threads} threads cannot train.", "Give the worker at least one thread.")
    torch.set_num_threads(min(workplace.threads, os.cpu_count() or 1))
