"""The first forward pass of a probe batch: where the model cannot be given it, why, and what to give NEq instead."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from neq.measure.probing import run_model
from neq.network.watching import NoTensor
from neq.options import Forward

_FORWARD = "give NEq a forward(model, batch) for it"


class ProbeFailed(ValueError):
    """The model's own forward pass failed on a probe batch; `__cause__` is what it raised."""


def first_pass(model: nn.Module, batch: Any, forward: Forward | None, place: int = 0) -> object:
    """The first forward pass of a probe batch.

    Args:
        place: which one it is, from 0.

    Raises:
        TypeError: the batch is of a kind that NEq cannot give to a model.
        ProbeFailed: the model's own code raised; that is its cause.
    """
    if forward is None:
        _check_batch(batch)
    try:
        return run_model(model, batch, forward)
    except (MemoryError, torch.OutOfMemoryError, NoTensor):
        raise
    except Exception as error:
        raise ProbeFailed(_what_failed(model, batch, forward, place, error)) from error


def _check_batch(batch: Any) -> None:
    if isinstance(batch, Mapping) and not any(isinstance(value, Tensor) for value in batch.values()):
        raise TypeError(f"a probe batch is a {type(batch).__name__} without a tensor; collate it, or {_FORWARD}")
    first = batch[0] if isinstance(batch, tuple | list) and batch else batch
    if not isinstance(first, Tensor) and not isinstance(batch, Mapping):
        within = "" if first is batch else f" that begins with a {type(first).__name__}"
        raise TypeError(f"a probe batch is a {type(batch).__name__}{within}; {_FORWARD}")


def _what_failed(model: nn.Module, batch: Any, forward: Forward | None, place: int, error: Exception) -> str:
    said = str(error).strip().partition("\n")[0][:300] or "no message"
    failed = f"{type(error).__name__}: {said}"
    which = f"batch {place} of the probe set (counted from 0)" if place else "the first probe batch"
    if forward is not None:
        return f"forward(model, batch) failed on {which}, {_described(batch)}: {failed}"
    remedy = _remedy_of_inputs(model, batch, place, said) or _remedy(batch)
    return f"the model's forward pass failed on {which}, {_described(batch)}: {failed}; {remedy}"


def _remedy_of_inputs(model: nn.Module, batch: Any, place: int, said: str) -> str | None:
    """Where the inputs themselves are the likely reason."""
    inputs = batch[0] if isinstance(batch, tuple | list) else batch
    if not isinstance(inputs, Tensor):
        return None
    if not inputs.numel():
        return "the batch is empty: leave it out of the probe set"
    own = next(model.parameters()).dtype
    if inputs.dtype != own and "type" in said:
        own_name, given = (str(dtype).removeprefix("torch.") for dtype in (own, inputs.dtype))
        return f"the batch is {given} and the model {own_name}: convert it as training does, such as batch.to({own})"
    if place and isinstance(batch, Tensor):
        return "give every batch the shape of the first, and (inputs, targets) as one batch: [(inputs, targets)]"
    return None


def _described(batch: Any) -> str:
    if isinstance(batch, Mapping):
        left = " (its `labels` are left out)" if "labels" in batch else ""
        return f"a {type(batch).__name__} of {', '.join(map(str, list(batch)[:8]))}{left}"
    if isinstance(batch, tuple | list):
        more = ", of which the first is given to the model" if len(batch) > 1 else ""
        return f"a {type(batch).__name__} of {len(batch)}{more}"
    return f"a tensor of shape {tuple(batch.shape)}" if isinstance(batch, Tensor) else f"a {type(batch).__name__}"


def _remedy(batch: Any) -> str:
    if isinstance(batch, Mapping):
        how = "forward=lambda model, batch: model(**batch) to give it all of the batch, labels too"
    elif isinstance(batch, tuple | list) and len(batch) > 1:
        how = "forward=lambda model, batch: model(*batch) to give it all of the batch"
    else:
        how = "forward=lambda model, batch: … that calls the model as training does"
    return f"give NEq {how}"
