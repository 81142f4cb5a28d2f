"""Running a module with other parameters and buffers in the place of its own."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn


@contextmanager
def substituted(module: nn.Module, tensors: Mapping[str, Tensor]) -> Iterator[None]:
    """The module with these tensors while the context lasts; afterwards it has its own objects again.

    `torch.func.functional_call` swaps every name on its own. Where a module has two names it swaps the same place
    twice, and leaves the replacement there instead of the parameter. Here every place is visited once.

    Args:
        module: any; modules and tensors may be shared within it.
        tensors: by the names that `named_parameters()` and `named_buffers()` give; what is not named stays. A place
            that holds None now is filled too.
    """
    names = {id(own): name for name, own in (*module.named_parameters(), *module.named_buffers())}
    places: list[tuple[dict[str, Any], str, Tensor | None, Tensor]] = [
        (place, key, own, other)
        for path, one in module.named_modules()
        for place in (one._parameters, one._buffers)
        for key, own in place.items()
        if (other := tensors.get(f"{path}.{key}".lstrip(".") if own is None else names.get(id(own), ""))) is not None
    ]
    computed = computed_attributes(module)
    try:
        for place, key, own, other in places:
            place[key] = other if own is None else other.to(own.device, own.dtype)  # the model may have been moved
        yield
    finally:
        for place, key, own, _ in places:
            place[key] = own
        for attributes, key, value in computed:
            attributes[key] = value


def computed_attributes(module: nn.Module) -> list[tuple[dict[str, Any], str, Tensor]]:
    """Tensors that hooks compute before each forward pass and keep as plain attributes, and where they are kept.

    `torch.nn.utils.prune` and the older `weight_norm` and `spectral_norm` do so with a layer's weight.
    """
    return [
        (vars(one), key, value)
        for one in module.modules()
        if one._forward_pre_hooks
        for key, value in vars(one).items()
        if isinstance(value, Tensor)
    ]
