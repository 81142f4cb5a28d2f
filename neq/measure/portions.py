"""Cutting probe batches into portions, where it is shown that these give what the whole batch gives.

Dimension 0 is not that of independent samples in every model: a recurrent network may have time first, a graph network
has nodes there, a batch norm without running statistics looks at all of a batch together. Their batches stay whole.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from neq.device.free_memory import is_out_of_memory
from neq.measure.probing import run_model
from neq.network.layers import WatchedLayer
from neq.network.substitution import substituted
from neq.network.watching import Rerun, watching
from neq.options import Forward

SAME = 1e-4
"""Relative difference that rounding makes: kernels of another batch size add up in another order. What depends on the
other samples differs by 1e-2 and more."""

_NOISE = 0.1

Print = tuple[Tensor, float]
"""Of an output one number for every place in its first two dimensions, and how large these may be."""

Prints = dict[str, list[Print]]
"""By layer, one for each of its calls."""


class Portions:
    """Gives a probe batch whole or in portions.

    Args:
        model: unwrapped; in eval mode, without gradients, whenever a batch is asked for.
        samples: how many a portion has at most.
        forward: the caller's own; only it knows how to take a batch apart, so that its batches stay whole.

    Attributes:
        samples: may be set between two passes.
    """

    def __init__(self, model: nn.Module, layers: Sequence[WatchedLayer], samples: int, forward: Forward | None) -> None:
        self._model, self._layers, self._forward = model, layers, forward
        self.samples = samples
        self._may_cut: bool | None = None
        self._again = False

    def of(self, batch: Any) -> Iterator[Any]:
        """The batch's portions, or the batch itself where it is small or portions would give other outputs."""
        done, total = 0, self._length(batch)
        while True:
            samples = self.samples
            whole = done == 0 and (total <= samples or not self._cuts(batch))
            yield batch if whole else _piece(batch, done, samples)
            if self._again:
                self._again = False
                continue
            done += samples
            if whole or done >= total:
                return

    def repeat(self) -> None:
        """The portion that was given last is given once more."""
        self._again = True

    def halve(self, portion: Any) -> bool:
        """Gives the portion that was given last once more, in portions of half its size, and no larger ones from then
        on; whether it can be taken apart."""
        total = self._length(portion)
        if total < 2:
            return False
        before, self.samples = self.samples, total // 2
        if not self._cuts(portion):
            self.samples = before
            return False
        self._again = True
        return True

    def _length(self, batch: Any) -> int:
        """How many samples there are to be told apart; 0: none can be."""
        return 0 if self._forward is not None else samples_of(batch) or 0

    def _cuts(self, batch: Any) -> bool:
        if self._may_cut is None:
            self._may_cut = self._tried(batch)
        return self._may_cut

    def _tried(self, batch: Any) -> bool:
        """Whether portions give what a batch gives, or as much of it as fits into memory; False where none does."""
        while (total := self._length(batch)) > 1:
            samples = min(self.samples, total // 2)
            try:
                return _give_the_same(self._model, self._layers, batch, samples)
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
            batch = _piece(batch, 0, total // 2)
        return False


def samples_of(batch: Any) -> int | None:
    """How long all tensors of a batch are in dimension 0; None where they differ."""
    lengths = {len(value) for value in _tensors_of(batch).values()}
    return lengths.pop() if len(lengths) == 1 else None


def _parts_of(batch: Any) -> Mapping[str, Any]:
    return batch if isinstance(batch, Mapping) else {"inputs": batch[0] if isinstance(batch, tuple | list) else batch}


def _tensors_of(batch: Any) -> dict[str, Tensor]:
    return {key: value for key, value in _parts_of(batch).items() if isinstance(value, Tensor) and value.dim()}


def cut(batch: Any, samples: int) -> Iterator[Any]:
    """A probe batch in pieces of at most so many samples, as `run_model` takes them."""
    return (_piece(batch, start, samples) for start in range(0, samples_of(batch) or 0, samples))


def _piece(batch: Any, start: int, samples: int) -> Any:
    parts, tensors = _parts_of(batch), _tensors_of(batch)
    piece = {key: value[start : start + samples] if key in tensors else value for key, value in parts.items()}
    return piece if isinstance(batch, Mapping) else piece["inputs"]


def _give_the_same(model: nn.Module, layers: Sequence[WatchedLayer], batch: Any, samples: int) -> bool:
    """Whether all portions together give the whole batch's outputs.

    Tried with other weights than the model's own, since a connection between samples may begin with a weight of 0.
    """
    with substituted(model, _other_weights(model)):
        try:
            whole = _prints(model, layers, [batch])[0]
            pieces = _prints(model, layers, cut(batch, samples))
        except Exception as error:  # the model's own code does not take a part of the batch, which is the answer
            if is_out_of_memory(error):
                raise
            return False
    precision = max(torch.finfo(one.dtype).eps for one in model.parameters() if one.is_floating_point())
    tolerance = max(SAME, 8 * precision)
    return all(_same(calls, [piece.get(name, []) for piece in pieces], tolerance) for name, calls in whole.items())


def _other_weights(model: nn.Module) -> dict[str, Tensor]:
    """The model's parameters with noise of a tenth of their size."""
    other = {}
    for name, own in model.named_parameters():
        if own.is_floating_point():
            random = torch.Generator(own.device).manual_seed(0)
            noise = torch.empty_like(own).uniform_(-1, 1, generator=random)
            size = own.float().square().mean().sqrt() if own.numel() else own.new_zeros(())
            other[name] = own + noise * torch.where(size > 0, _NOISE * size, _NOISE).to(own.dtype)
    return other


def _prints(model: nn.Module, layers: Sequence[WatchedLayer], batches: Iterable[Any]) -> list[Prints]:
    """What the layers gave for each of these batches, call by call."""
    found: list[Prints] = []

    def note(layer: WatchedLayer, output: Tensor, again: Rerun) -> None:
        found[-1].setdefault(layer.name, []).append(_print(output))

    with watching(layers, note):
        for batch in batches:
            found.append({})
            run_model(model, batch)
    return found


def _print(output: Tensor) -> Print:
    values = output if output.dtype in (torch.float32, torch.float64) else output.float()
    if values.dim() > 2:
        values = values.flatten(2)
        # Uneven, so that places count, and not 0 on average, so that a shift of all of them does.
        weights = 1 + torch.cos(torch.arange(values.shape[-1], dtype=values.dtype, device=values.device).square())
        return torch.mul(values, weights).sum(-1), float(torch.linalg.vector_norm(values, dim=-1).mean())
    return values.clone(), float(values.abs().mean())


def _same(whole: Sequence[Print], pieces: Sequence[Sequence[Print]], tolerance: float) -> bool:
    """Whether a layer's calls in the pieces, joined along one dimension, gave what those in the whole batch did."""
    if any(len(calls) != len(whole) for calls in pieces):
        return False
    return all(
        _joins_to(one, size, [calls[place][0] for calls in pieces], tolerance)
        for place, (one, size) in enumerate(whole)
    )


def _joins_to(whole: Tensor, size: float, pieces: Sequence[Tensor], tolerance: float) -> bool:
    for dimension in range(whole.dim()):
        rest = [shape[:dimension] + shape[dimension + 1 :] for shape in (whole.shape, *(one.shape for one in pieces))]
        if len(set(rest)) > 1 or sum(one.shape[dimension] for one in pieces) != whole.shape[dimension]:
            continue
        if bool(((torch.cat(list(pieces), dimension) - whole).abs() <= tolerance * size).all()):
            return True
    return False
