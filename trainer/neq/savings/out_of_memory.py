"""Running out of memory while something is only tried."""

import torch

_WORDS = ("out of memory", "can't allocate memory", "not enough memory", "alloc_failed")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, the device's or the machine's: torch has a class for it on some devices, words on all."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _WORDS)


def give_back_unused(device: torch.device) -> None:
    """What torch holds of the device without using it is free for tensors of other sizes."""
    if device.type in ("cuda", "xpu", "mps"):
        torch.get_device_module(device).empty_cache()
