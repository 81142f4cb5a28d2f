"""Whole runs on the pretended GPU: what is measured in which precision, and where last epoch's outputs wait."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from contract.config import RunConfig
from contract.events import EpochFinished, Precision
from neq.measure import measure
from tests.pretended.device import pretending
from tests.trainer.test_going_on import SMALL
from trainer.engines.environment import Workplace
from trainer.training import evaluate, train
from trainer.training.tasks import logits_in


@pytest.fixture(autouse=True)
def pretended() -> Iterator[None]:
    with pretending():
        yield


def epochs(tmp_path: Path, *, compute: Any = None, neq: Any = None, count: int = 4) -> list[EpochFinished]:
    changes = {
        "compute": {"device": "cuda"} | (compute or {}),
        "training": {"epochs": count, "batch_size": 20},
        "neq": SMALL["neq"] | (neq or {}),
    }
    events = train(RunConfig.model_validate(SMALL | changes), Workplace(tmp_path, threads=1))
    return [event for event in events if isinstance(event, EpochFinished)]


def products() -> str:
    matmul: Any = torch.backends.cuda.matmul
    return "tf32" if matmul.fp32_precision == "tf32" else "float32"


@pytest.mark.parametrize("phi", ["float32", "tf32"])
@pytest.mark.parametrize("training", ["float32", "tf32", "bf16"])
def test_evaluation_follows_training_and_phi_what_is_asked_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, training: str, phi: str
) -> None:
    evaluated, measured = set(), set()
    real = measure.run_model

    def looked(outputs: Any) -> Any:
        evaluated.add("bf16" if torch.is_autocast_enabled("cuda") else products())
        return logits_in(outputs)

    def run_model(*given: Any) -> object:
        assert not torch.is_autocast_enabled("cuda")
        measured.add(products())
        return real(*given)

    monkeypatch.setattr(evaluate, "logits_in", looked)
    monkeypatch.setattr(measure, "run_model", run_model)
    (epoch,) = epochs(tmp_path, compute={"precision": training}, neq={"phi_precision": phi}, count=1)
    assert (evaluated, measured) == ({training}, {phi})
    assert epoch.precision == Precision(training=training, evaluation=training, phi=phi)


def test_a_small_gpu_gives_the_same_run_with_its_outputs_in_the_machines_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for share in (4, 2**60):  # a quarter of what is free, or nothing
        monkeypatch.setattr("neq.measure.output_cache.DEVICE_SHARE", share)
        found.append(epochs(tmp_path / str(share), neq={"measure": "cached"}))
    for there, away in zip(*found, strict=True):
        assert (there.train_loss, there.test_accuracy) == (away.train_loss, away.test_accuracy)
        assert there.layers.phi_mean == away.layers.phi_mean
        kept = [epoch.resources.neq_memory for epoch in (there, away) if epoch.resources]
        assert [(one.device, one.outputs_on_host) for one in kept if one] == [("cuda:0", False), ("cuda:0", True)]
        assert len({one.outputs for one in kept if one}) == 1
