"""What an epoch computes in, and what freezing keeps in memory, are part of its record."""

from pathlib import Path
from typing import Any

import pytest
import torch

from contract.checks.warnings import warnings
from contract.config import RunConfig
from contract.events import EpochFinished, Precision, parse_event
from tests.trainer.test_train import epochs_of, run
from trainer.training import evaluate
from trainer.training.records import precision_record
from trainer.training.tasks import logits_in
from trainer.training.warnings import tf32_warnings

pytestmark = pytest.mark.slow

IN_TF32 = RunConfig.model_validate({"neq": {"phi_precision": "tf32"}, "compute": {"precision": "tf32"}})


@pytest.mark.parametrize(("precision", "expected"), [("float32", None), ("bf16", torch.bfloat16), ("fp16", None)])
def test_test_images_are_looked_at_in_the_precision_of_training_but_of_fp16_in_float32(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, precision: str, expected: torch.dtype | None
) -> None:
    seen = set()

    def looked(outputs: Any) -> Any:
        seen.add(torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else None)
        return logits_in(outputs)

    monkeypatch.setattr(evaluate, "logits_in", looked)
    compute = {"device": "cpu", "precision": precision}
    (epoch,) = epochs_of(run(tmp_path, compute=compute, training={"epochs": 1, "batch_size": 20}))
    assert seen == {expected}
    evaluated = "float32" if expected is None else precision
    assert epoch.precision == Precision(training=precision, evaluation=evaluated, phi="float32")


@pytest.mark.parametrize(
    ("kind", "expected"), [("cpu", "float32"), ("mps", "float32"), ("xpu", "tf32"), ("cuda", "tf32")]
)
def test_what_knows_no_tf32_computes_in_float32_and_says_so(
    monkeypatch: pytest.MonkeyPatch, kind: str, expected: str
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (8, 0))
    told = precision_record(IN_TF32, torch.device(kind, 0))
    assert (told.training, told.evaluation, told.phi) == (expected, expected, expected)


def test_a_gpu_of_before_ampere_computes_in_float32_and_the_run_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (7, 0))
    gpu = torch.device("cuda", 0)
    told = precision_record(IN_TF32, gpu)
    assert (told.training, told.evaluation, told.phi) == ("float32",) * 3
    assert tf32_warnings(IN_TF32, gpu) == (
        "This GPU has no TF32, asked for by compute.precision and neq.phi_precision: it computes in float32 there.",
    )
    assert tf32_warnings(RunConfig(), gpu) == ()
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (8, 0))
    assert tf32_warnings(IN_TF32, gpu) == ()


@pytest.mark.parametrize(("device", "expected"), [("cpu", ["neq.phi_precision"]), ("auto", [])])
def test_tf32_for_phi_is_doubted_where_a_cpu_measures(device: str, expected: list[str]) -> None:
    config = RunConfig.model_validate({"neq": {"phi_precision": "tf32"}, "compute": {"device": device}})
    found = [each for each in warnings(config, ()) if "TF32" in each.message]
    assert [each.field for each in found] == expected
    assert all("φ is measured in float32 there" in each.message for each in found)


def test_each_epoch_tells_what_freezing_keeps_in_memory(tmp_path: Path) -> None:
    epochs = epochs_of(run(tmp_path))
    kept = [epoch.resources.neq_memory for epoch in epochs if epoch.resources]
    assert all(memory is not None for memory in kept)
    for epoch, memory in zip(epochs, kept, strict=True):
        assert memory is not None
        assert memory.device == "cpu"
        assert (memory.held > 0) == (epoch.frozen_fraction > 0) == (memory.optimizer_rows > 0)
        assert 0 < memory.former <= memory.total <= memory.at_most
        assert memory.measuring > 0
    assert any(memory and memory.held for memory in kept)
    again = parse_event(epochs[-1].model_dump(mode="json"))
    assert isinstance(again, EpochFinished) and again.resources == epochs[-1].resources


def test_epochs_that_were_recorded_before_still_read(tmp_path: Path) -> None:
    (epoch,) = epochs_of(run(tmp_path, training={"epochs": 1, "batch_size": 20}))
    before = epoch.model_dump(mode="json")
    del before["precision"], before["resources"]["neq_memory"]
    again = parse_event(before)
    assert isinstance(again, EpochFinished) and again.resources is not None
    assert again.precision is None and again.resources.neq_memory is None
