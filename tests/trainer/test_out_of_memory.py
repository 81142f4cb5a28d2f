"""Where memory runs out after the start: it is made do with, or what is said of it can help."""

from pathlib import Path
from typing import Any

import pytest
import torch

from contract.config import RunConfig
from contract.errors import RunError
from neq.errors import ProbeDoesNotFit
from tests.trainer.test_going_on import until
from tests.trainer.test_train import SMALL, epochs_of, run
from trainer.engines.environment import Workplace
from trainer.engines.resume_point import ResumePoint
from trainer.training import dry_pass as dry
from trainer.training import evaluate
from trainer.training.error_messages import explained

LACK = "CUDA out of memory. Tried to allocate 2.00 GiB."


def lacking(*_: Any, **__: Any) -> Any:
    raise torch.OutOfMemoryError(LACK)


def bearing(most: int, seen: list[int]) -> Any:
    """Looks at images as ever, where there are no more of them."""
    real = evaluate._logits

    def logits(model: Any, inputs: torch.Tensor, reduced: Any) -> torch.Tensor:
        seen.append(len(inputs))
        return lacking() if len(inputs) > most else real(model, inputs, reduced)

    return logits


def test_test_batches_are_halved_until_they_fit_and_stay_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    short: dict[str, Any] = {"training": {"epochs": 2, "batch_size": 20}}
    whole, seen = epochs_of(run(tmp_path, **short)), list[int]()
    samples = SMALL["data"]["test_samples"]
    monkeypatch.setattr(evaluate, "_logits", bearing(samples // 4, seen))
    events = run(tmp_path, **short)
    assert seen == [samples, samples // 2, *[samples // 4] * 8]
    for one, other in zip(epochs_of(events), whole, strict=True):
        assert one.test_loss == pytest.approx(other.test_loss) and one.test_accuracy == other.test_accuracy
    told = [event.text for event in events if event.kind == "logged" and "tested" in event.text]
    assert told == [f"Memory ran out while the network was tested: from here on on {samples // 4} images at once."]


def test_one_test_image_that_does_not_fit_is_told_without_advice_that_cannot_help(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluate, "_logits", bearing(0, []))
    with pytest.raises(RunError, match="out of memory with a single test image: CUDA out of memory") as error:
        run(tmp_path)
    assert "smaller model" in str(error.value.remedy) and "batch_size" not in str(error.value.remedy)


def test_another_error_than_memory_ends_the_test_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> Any:
        raise RuntimeError("something else")

    monkeypatch.setattr(evaluate, "_logits", fails)
    with pytest.raises(RuntimeError, match="something else"):
        run(tmp_path)


@pytest.mark.parametrize(("samples", "helps"), [(1, False), (8, True)])
def test_fewer_probe_samples_are_advised_only_where_they_help(samples: int, helps: bool) -> None:
    known = explained(ProbeDoesNotFit(samples), RunConfig())
    assert known is not None and known.remedy is not None
    assert ("neq.probe.samples" in known.remedy) is helps and "smaller model" in known.remedy


def test_a_dry_pass_that_runs_out_of_memory_with_four_images_advises_no_smaller_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dry, "_one_step", lacking)
    (error,) = dry.dry_pass(RunConfig.model_validate(SMALL), Workplace(tmp_path, "cpu", 1)).errors
    assert error["field"] == "model.kind"
    assert "with 4 images" in error["message"] and "batch_size" not in error["message"]


@pytest.mark.parametrize("lost", [LACK, "CUDA error: uncorrectable ECC error encountered"])
def test_a_device_that_fails_while_a_run_resumes_is_no_broken_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    _, resume_point = until(tmp_path, 0, ResumePoint("run1"))

    def fails(*_: Any, **__: Any) -> Any:
        raise RuntimeError(lost)

    monkeypatch.setattr(torch.nn.Module, "load_state_dict", fails)
    with pytest.raises(RunError) as error:
        until(tmp_path, 1, resume_point)
    assert "checkpoint" not in error.value.message and "launch it again" not in str(error.value.remedy)
