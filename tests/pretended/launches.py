"""How many kernels an operation of torch's launches on CUDA, and whether it waits there."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload

_FREE = {
    "_reshape_alias",
    "_unsafe_view",
    "empty",
    "empty_like",
    "empty_strided",
    "is_non_overlapping_and_dense",
    "lift_fresh",
    "new_empty",
    "new_empty_strided",
    "resize_",
    "set_",
    "t_",
    "squeeze_",
    "transpose_",
    "unsqueeze_",
}
"""Beside views: what makes or renames a tensor and writes nothing."""

READS = {"_local_scalar_dense", "allclose", "equal", "is_nonzero", "item"}
"""Give the host a value: it waits for it."""

ASKS_SIZE = {
    "_unique",
    "_unique2",
    "bincount",
    "masked_select",
    "nonzero",
    "unique_consecutive",
    "unique_dim",
}
"""The size of what they give depends on values: the host waits for it."""

INDEXING = {"_index_put_impl_", "_unsafe_index", "_unsafe_index_put", "index", "index_put", "index_put_"}

_AT_ONCE = {1: 110, 2: 64, 3: 48, 4: 36, 5: 30}
"""How many tensors a kernel takes for each number of lists (torch's MultiTensorApply.cuh)."""

_BLOCKS, _CHUNK = 320, 65536
"""How many blocks a kernel takes, and of how many values each is."""


def launches(func: OpOverload, name: str, args: Sequence[Any]) -> int:
    """How many kernels an operation launches."""
    if func.is_view or name in _FREE:
        return 0
    if name == "convolution_backward":
        return sum(args[10])
    if name.startswith(("_foreach_", "_fused_", "_amp_foreach")):
        return _of_lists(name, args)
    return 1


def _of_lists(name: str, args: Sequence[Any]) -> int:
    """Lists of one type and layout are told in portions, others tensor by tensor."""
    lists = [one for one in args if isinstance(one, list | tuple) and one and isinstance(one[0], Tensor)]
    if not lists:
        return 0
    fused = name.startswith("_fused")
    if not fused and not _alike(lists):
        return len(lists[0])
    depth = min(len(lists) + (not name.endswith("_")), 5)
    return _portions([one.numel() for one in lists[0]], depth) + (2 if name == "_foreach_norm" else 0)


def _portions(sizes: Sequence[int], depth: int) -> int:
    found = tensors = blocks = 0
    for size in sizes:
        tensors += 1
        for _ in range(-(-size // _CHUNK)):
            blocks += 1
            if blocks == _BLOCKS:
                found, tensors, blocks = found + 1, 1, 0
        if tensors == _AT_ONCE[depth]:
            found, tensors, blocks = found + 1, 0, 0
    return found + (blocks > 0)


def _alike(lists: Sequence[Sequence[Tensor]]) -> bool:
    """The condition of torch's fast way: one type throughout; dense tensors of equal sizes and strides side by side."""
    dtype = lists[0][0].dtype
    for side_by_side in zip(*lists, strict=True):
        first = side_by_side[0]
        if any(one.dtype != dtype or not _is_dense(one) for one in side_by_side):
            return False
        if any(one.shape != first.shape or one.stride() != first.stride() for one in side_by_side):
            return False
    return True


def _is_dense(tensor: Tensor) -> bool:
    return bool(torch.ops.aten.is_non_overlapping_and_dense(tensor))
