"""Runs on several processes that could not begin are told so, at the field that is to be changed."""

from typing import Any

import pytest
from pydantic import ValidationError

from contract.checks.capabilities import Capabilities, Gpu
from contract.checks.errors import errors
from contract.checks.images import KnownImages
from contract.checks.steps import batches_of
from contract.config import RunConfig
from contract.cost_key import cost_key

H200 = Gpu(name="H200", memory_bytes=10**11)


def described(processes: int = 4, **compute: Any) -> RunConfig:
    return RunConfig.model_validate({"compute": {"processes": processes, **compute}})


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"compute": {"processes": 0}}, "compute.processes", "greater than or equal to 1"),
        ({"compute": {"processes": 65}}, "compute.processes", "less than or equal to 64"),
        ({"compute": {"processes": True}}, "compute.processes", "whole number"),
        ({"compute": {"processes": 2, "compile": True}}, "compute.compile", "switch it off"),
        ({"compute": {"processes": 2, "device": "mps"}}, "compute.processes", "not on mps"),
        (
            {"compute": {"processes": 2, "device": "cpu", "sync_batch_norm": True}},
            "compute.sync_batch_norm",
            "on GPUs only",
        ),
        (
            {"compute": {"processes": 5}, "training": {"batch_size": 4}},
            "compute.processes",
            "5 processes cannot share 4 images of a batch: choose at most 4",
        ),
        (
            {"compute": {"processes": 3}, "neq": {"probe": {"kind": "single"}}},
            "compute.processes",
            "3 processes cannot share 1 probe image",
        ),
        (
            {"compute": {"processes": 64}, "neq": {"probe": {"kind": "fraction", "fraction": 0.001}}},
            "compute.processes",
            "64 processes cannot share 6 probe images",  # of the 6,000 that a run takes unless it says otherwise
        ),
    ],
)
def test_what_several_processes_cannot_have_names_its_field(changes: dict[str, Any], field: str, words: str) -> None:
    with pytest.raises(ValidationError) as told:
        RunConfig.model_validate(changes)
    (error,) = told.value.errors()
    named = ".".join(str(part) for part in error["loc"] + tuple(filter(None, (error.get("ctx", {}).get("field"),))))
    assert named == field and words in error["msg"]


@pytest.mark.parametrize(
    ("config", "worker", "field", "words"),
    [
        (described(), {"gpus": (H200,)}, "compute.processes", "has 1 GPU: choose at most 1, or set compute.device"),
        (described(device="cuda"), {"gpus": (H200,) * 3}, "compute.processes", "choose at most 3"),
        (described(), {"device_limit": "mps", "others": ("mps",)}, "compute.processes", "uses mps: choose 1"),
        (described(sync_batch_norm=True), {"gpus": ()}, "compute.sync_batch_norm", "switch it off"),
    ],
)
def test_what_a_worker_lacks_for_several_processes_is_told_before_the_launch(
    config: RunConfig, worker: dict[str, Any], field: str, words: str
) -> None:
    (found,) = [
        each for each in errors(config, Capabilities(version="1", **worker)) if each.field.startswith("compute")
    ]
    assert found.field == field and words in found.message


@pytest.mark.parametrize("worker", [{"gpus": (H200,) * 4}, {"gpus": ()}, {"gpus": None}, {"device_limit": "cpu"}])
def test_a_worker_that_has_enough_refuses_nothing(worker: dict[str, Any]) -> None:
    assert errors(described(), Capabilities(version="1", **worker)) == []


def test_a_process_without_a_training_image_is_told() -> None:
    config = RunConfig.model_validate(
        {
            "data": {"kind": "synthetic", "train_samples": 20, "test_samples": 10},
            "neq": {"probe": {"kind": "split", "samples": 10}},
            "training": {"batch_size": 100},
            "compute": {"processes": 10},
        }
    )
    assert errors(config, None) == []
    few = config.model_copy(update={"compute": config.compute.model_copy(update={"processes": 11})})
    assert [each.message for each in errors(few, None)] == [
        "11 processes cannot share 10 training images: choose at most 10"
    ]


@pytest.mark.parametrize(
    ("samples", "size", "processes", "batches"),
    [(103, 20, 1, 6), (103, 20, 2, 5), (104, 20, 2, 6), (103, 3, 2, 34), (101, 20, 1, 5), (2, 20, 2, 1), (64, 8, 8, 8)],
)
def test_a_last_batch_that_leaves_a_process_with_one_image_joins_another(
    samples: int, size: int, processes: int, batches: int
) -> None:
    config = RunConfig.model_validate(
        {
            "training": {"batch_size": size},
            "neq": {"probe": {"kind": "test", "samples": 100}},
            "compute": {"processes": processes},
        }
    )
    config = config.model_copy(update={"data": config.data.model_copy(update={"train_samples": None})})
    assert batches_of(config, KnownImages(there=samples)) == batches


def test_a_single_process_costs_what_runs_of_before_did() -> None:
    plain = RunConfig()
    before = plain.model_dump(mode="json")
    assert cost_key(RunConfig.model_validate(before)) == cost_key(plain) != cost_key(described(2))
