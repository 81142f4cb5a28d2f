"""What a run computes in: switches that are set while it lasts, and descriptions that go together."""

import os
from typing import Any

import pytest
import torch
import torch.utils.deterministic
from pydantic import ValidationError

from contract.checks.capabilities import Capabilities
from contract.checks.warnings import warnings
from contract.config import RunConfig
from trainer.training.train_step import determinism

GPU = torch.device("cuda", 0)


def described(**compute: Any) -> RunConfig:
    return RunConfig.model_validate({"compute": compute})


@pytest.mark.parametrize(
    ("precision", "allowed"), [("float32", False), ("tf32", True), ("bf16", False), ("fp16", False)]
)
def test_tf32_is_used_where_it_is_asked_for_and_not_by_float32(precision: str, allowed: bool) -> None:
    convolutions = torch.backends.cudnn.conv.fp32_precision
    with determinism(described(precision=precision), GPU):
        assert torch.backends.cuda.matmul.allow_tf32 is allowed
        assert torch.backends.cudnn.allow_tf32 is allowed
    assert torch.backends.cudnn.conv.fp32_precision == convolutions


def test_a_run_on_a_cpu_touches_no_switch_of_a_gpu() -> None:
    before = torch.backends.cudnn.conv.fp32_precision
    with determinism(described(precision="tf32"), torch.device("cpu")):
        assert torch.backends.cudnn.conv.fp32_precision == before
        assert torch.backends.mkldnn.matmul.fp32_precision != "tf32", "nor has the CPU's own products rounded"


@pytest.mark.parametrize("benchmark", [False, True])
def test_cudnn_tries_algorithms_only_where_it_is_asked_to(benchmark: bool) -> None:
    before = torch.backends.cudnn.benchmark
    with determinism(described(cudnn_benchmark=benchmark), GPU):
        assert torch.backends.cudnn.benchmark is benchmark
    assert torch.backends.cudnn.benchmark is before


def test_fixed_algorithms_are_taken_where_they_are_asked_for_and_no_memory_is_filled_for_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[bool] = []
    monkeypatch.setattr(torch, "use_deterministic_algorithms", told.append)
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", "")  # so that it is put back
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")
    with determinism(described(), GPU):
        assert told == [] and "CUBLAS_WORKSPACE_CONFIG" not in os.environ
    with determinism(described(deterministic=True), GPU):
        assert told == [True] and os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
        assert not torch.utils.deterministic.fill_uninitialized_memory
    assert told == [True, False] and torch.utils.deterministic.fill_uninitialized_memory


def test_algorithms_are_not_both_tried_and_fixed() -> None:
    with pytest.raises(ValidationError, match="switch this or deterministic off") as error:
        described(cudnn_benchmark=True, deterministic=True)
    (item,) = error.value.errors()
    assert (item["loc"], item["ctx"]["field"]) == (("compute",), "cudnn_benchmark")


def test_tf32_on_a_cpu_is_said_to_be_float32() -> None:
    on_cpu = Capabilities(version="1", device_limit="cpu")
    told = [
        each.message for each in warnings(described(precision="tf32"), [on_cpu]) if each.field == "compute.precision"
    ]
    assert told == ["A CPU has no TF32: the run computes in float32 there, as by default"]
