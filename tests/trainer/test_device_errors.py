"""What torch and CUDA say of a device that fails, and what a person then reads."""

from pathlib import Path
from typing import Any

import pytest
import torch

from contract.config import RunConfig
from contract.errors import RunError
from trainer.data import load_data
from trainer.engines.child import explain
from trainer.engines.device_errors import is_memory
from trainer.engines.environment import Workplace
from trainer.training.error_messages import explained

MEMORY = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.10 GiB"),
    RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported"),
    RuntimeError("CUDA driver error: out of memory"),
    RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("cusolver error: CUSOLVER_STATUS_ALLOC_FAILED, when calling `cusolverDnCreate(handle)`"),
    RuntimeError("cuFFT error: CUFFT_ALLOC_FAILED"),
    RuntimeError(
        "[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory: you tried to allocate"
    ),
    RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 400000000 bytes."),
    RuntimeError("MPS backend out of memory (MPS allocated: 17.00 GB, max allowed: 18.13 GB)."),
    RuntimeError("XPU out of memory. Tried to allocate 60.00 GiB."),
    RuntimeError("level_zero backend failed with error: 39 (UR_RESULT_ERROR_OUT_OF_DEVICE_MEMORY)"),
    RuntimeError("HIP out of memory. Tried to allocate 2.00 GiB."),
    RuntimeError("HIP error: out of memory"),
    RuntimeError("GET was unable to find an engine to execute this computation"),
    RuntimeError("std::bad_alloc"),
    OSError(12, "Cannot allocate memory"),
    MemoryError(),
]


@pytest.mark.parametrize("error", MEMORY, ids=str)
def test_a_lack_of_memory_is_explained_in_whatever_words_it_comes(error: Exception) -> None:
    known = explained(error, RunConfig())
    assert known is not None and known.message.startswith("The device ran out of memory")
    assert "training.batch_size 50" in str(known.remedy)
    outside = explain(error, RunConfig())
    assert outside.reason.startswith("The training process ran out of memory")
    assert outside.remedy == known.remedy, "the same advice wherever it comes from"


FAILURES = [
    ("CUDA error: CUDA-capable device(s) is/are busy or unavailable", "held by another process", "NEQ_DEVICE"),
    ("CUDA error: device-side assert triggered", "A label lies outside the classes", "labels count from 0"),
    ("CUDA error: no kernel image is available for execution on the device", "no code for this GPU", "get_arch_list"),
    ("The NVIDIA driver on your system is too old (found version 11040).", "driver is too old", "Update the driver"),
    ("CUDA driver version is insufficient for CUDA runtime version", "driver is too old", "Update the driver"),
    ("Found no NVIDIA driver on your system.", "finds no GPU", "compute.device to cpu"),
    ("No CUDA GPUs are available", "finds no GPU", "CUDA_VISIBLE_DEVICES"),
    ("CUDA error: uncorrectable ECC error encountered", "fault of its hardware", "another GPU"),
    ("CUDA error: unspecified launch failure", "computation on the GPU failed", "last checkpoint"),
    ("CUDA error: an illegal memory access was encountered", "computation on the GPU failed", "last checkpoint"),
    ("CUDA driver error: operation not supported", "does not support", "expandable_segments:False"),
    ("CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasSgemm`", "could not be started", "nvidia-smi"),
    ("cuDNN error: CUDNN_STATUS_NOT_INITIALIZED", "could not be started", "nvidia-smi"),
    ("level_zero backend failed with error: 20 (UR_RESULT_ERROR_DEVICE_LOST)", "fault of its hardware", "another GPU"),
    (
        "The operator 'aten::linalg_svd' is not currently implemented for the MPS device.",
        "Torch cannot compute a part of this network",
        "PYTORCH_ENABLE_MPS_FALLBACK=1",
    ),
    ("CUDA error: system not yet initialized", "driver is not ready", "nvidia-fabricmanager"),
]


@pytest.mark.parametrize(("said", "message", "remedy"), FAILURES, ids=[said for said, _, _ in FAILURES])
def test_a_device_that_fails_is_explained_with_a_remedy(said: str, message: str, remedy: str) -> None:
    error = RuntimeError(f"{said}\nCompile with TORCH_USE_CUDA_DSA")
    known = explained(error, RunConfig())
    assert known is not None and message in known.message and said in known.message
    assert remedy in str(known.remedy)
    assert message in explain(error).reason, "and where the error comes from outside training"


def test_a_torch_without_cuda_is_explained() -> None:
    assert "finds no GPU" in explain(AssertionError("Torch not compiled with CUDA enabled")).reason


def test_float64_on_an_apple_gpu_is_explained() -> None:
    said = (
        "Cannot convert a MPS Tensor to float64 dtype as the MPS framework doesn't support float64. Please use float32."
    )
    assert explain(TypeError(said)).reason.startswith("A part of the network or of the data is float64")


def test_words_of_somebody_else_are_left_alone() -> None:
    sparse = RuntimeError("the operation not supported for sparse tensors")
    assert explain(sparse).reason.startswith("Training raised RuntimeError")
    assert not is_memory(ValueError("the story is out of memory cards"))
    assert explain(ValueError("no kernel image")).reason == "Training raised ValueError: no kernel image"
    assert explained(RuntimeError("nll_loss2d does not work that way"), RunConfig()) is None


@pytest.mark.parametrize(
    ("data", "remedy"),
    [
        ({"kind": "synthetic", "train_samples": 60, "test_samples": 12}, "Choose fewer images in data.train_samples"),
        ({"kind": "image-folder", "folder": "mine", "loading": "memory"}, "Set data.loading to stream"),
    ],
    ids=["arrays", "files"],
)
def test_images_that_are_too_many_for_the_device_do_not_advise_a_smaller_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: dict[str, Any], remedy: str
) -> None:
    from tests.trainer.pictures import class_folder

    class_folder(tmp_path / "mine" / "train", {"cat": 14, "dog": 10})
    class_folder(tmp_path / "mine" / "val", {"cat": 4, "dog": 4})

    def full(*_: object) -> None:
        raise RuntimeError("CUDA error: out of memory")

    monkeypatch.setattr("trainer.data.datasets.images.TensorImages.to", full)
    monkeypatch.setattr("trainer.data.datasets.in_memory._together", full)
    config = RunConfig.model_validate({"data": data, "neq": {"probe": {"kind": "split", "samples": 4}}})
    with pytest.raises(RunError, match="The images do not fit into the machine's memory: CUDA error") as error:
        load_data(config, Workplace(tmp_path), torch.device("cpu"))
    assert str(error.value.remedy).startswith(remedy)
