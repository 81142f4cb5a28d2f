"""Running a model on the probe set without leaving a trace in it."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from neq.device.tf32 import Products, products_in
from neq.measure.previous_state import PreviousState
from neq.network.kept_buffers import KeptBuffers
from neq.network.modes import in_eval_mode
from neq.network.substitution import computed_attributes
from neq.options import Forward


def unwrap(model: nn.Module) -> nn.Module:
    """The model inside what torch.compile and DistributedDataParallel wrap it in.

    φ is measured on the uncompiled module, because compiled code may leave out the hooks that read the outputs, and
    outside DistributedDataParallel, whose forward pass talks to the other processes.
    """
    while True:
        if isinstance(model, DistributedDataParallel):
            model = model.module
        elif isinstance(inner := getattr(model, "_orig_mod", None), nn.Module):
            model = inner
        else:
            return model


def run_model(model: nn.Module, batch: Any, forward: Forward | None = None) -> object:
    """Calls the model on a probe batch, on the model's device.

    A model that draws random numbers even in eval mode draws the same ones at every call, so that what is compared
    differs by the weights alone. The random state must have been saved, as `preserve_state` does.

    Args:
        batch: a tensor, an (inputs, targets) pair of which the inputs are taken, or a mapping, given as keywords
            without its `labels`.
        forward: called as forward(model, batch) instead, for anything else.

    Raises:
        TypeError: the batch is of another kind and no `forward` was given.
    """
    _same_random_numbers(model)
    if forward is not None:
        return forward(model, batch)
    device = next(model.parameters()).device
    if isinstance(batch, Mapping):
        return model(**{key: _to(value, device) for key, value in batch.items() if key != "labels"})
    inputs = batch[0] if isinstance(batch, tuple | list) and batch else batch
    if not isinstance(inputs, Tensor):
        raise TypeError(f"a probe batch is a {type(batch).__name__}; give NEq a forward(model, batch) for it")
    return model(inputs.to(device))


def _to(value: Any, device: torch.device) -> Any:
    return value.to(device) if isinstance(value, Tensor) else value


def run_previous(model: nn.Module, former: PreviousState, batch: Any, forward: Forward | None = None) -> object:
    """`run_model` on last epoch's network, with the model's own code; the model keeps what it has."""
    with former.standing_in(model):
        return run_model(model, batch, forward)


def probe_batches(probe: Iterable[Any], model: nn.Module) -> Iterator[Any]:
    """The probe batches; reading them leaves the random state as it was, which a data loader alone would not.

    Raises:
        ValueError: there are none.
    """
    with _own_random_numbers(model):
        batches = iter(probe)
    empty = True
    while True:
        with _own_random_numbers(model):
            try:
                batch = next(batches)
            except StopIteration:
                break
        empty = False
        yield batch
    if empty:
        raise ValueError(
            "the probe set gave no batch: it must hold one at least, and be possible to iterate again every epoch"
        )


def _own_random_numbers(model: nn.Module) -> AbstractContextManager[Any]:
    gpus = _gpus(model)  # where there are none, a kind must be named all the same: torch 2.11 asks for one
    return torch.random.fork_rng(devices=gpus, device_type=gpus[0].type if gpus else "cuda")


def _gpus(model: nn.Module) -> list[torch.device]:
    """Devices with random numbers of their own, all of one kind, on which parameters are."""
    return list({one.device for one in model.parameters() if one.device.type in ("cuda", "xpu", "mps")})


def _same_random_numbers(model: nn.Module) -> None:
    torch.default_generator.manual_seed(0)
    for device in _gpus(model):
        if device.type == "mps":
            torch.mps.manual_seed(0)
        else:
            torch.get_device_module(device).default_generators[device.index].manual_seed(0)


@contextmanager
def preserve_state(model: nn.Module, products: Products = "float32") -> Iterator[None]:
    """The model in eval mode without gradients; afterwards its modes, parameters, buffers and the random state are as
    before.

    Nothing is cast automatically: in bfloat16 a φ near 1 is lost. Code that torch compiled runs as it was written, and
    attention layers call their parts one by one, because the fused ways leave out the hooks that read the outputs.

    Args:
        products: in what float32 tensors are multiplied.
    """
    buffers = KeptBuffers(model)
    computed = computed_attributes(model)
    fast_attention = torch.backends.mha.get_fastpath_enabled()
    try:
        with (
            _own_random_numbers(model),
            torch.no_grad(),
            _as_written(),
            _in_its_own_precision(model),
            products_in(products, next(model.parameters()).device),
            in_eval_mode(model),
        ):
            torch.backends.mha.set_fastpath_enabled(False)
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast_attention)
        for attributes, name, tensor in computed:
            attributes[name] = tensor
        buffers.restore()


def _as_written() -> AbstractContextManager[Any]:
    """Code that was compiled runs uncompiled meanwhile. The compiler takes seconds to import: only if it is here."""
    return torch.compiler.set_stance("force_eager") if "torch._dynamo" in sys.modules else nullcontext()


@contextmanager
def _in_its_own_precision(model: nn.Module) -> Iterator[None]:
    """Without autocast, neither around the call nor around the model's forward, where accelerate puts it."""
    kind = next(model.parameters()).device.type
    own = vars(model)
    wrapped = own.get("forward") if "_original_forward" in own else None
    with torch.autocast(kind, enabled=False) if torch.is_autocast_enabled(kind) else nullcontext():
        if wrapped is None:
            yield
            return
        own["forward"] = own["_original_forward"]
        try:
            yield
        finally:
            own["forward"] = wrapped
