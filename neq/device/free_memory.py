"""How much memory a device has left, how much of it a portion of the probe set may take, and running out of it."""

import torch

from neq.device.memory_words import speaks_of_memory

PORTION_BYTES = {"cpu": 64 * 2**20}
"""How much of a probe batch's outputs is looked at together, by device: on a CPU, little enough not to leave its caches
far behind. Elsewhere a share of what is free."""

MOST_PORTION_BYTES = 2**30
"""A GPU is busy enough with that."""

FREE_SHARE = 8
"""One part in so many of what is free: beside a portion's outputs of one epoch stand those of the other, a layer's
products, and what training allocates anew while it lasts."""

_TOTAL_SHARE = 64


def free_bytes(device: torch.device) -> int | None:
    """What tensors could still take: what is free on the device, and what torch holds of it without using it.

    Returns:
        None on a CPU, and where the device does not tell.
    """
    try:
        if device.type == "mps":
            return torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory()
        if device.type in ("cuda", "xpu"):
            module = torch.get_device_module(device)
            unused = module.memory_reserved(device) - module.memory_allocated(device)
            return int(module.mem_get_info(device)[0] + unused)
    except (RuntimeError, AssertionError, AttributeError):  # an older driver, or a torch that was built without it
        pass
    return None


def _total_bytes(device: torch.device) -> int | None:
    try:
        if device.type == "mps":
            return torch.mps.recommended_max_memory()
        if device.type in ("cuda", "xpu"):
            return int(torch.get_device_module(device).mem_get_info(device)[1])
    except (RuntimeError, AssertionError, AttributeError):
        pass
    return None


def portion_bytes(device: torch.device) -> int:
    """How large the outputs of a portion may be now: a power of two, so that what is free may vary a little and the
    portions stay the same, since others are rounded in another way.

    Under deterministic algorithms it is a share of all the device's memory, which is the same in every run.
    """
    if device.type in PORTION_BYTES:
        return PORTION_BYTES[device.type]
    if torch.are_deterministic_algorithms_enabled():
        whole, share = _total_bytes(device), _TOTAL_SHARE
    else:
        whole, share = free_bytes(device), FREE_SHARE
    if whole is None:
        return MOST_PORTION_BYTES
    return min(MOST_PORTION_BYTES, 1 << max(whole // share, 1).bit_length() - 1)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, the device's or the machine's: torch has a class for it on some devices, words on all."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError | OSError) and speaks_of_memory(str(error))


def give_back_unused(device: torch.device) -> None:
    """What torch holds of the device without using it is free for tensors of other sizes."""
    if device.type in ("cuda", "xpu", "mps"):
        torch.get_device_module(device).empty_cache()
