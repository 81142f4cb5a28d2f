"""Which device a run is trained on, and in what words it is refused one."""

import warnings as python_warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from contract.checks.capabilities import Capabilities
from contract.checks.errors import errors
from contract.config import RunConfig
from contract.errors import RunError
from trainer.engines.environment import Workplace
from trainer.training.device import choose_device


def device(wanted: str, limit: Any = "auto", given: str | None = None) -> str:
    config = RunConfig.model_validate({"compute": {"device": wanted}})
    return choose_device(config, Workplace(Path(), device_limit=limit, gpu=given)).type


def there(monkeypatch: pytest.MonkeyPatch, *kinds: str, float64: bool = True) -> None:
    """These kinds of GPUs, and no others, answer."""
    for kind, module in (("cuda", torch.cuda), ("xpu", torch.xpu), ("mps", torch.backends.mps)):
        monkeypatch.setattr(module, "is_available", lambda kind=kind: kind in kinds)
    monkeypatch.setattr(torch.xpu, "get_device_capability", lambda: {"has_fp64": float64})


@pytest.mark.parametrize(
    ("kinds", "wanted", "limit", "chosen"),
    [
        ((), "auto", "auto", "cpu"),
        (("cuda",), "auto", "auto", "cuda"),
        (("cuda",), "cpu", "auto", "cpu"),
        (("cuda",), "auto", "cpu", "cpu"),
        (("cuda",), "cuda", "cuda", "cuda"),
        (("xpu", "mps"), "auto", "auto", "cpu"),
        (("xpu", "mps"), "xpu", "auto", "xpu"),
        (("xpu", "mps"), "auto", "xpu", "xpu"),
        (("cuda", "mps"), "mps", "auto", "mps"),
        (("mps",), "auto", "mps", "mps"),
    ],
)
def test_a_run_gets_what_it_asks_for_and_auto_takes_no_gpu_that_was_never_tried(
    monkeypatch: pytest.MonkeyPatch, kinds: tuple[str, ...], wanted: str, limit: str, chosen: str
) -> None:
    there(monkeypatch, *kinds)
    assert device(wanted, limit) == chosen


def test_a_run_that_asks_for_no_gpu_is_trained_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    there(monkeypatch, "cuda")
    config = RunConfig.model_validate({"compute": {"gpus": 0}})
    assert choose_device(config, Workplace(Path())).type == "cpu"
    with pytest.raises(RunError, match="asks for the CPU, and this worker trains on a GPU only"):
        choose_device(config, Workplace(Path(), device_limit="cuda"))


@pytest.mark.parametrize(
    ("wanted", "limit", "message", "remedy"),
    [
        ("cuda", "auto", "The run needs a GPU, and torch finds none", "torch.cuda.is_available"),
        ("mps", "auto", r"The run needs an Apple GPU \(mps\), and torch finds none", "torch.backends.mps.is_available"),
        ("auto", "xpu", r"The run needs an Intel GPU \(xpu\), and torch finds none", "torch.xpu.is_available"),
        ("mps", "cpu", r"asks for an Apple GPU \(mps\), and this worker may use the CPU only", "auto or cpu"),
        ("xpu", "cuda", r"asks for an Intel GPU \(xpu\), and this worker trains on a GPU only", "auto or cuda"),
    ],
)
def test_what_a_run_cannot_have_is_said_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, wanted: str, limit: str, message: str, remedy: str
) -> None:
    there(monkeypatch)
    with pytest.raises(RunError, match=message) as error:
        device(wanted, limit)
    assert remedy in str(error.value.remedy)


@pytest.mark.parametrize(("wanted", "limit"), [("auto", "auto"), ("cuda", "auto"), ("auto", "cuda")])
def test_a_run_whose_gpu_does_not_answer_says_so_and_does_not_train_on_the_cpu(
    monkeypatch: pytest.MonkeyPatch, wanted: str, limit: str
) -> None:
    there(monkeypatch)
    with pytest.raises(RunError, match=r"The worker gave the run GPU 1 \(H200\), and torch cannot use it\.") as error:
        device(wanted, limit, "GPU 1 (H200)")
    assert "compute.device to cpu" in str(error.value.remedy)
    there(monkeypatch, "cuda")
    assert device(wanted, limit, "GPU 1 (H200)") == "cuda"


def test_why_torch_finds_no_gpu_is_told_where_torch_says_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_old() -> bool:
        python_warnings.warn(
            "CUDA initialization: The NVIDIA driver on your system is too old (found 11040).", stacklevel=1
        )
        return False

    monkeypatch.setattr(torch.cuda, "is_available", too_old)
    with pytest.raises(
        RunError, match=r"torch finds none on this machine\. It says: CUDA initialization: The NVIDIA dr"
    ):
        device("cuda")


def test_an_intel_gpu_without_float64_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    there(monkeypatch, "xpu", float64=False)
    with pytest.raises(RunError, match="cannot compute in float64") as error:
        device("xpu")
    assert "compute.device to cpu" in str(error.value.remedy)


@pytest.mark.parametrize(
    ("limit", "wanted", "words"),
    [
        ("cpu", "mps", "The worker may use the CPU only: choose auto or cpu, or change the worker's NEQ_DEVICE"),
        (
            "mps",
            "cuda",
            "The worker trains on an Apple GPU only: choose auto or mps, or change the worker's NEQ_DEVICE",
        ),
        ("cuda", "cpu", "The worker trains on a GPU only: choose auto or cuda, or change the worker's NEQ_DEVICE"),
        ("mps", "mps", None),
        ("auto", "xpu", None),
        ("cuda", "auto", None),
    ],
)
def test_before_the_launch_a_device_that_the_worker_has_not_is_said_at_its_field(
    limit: Any, wanted: str, words: str | None
) -> None:
    worker = Capabilities(version="1", device_limit=limit)
    config = RunConfig.model_validate({"compute": {"device": wanted}})
    told = [each.message for each in errors(config, worker) if each.field == "compute.device"]
    assert told == ([] if words is None else [words])


@pytest.mark.parametrize(
    ("limit", "wanted", "has", "words"),
    [
        ("auto", "mps", {"others": ()}, "There is no Apple GPU that torch can use on the worker: choose auto or cpu"),
        ("auto", "xpu", {"others": ("mps",)}, "There is no Intel GPU that torch can use on the worker"),
        ("auto", "cuda", {"gpus": ()}, "There is no GPU that torch can use on the worker: choose auto or cpu"),
        ("cuda", "auto", {"gpus": ()}, "The worker's NEQ_DEVICE asks for a GPU, and torch finds none there"),
        ("cuda", "cuda", {"gpus": ()}, "The worker's NEQ_DEVICE asks for a GPU, and torch finds none there"),
        ("auto", "mps", {"others": ("mps",), "gpus": ()}, None),
        ("auto", "mps", {"others": None, "gpus": ()}, None),
        ("mps", "mps", {"gpus": ({"name": "Apple GPU", "memory_bytes": 5},)}, None),
        ("cpu", "cpu", {"gpus": ()}, None),
        ("auto", "auto", {"gpus": (), "others": ()}, None),
        ("auto", "cpu", {"gpus": (), "others": ()}, None),
        ("cpu", "auto", {"gpus": ()}, None),
    ],
)
def test_before_the_launch_a_gpu_that_torch_does_not_find_is_refused(
    limit: Any, wanted: str, has: dict[str, Any], words: str | None
) -> None:
    worker = Capabilities.model_validate({"version": "1", "device_limit": limit, **has})
    config = RunConfig.model_validate({"compute": {"device": wanted}})
    told = [each.message for each in errors(config, worker) if each.field == "compute.device"]
    assert len(told) == (words is not None) and all(each.startswith(str(words)) for each in told)


def test_an_apple_gpu_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from trainer.training.device import device_title

    monkeypatch.setattr(
        torch, "get_device_module", lambda device: SimpleNamespace(get_device_name=lambda _: "Max 1550")
    )
    assert device_title(torch.device("mps")) == "Apple GPU"
    assert device_title(torch.device("xpu")) == "Max 1550"
