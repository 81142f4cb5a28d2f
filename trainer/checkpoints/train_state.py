"""All that changes while a run is trained, saved and restored: after `load_state_dict`, training goes on as if it had
never stopped.

Only tensors, numbers, text, and lists, tuples and dicts of them, so that a file of it is read without running code.
"""

import random as python_random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from pydantic import ValidationError
from torch import Tensor, nn
from torch.optim import Optimizer

from contract.config import RunConfig
from contract.config.forking import refused
from contract.errors import RunError
from trainer.engines.device_errors import explained_failure, is_memory

FORMAT = 1


class Stateful(Protocol):
    """Anything that can be saved and restored."""

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: dict[str, Any]) -> Any: ...


@dataclass(frozen=True)
class TrainState:
    """All that changes while a run is trained.

    Attributes:
        model: the network.
        optimizer: over the network's parameters.
        steps: what stands between the batches and the optimizer: step counter, gradient scaler.
        neq: φ, velocities and masks; restored after the model, for frozen rows keep what the model has then.
        random: the loop's own generator: order and augmentation of the training samples, so its state is the
            sampler's position.
        times: dense steps to compare later ones with; a checkpoint of an older program has none.
    """

    model: nn.Module
    optimizer: Optimizer
    steps: Stateful
    neq: Stateful
    random: torch.Generator
    times: Stateful | None = None

    def state_dict(self, config: RunConfig) -> dict[str, Any]:
        """The run's state, to be saved at once: its tensors are the run's own, not copies."""
        model = self.model.state_dict()
        return {
            "format": FORMAT,
            "config": config.model_dump(mode="json"),
            "device": self.random.device.type,
            "model": model,
            "optimizer": {"kind": config.optimizer.kind, **self.optimizer.state_dict()},
            "steps": self.steps.state_dict(),
            "neq": _with_shared(self.neq.state_dict(), model),
            "random": _random_states(self.random),
            "times": None if self.times is None else self.times.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any], config: RunConfig) -> list[str]:
        """Restores a run's state; returns what a person should know, in sentences: where numbers cannot be the same.

        The configuration may differ where a fork's may. The optimizer's own settings are the new ones; its state is
        kept where it is of the same kind.

        Raises:
            RunError: the state is of another configuration, or of another version of this program.
        """
        if state.get("format") != FORMAT:
            raise RunError(
                f"The checkpoint has format {state.get('format')!r}, and this program reads {FORMAT}.",
                "Resume the run with the version of the program that wrote it, or launch it again.",
            )
        _compare(state["config"], config)
        told = self._load(state, config)
        return told + _otherwise_now(state, self.random.device, config) + _restore_random(state, self.random, config)

    def _load(self, state: Mapping[str, Any], config: RunConfig) -> list[str]:
        """Everything but the random states."""
        try:
            self.model.load_state_dict(state["model"])
            told = _restore_optimizer(state["optimizer"], self.optimizer, config)
            self.steps.load_state_dict(state["steps"])
            self.neq.load_state_dict(state["neq"])
            if self.times is not None and state.get("times") is not None:
                self.times.load_state_dict(state["times"])
        except (KeyError, RuntimeError, ValueError) as error:
            if is_memory(error) or explained_failure(error) is not None:
                raise  # the device failed, and the checkpoint is as good as it was
            raise RunError(
                f"The checkpoint does not fit this run: {str(error).partition(chr(10))[0]}",
                "Resume it with the version of the program that wrote it, or launch it again.",
            ) from error
        return told


def _otherwise_now(content: Mapping[str, Any], device: torch.device, config: RunConfig) -> list[str]:
    """What the program that wrote the checkpoint computed in another precision. One from before these changes did not
    know of cudnn_benchmark yet."""
    before = content["config"].get("compute", {})
    if "cudnn_benchmark" in before:
        return []
    told = []
    if before.get("precision") == config.compute.precision == "bf16":
        told.append("Test images are looked at in bf16 from here on: the program that began the run did so in float32.")
    if content["device"] == device.type == "cuda":
        what = "of training, testing and φ" if config.compute.precision == "float32" else "of φ"
        told.append(
            f"The convolutions {what} are computed in full float32 from here on: the program that began the run let "
            "GPUs that have TF32 round them to it."
        )
    return told


def _compare(before: dict[str, Any], config: RunConfig) -> None:
    try:
        wrong = refused(RunConfig.model_validate(before), config)
    except ValidationError as error:
        raise RunError(
            "The checkpoint's configuration cannot be read: it was written by another version of this program.",
            "Resume the run with that version, or launch it again.",
        ) from error
    if wrong:
        path, why = next(iter(wrong.items()))
        raise RunError(
            f"The checkpoint is of another configuration: {', '.join(wrong)} differs. {why}.",
            f"Leave {path} as it was, or launch a new run.",
        )


def _restore_optimizer(saved: dict[str, Any], optimizer: Optimizer, config: RunConfig) -> list[str]:
    if saved["kind"] != config.optimizer.kind:
        return [f"The optimizer begins without memory: it was {saved['kind']} and is {config.optimizer.kind}."]
    settings = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": saved["state"], "param_groups": settings})
    return []


def _with_shared(state: dict[str, Any], model: Mapping[str, Tensor]) -> dict[str, Any]:
    """The state with the model's own tensors in place of equal ones of the same name, which a file then holds once.

    Right after an epoch's end, last epoch's network and today's are the same.
    """
    former = state.get("former")
    if not isinstance(former, dict):
        return state
    shared = {
        name: model[name] if name in model and torch.equal(model[name], tensor) else tensor
        for name, tensor in former.items()
    }
    return {**state, "former": shared}


def _random_states(own: torch.Generator) -> dict[str, Any]:
    state: Any = np.random.get_state(legacy=True)
    name, keys, place, has_gauss, gauss = state
    return {
        "loop": own.get_state(),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else [],
        "gpu": _gpu_state(own.device),
        "numpy": (name, keys.tolist(), place, has_gauss, gauss),
        "python": python_random.getstate(),
    }


def _restore_random(content: Mapping[str, Any], own: torch.Generator, config: RunConfig) -> list[str]:
    states = content["random"]
    torch.set_rng_state(states["torch"])
    name, keys, place, has_gauss, gauss = states["numpy"]
    np.random.set_state((name, np.array(keys, dtype=np.uint32), place, has_gauss, gauss))
    python_random.setstate(states["python"])
    if content["device"] != own.device.type:
        own.manual_seed(config.training.seed + content["epoch"] + 1)
        return [
            f"The order of the images is drawn anew: the run was on {content['device']}, and is on {own.device.type}."
        ]
    own.set_state(states["loop"])
    return _restore_gpu_state(states, own.device)


def _gpu_state(device: torch.device) -> Tensor | None:
    """What torch's own generator on the run's GPU would draw next; None on a CPU."""
    if device.type == "cpu":
        return None
    module: Any = torch.get_device_module(device)
    state: Tensor = module.get_rng_state()
    return state


def _restore_gpu_state(states: Mapping[str, Any], device: torch.device) -> list[str]:
    """The run's own GPU continues where it was, however many others there were then and are now.

    A checkpoint of an older program names the states of all CUDA GPUs, of which the run used the first.
    """
    if device.type == "cpu":
        return []
    state = states.get("gpu")
    if state is None and device.type == "cuda" and states["cuda"]:
        state = states["cuda"][0]
    if state is None:
        return ["What drop-out leaves out is drawn anew: the checkpoint holds no random state of a GPU."]
    module: Any = torch.get_device_module(device)
    module.set_rng_state(state)
    if device.type == "cuda" and len(states["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(states["cuda"])
    elif device.type == "cuda" and torch.cuda.device_count() > 1:
        count = torch.cuda.device_count()
        return [
            f"Random numbers go on as they were on the run's own GPU alone: {len(states['cuda'])} could be seen then, "
            f"and {count} now."
        ]
    return []
