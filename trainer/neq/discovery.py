"""Which layers of a model are watched: one forward pass shows which are called, in what order, and what they give."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.utils.hooks import RemovableHandle

from trainer.neq.layers import WatchedLayer, described

Pattern = str | type[nn.Module]


@dataclass(frozen=True)
class Watch:
    """Which layers to watch, and which of them never to freeze.

    A pattern is a name as `model.named_modules()` gives it, in which `*`, `?` and `[…]` stand for what they do in a
    shell, or a class of modules.

    Attributes:
        only: watch no layer but these; empty: all that have neurons.
        never: do not watch these.
        never_freeze: measure these and leave them free.

    Source: the released code watches convolutions and batch norms and leaves the classifier free.
    """

    only: tuple[Pattern, ...] = ()
    never: tuple[Pattern, ...] = ()
    never_freeze: tuple[Pattern, ...] = ()

    def check(self, layers: Iterable[WatchedLayer]) -> None:
        """Finds patterns that name nothing, which is mostly a slip of the pen.

        Raises:
            ValueError: a pattern names no layer that has neurons.
        """
        known = tuple(layers)
        for field in ("only", "never", "never_freeze"):
            for pattern in getattr(self, field):
                if not any(matches(pattern, layer) for layer in known):
                    names = ", ".join(layer.name for layer in known[:5])
                    raise ValueError(f"layers.{field}: {pattern!r} names no layer with neurons; the first are {names}")


def matches(pattern: Pattern, layer: WatchedLayer) -> bool:
    """Whether a name pattern or a class means this layer."""
    if isinstance(pattern, str):
        return fnmatchcase(layer.name, pattern)
    return isinstance(layer.module, pattern)


@dataclass(frozen=True)
class Discovery:
    """What a forward pass over one probe batch showed.

    Attributes:
        layers: the watched ones, in the order of their first call.
        unwatched: layers with neurons that are not watched, and why.
        bytes_a_sample: how much memory the watched outputs of one sample take.
    """

    layers: tuple[WatchedLayer, ...]
    unwatched: Mapping[str, str]
    bytes_a_sample: int


def discover(model: nn.Module, forward: Callable[[], object], watch: Watch) -> Discovery:
    """Runs the model once and finds out which layers have neurons to watch.

    A module used in several places counts once, and so does a second module that shares another's weight. Layers that
    the pass does not call have no outputs to compare and are not watched: heads that only training uses, for one.

    Raises:
        ValueError: there is nothing to watch, a pattern names no layer, or a layer's output is not a tensor.
    """
    known = [layer for name, module in model.named_modules() if (layer := described(name, module)) is not None]
    watch.check(known)
    unwatched = {layer.name: reason for layer in known if (reason := _why_not(layer, watch)) is not None}
    calls = _Calls()
    with watching([layer for layer in known if layer.name not in unwatched], calls.note):
        forward()
    layers = calls.layers(known, watch)
    named = {alias for layer in layers for alias in layer.modules}
    for layer in known:
        if layer.name not in unwatched and layer.module not in named:
            unwatched[layer.name] = calls.misfits.get(
                layer.name, "the forward pass over the probe set does not call it"
            )
    if not layers:
        raise ValueError("the model calls no layer with neurons that training could move: nothing to watch")
    return Discovery(layers, unwatched, calls.bytes // max(calls.samples, 1))


def _why_not(layer: WatchedLayer, watch: Watch) -> str | None:
    if not any(parameter.requires_grad for parameter in layer.parameters()):
        return "none of its parameters requires a gradient"
    if watch.only and not any(matches(pattern, layer) for pattern in watch.only):
        return "layers.only does not name it"
    if any(matches(pattern, layer) for pattern in watch.never):
        return "layers.never names it"
    return None


class _Calls:
    """What the layers gave, as they were called."""

    def __init__(self) -> None:
        self._called: dict[str, WatchedLayer] = {}
        self.misfits: dict[str, str] = {}
        self.bytes = 0
        self.samples = 0

    def note(self, layer: WatchedLayer, output: Tensor) -> None:
        self.samples = self.samples or (output.shape[0] if output.dim() > 1 else 1)
        self.bytes += output.numel() * output.element_size()
        placed = _with_its_axis(layer, output)
        if placed is None:
            self.misfits[layer.name] = (
                f"its output {tuple(output.shape)} has no dimension for its {layer.neurons} neurons to be told by"
            )
        else:
            self._called.setdefault(layer.name, placed)

    def layers(self, known: Iterable[WatchedLayer], watch: Watch) -> tuple[WatchedLayer, ...]:
        """Every layer called, in order, those that share a weight as one."""
        by_weight: dict[tuple[int, type], WatchedLayer] = {}
        for layer in self._called.values():
            key = id(next(layer.parameters())), type(layer.module)
            first = by_weight.get(key)
            if first is None:
                by_weight[key] = replace(layer, held_open=_why_open(layer, watch))
            elif layer.module is not first.module:
                by_weight[key] = replace(first, aliases=(*first.aliases, layer.module))
        return tuple(by_weight.values())


def _with_its_axis(layer: WatchedLayer, output: Tensor) -> WatchedLayer | None:
    """The layer with the dimension that its output really has its neurons in: a subclass may have moved it."""
    fitting = [dimension for dimension in range(1, output.dim()) if output.shape[dimension] == layer.neurons]
    if _runs_torchs_own_forward(layer.module):
        axis = layer.axis % output.dim() if -output.dim() <= layer.axis < output.dim() else None
        return layer if axis in fitting or axis == 0 else None
    return replace(layer, axis=fitting[0]) if len(fitting) == 1 and layer.flatten == 1 else None


def _runs_torchs_own_forward(module: nn.Module) -> bool:
    base = next(kind for kind in type(module).__mro__ if kind.__module__.startswith("torch.nn.modules"))
    return type(module).forward is vars(base).get("forward", type(module).forward)


def _why_open(layer: WatchedLayer, watch: Watch) -> str | None:
    if any(matches(pattern, layer) for pattern in watch.never_freeze):
        return "layers.never_freeze names it"
    if parametrize.is_parametrized(layer.module) or hasattr(layer.module, "weight_g"):
        return "its weight is computed from other parameters, which have no row for each neuron"
    return None


@contextmanager
def watching(layers: Iterable[WatchedLayer], seen: Callable[[WatchedLayer, Tensor], None]) -> Iterator[None]:
    """Hands each layer's output to `seen` the moment it exists, while the context lasts.

    `seen` must take what it needs at once: a later in-place operation may change the tensor.
    """
    handles: list[RemovableHandle] = []

    def hook_for(layer: WatchedLayer) -> Callable[[nn.Module, Any, Any], None]:
        def hook(module: nn.Module, inputs: Any, output: Any) -> None:
            if not isinstance(output, torch.Tensor):
                raise ValueError(
                    f"layer {layer.name!r} gave a {type(output).__name__}, not a tensor: its neurons cannot be told "
                    f"apart; leave it out with layers=Watch(never=({layer.name!r},))"
                )
            seen(layer, layer.outputs(output.detach()))

        return hook

    try:
        handles.extend(module.register_forward_hook(hook_for(layer)) for layer in layers for module in layer.modules)
        yield
    finally:
        for handle in handles:
            handle.remove()
