"""A tensor that says it lies on cuda:0 and computes on the CPU, by CUDA's rules."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import torch
from torch import Tensor, nn
from torch._ops import OpOverload
from torch.utils._pytree import tree_leaves, tree_map

from neq.network.gradient_stop import StoppedParameter
from tests.pretended.counts import copied, kernel, wait, where
from tests.pretended.launches import ASKS_SIZE, INDEXING, READS, launches

GPU = torch.device("cuda:0")

_TAKES_A_NUMBER = {"fill_", "index_fill", "index_fill_", "masked_fill", "masked_fill_", "where"}
"""Beside pointwise operations: what may be handed a 0-dimensional tensor on the CPU, for its number is read there."""

_PINNED: dict[int, Tensor] = {}
"""Pinned memory of the host, by its address."""

_real_to = torch.Tensor.to


class PretendedTensor(torch.Tensor):
    """Real numbers in the host's memory, reported as `cuda:0`.

    Python sees a GPU, torch's C++ a CPU: so autograd needs no driver. Attribute `elem` is the plain tensor with the
    same memory.
    """

    elem: Tensor

    @staticmethod
    def __new__(cls, elem: Tensor) -> "PretendedTensor":
        made = torch.Tensor._make_subclass(cls, elem.detach(), False)
        made.elem = elem.detach()
        return made

    @property
    def __class__(self) -> Any:
        return type(self)

    @__class__.setter
    def __class__(self, other: Any) -> None:
        """A parameter that is stopped, or moves again, stays on its device."""
        object.__dict__["__class__"].__set__(self, _TWINS.get((type(self), other), other))

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        return GPU

    @property
    def is_cuda(self) -> bool:  # type: ignore[override]
        return True

    @property
    def is_cpu(self) -> bool:  # type: ignore[override]
        return False

    @property
    def data(self) -> Tensor:  # type: ignore[override]
        return torch.Tensor.data.__get__(self)  # type: ignore[attr-defined, no-any-return]

    @data.setter
    def data(self, values: Tensor) -> None:
        if not isinstance(values, PretendedTensor):
            raise NotImplementedError("a parameter's data is exchanged for a tensor of another device")
        torch.Tensor.data.__set__(self, values)  # type: ignore[attr-defined]
        self.elem = values.elem

    def numpy(self, *, force: bool = False) -> NoReturn:  # type: ignore[override]
        raise TypeError(
            "can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() to copy it to the host first."
        )

    def __array__(self, *args: Any, **kwargs: Any) -> NoReturn:
        self.numpy()

    def tolist(self) -> Any:
        wait("tolist")
        return self.elem.tolist()

    def pin_memory(self, device: object = None) -> NoReturn:  # type: ignore[override]
        raise RuntimeError("cannot pin 'torch.cuda.FloatTensor' only dense CPU tensors can be pinned")

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.elem.__reduce_ex__(protocol)

    def __deepcopy__(self, memo: dict[int, Any]) -> "PretendedTensor":
        copy = PretendedTensor(self.elem.clone())
        copy.requires_grad_(self.requires_grad)
        if getattr(self, "_is_param", False):
            copy._is_param = True
        memo[id(self)] = copy
        return copy

    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    @classmethod
    def __torch_dispatch__(
        cls, func: OpOverload, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        name = func._schema.name.split("::")[1]
        return _OWN.get(name, _computed)(func, name, args, dict(kwargs or {}))


class PretendedStopped(PretendedTensor, StoppedParameter):  # type: ignore[misc]
    """A pretended parameter while it is stopped."""

    __deepcopy__ = StoppedParameter.__deepcopy__  # type: ignore[assignment]


_TWINS: dict[tuple[type, type], type] = {
    (PretendedTensor, StoppedParameter): PretendedStopped,
    (PretendedStopped, nn.Parameter): PretendedTensor,
}
"""What becomes of a class that is assigned to a parameter."""


def is_gpu(device: Any) -> bool:
    """Whether this names a GPU; None does not."""
    return device is not None and torch.device(device).type == "cuda"


def plain(value: Any) -> Any:
    """The CPU's tensor behind a pretended one; anything else as it is."""
    return value.elem if isinstance(value, PretendedTensor) else value


def pin(tensor: Tensor) -> Tensor:
    """A copy of a CPU tensor that counts as pinned."""
    made = tensor.clone(memory_format=torch.preserve_format)
    _PINNED[made.untyped_storage().data_ptr()] = made
    return made


def is_pinned(tensor: Tensor) -> bool:
    """Whether a tensor lies in pinned memory of the host."""
    return not isinstance(tensor, PretendedTensor) and tensor.untyped_storage().data_ptr() in _PINNED


def unpin_all() -> None:
    """Forgets what is pinned."""
    _PINNED.clear()


def _transfer(kind: str, host: Tensor, asynchronous: bool) -> None:
    if asynchronous and is_pinned(host):
        copied(kind)
    else:  # from pageable memory CUDA waits whatever was asked for
        wait(kind)


def moved(tensor: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """`Tensor.to`, from and to the pretended device too."""
    device, dtype, asynchronous, layout = torch._C._nn._parse_to(*_without_tensor(args), **_without(kwargs, "copy"))
    if args and isinstance(args[0], Tensor):
        device, dtype = args[0].device, args[0].dtype
    copy = bool(kwargs.get("copy"))
    rest: dict[str, Any] = {key: one for key, one in (("dtype", dtype), ("memory_format", layout)) if one is not None}
    if device is None or is_gpu(device) == isinstance(tensor, PretendedTensor):
        if not isinstance(tensor, PretendedTensor) and device is not None:
            rest["device"] = device
        return _real_to(tensor, copy=copy, **rest) if rest or copy else tensor
    if tensor.grad_fn is not None:
        raise NotImplementedError("a tensor with a gradient's history goes to another device")
    if is_gpu(device):
        _transfer("copy from host", tensor, asynchronous)
        there: Tensor = PretendedTensor(tensor.detach().clone(memory_format=torch.preserve_format))
    else:
        wait("copy to host")
        there = plain(tensor).clone(memory_format=torch.preserve_format)
    return _real_to(there, **rest) if rest else there


def _without_tensor(args: Sequence[Any]) -> Sequence[Any]:
    return args[1:] if args and isinstance(args[0], Tensor) else args


def _without(kwargs: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in kwargs.items() if key not in keys}


def _to_copy(func: OpOverload, name: str, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Another type or layout; where it goes to is seen to by `moved`."""
    kernel("to")
    return PretendedTensor(func(plain(args[0]), **_without(kwargs, "device", "pin_memory", "non_blocking")))


def _copy_(func: OpOverload, name: str, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    target, source = args[0], args[1]
    asynchronous = bool(args[2] if len(args) > 2 else kwargs.get("non_blocking", False))
    if not isinstance(target, PretendedTensor):
        _transfer("copy to host", target, asynchronous)
    elif not isinstance(source, PretendedTensor):
        _transfer("copy from host", source, asynchronous)
    else:
        kernel(name)
    func(plain(target), plain(source))
    return target


def _computed(func: OpOverload, name: str, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Any other operation: told to the GPU, once it is sure that CUDA would take it."""
    leaves = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
    _refuse_mixed(func, name, args, leaves)
    if name in READS:
        wait(name)
        return func(*tree_map(plain, args), **tree_map(plain, kwargs))
    _note(func, name, args)
    kwargs.pop("device", None)  # torch's C++ names the one that it sees; what Python names is seen to where it does
    found = func(*tree_map(plain, args), **tree_map(plain, kwargs))
    known = {id(leaf.elem): leaf for leaf in leaves if isinstance(leaf, PretendedTensor)}

    def pretended(one: Any) -> Any:
        if not isinstance(one, Tensor):
            return one
        return known[id(one)] if id(one) in known else PretendedTensor(one)

    return tree_map(pretended, found)


def _note(func: OpOverload, name: str, args: Sequence[Any]) -> None:
    if name in ASKS_SIZE or (name == "repeat_interleave" and func._overloadname == "Tensor"):
        wait(name)
    if name in INDEXING:
        _note_indexing(name, args)
    count = launches(func, name, tree_map(plain, args))
    if count:
        kernel(name, count)


def _note_indexing(name: str, args: Sequence[Any]) -> None:
    """What CUDA does beside the write itself: indices and values of the host are sent, masks are counted out."""
    for index in args[1] or ():
        if isinstance(index, Tensor) and not isinstance(index, PretendedTensor):
            wait("index sent")
        if isinstance(index, Tensor) and index.dtype in (torch.bool, torch.uint8):
            wait("mask counted out (nonzero)")
    if len(args) > 2 and isinstance(args[2], Tensor) and not isinstance(args[2], PretendedTensor):
        wait("scalar sent (index_put_)")
        kernel("copy of a scalar")


def _refuse_mixed(func: OpOverload, name: str, args: Sequence[Any], leaves: Sequence[Tensor]) -> None:
    """CUDA's rules: a tensor of the host joins in as a number in pointwise operations, or as an index."""
    hosts = [leaf for leaf in leaves if not isinstance(leaf, PretendedTensor)]
    if not hosts or name.startswith("_fused_"):  # fused optimizers are handed what they were made for
        return
    if name in INDEXING:
        if not isinstance(args[0], PretendedTensor):
            raise RuntimeError(f"indices should be either on cpu or on the same device as the tensor (cpu) [{where()}]")
        hosts = [one for one in args[2:3] if isinstance(one, Tensor) and not isinstance(one, PretendedTensor)]
        numbers_join = True
    else:
        numbers_join = torch.Tag.pointwise in func.tags or name in _TAKES_A_NUMBER or name.startswith("_foreach_")
    if any(one.dim() or not numbers_join for one in hosts):
        raise RuntimeError(
            f"Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu! ({name}) "
            f"[{where()}]"
        )


_OWN: dict[str, Callable[[OpOverload, str, Sequence[Any], dict[str, Any]], Any]] = {
    "_to_copy": _to_copy,
    "copy_": _copy_,
}
