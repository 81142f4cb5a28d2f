"""What `watch_started` says: the layers of one watch, how much of the model they are, and the options."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from neq.neq import NEq
from neq.options import Options

Json = dict[str, Any]


def watch_started(neq: NEq, options: Options, probe: Iterable[Any], name: str | None, first: int) -> Json:
    """The event.

    Args:
        probe: counted where that costs nothing.
        name: of the watch; the layers' names begin with it.
        first: number of its first layer among the run's.
    """
    layers = [
        {
            "index": first + place,
            "name": prefixed(name, layer.name),
            "type": layer.type,
            "neurons": layer.neurons,
            "parameters": sum(parameter.numel() for parameter in layer.parameters()),
            # Said only where it is so: a server of an earlier version refuses what it does not know.
            **({"always_frozen": True} if layer.always_frozen else {}),
        }
        for place, layer in enumerate(neq.layers)
    ]
    freezes = options.freezes
    coverage = neq.coverage()
    return {
        "kind": "watch_started",
        "name": name,
        "first": first,
        "layers": layers,
        "neurons": sum(layer.neurons for layer in neq.layers),
        "parameters": coverage.trainable,
        "epsilon": float(options.epsilon),
        "mu": float(options.mu),
        "options": {field.name: _simple(getattr(options, field.name)) for field in fields(options)},
        "probe_samples": probe_samples(probe),
        "first_freezing_epoch": neq.first_freezing_epoch if freezes else None,
        "freeze": freezes,
        "coverage": coverage.record(),
    }


def prefixed(name: str | None, what: str) -> str:
    """A layer's or a metric's name, with that of its watch before it where that has one."""
    return f"{name}/{what}" if name else what


def probe_samples(probe: Iterable[Any]) -> int | None:
    """How many samples a probe set has, as far as it says so itself; it is not gone through."""
    try:
        if (dataset := getattr(probe, "dataset", None)) is not None and not getattr(probe, "drop_last", False):
            sampler = getattr(probe, "sampler", None)
            return len(dataset if sampler is None else sampler)
        if isinstance(probe, list | tuple) and probe:
            return sum(_samples(batch) for batch in probe)
    except (TypeError, AttributeError, StopIteration, NotImplementedError):
        return None
    return None


def _samples(batch: Any) -> int:
    if isinstance(batch, Mapping):
        batch = next(iter(batch.values()))
    elif isinstance(batch, list | tuple):
        batch = batch[0]
    return int(batch.shape[0])


def _simple(value: Any) -> Any:
    """An option as JSON holds it; functions and classes by their names."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Mapping):
        if any(isinstance(key, int) for key in value):  # masks by epoch, which the epochs tell themselves
            return f"{len(value)} epochs"
        return {str(key): _simple(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_simple(item) for item in value]
    if hasattr(value, "__dataclass_fields__"):
        return {field.name: _simple(getattr(value, field.name)) for field in fields(value)}
    return getattr(value, "__qualname__", None) or type(value).__qualname__
