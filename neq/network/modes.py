"""Bringing a model into eval mode and back, as its own code wants it.

Some modules do more than to set a flag: LoRA layers add their product to the weight for eval mode and take it away for
training, others keep what they computed in eval mode until they are trained again. They do so in a `train()` of their
own, which is therefore called; but what is added and taken away leaves rounding, so values are restored afterwards.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch
from torch import Tensor, nn

from neq.network.attributes import attributes_kept


def has_modes_of_its_own(model: nn.Module) -> bool:
    """Whether a module within does more than setting the flag when the mode changes."""
    return any(
        getattr(change, "__func__", None) is not plain
        for module in model.modules()
        for change, plain in ((module.train, nn.Module.train), (module.eval, nn.Module.eval))
    )


@contextmanager
def in_eval_mode(model: nn.Module) -> Iterator[None]:
    """The model in eval mode while the context lasts; afterwards modes, parameters and plain attributes as before."""
    modes = [(module, module.training) for module in model.modules()]
    own = has_modes_of_its_own(model)
    values = [(one, one.detach().clone()) for one in model.parameters()] if own else []
    with attributes_kept(model) if own else nullcontext():
        try:
            model.eval()
            yield
        finally:
            if own:
                _back_to(modes)
            for module, training in modes:
                module.training = training
            _restore(values)


def _back_to(modes: list[tuple[nn.Module, bool]]) -> None:
    """Each module's own way there, from the outside in: a module's children follow it, unless they differed."""
    for place, (module, training) in enumerate(modes):
        if not place or module.training != training:
            module.train(training)


@torch.no_grad()
def _restore(values: list[tuple[nn.Parameter, Tensor]]) -> None:
    for parameter, value in values:
        if not torch.equal(parameter, value):
            parameter.copy_(value)
