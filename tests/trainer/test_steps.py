"""How weights move: accumulated, clipped, in reduced precision, compiled; and the frozen ones not at all."""

import os
import subprocess
import sys
from collections.abc import Generator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from contract.config import RunConfig
from neq import Equilibrium, NEq
from trainer.engines.environment import Workplace
from trainer.optimizers import build_optimizer
from trainer.training import train
from trainer.training.error_messages import explained
from trainer.training.tasks import Classification
from trainer.training.train_step import TrainStep

pytestmark = pytest.mark.slow

CPU = torch.device("cpu")
IMAGES = torch.randn(24, 1, 8, 8, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(24) % 4


def network(*, norm: bool = True) -> nn.Module:
    torch.manual_seed(1)
    layers = [nn.Conv2d(1, 6, 3), *([nn.BatchNorm2d(6)] if norm else []), nn.ReLU(), nn.Flatten(), nn.Linear(216, 4)]
    return nn.Sequential(*layers)


def steps_for(model: nn.Module, *, batches: int = 4, **changes: Any) -> TrainStep:
    config = RunConfig.model_validate({"schedule": {"kind": "constant"}, **changes})
    return TrainStep.of(
        config, model, build_optimizer(config.optimizer, model.parameters()), Classification(4), CPU, batches
    )


def learn(steps: TrainStep, *, size: int) -> None:
    parts = list(zip(IMAGES.split(size), LABELS.split(size), strict=True))
    for batch, (inputs, labels) in enumerate(parts):
        steps(inputs, labels, batch=batch, batches=len(parts))


def weights(model: nn.Module) -> Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


def test_accumulated_batches_move_the_weights_as_one_large_batch() -> None:
    one, four = network(norm=False), network(norm=False)
    learn(steps_for(one, batches=1), size=24)
    gathered = steps_for(four, batches=4, training={"gradient_accumulation_steps": 4})
    learn(gathered, size=6)
    torch.testing.assert_close(weights(four), weights(one))
    assert gathered.global_step == gathered.rates.steps_per_epoch == 1


def test_a_last_group_that_is_smaller_takes_the_mean_of_what_it_has() -> None:
    model, plain = network(norm=False), network(norm=False)
    sgd = {"kind": "sgd", "momentum": 0.0, "weight_decay": 0.0}
    gathered = steps_for(model, batches=3, training={"gradient_accumulation_steps": 2}, optimizer=sgd)
    learn(gathered, size=8)
    by_hand = steps_for(plain, batches=2, optimizer=sgd)
    for batch, part in enumerate((slice(0, 16), slice(16, 24))):
        by_hand(IMAGES[part], LABELS[part], batch=batch, batches=2)
    torch.testing.assert_close(weights(model), weights(plain))
    assert gathered.global_step == gathered.rates.steps_per_epoch == 2


def test_the_rate_moves_once_a_step() -> None:
    model = network()
    steps = steps_for(
        model,
        batches=4,
        training={"gradient_accumulation_steps": 2, "epochs": 3},
        schedule={"kind": "polynomial", "power": 1.0},
        optimizer={"kind": "sgd", "learning_rate": 0.6},
    )
    seen = []
    for batch in range(4):
        steps(IMAGES[:6], LABELS[:6], batch=batch, batches=4)
        seen.append(steps.optimizer.param_groups[0]["lr"])
    # six steps in all: 0.6, 0.5, …
    assert seen == pytest.approx([0.6, 0.6, 0.5, 0.5])
    assert steps.begin_epoch(2) == pytest.approx(0.2)


def test_clipping_bounds_the_step_and_counts_only_what_moves() -> None:
    sgd = {"kind": "sgd", "learning_rate": 1.0, "momentum": 0.0, "weight_decay": 0.0}
    model = network()
    before = weights(model)
    learn(steps_for(model, batches=1, training={"max_grad_norm": 0.01}, optimizer=sgd), size=24)
    assert (weights(model) - before).norm().item() == pytest.approx(0.01, rel=1e-3)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_reduced_precision_learns_nearly_the_same_with_weights_in_float32(precision: str) -> None:
    exact, reduced = network(), network()
    sgd = {"kind": "sgd", "learning_rate": 0.1}
    learn(steps_for(exact, optimizer=sgd), size=6)
    steps = steps_for(reduced, optimizer=sgd, compute={"precision": precision})
    learn(steps, size=6)
    assert weights(reduced).dtype is torch.float32
    assert not torch.equal(weights(reduced), weights(exact))
    torch.testing.assert_close(weights(reduced), weights(exact), atol=0.02, rtol=0.1)
    assert steps.scaler.is_enabled() == (precision == "fp16")


def test_a_gradient_that_overflows_moves_nothing_and_lowers_the_scale() -> None:
    model = network()
    steps = steps_for(model, batches=1, compute={"precision": "fp16"})
    before, scale = weights(model), steps.scaler.get_scale()
    handle = model[0].weight.register_hook(lambda gradient: gradient + float("inf"))
    learn(steps, size=24)
    handle.remove()
    assert torch.equal(weights(model), before)
    assert steps.scaler.get_scale() == scale / 2


SCHEDULES: list[dict[str, Any]] = [
    {"kind": "constant"},
    {"kind": "multistep", "milestones": [3]},
    {"kind": "step", "step_size": 2},
    {"kind": "cosine", "warmup": 3, "warmup_unit": "steps"},
    {"kind": "polynomial", "warmup": 1},
    {"kind": "one-cycle"},
]
WAYS: dict[str, dict[str, Any]] = {
    **{f"schedule {schedule['kind']}": {"schedule": schedule} for schedule in SCHEDULES},
    "adam": {"optimizer": {"kind": "adam", "weight_decay": 0.1}},
    "adamw": {"optimizer": {"kind": "adamw", "weight_decay": 0.5}},
    "nesterov": {"optimizer": {"kind": "sgd", "nesterov": True}},
    "accumulate": {"training": {"gradient_accumulation_steps": 3}},
    "clip": {"training": {"max_grad_norm": 0.1}},
    "smoothing": {"training": {"label_smoothing": 0.2}},
    "bf16": {"compute": {"precision": "bf16"}},
    "fp16": {"compute": {"precision": "fp16"}},
    "fp16, clipped and accumulated": {
        "compute": {"precision": "fp16"},
        "training": {"max_grad_norm": 0.1, "gradient_accumulation_steps": 2},
    },
    "channels in torch's order": {"compute": {"channels_last": False}},
    "deterministic": {"compute": {"deterministic": True}},
}
CASES = [
    *(pytest.param(changes, id=way) for way, changes in WAYS.items()),
    pytest.param({"compute": {"compile": True}}, id="compiled", marks=pytest.mark.process),
]


Rows = dict[str, list[Tensor]]


def watch_epochs(monkeypatch: pytest.MonkeyPatch) -> list[tuple[dict[str, Tensor], Rows]]:
    """At the end of every epoch: which neurons are frozen for the next one, and the values of every layer's."""
    seen: list[tuple[dict[str, Tensor], Rows]] = []
    end_epoch = NEq.end_epoch_in_steps

    def watched(self: NEq) -> Generator[int, None, Equilibrium]:
        equilibrium = yield from end_epoch(self)
        rows = {layer.name: [parameter.detach().clone() for parameter in layer.parameters()] for layer in self.layers}
        seen.append(({name: layer.frozen for name, layer in equilibrium.layers.items()}, rows))
        return equilibrium

    monkeypatch.setattr(NEq, "end_epoch_in_steps", watched)
    return seen


@pytest.mark.parametrize("changes", CASES)
def test_frozen_neurons_keep_every_bit_through_an_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    seen = watch_epochs(monkeypatch)
    described: dict[str, Any] = {
        "data": {"kind": "synthetic", "classes": 4, "size": 8, "train_samples": 88, "test_samples": 20},
        "model": {"kind": "cnn", "channels": [5, 6]},
        "optimizer": {"kind": "sgd", "learning_rate": 0.05, "weight_decay": 0.1},
        "schedule": {"kind": "constant"},
        "neq": {"epsilon": 0.03, "probe": {"samples": 8}},
        **changes,
        "training": {"epochs": 6, "batch_size": 20, **changes.get("training", {})},
    }
    list(train(RunConfig.model_validate(described), Workplace(tmp_path, "cpu", threads=1)))
    held = moved = 0
    for (frozen, before), (_, after) in pairwise(seen):
        for name, mask in frozen.items():
            for rows, later in zip(before[name], after[name], strict=True):
                assert torch.equal(rows[mask], later[mask])
                held += int(mask.sum())
                moved += int((rows[~mask] != later[~mask]).sum())
    assert held > 0
    assert moved > 0


SMALL: dict[str, Any] = {
    "data": {"kind": "synthetic", "classes": 4, "size": 8, "train_samples": 88, "test_samples": 20},
    "model": {"kind": "cnn", "channels": [5, 6]},
    "neq": {"probe": {"samples": 8}},
    "training": {"epochs": 1, "batch_size": 20},
}


@pytest.mark.process
def test_a_compiler_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    code = """
import os, sys
from pathlib import Path
from contract.config import RunConfig
from trainer.engines.environment import Workplace
from contract.errors import RunError
from trainer.training import train
try:
    list(train(RunConfig.model_validate_json(sys.argv[1]), Workplace(Path(), "cpu", threads=1)))
except RunError as error:
    print(error.message, "|", error.remedy)
"""
    config = RunConfig.model_validate(SMALL | {"compute": {"compile": True}}).model_dump_json()
    environment = {**os.environ, "CXX": "/no/such/compiler", "TORCHINDUCTOR_CACHE_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code, config], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("torch.compile could not translate the network")
    assert "compute.compile off" in done.stdout


@pytest.mark.process
def test_a_lack_of_memory_names_the_batch_size_to_try(tmp_path: Path) -> None:
    described = SMALL | {
        "data": {"kind": "synthetic", "classes": 4, "size": 32, "train_samples": 140, "test_samples": 20},
        "model": {"kind": "cnn", "channels": [2048, 4]},  # one image's features: 2,048 · 32 · 32 · 4 B = 8 MiB
        "training": {"epochs": 1, "batch_size": 120},
    }
    code = """
import resource, sys
from pathlib import Path
from contract.config import RunConfig
from trainer.engines.environment import Workplace
from contract.errors import RunError
from trainer.training import train
pages = int(Path("/proc/self/statm").read_text().split()[0])
room = pages * resource.getpagesize() + (1 << 30)  # for the run, beside torch
resource.setrlimit(resource.RLIMIT_AS, (room, room))
try:
    list(train(RunConfig.model_validate_json(sys.argv[1]), Workplace(Path(), "cpu", threads=1)))
except RunError as error:
    print(error.message, "|", error.remedy)
"""
    config = RunConfig.model_validate(described).model_dump_json()
    done = subprocess.run([sys.executable, "-c", code, config], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("The device ran out of memory")
    assert "training.batch_size 60 with training.gradient_accumulation_steps 2" in done.stdout


def test_determinism_is_switched_on_for_the_run_alone(tmp_path: Path) -> None:
    described = RunConfig.model_validate(SMALL | {"compute": {"deterministic": True}})
    events = train(described, Workplace(tmp_path, "cpu", threads=1))
    next(events)
    assert torch.are_deterministic_algorithms_enabled()
    events.close()
    assert not torch.are_deterministic_algorithms_enabled()


def test_labels_beyond_the_classes_are_said_to_be_the_datas_fault() -> None:
    error = explained(IndexError("Target 12 is out of bounds."), RunConfig())
    assert error is not None
    assert "Check the data" in str(error.remedy)


def test_what_is_not_known_is_not_explained_away() -> None:
    assert explained(RuntimeError("something else"), RunConfig()) is None
