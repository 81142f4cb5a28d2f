"""Which layers of a model are watched: one forward pass shows which are called, in what order, and what they give."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from torch import Tensor, nn
from torch.nn.utils import parametrize

from neq.network.coverage import NOT_TRAINED
from neq.network.gradient_stop import trained
from neq.network.layers import WatchedLayer, described
from neq.network.neuron_axis import in_doubt, not_by_one_neuron
from neq.network.watching import Rerun, may_be_used_unseen, watching

NOT_CALLED = "the forward pass over the probe set does not call it"

Pattern = str | type[nn.Module]


@dataclass(frozen=True)
class LayerFilter:
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

    def __post_init__(self) -> None:
        for field in ("only", "never", "never_freeze"):
            if isinstance(given := getattr(self, field), str | type):
                raise TypeError(f"layers.{field} is {given!r}; give a tuple of names or classes, such as ({given!r},)")

    def wants(self, layer: WatchedLayer) -> bool:
        """Whether it leaves a layer in."""
        named = not self.only or any(matches(pattern, layer) for pattern in self.only)
        return named and not any(matches(pattern, layer) for pattern in self.never)

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


def discover(model: nn.Module, forward: Callable[[], object], layer_filter: LayerFilter) -> Discovery:
    """Runs the model once and finds out which layers have neurons to watch.

    A module used in several places counts once, and so does a second module that shares another's weight. Layers that
    the pass does not call have no outputs to compare and are not watched: heads that only training uses, for one.

    Raises:
        ValueError: there is nothing to watch, a pattern names no layer, or a layer's output is not a tensor.
    """
    known = [layer for name, module in model.named_modules() if (layer := described(name, module)) is not None]
    layer_filter.check(known)
    unwatched = {layer.name: reason for layer in known if (reason := _why_not(layer, layer_filter)) is not None}
    candidates = [layer for layer in known if layer.name not in unwatched]
    order = itertools.count()
    called, computed = _Calls(order), _Calls(order)
    functions = [_by_function(layer, model) for layer in candidates if may_be_used_unseen(layer)]
    with watching(candidates, called.note), watching(functions, computed.note):
        forward()
    calls = {**computed.by_name, **called.by_name}
    layers = _merged([call for call in calls.values() if call.misfit is None], layer_filter)
    layers = _open_where_in_doubt(layers, forward)
    named = {module for layer in layers for module in layer.modules}
    for layer in candidates:
        if layer.module not in named:
            unwatched[layer.name] = (layer.name in calls and calls[layer.name].misfit) or NOT_CALLED
    if not layers:
        raise ValueError("the model calls no layer with neurons that training could move: nothing to watch")
    return Discovery(layers, unwatched, sum(call.bytes_a_sample for call in calls.values()))


def _by_function(layer: WatchedLayer, model: nn.Module) -> WatchedLayer:
    """As it is where the module that owns it computes it."""
    return layer.replaced(by_function=True, caller=model.get_submodule(layer.name.rpartition(".")[0]))


def _why_not(layer: WatchedLayer, layer_filter: LayerFilter) -> str | None:
    if not any(trained(parameter) for parameter in layer.parameters()):
        return NOT_TRAINED
    if layer_filter.only and not any(matches(pattern, layer) for pattern in layer_filter.only):
        return "layers.only does not name it"
    if any(matches(pattern, layer) for pattern in layer_filter.never):
        return "layers.never names it"
    return None


@dataclass(frozen=True)
class _Call:
    """What a layer's calls showed: the layer as it is to be watched, or why it cannot be."""

    order: int
    layer: WatchedLayer
    misfit: str | None
    bytes_a_sample: int


class _Calls:
    """What the layers gave, by name."""

    def __init__(self, order: Iterator[int]) -> None:
        self._order = order
        self.by_name: dict[str, _Call] = {}

    def note(self, layer: WatchedLayer, output: Tensor, again: Rerun) -> None:
        size = output.numel() * output.element_size() // (output.shape[0] if output.dim() > 1 else 1)
        call = self.by_name.get(layer.name)
        if call is None:
            placed = _with_its_axis(layer, output)
            misfit = f"its output {tuple(output.shape)} has no dimension for its {layer.neurons} neurons to be told by"
            call = _Call(next(self._order), placed or layer, None if placed else misfit, 0)
        self.by_name[layer.name] = replace(call, bytes_a_sample=call.bytes_a_sample + size)


def _merged(calls: Iterable[_Call], layer_filter: LayerFilter) -> tuple[WatchedLayer, ...]:
    """The layers in the order of their first calls, those that share a weight as one."""
    by_weight: dict[tuple[int, type], WatchedLayer] = {}
    for call in sorted(calls, key=lambda call: call.order):
        layer = call.layer
        key = id(next(layer.parameters())), type(layer.module)
        first = by_weight.get(key)
        if first is None:
            by_weight[key] = replace(layer, held_open=_why_open(layer, layer_filter))
        elif layer.module is not first.module and not layer.by_function:
            by_weight[key] = replace(first, aliases=(*first.aliases, layer.module))
    return tuple(by_weight.values())


def _open_where_in_doubt(layers: tuple[WatchedLayer, ...], forward: Callable[[], object]) -> tuple[WatchedLayer, ...]:
    doubtful = [layer for layer in layers if layer.held_open is None and in_doubt(layer)]
    shared = not_by_one_neuron(doubtful, forward) if doubtful else {}
    open_now = {
        layer: f"an entry of its parameter {shared[layer.name]!r} was not seen to act on one neuron alone; if each "
        "does, say so with register_layer"
        for layer in doubtful
        if layer.name in shared
    }
    return tuple(layer.replaced(held_open=open_now.get(layer, layer.held_open)) for layer in layers)


def _with_its_axis(layer: WatchedLayer, output: Tensor) -> WatchedLayer | None:
    """The layer with the dimension that its output really has its neurons in: a subclass may have moved it."""
    if layer.kind is not None:
        return layer if _has_its_axis(layer, output) else None
    fitting = [dimension for dimension in range(1, output.dim()) if output.shape[dimension] == layer.neurons]
    if _runs_torchs_own_forward(layer.module):
        axis = layer.axis % output.dim() if -output.dim() <= layer.axis < output.dim() else None
        return layer if axis in fitting or axis == 0 else None
    return replace(layer, axis=fitting[0]) if len(fitting) == 1 and layer.flatten == 1 else None


def _has_its_axis(layer: WatchedLayer, output: Tensor) -> bool:
    """Whether the dimension that the layer's kind names can be that of its neurons: nothing is looked for elsewhere."""
    if not -output.dim() <= layer.axis < output.dim():
        return False
    return output.shape[layer.axis] == layer.neurons


def _runs_torchs_own_forward(module: nn.Module) -> bool:
    base = next(kind for kind in type(module).__mro__ if kind.__module__.startswith("torch.nn.modules"))
    return type(module).forward is vars(base).get("forward", type(module).forward)


def _why_open(layer: WatchedLayer, layer_filter: LayerFilter) -> str | None:
    if any(matches(pattern, layer) for pattern in layer_filter.never_freeze):
        return "layers.never_freeze names it"
    own = [getattr(layer.module, name, None) for name in (("weight",) if layer.kind is None else layer.kind.parameters)]
    computed = any(isinstance(tensor, Tensor) and not isinstance(tensor, nn.Parameter) for tensor in own)
    if computed or parametrize.is_parametrized(layer.module) or hasattr(layer.module, "weight_g"):
        return "its weight is computed from other parameters, which have no row for each neuron"
    if (name := layer.not_by_neuron()) is not None:
        return f"its parameter {name!r} has no entry for each neuron"
    return None
