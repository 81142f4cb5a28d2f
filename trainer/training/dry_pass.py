"""A dry pass: everything of a run that can fail at its beginning, with one small batch of its own data.

The real network, optimizer and measurement are built on the real device, one small batch goes forward and backward, and
what fails is told at the field of the description that it is about. Nothing is written and nothing downloaded.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any, TypeVar

import torch
from torch import Tensor

from contract.checks.finding import Finding
from contract.config import FileData, RunConfig
from contract.errors import RunError
from neq import NEq
from neq.measure.measure import CACHE_BYTES
from trainer.data import ImageData, load_data
from trainer.engines.environment import Workplace
from trainer.optimizers import build_optimizer, parameter_groups
from trainer.training.components import build_network
from trainer.training.device import choose_device, use_threads
from trainer.training.equilibrium import build_neq
from trainer.training.error_messages import explained
from trainer.training.resource_monitor import peak_memory_bytes
from trainer.training.tasks import build_task
from trainer.training.train_step import TrainStep, determinism

BATCH = 4
"""Images in the small batch: enough for batch norm to learn from."""
_NAMED = re.compile(r"\b(data|model|optimizer|schedule|training|neq|compute)((?:\.[a-z_]+)+)")
_ALWAYS_FROZEN = re.compile(r"\balways_freeze\b")
_PATTERNS = re.compile(r"\blayers\.(only|never_freeze|never)\b")
T = TypeVar("T")


@dataclass
class DryPass:
    """What came of it, as JSON: `state` is ok, failed, or unknown where `reason` says why nothing is known."""

    state: str = "ok"
    errors: list[dict[str, Any]] = field(default_factory=list)
    reason: str | None = None
    seconds: float | None = None
    peak_memory_bytes: int | None = None
    neq_memory_bytes: int | None = None
    parameters: int | None = None
    neurons: int | None = None


class _Failed(Exception):
    """A stage failed: what is to be told of it."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


class _NotHereYet(Exception):
    """What the run needs is downloaded when it starts, and so cannot be tried now."""


@dataclass(frozen=True)
class _Few:
    """The first of the probe images, as one batch, the same each time that it is iterated."""

    data: ImageData

    def __iter__(self) -> Iterator[Tensor]:
        inputs, _ = next(iter(self.data.batches(self.data.probe, BATCH)))
        yield inputs

    def __len__(self) -> int:
        return 1


def dry_pass(config: RunConfig, workplace: Workplace) -> DryPass:
    """Tries the beginning of a run; what is wrong with the run itself is in the answer, and nothing is raised."""
    began = perf_counter()
    # Files are read one by one as a streaming run reads them, and not all beforehand; and compiling takes a minute.
    data = config.data.model_copy(update={"loading": "stream"}) if isinstance(config.data, FileData) else config.data
    compute = config.compute.model_copy(update={"compile": False})
    quick = config.model_copy(update={"data": data, "compute": compute})
    answer = DryPass()
    try:
        _Trial(quick, replace(workplace, may_download=False, loaders=0), workplace.may_download).run(answer)
    except _Failed as failed:
        answer.state, answer.errors = "failed", [failed.finding.to_json()]
    except _NotHereYet as missing:
        answer.state, answer.reason = "unknown", f"{missing} It is downloaded when the run starts."
    answer.seconds = perf_counter() - began
    answer.peak_memory_bytes = _peak()
    return answer


@dataclass(frozen=True)
class _Trial:
    """The stages of one dry pass, each with the field that it is usually about.

    Attributes:
        downloads: whether the run itself may download what is missing here.
    """

    config: RunConfig
    workplace: Workplace
    downloads: bool

    def run(self, answer: DryPass) -> None:
        """All stages; notes in the answer what it finds on its way."""
        device = self._stage("compute.device", lambda: choose_device(self.config, self.workplace))
        with determinism(self.config, device):
            self._run_on(device, answer)

    def _run_on(self, device: torch.device, answer: DryPass) -> None:
        config, workplace = self.config, self.workplace
        data = self._stage("data.folder" if hasattr(config.data, "folder") else "data.kind", lambda: self._data(device))
        use_threads(workplace)
        network = "model.name" if hasattr(config.model, "name") else "model.kind"
        model = self._stage(network, lambda: build_network(config, data, workplace, device))
        answer.parameters = sum(p.numel() for p in model.parameters() if p.requires_grad)
        groups = parameter_groups(config.model, model)
        optimizer = self._stage("optimizer.kind", lambda: build_optimizer(config.optimizer, groups))
        neq = self._stage("neq.layers.only", lambda: build_neq(config, model, optimizer, _Few(data)))
        answer.neurons = sum(layer.neurons for layer in neq.layers)
        batches, task = len(data.training_bounds(config.training.batch_size)), build_task(config, data)
        train_step = self._stage("schedule.kind", lambda: TrainStep.of(config, model, optimizer, task, device, batches))
        self._stage(network, lambda: _one_step(config, data, train_step))
        answer.neq_memory_bytes = _kept_at_most(neq, config, data)  # the step has made the optimizer's state

    def _data(self, device: torch.device) -> ImageData:
        return load_data(self.config, self.workplace, device)

    def _stage(self, usual: str, act: Callable[[], T]) -> T:
        """Does one part; what fails is told at the field that its remedy names, or at the usual one."""
        try:
            return act()
        except Exception as error:
            known = error if isinstance(error, RunError) else explained(error, self.config, f"{BATCH} images")
            if self.downloads and known is not None and "NEQ_DOWNLOAD" in (known.remedy or ""):
                raise _NotHereYet(known.message) from error
            if known is None:
                known = RunError(f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0][:500]}")
            message = f"{known.message} {known.remedy or ''}".strip()
            raise _Failed(Finding(field_of(self.config, message, usual), message)) from error


def _kept_at_most(neq: NEq, config: RunConfig, data: ImageData) -> int:
    """What NEq will keep at most in the run itself, whose probe set is larger than the one here."""
    kept, samples = neq.memory(), len(data.probe)
    outputs = kept.outputs * samples // min(BATCH, samples)
    caches = config.neq.measure == "cached" or outputs <= CACHE_BYTES
    return kept.at_most - kept.outputs + (outputs if caches else 0)


def _one_step(config: RunConfig, data: ImageData, train_step: TrainStep) -> None:
    random = torch.Generator(device=data.device).manual_seed(config.training.seed)
    inputs, targets = next(iter(data.training_batches(min(BATCH, config.training.batch_size), random)))
    train_step.begin_epoch(0)
    train_step(inputs, targets, batch=0, batches=1)


def field_of(config: RunConfig, message: str, usual: str) -> str:
    """The field that a message is about: the first that it names and the description has, else the usual one."""
    if _ALWAYS_FROZEN.search(message):  # a contradiction names never_freeze too
        return "neq.layers.always_freeze_first" if config.neq.layers.always_freeze_first else "neq.layers.always_freeze"
    if found := _PATTERNS.search(message):
        return f"neq.layers.{found[1]}"
    described = config.model_dump(mode="json")
    for match in _NAMED.finditer(message):
        at: Any = described
        for name in match[0].split("."):
            at = at.get(name, KeyError) if isinstance(at, dict) else KeyError
        if at is not KeyError and not isinstance(at, dict):
            return match[0]
    return usual


def _peak() -> int | None:
    """Most memory of the GPU where it was used, else of this process; None where the system does not tell."""
    if torch.cuda.is_available() and torch.cuda.is_initialized() and torch.cuda.max_memory_allocated():
        return torch.cuda.max_memory_allocated()
    return peak_memory_bytes()
