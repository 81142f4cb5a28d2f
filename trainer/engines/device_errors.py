"""What torch, CUDA and their relatives say when a device fails, in words that a person can act on. Imports no torch."""

from typing import NamedTuple

from neq.device.memory_words import speaks_of_memory


class Explained(NamedTuple):
    """What happened and what to do, a sentence each."""

    message: str
    remedy: str


class _Known(NamedTuple):
    """Words, lower case, of which one is in what is said; what that means, and what to do."""

    words: tuple[str, ...]
    message: str
    remedy: str


CHECK_LABELS = "Check the data: labels count from 0, and 255 stands for pixels of no class."

_KNOWN = (
    _Known(
        ("busy or unavailable",),
        "The GPU is held by another process that lets no other use it.",
        "End that process (nvidia-smi lists it), set the GPU's compute mode to default, or give the worker another GPU "
        "in NEQ_DEVICE.",
    ),
    _Known(
        ("device-side assert",),
        "A label lies outside the classes that the data announce, or another index outside its tensor: the GPU stopped "
        "at it.",
        f"{CHECK_LABELS} With compute.device cpu the run names what it stumbles over.",
    ),
    _Known(
        ("no kernel image", "invalid device function"),
        "The installed torch has no code for this GPU: it was built for newer, or for older ones.",
        "Install a build of torch that lists the GPU in torch.cuda.get_arch_list(), or set compute.device to cpu.",
    ),
    _Known(
        ("driver on your system is too old", "driver version is insufficient", "unsupported display driver"),
        "The machine's GPU driver is too old for the installed torch.",
        "Update the driver, install a torch that was built for its CUDA version, or set compute.device to cpu.",
    ),
    _Known(
        ("found no nvidia driver", "no cuda gpus are available", "no cuda-capable device", "not compiled with cuda"),
        "Torch finds no GPU that it can use.",
        "Install the GPU's driver and a torch that was built for it, see that CUDA_VISIBLE_DEVICES names a GPU, or set "
        "compute.device to cpu.",
    ),
    _Known(
        ("system not yet initialized", "cuda unknown error"),
        "The GPU's driver is not ready: on machines with NVSwitch its fabric manager may not run.",
        "Start nvidia-fabricmanager or restart the machine, and resume the run.",
    ),
    _Known(
        ("cublas_status_not_initialized", "cudnn_status_not_initialized"),
        "A library of the GPU could not be started, mostly because its memory is full or its driver unfit.",
        "See with nvidia-smi whether other processes fill the GPU, and resume the run; a smaller training.batch_size "
        "leaves more room. If the GPU is free, update its driver.",
    ),
    _Known(
        ("not currently implemented for the mps device",),
        "Torch cannot compute a part of this network on Apple's GPUs.",
        "Set PYTORCH_ENABLE_MPS_FALLBACK=1 for the worker, which computes that part on the CPU, or set compute.device "
        "to cpu.",
    ),
    _Known(
        ("mps framework doesn't support float64",),
        "A part of the network or of the data is float64, which Apple's GPUs do not compute in.",
        "Convert it to float32 in the model or the data set, or set compute.device to cpu.",
    ),
    _Known(
        (
            "uncorrectable ecc",
            "uncorrectable nvlink",
            "gpu is lost",
            "fallen off the bus",
            "gpu has been lost",
            "error_device_lost",  # UR_RESULT_ERROR_DEVICE_LOST of an Intel GPU
        ),
        "The GPU reported a fault of its hardware.",
        "Resume the run on another GPU; nvidia-smi -q tells more, and a reset of the GPU or of the machine may help.",
    ),
    _Known(
        ("error: operation not supported",),  # CUDA's, its driver's and HIP's; others say so of sparse tensors
        "The GPU or its driver does not support what torch asked for.",
        "If PYTORCH_ALLOC_CONF asks for expandable_segments, which virtual GPUs may not bear, set it to "
        "expandable_segments:False for the worker; else update the driver, or set compute.device to cpu.",
    ),
    _Known(
        ("unspecified launch failure", "illegal memory access", "misaligned address", "illegal instruction"),
        "A computation on the GPU failed: by a fault in torch, in the driver or in the GPU.",
        "Resume the run from its last checkpoint; if it happens again, update driver and torch, or try another GPU.",
    ),
)


def is_memory(error: BaseException) -> bool:
    """Whether it is a lack of memory, on whatever device: known by its class or, where torch has none, by its words."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError | OSError) and speaks_of_memory(str(error))


def explained_failure(error: BaseException) -> Explained | None:
    """What became of the device; None where nothing more is known than what the error says itself.

    A lack of memory is left to the caller, who knows what may be made smaller.
    """
    # A torch without CUDA asserts that it has it; a conversion to float64 on MPS is a TypeError.
    if not isinstance(error, RuntimeError | AssertionError | TypeError):
        return None
    said = str(error).lower()
    for known in _KNOWN:
        if any(words in said for words in known.words):
            return Explained(f"{known.message} ({first_line(error)})", known.remedy)
    return None


def first_line(error: BaseException) -> str:
    """What it says, as far as a sentence has room for it."""
    return str(error).strip().partition("\n")[0][:500] or type(error).__name__


def sentence(text: str) -> str:
    """The text, beginning with a capital letter."""
    return text[0].upper() + text[1:]
