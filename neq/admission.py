"""What NEq is given, looked at before anything is done with it: each thing that cannot work is refused in one sentence
with its remedy, instead of an epoch later and from within torch."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from torch.utils.data import (
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)

from neq.errors import OptimizerOwnsNothing
from neq.measure.probing import unwrap
from neq.network.discovery import LayerFilter
from neq.network.layers import described
from neq.network.optimizers import innermost
from neq.options import Forward

_DRAWN = (RandomSampler, SubsetRandomSampler, WeightedRandomSampler)


def admit(
    model: nn.Module, optimizer: Optimizer, probe: Iterable[Any], layers: LayerFilter | None, forward: Forward | None
) -> Optimizer:
    """Refuses what cannot work.

    Returns:
        The optimizer that makes the steps, inside what accelerate wraps it in.

    Raises:
        TypeError: something is of a kind that NEq does not take.
        ValueError: something of the right kind cannot be watched, as it is.
    """
    _check_model(model, optimizer)
    _check_optimizer(optimizer)
    if layers is not None and not isinstance(layers, LayerFilter):
        raise TypeError(f"layers is a {type(layers).__name__}; give layers=LayerFilter(only=(…)) with names or classes")
    if forward is not None and not callable(forward):
        raise TypeError(f"forward is a {type(forward).__name__}; give a function forward(model, batch)")
    _check_probe(probe, forward)
    refuse_split(model)
    _check_parameters(unwrap(model))
    _check_modules(unwrap(model), layers or LayerFilter())
    inner = innermost(optimizer)
    _check_owned(unwrap(model), inner)
    return inner


def _check_model(model: Any, optimizer: Any) -> None:
    if isinstance(model, Optimizer) and isinstance(optimizer, nn.Module):
        raise TypeError("model and optimizer stand in each other's place; give NEq(model, optimizer, probe)")
    if not isinstance(model, nn.Module):
        raise TypeError(f"model is a {type(model).__name__}; give the torch.nn.Module that is trained")
    if isinstance(model, torch.jit.ScriptModule):
        raise TypeError("model is TorchScript, whose layers cannot be seen; give the module that it was made from")


def _check_optimizer(optimizer: Any) -> None:
    if isinstance(optimizer, LRScheduler) or (hasattr(optimizer, "get_last_lr") and hasattr(optimizer, "optimizer")):
        raise TypeError(f"optimizer is a {type(optimizer).__name__}, a scheduler; give scheduler.optimizer")
    if isinstance(optimizer, list | tuple):
        raise TypeError(
            f"optimizer is a {type(optimizer).__name__} of {len(optimizer)}; give the one that moves the layers to be "
            "frozen, and name those with layers=LayerFilter(only=(…))"
        )
    if not isinstance(innermost(optimizer), Optimizer):
        _check_no_wrapper(optimizer)
        raise TypeError(
            f"optimizer is a {type(optimizer).__name__}; give the torch.optim.Optimizer that makes the steps"
        )


def _check_no_wrapper(optimizer: Any) -> None:
    inner = next((own for own in getattr(optimizer, "__dict__", {}).values() if isinstance(own, Optimizer)), None)
    if inner is not None:
        raise TypeError(
            f"optimizer is a {type(optimizer).__name__}, which is no torch.optim.Optimizer and may move weights around "
            f"the steps of its {type(inner).__name__}, where frozen neurons cannot be held; give one that is an "
            "Optimizer, as schedulefree.SGDScheduleFree is"
        )


def _check_owned(model: nn.Module, optimizer: Optimizer) -> None:
    own = {id(parameter) for parameter in model.parameters()}
    if not any(id(parameter) in own for group in optimizer.param_groups for parameter in group["params"]):
        raise OptimizerOwnsNothing(
            f"the optimizer of type {type(optimizer).__name__} owns none of the model's parameters and moves none of "
            "the watched layers",
            "make it from model.parameters() of this very model, after the model was moved, converted or wrapped",
        )


# -------------------------------------------------------------------------------------------- parameters and modules


def refuse_split(model: nn.Module) -> None:
    """A neuron's row must be in one place to be held there.

    Raises:
        ValueError: a parameter is split among processes.
    """
    flat = next((name for name, one in model.named_modules() if type(one).__name__ == "FullyShardedDataParallel"), None)
    split = next((name for name, one in model.named_parameters() if hasattr(one, "device_mesh")), None)  # a DTensor
    if flat is not None or split is not None:
        what = f"parameter {split!r}" if split is not None else f"the parameters of {flat or 'the model'!r}"
        raise ValueError(
            f"{what} is split among processes, and NEq needs whole rows: train on one device or with "
            "DistributedDataParallel"
        )


def _check_parameters(model: nn.Module) -> None:
    devices: dict[str, str] = {}
    for name, parameter in model.named_parameters():
        devices.setdefault(str(parameter.device), name)
    if len(devices) > 1:
        where = " and ".join(f"{name!r} on {device}" for device, name in list(devices.items())[:2])
        raise ValueError(
            f"the model's parameters are on several devices ({where}); put the whole model on one, without device_map "
            "or offloading"
        )
    for name, parameter in model.named_parameters():
        if is_lazy(parameter):
            raise ValueError(f"parameter {name!r} has no shape yet; run the model once on a batch, then make NEq")
        if parameter.is_meta:
            raise ValueError(f"parameter {name!r} is on the meta device, without values; load the weights first")
        if parameter.is_inference():
            raise ValueError(f"parameter {name!r} was made in inference mode; build the model outside of it")


Forms = Mapping[str, tuple[torch.dtype, torch.device]]


def forms_of(model: nn.Module) -> Forms:
    """Number format and device of every parameter, by name."""
    return {name: (parameter.dtype, parameter.device) for name, parameter in model.named_parameters()}


def check_forms(model: nn.Module, forms: Forms) -> None:
    """A model that was converted or moved cannot be compared with what was kept of it.

    Raises:
        ValueError: it was.
    """
    for name, now in forms_of(model).items():
        was = forms.get(name, now)
        if now != was:
            before, after = (f"{str(dtype).removeprefix('torch.')} on {device}" for dtype, device in (was, now))
            raise ValueError(
                f"parameter {name!r} is {after}, and was {before} when NEq was made: convert or move the model first, "
                "then make the optimizer and NEq"
            )


def _check_modules(model: nn.Module, layers: LayerFilter) -> None:
    for name, module in model.named_modules():
        if _observes(module):
            raise ValueError(
                f"module {name!r} ({type(module).__name__}) observes or quantises values, which changes it in every "
                "forward pass; make NEq before quantisation is prepared, and close it then"
            )
        if type(module).__module__ == "torchvision.models.detection.roi_heads":
            _check_proposals(name, module, layers)


def _observes(module: nn.Module) -> bool:
    if "torch.ao.quantization" not in sys.modules:
        return False
    return any(
        base.__name__ in ("ObserverBase", "FakeQuantizeBase") and base.__module__.startswith("torch.ao.quantization")
        for base in type(module).__mro__
    )


def _check_proposals(name: str, heads: nn.Module, layers: LayerFilter) -> None:
    """A detector's second stage looks at places that the first proposes: others in every epoch."""
    for local, module in heads.named_modules():
        layer = described(f"{name}.{local}", module)
        if layer is not None and layers.wants(layer):
            raise ValueError(
                f"layer {layer.name!r} of a detection model sees other proposals in every epoch, so its outputs cannot "
                f"be paired; leave it out with layers=LayerFilter(never=({name + '.*'!r},)), and give a "
                "forward(model, batch) that calls the model on a list of images"
            )


# ------------------------------------------------------------------------------------------------------ the probe set


def _check_probe(probe: Any, forward: Forward | None) -> None:
    kind = type(probe).__name__
    if isinstance(probe, str | bytes):
        raise TypeError(f"probe is a {kind}; give a DataLoader or a list of batches")
    if isinstance(probe, Tensor):
        raise TypeError("probe is a single tensor, of which each sample would count as a batch; give [tensor]")
    if isinstance(probe, Mapping):
        raise TypeError("probe is a mapping, a single batch; give [batch]")
    if _is_dataset(probe) and forward is None:
        raise TypeError(f"probe is a data set ({kind}), which gives samples; give DataLoader(dataset, batch_size=…)")
    if isinstance(probe, Iterator):
        raise TypeError(f"probe is a {kind}, which can be iterated only once; give a list of batches or a DataLoader")
    if not (hasattr(probe, "__iter__") or hasattr(probe, "__getitem__")):
        raise TypeError(f"probe is a {kind}; give a DataLoader or a list of batches")
    _check_order(probe)
    if isinstance(probe, tuple) and forward is None:
        _check_one_pair(probe)


def _check_order(probe: Any) -> None:
    """It must be possible to go through it again, in the same order."""
    sampler = getattr(getattr(probe, "batch_sampler", None), "sampler", None) or getattr(probe, "sampler", None)
    if isinstance(sampler, _DRAWN) and sampler.generator is None:
        raise ValueError(
            f"probe draws its samples anew every time it is iterated ({type(sampler).__name__}), so that φ would "
            "compare different ones; give a DataLoader with shuffle=False"
        )
    if isinstance(probe, DataLoader) or not hasattr(probe, "__iter__"):
        return  # one with persistent workers gives the same object, and begins anew
    with torch.random.fork_rng(devices=[]):
        if iter(probe) is iter(probe):
            raise TypeError(
                f"probe is a {type(probe).__name__} that can be iterated only once: its __iter__ gives the same "
                "iterator every time; give a list of batches or a DataLoader"
            )


def _is_dataset(probe: Any) -> bool:
    if isinstance(probe, Dataset):
        return not isinstance(probe, IterableDataset)
    return type(probe).__module__.split(".")[0] == "datasets"  # Hugging Face's


def _check_one_pair(probe: tuple[Any, ...]) -> None:
    """A tuple of batches is a probe set; inputs with their targets are one batch."""
    shapes = {one.shape[1:] if isinstance(one, Tensor) else None for one in probe}
    if len(shapes) > 1 and any(isinstance(one, Tensor) for one in probe):
        raise TypeError("probe is a tuple of unlike things, a single (inputs, targets) batch; give [(inputs, targets)]")
