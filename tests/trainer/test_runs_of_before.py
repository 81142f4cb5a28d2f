"""A run started by an older version resumes with its recorded state, and says what is computed differently now."""

import platform
from pathlib import Path
from typing import Any

import pytest
import torch

from contract.config import RunConfig
from tests.trainer.test_going_on import until
from tests.trainer.test_train import SMALL
from trainer.checkpoints import files
from trainer.checkpoints import train_state as state
from trainer.engines.resume_point import ResumePoint
from trainer.training.step_timings import timing_setting

CPU = torch.device("cpu")
OLDER = '{"device":"cpu","precision":"float32","channels_last":true,"compile":false,"deterministic":false}'


def test_dense_steps_that_an_older_program_timed_on_a_cpu_still_count(tmp_path: Path) -> None:
    events, resume_point = until(tmp_path, 0, ResumePoint("run1"))
    assert events and resume_point.checkpoint is not None
    setting = files.read(tmp_path / "checkpoints", resume_point.checkpoint)["times"]["setting"]
    threads = torch.get_num_threads()
    title = f"CPU, {threads} thread{'' if threads == 1 else 's'}"
    batch = SMALL["training"]["batch_size"]
    assert setting == f"{platform.node()}; {title}; {RunConfig.model_validate(SMALL).optimizer.kind}; {batch}; {OLDER}"


def test_a_setting_that_makes_times_differ_is_told_apart() -> None:
    settings = {
        timing_setting(RunConfig.model_validate({"compute": {"device": "cpu"} | changed}), CPU)
        for changed in ({}, {"precision": "bf16"}, {"channels_last": False}, {"deterministic": True})
    }
    assert len(settings) == 4


def content(device: str, **compute: Any) -> dict[str, Any]:
    return {"device": device, "config": {"compute": {"precision": "float32"} | compute}}


@pytest.mark.parametrize(
    ("before", "device", "precision", "expected"),
    [
        (content("cpu"), "cpu", "float32", []),
        (content("cpu", precision="bf16"), "cpu", "bf16", ["Test images are looked at in bf16"]),
        (content("cpu", precision="fp16"), "cpu", "fp16", []),
        (content("cuda"), "cuda", "float32", ["The convolutions of training, testing and φ are computed in full"]),
        (
            content("cuda", precision="bf16"),
            "cuda",
            "bf16",
            ["Test images are looked at in bf16", "The convolutions of φ are computed in full"],
        ),
        (content("cuda"), "cpu", "float32", []),
        (content("cuda", cudnn_benchmark=False, precision="bf16"), "cuda", "bf16", []),
    ],
)
def test_what_an_older_program_computed_otherwise_is_said_when_its_run_goes_on(
    before: dict[str, Any], device: str, precision: str, expected: list[str]
) -> None:
    config = RunConfig.model_validate({"compute": {"precision": precision}})
    told = state._otherwise_now(before, torch.device(device), config)
    assert len(told) == len(expected)
    assert all(text.startswith(begin) for text, begin in zip(told, expected, strict=True))


def test_it_says_so_in_the_log_of_the_run(tmp_path: Path) -> None:
    bf16: Any = {"compute": {"device": "cpu", "precision": "bf16"}}
    _, resume_point = until(tmp_path, 0, ResumePoint("run1"), **bf16)
    assert resume_point.checkpoint is not None
    written = files.read(tmp_path / "checkpoints", resume_point.checkpoint)
    del written["nonce"], written["config"]["compute"]["cudnn_benchmark"]
    name, _ = files.write(tmp_path / "checkpoints", "run1", 0, written)
    events, _ = until(tmp_path, 1, ResumePoint("run1", 1, True, str(name)), **bf16)
    assert [e.text for e in events if e.kind == "logged" and "bf16" in e.text] == [
        "Test images are looked at in bf16 from here on: the program that began the run did so in float32."
    ]
