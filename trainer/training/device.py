"""The device that a run is trained on."""

import os
import platform
import subprocess
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

import torch

from contract.config import RunConfig
from contract.errors import RunError
from contract.version import VERSION
from trainer.engines.device_errors import first_line
from trainer.engines.environment import Workplace

AMPERE = 8
"""The first compute capability of NVIDIA's GPUs that has TF32."""

_NAMES = {"cuda": "a GPU", "xpu": "an Intel GPU (xpu)", "mps": "an Apple GPU (mps)", "cpu": "the CPU"}
_TESTS = {"cuda": "torch.cuda", "xpu": "torch.xpu", "mps": "torch.backends.mps"}


def choose_device(config: RunConfig, workplace: Workplace) -> torch.device:
    """What the run asks for, within what the workplace allows; `auto` takes a CUDA GPU where there is one.

    Raises:
        RunError: the run asks for a device that is not there or not allowed, or the workplace insists on one.
    """
    wanted, limit = config.compute.wanted_device, workplace.device_limit
    if "auto" not in (wanted, limit) and wanted != limit:
        _refuse_other(wanted, limit)
    kind = limit if wanted == "auto" else wanted
    if kind == "auto" and workplace.gpu is not None:
        kind = "cuda"  # where it does not answer any more the run says so, and does not train on the CPU in silence
    if kind == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if kind != "cpu":
        _refuse_missing(kind, workplace.gpu if kind in ("cuda", limit) else None)
    return torch.device(kind)


def _refuse_other(wanted: str, limit: str) -> NoReturn:
    if limit == "cpu":
        raise RunError(
            f"The run asks for {_NAMES[wanted]}, and this worker may use the CPU only.",
            "Set compute.device to auto or cpu, or let the worker use its GPU.",
        )
    raise RunError(
        f"The run asks for {_NAMES[wanted]}, and this worker trains on {_NAMES[limit]} only.",
        f"Set compute.device to auto or {limit}, or change the worker's NEQ_DEVICE.",
    )


def _refuse_missing(kind: str, given: str | None) -> None:
    """A GPU of this kind is needed: torch's own warning says why it cannot be used, where there is one.

    Args:
        given: the one that the worker gave the run.
    """
    module: Any = torch.backends.mps if kind == "mps" else torch.get_device_module(kind)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        if module.is_available():
            _refuse_without_float64(kind)
            return
    why = f" It says: {first_line(told[0].message)}" if told and isinstance(told[0].message, Exception) else ""
    if given is not None:
        raise RunError(
            f"The worker gave the run {given}, and torch cannot use it.{why}",
            "Check whether the driver still lists it (nvidia-smi), and resume the run once it responds or on another "
            "worker; or set compute.device to cpu.",
        )
    raise RunError(
        f"The run needs {_NAMES[kind]}, and torch finds none on this machine.{why}",
        f"Set compute.device to auto or cpu, or start a worker where {_TESTS[kind]}.is_available() is true.",
    )


def _refuse_without_float64(kind: str) -> None:
    if kind == "xpu" and not torch.xpu.get_device_capability()["has_fp64"]:
        raise RunError(
            "This Intel GPU cannot compute in float64, which the sums of φ are taken in.",
            "Set compute.device to cpu, or use an Intel GPU that has float64.",
        )


def device_title(device: torch.device, workplace: Workplace | None = None) -> str:
    """As a person names it: `CPU, 2 threads` or `NVIDIA H200`; where a worker gave the run a GPU, which of its GPUs
    that is: `GPU 1 (NVIDIA H200)`; where several processes train, how many: `CPU, 1 thread × 2 processes`."""
    together = "" if workplace is None or workplace.processes == 1 else f" × {workplace.processes} processes"
    return f"{_title(device, workplace)}{together}"


def _title(device: torch.device, workplace: Workplace | None) -> str:
    if device.type == "cpu":
        threads = torch.get_num_threads()
        return f"CPU, {threads} thread{'' if threads == 1 else 's'}"
    if workplace is not None and workplace.gpu is not None:
        return workplace.gpu
    if device.type == "mps":
        return "Apple GPU"
    return str(torch.get_device_module(device).get_device_name(device))


def has_tf32(device: torch.device) -> bool:
    """Whether products may be rounded to TF32: on NVIDIA's GPUs from compute capability 8.0 (Ampere) on, and on AMD's
    and Intel's as far as their libraries do so. CPUs and Apple's GPUs know none."""
    if device.type == "cuda":
        return torch.version.hip is not None or torch.cuda.get_device_capability(device)[0] >= AMPERE
    return device.type == "xpu"


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
