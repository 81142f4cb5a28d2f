"""Section `run`: the product's own training on the device, cut off and continued; and which GPU a run gets."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from os import environ
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.gpu_sections import expected
from bench.gpu_sections.experiment import Experiment

if TYPE_CHECKING:
    from contract.config import RunConfig
    from contract.events import EpochFinished
    from trainer.engines.resume_point import ResumePoint

_OTHERS: tuple[dict[str, Any], ...] = (
    {"precision": "bf16"},
    {"precision": "fp16"},
    {"precision": "tf32"},
    {"cudnn_benchmark": True},
)
_WHICH = "import torch; print(torch.cuda.device_count(), torch.cuda.get_device_properties(0).uuid)"


def run(here: Experiment) -> None:
    """All of it needs pydantic."""
    here.attempt("deterministic, continued after 2 of 4", _continued, here)
    for compute in _OTHERS:
        here.attempt(", ".join(f"{name} {value}" for name, value in compute.items()), _trained, here, compute)
    here.attempt("a GPU for each run", _gpus, here)


def _config(here: Experiment, epochs: int, **compute: Any) -> "RunConfig":
    from contract.config import RunConfig

    samples, side, batch = (40, 8, 20) if here.dry else (2000, 32, 100)
    model = {"kind": "cnn", "channels": [4, 6]} if here.dry else {"kind": "resnet-cifar", "depth": 20}
    return RunConfig.model_validate(
        {
            "data": {
                "kind": "synthetic",
                "classes": 10,
                "size": side,
                "train_samples": samples,
                "test_samples": 20 if here.dry else 500,
            },
            "model": model,
            "optimizer": {"kind": "sgd", "learning_rate": 0.05},
            "training": {"epochs": epochs, "batch_size": batch},
            "neq": {"epsilon": 0.01, "probe": {"samples": 10 if here.dry else 100}},
            "compute": {"device": here.device.type, **compute},
        }
    )


def _epochs(config: "RunConfig", folder: Path, resume_point: "ResumePoint") -> "list[EpochFinished]":
    from contract.events import EpochFinished
    from trainer.engines.environment import Workplace
    from trainer.training import train

    told = train(config, Workplace(folder, checkpoints=folder), resume_point)
    return [event for event in told if isinstance(event, EpochFinished)]


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def _continued(case: str, here: Experiment) -> None:
    from trainer.engines.resume_point import ResumePoint

    config = _config(here, 4, deterministic=True)
    with _folder() as folder:
        whole = _epochs(config, folder, ResumePoint("a"))
        half = _epochs(config, folder, ResumePoint("b"))[:2]
        checkpoint = half[-1].checkpoint
        assert checkpoint is not None, "a run leaves checkpoints where it has a folder for them"
        rest = _epochs(config, folder, ResumePoint("b", 2, True, checkpoint.path))
    losses = [[epoch.train_loss for epoch in epochs] for epochs in (whole[2:], rest)]
    here.say(case, "equal losses", int(losses[0] == losses[1]), "", expected.ALL, f"{losses[0]} and {losses[1]}")
    _tell(case, here, whole)


def _trained(case: str, here: Experiment, compute: dict[str, Any]) -> None:
    from trainer.engines.resume_point import ResumePoint

    with _folder() as folder:
        epochs = _epochs(_config(here, 2 if here.dry else 3, **compute), folder, ResumePoint("a"))
    loss = epochs[-1].train_loss
    here.say(case, "last training loss", loss, "nats", expected.LAST_LOSS, f"{epochs[-1].precision}")
    _tell(case, here, epochs)


def _tell(case: str, here: Experiment, epochs: "Sequence[EpochFinished]") -> None:
    last, shares = epochs[-1], [round(epoch.applied_fraction, 2) for epoch in epochs]
    here.say(case, "training", last.seconds.train, "s an epoch", None, f"{last.step_ms}; frozen {shares}")
    here.say(case, "resources", len(epochs), "epochs", None, str(last.resources))


def _gpus(case: str, here: Experiment) -> None:
    """Each process sees the GPU that it was given, and no other: as the worker starts a run's."""
    if not here.is_cuda():
        here.leave_out(case, "there is no GPU to give")
        return
    from trainer.engines.device_choice import DeviceChoice
    from trainer.engines.gpus import find_gpus

    gpus = find_gpus(environ, DeviceChoice("cuda")) or ()
    seen = []
    for gpu in gpus:
        own = {**environ, **gpu.alone(environ)}
        done = subprocess.run([sys.executable, "-c", _WHICH], env=own, capture_output=True, text=True, check=True)
        seen.append(done.stdout.split())
    alone = sum(count == "1" for count, _ in seen)
    here.say(case, "processes that see one GPU", alone, "", None, f"of {len(gpus)}: {gpus}")
    right = int(alone == len(gpus) == len({uuid for _, uuid in seen}) > 0)
    here.say(case, "one each, and another each", right, "", expected.ALL, str(seen))
