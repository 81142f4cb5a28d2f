"""Numbers, flags and the like that modules keep as plain attributes, and that their owner may change between epochs.

A temperature, the weight of a part that is faded in, a buffer that does not exist yet: with them a network computes
something else, as it does with other parameters.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

Attributes = Mapping[str, Mapping[str, Any]]
"""By module name, then by attribute."""

SMALL = 1024
"""Values in the largest tensor that counts: larger ones are mostly outputs that a module keeps to be looked at."""

_OF_EVERY_MODULE = frozenset(vars(nn.Module()))


def attributes_of(model: nn.Module) -> dict[str, dict[str, Any]]:
    """Numbers, texts, flags, None, tuples of these and small tensors that the modules keep; copies.

    Buffers that are None are among them. Lists, mappings and other objects are not.
    """
    return {
        name: found
        for name, module in model.named_modules()
        if (found := dict((*_of(module), *((key, None) for key, one in module._buffers.items() if one is None))))
    }


def _of(module: nn.Module) -> Iterator[tuple[str, Any]]:
    for key, value in vars(module).items():
        if key in _OF_EVERY_MODULE:
            continue
        if _is_plain(value):
            yield key, value
        elif isinstance(value, Tensor) and value.numel() <= SMALL and not module._forward_pre_hooks:
            yield key, value.detach().clone()


def _is_plain(value: Any) -> bool:
    if isinstance(value, tuple):
        return type(value) is tuple and all(_is_plain(one) for one in value)
    return value is None or type(value) in (bool, int, float, str)


@contextmanager
def attributes_set(model: nn.Module, attributes: Attributes) -> Iterator[None]:
    """The model with these attributes while the context lasts; afterwards it has its own objects again.

    What a module does not have any more, or has another kind of object for, stays.
    """
    places = [
        (place, key, place[key], value)
        for name, module in model.named_modules()
        for key, value in attributes.get(name, {}).items()
        if _may_be_set(place := module._buffers if key in module._buffers else vars(module), key, value)
    ]
    try:
        for place, key, own, value in places:
            place[key] = value.to(own.device) if isinstance(value, Tensor) and isinstance(own, Tensor) else value
        yield
    finally:
        for place, key, own, _ in places:
            place[key] = own


@contextmanager
def attributes_kept(model: nn.Module) -> Iterator[None]:
    """Plain attributes are after the context what they were before it; tensors among them are the same objects."""
    kept = [(vars(module), key, vars(module)[key]) for module in model.modules() for key, _ in _of(module)]
    try:
        yield
    finally:
        for place, key, value in kept:
            place[key] = value


def _may_be_set(place: Mapping[str, Any], key: str, value: Any) -> bool:
    if key not in place:
        return False
    own = place[key]
    if isinstance(own, Tensor) or isinstance(value, Tensor):
        return own is not value and (isinstance(own, Tensor) or own is None)
    return _is_plain(own) and (type(own) is not type(value) or own != value)
