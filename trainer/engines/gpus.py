"""A worker's GPUs: which there are, asked of torch in a process of its own, and which of them each run gets.

Imports no torch: a worker that opened CUDA itself would hold memory on every GPU, and could not fork.
"""

import json
import os
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from trainer.engines.device_choice import DeviceChoice
from trainer.engines.own_python import module_command

ASK_SECONDS = 300.0
"""What importing torch may take on a busy machine."""
_LOOK_SECONDS = 0.2
GROWING = "expandable_segments:True"
_EVERY = DeviceChoice("auto")
_SIGNS = ("nvidia[0-9]*", "nvidiactl", "nvhost-gpu", "nvmap", "dxg", "kfd")
"""In /dev: NVIDIA's driver, that of a Jetson, WSL's, and AMD's."""


class NoSuchGpu(Exception):
    """The worker was told to use a GPU, or a kind of GPU, that is not there; says which are, or what to do."""


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU that torch finds.

    Attributes:
        kind: torch's name for it: cuda (AMD's too), xpu, mps.
        number: torch's, of all that the worker's own environment shows.
        segments_grow: whether torch's allocator can have segments that grow there, which leaves less memory unused:
            virtual GPUs and WSL may not bear it.
    """

    kind: str
    number: int
    name: str
    memory_bytes: int
    segments_grow: bool = False

    @property
    def title(self) -> str:
        """As a person names it: `GPU 1 (NVIDIA H200)`; where torch did not say its name yet, `GPU 1`."""
        return f"GPU {self.number} ({self.name})" if self.name else f"GPU {self.number}"

    def alone(self, environment: Mapping[str, str]) -> dict[str, str]:
        """What to change in this environment so that a process sees this GPU and no other, as number 0.

        What the environment names already, by number or by UUID, stays as it is named there.
        """
        variable = _variable(self.kind, environment)
        if variable is None:
            return {}
        named = [each.strip() for each in environment.get(variable, "").split(",") if each.strip()]
        return {variable: named[self.number] if self.number < len(named) else str(self.number)}


def shown(gpus: Sequence[Gpu], environment: Mapping[str, str]) -> dict[str, str]:
    """What to change in this environment so that a process sees these GPUs and no others, numbered in their order."""
    each = [gpu.alone(environment) for gpu in gpus]
    return {name: ",".join(changes[name] for changes in each) for name in (each[0] if each else ())}


def _variable(kind: str, environment: Mapping[str, str]) -> str | None:
    if kind == "cuda":
        return "HIP_VISIBLE_DEVICES" if environment.get("HIP_VISIBLE_DEVICES") else "CUDA_VISIBLE_DEVICES"
    return "ZE_AFFINITY_MASK" if kind == "xpu" else None


def may_have_gpus(choice: DeviceChoice, devices: Path = Path("/dev")) -> bool:
    """Whether it is worth asking torch, which takes seconds: a GPU is asked for, or a driver shows."""
    if choice.kind != "auto":
        return choice.kind != "cpu"
    shown = os.environ.get("CUDA_VISIBLE_DEVICES", "all").strip() not in ("", "-1")
    return shown and any(True for sign in _SIGNS for _ in devices.glob(sign))


def growing_segments(environment: Mapping[str, str]) -> dict[str, str]:
    """What asks torch's allocator for segments that grow, unless this environment has settings of its own."""
    names = ("PYTORCH_ALLOC_CONF", "PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_HIP_ALLOC_CONF")  # over the years
    return {} if any(environment.get(name) for name in names) else {names[0]: GROWING}


def find_gpus(
    environment: dict[str, str], choice: DeviceChoice, ended: Callable[[], bool] = lambda: False
) -> tuple[Gpu, ...] | None:
    """The GPUs that a worker of this choice may use; None where torch could not be asked.

    Args:
        environment: that torch is asked in.
        ended: tells whether nobody waits for the answer any more: then it is given up at once.

    Raises:
        NoSuchGpu: one that the choice names is not there, or none of the kind that it asks for.
    """
    kind = "cuda" if choice.kind == "auto" else choice.kind
    environment = environment | growing_segments(environment)
    parts = _parts_of_gpus(environment) if kind == "cuda" else ()
    try:
        found = _told(environment, kind, ended) if len(parts) < 2 else _each_alone(environment, parts, ended)
    except (OSError, subprocess.SubprocessError, ValueError, IndexError, TypeError):
        return None
    there = {gpu.number: gpu for gpu in found}
    if missing := [number for number in choice.numbers if number not in there]:
        known = ", ".join(f"{gpu.kind}:{gpu.number} ({gpu.name})" for gpu in found) or "none"
        raise NoSuchGpu(f"there is no {choice.kind}:{missing[0]} that torch can use here; it finds {known}")
    if choice.kind != "auto" and not found:
        raise NoSuchGpu(
            f"torch finds no {choice.kind} device that it can use here; see that the driver and a build of torch for "
            "it are installed, or write auto, which trains on the CPU where there is no GPU"
        )
    return tuple(there[number] for number in choice.numbers) or found


def _parts_of_gpus(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The parts of GPUs (MIG) that the environment names."""
    named = [each.strip() for each in environment.get("CUDA_VISIBLE_DEVICES", "").split(",")]
    return tuple(named) if all(each.startswith("MIG-") for each in named) else ()


def _each_alone(environment: Mapping[str, str], parts: Sequence[str], ended: Callable[[], bool]) -> tuple[Gpu, ...]:
    """CUDA shows a process one part of a GPU, however many are named: so each is asked for by itself."""
    found = []
    for number, part in enumerate(parts):
        told = _told({**environment, "CUDA_VISIBLE_DEVICES": part}, "cuda", ended)
        found += [replace(gpu, number=number) for gpu in told[:1]]
    return tuple(found)


def _told(environment: Mapping[str, str], kind: str, ended: Callable[[], bool]) -> tuple[Gpu, ...]:
    """What torch says of its GPUs in this environment."""
    said = _output(module_command("trainer.engines.torch_gpus", kind), environment, ended)
    return tuple(Gpu(**each) for each in json.loads(said.splitlines()[-1]))


def _output(command: list[str], environment: Mapping[str, str], ended: Callable[[], bool]) -> bytes:
    """What a process printed, which is killed once nobody waits for it.

    Raises:
        OSError, subprocess.SubprocessError: it could not be started, failed, or gave no answer in time.
    """
    deadline = time.monotonic() + ASK_SECONDS
    with subprocess.Popen(  # noqa: S603
        command, env={**environment}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        try:
            while True:
                try:
                    said, _ = process.communicate(timeout=_LOOK_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    if ended() or time.monotonic() > deadline:
                        raise
        finally:
            process.kill()
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, command)
    return said


class GpuPool:
    """Lends a worker's GPUs to its runs, each time the one that fewest have. Thread-safe."""

    def __init__(self, gpus: Sequence[Gpu] | None, choice: DeviceChoice = _EVERY) -> None:
        """
        Args:
            gpus: that there are; None: it is not known yet, and until then runs get those that the choice numbers, or
                choose for themselves where it numbers none.
            choice: what the worker may use; of what is learned later only that is lent.
        """
        self._gpus = None if gpus is None else tuple(gpus)
        self._numbers = choice.numbers
        self._numbered = tuple(Gpu(choice.kind, number, "", 0) for number in choice.numbers)
        self._runs: Counter[int] = Counter()
        self._lock = threading.Lock()

    @property
    def gpus(self) -> tuple[Gpu, ...] | None:
        """All of them; None: it is not known yet."""
        return self._gpus

    def learn(self, gpus: Sequence[Gpu]) -> tuple[int, ...]:
        """These are there, as is known now. Returns the numbers that the worker was told to use and that are not."""
        there = {gpu.number: gpu for gpu in gpus}
        self._gpus = tuple(there[number] for number in self._numbers or there if number in there)
        return tuple(number for number in self._numbers if number not in there)

    def free(self) -> Gpu | None:
        """The one that fewest runs have, of those the first; None where there is none."""
        with self._lock:
            return next(iter(self._least_used(1)), None)

    def take(self, count: int = 1) -> tuple[Gpu, ...]:
        """So many of these, for a run: `release` them. Fewer where there are fewer: the run then says so."""
        with self._lock:
            gpus = self._least_used(count)
            self._runs.update(gpu.number for gpu in gpus)
            return gpus

    def release(self, gpus: Sequence[Gpu]) -> None:
        """The run is over."""
        with self._lock:
            self._runs.subtract(gpu.number for gpu in gpus)

    def _least_used(self, count: int) -> tuple[Gpu, ...]:
        # A number that torch does not find is lent all the same: the run then says so, and takes no other GPU.
        return tuple(sorted(self._gpus or self._numbered, key=lambda gpu: self._runs[gpu.number])[:count])
