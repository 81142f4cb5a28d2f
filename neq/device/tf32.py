"""Whether float32 products may be rounded to TF32, whose mantissa has 10 bits instead of 23, while a context lasts.

Torch has two sets of switches for it, an older and a newer one, and refuses to read the older where the two disagree.
Both are therefore set, and both restored. Of the older ones those are left alone that their owner has made unreadable.
"""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal, TypeVar

import torch

Products = Literal["float32", "tf32"]

_T = TypeVar("_T")


@contextmanager
def products_in(products: Products, device: torch.device) -> Iterator[None]:
    """Matrix products and convolutions of float32 tensors on a device in full precision, or in TF32.

    Args:
        products: `tf32` changes nothing but on NVIDIA's, AMD's and Intel's GPUs.
        device: whose switches are meant; those of other kinds of devices stay as they are.
    """
    wanted = "tf32" if products == "tf32" and device.type != "cpu" else "ieee"
    switches = _switches(device)
    if all(switch.fp32_precision in (wanted, "none" if wanted == "ieee" else wanted) for switch in switches):
        yield
        return
    own = [(switch, switch.fp32_precision) for kind in ("cuda", "cpu") for switch in _switches(torch.device(kind))]
    matmul, convolutions = _readable(torch.get_float32_matmul_precision), _readable(_convolutions_use_tf32)
    if device.type != "cpu":  # whose products in bfloat16 the older switches do not tell from a GPU's in TF32
        _set_older(
            None if matmul is None else "high" if wanted == "tf32" else "highest",
            None if convolutions is None else wanted == "tf32",
        )
    for switch in switches:
        switch.fp32_precision = wanted
    try:
        yield
    finally:
        if device.type != "cpu":
            _set_older(matmul, convolutions)
        for switch, value in own:
            switch.fp32_precision = value


def _switches(device: torch.device) -> list[Any]:
    """The newer switches of a kind of device, each with an attribute `fp32_precision`."""
    backends: Any = torch.backends
    match device.type:
        case "cuda":
            return [backends.cuda.matmul, backends.cudnn.conv, backends.cudnn.rnn]
        case "cpu" | "xpu":
            return [backends.mkldnn.matmul, backends.mkldnn.conv, backends.mkldnn.rnn]
    return []


def _set_older(matmul: str | None, convolutions: bool | None) -> None:
    """Sets the older switches; None leaves one alone."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that they are the older ones is known
        if matmul is not None:
            torch.set_float32_matmul_precision(matmul)
        if convolutions is not None:
            torch.backends.cudnn.allow_tf32 = convolutions


def _convolutions_use_tf32() -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return bool(torch.backends.cudnn.allow_tf32)


def _readable(read: Callable[[], _T]) -> _T | None:
    try:
        return read()
    except RuntimeError:  # the newer ones say what the older cannot express
        return None
