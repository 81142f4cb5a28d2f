"""A pretended GPU for tests: `with pretending():`, and code that asks torch for CUDA gets `cuda:0`.

    with pretending():
        model.to("cuda")
        inputs = torch.randn(8, 3, 32, 32, device="cuda")
        step(model, inputs)
        assert counted(lambda: step(model, inputs)).waits == 0

It computes on the CPU, refuses to mix devices as CUDA does, and counts what a GPU would be told. It does not show what
is fast there, nor what autograd's device threads, cuDNN's choice of kernels or real streams do.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from types import SimpleNamespace
from typing import Any
from unittest import mock

import torch
from torch import Tensor

from neq.network import gradient_stop as stopped
from tests.pretended.counts import Counts, capturing, counted, is_capturing, kernel, wait
from tests.pretended.tensor import (
    GPU,
    PretendedStopped,
    PretendedTensor,
    is_gpu,
    is_pinned,
    moved,
    pin,
    plain,
    unpin_all,
)

__all__ = ["GPU", "Counts", "Event", "Generator", "PretendedTensor", "capturing", "counted", "plain", "pretending"]

FREE_MEMORY, MEMORY = 64 * 2**30, 80 * 2**30
"""Bytes that `torch.cuda.mem_get_info` tells."""

_FACTORIES = (
    "arange",
    "as_tensor",
    "empty",
    "empty_strided",
    "eye",
    "full",
    "linspace",
    "ones",
    "rand",
    "randint",
    "randn",
    "randperm",
    "scalar_tensor",
    "tensor",
    "zeros",
)
_LIKE = ("empty_like", "full_like", "ones_like", "rand_like", "randn_like", "zeros_like")
_NEW = ("new_empty", "new_full", "new_ones", "new_tensor", "new_zeros")
_FROM_THE_HOST = {"as_tensor", "new_tensor", "tensor"}


class Event:
    """A CUDA event: the host's clock when it is recorded."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._time = 0.0

    def record(self, *args: Any) -> None:
        """Takes the time."""
        self._time = time.perf_counter()

    def query(self) -> bool:
        """Everything before it is done."""
        return True

    def synchronize(self) -> None:
        """The host waits for it."""
        wait("event.synchronize")

    def elapsed_time(self, other: "Event") -> float:
        """Milliseconds from this one to the other."""
        return (other._time - self._time) * 1e3


_RealGenerator = torch.Generator


class _GpuGenerator(_RealGenerator):
    @property
    def device(self) -> torch.device:
        return GPU


class _GeneratorKind(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _RealGenerator)


class Generator(metaclass=_GeneratorKind):
    """`torch.Generator`, on either device."""

    def __new__(cls, device: Any = "cpu") -> Any:
        return _GpuGenerator() if is_gpu(device) else _RealGenerator(device)


def _factory(name: str) -> Callable[..., Tensor]:
    real = getattr(torch, name)

    def make(*args: Any, **kwargs: Any) -> Tensor:
        pinned, on_gpu = kwargs.pop("pin_memory", False), is_gpu(kwargs.get("device"))
        if name == "as_tensor" and on_gpu and isinstance(args[0], Tensor):
            return moved(args[0], **kwargs)
        if not on_gpu:
            return pin(real(*args, **kwargs)) if pinned else real(*args, **kwargs)
        kwargs.pop("device")
        wanted = kwargs.pop("requires_grad", False)
        _note_made(name)
        made: Tensor = PretendedTensor(real(*args, **kwargs))
        return made.requires_grad_() if wanted else made

    return make


def _note_made(name: str) -> None:
    if name.rsplit("new_", maxsplit=1)[-1] in _FROM_THE_HOST or name in _FROM_THE_HOST:
        wait("copy from host")
    if "empty" not in name:
        kernel(name)


def _made_like(real: Callable[..., Tensor], name: str) -> Callable[..., Tensor]:
    """A tensor like another: on that one's device, where none is named."""

    def make(like: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        device = kwargs.pop("device", like.device)
        if is_gpu(device) and isinstance(like, PretendedTensor) and name != "new_tensor":
            return real(like, *args, **kwargs)
        if not is_gpu(device):
            return real(plain(like), *args, **kwargs, device=device)
        wanted = kwargs.pop("requires_grad", False)
        _note_made(name)
        made: Tensor = PretendedTensor(real(plain(like), *args, **kwargs))
        return made.requires_grad_() if wanted else made

    return make


_real_group = torch._C._group_tensors_by_device_and_dtype


def _grouped(lists: Any, with_indices: bool = False) -> Any:
    found = _real_group(lists, with_indices)
    return {
        (next((one.device for one in tensors[0] if one is not None), device), dtype): (tensors, indices)
        for (device, dtype), (tensors, indices) in found.items()
    }


def _health_check(optimizer: torch.optim.Optimizer) -> None:
    if is_capturing() and not all(group.get("capturable", True) for group in optimizer.param_groups):
        raise RuntimeError(
            f"Attempting CUDA graph capture of step() for {type(optimizer).__name__} with capturable=False"
        )


def _on_cpu(name: str) -> Callable[..., Any]:
    """torch's switches of autocast: what CUDA is told holds for the CPU, which computes."""
    real = getattr(torch, name)

    def asked(kind: Any = "cuda", *args: Any) -> Any:
        return real("cpu" if kind == "cuda" else kind, *args)

    return asked


_real_fork = torch.random.fork_rng


def _fork_rng(devices: Any = None, enabled: bool = True, **kwargs: Any) -> AbstractContextManager[None]:
    return _real_fork(devices=[], enabled=enabled)


def _cuda() -> dict[str, Any]:
    """What stands in for functions of `torch.cuda`."""
    properties = SimpleNamespace(name="Pretended GPU", total_memory=MEMORY, uuid="0", major=9, minor=0)
    generator = _GpuGenerator()
    return {
        "_lazy_init": lambda: None,
        "_sleep": lambda cycles: kernel("sleep"),
        "current_device": lambda: 0,
        "default_generators": (generator,),
        "device_count": lambda: 1,
        "empty_cache": lambda: None,
        "Event": Event,
        "get_device_capability": lambda device=None: (9, 0),
        "get_device_name": lambda device=None: "Pretended GPU",
        "get_device_properties": lambda device=None: properties,
        "get_rng_state": lambda device=None: generator.get_state(),
        "get_rng_state_all": lambda: [generator.get_state()],
        "is_available": lambda: True,
        "is_bf16_supported": lambda including_emulation=True: True,
        "is_current_stream_capturing": is_capturing,
        "is_initialized": lambda: True,
        "manual_seed_all": generator.manual_seed,
        "max_memory_allocated": lambda device=None: 0,
        "mem_get_info": lambda device=None: (FREE_MEMORY, MEMORY),
        "memory_allocated": lambda device=None: 0,
        "memory_reserved": lambda device=None: 0,
        "reset_peak_memory_stats": lambda device=None: None,
        "set_rng_state": lambda state, device=None: generator.set_state(state),
        "set_rng_state_all": lambda states: generator.set_state(states[0]),
        "synchronize": lambda device=None: wait("cuda.synchronize"),
    }


def _torch() -> dict[str, Any]:
    """What stands in for functions of `torch`."""
    made = {name: _factory(name) for name in _FACTORIES}
    made |= {name: _made_like(getattr(torch, name), name) for name in _LIKE}
    autocast = ("is_autocast_enabled", "set_autocast_enabled", "get_autocast_dtype", "set_autocast_dtype")
    return made | {name: _on_cpu(name) for name in autocast} | {"Generator": Generator}


def _tensor() -> dict[str, Any]:
    """What stands in for methods of tensors."""
    methods: dict[str, Any] = {name: _made_like(getattr(Tensor, name), name) for name in _NEW}
    return methods | {
        "to": moved,
        "cpu": lambda tensor, memory_format=None: moved(tensor, "cpu"),
        "cuda": lambda tensor, device=None, non_blocking=False, memory_format=None: moved(
            tensor, "cuda", non_blocking=non_blocking
        ),
        "is_pinned": lambda tensor, device=None: is_pinned(tensor),
        "pin_memory": lambda tensor, device=None: pin(tensor),
    }


@contextmanager
def pretending() -> Iterator[None]:
    """Whatever asks torch for a GPU finds one. Models go there and back by their own methods."""
    swapping = torch.__future__.get_swap_module_params_on_conversion()
    optimizer = torch.optim.Optimizer
    with ExitStack() as stack:
        for owner, replaced in ((torch.cuda, _cuda()), (torch, _torch()), (Tensor, _tensor())):
            for name, one in replaced.items():
                stack.enter_context(mock.patch.object(owner, name, one))
        stack.enter_context(mock.patch.object(torch.random, "fork_rng", _fork_rng))
        stack.enter_context(mock.patch.object(torch._C, "_group_tensors_by_device_and_dtype", _grouped))
        stack.enter_context(mock.patch.object(optimizer, "_accelerator_graph_capture_health_check", _health_check))
        kinds = [Tensor, torch.nn.Parameter, PretendedTensor, PretendedStopped]
        for module in ("torch.optim.optimizer", "torch.utils._foreach_utils"):
            stack.enter_context(mock.patch.object(sys.modules[module], "_foreach_supported_types", kinds))
        stack.enter_context(mock.patch.object(stopped, "PLAIN", stopped.PLAIN | {PretendedTensor, PretendedStopped}))
        stack.callback(unpin_all)
        stack.callback(torch.__future__.set_swap_module_params_on_conversion, swapping)
        torch.__future__.set_swap_module_params_on_conversion(True)
        yield
