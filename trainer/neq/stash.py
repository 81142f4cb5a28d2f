"""Keeping outputs that later layers may overwrite.

A module's output may be changed in place after it was given: torchvision's ResNets apply ReLU in place to what their
batch norms gave. A kept tensor would then silently hold something else. Cloning every output would cost time and
memory, so outputs are kept as they are, torch's own count of in-place changes is looked at after the pass, and layers
that were overwritten are cloned from then on.
"""

from collections.abc import Callable, Sequence

from torch import Tensor

from trainer.neq.layers import WatchedLayer
from trainer.neq.watching import Rerun, Seen, watching


class Outputs:
    """What the watched layers gave for one portion of the probe set, each in the order of its calls."""

    def __init__(self) -> None:
        self._kept: dict[str, list[Tensor]] = {}

    @property
    def nbytes(self) -> int:
        """The memory that they take."""
        return sum(output.nbytes for outputs in self._kept.values() for output in outputs)

    def keep(self, name: str, output: Tensor) -> None:
        """Appends what a layer gave."""
        self._kept.setdefault(name, []).append(output)

    def take(self, name: str) -> Tensor:
        """The next output of a layer, in the order of its calls; it is no longer kept.

        Raises:
            ValueError: there is none left.
        """
        outputs = self._kept.get(name)
        if not outputs:
            raise ValueError(f"layer {name!r} is called more often than one epoch earlier: outputs cannot be paired")
        return outputs.pop(0)

    def check_empty(self) -> None:
        """Every output was taken.

        Raises:
            ValueError: some are left.
        """
        left = [name for name, outputs in self._kept.items() if outputs]
        if left:
            raise ValueError(f"layer {left[0]!r} is called less often than one epoch earlier: outputs cannot be paired")


class Stash:
    """Keeps the watched outputs of a forward pass as they were when they were given."""

    def __init__(self, layers: Sequence[WatchedLayer]) -> None:
        self._layers = layers
        self._overwritten: set[str] = set()

    def fill(self, run: Callable[[], object], seen: Seen | None = None) -> Outputs:
        """Runs the model and keeps what its watched layers give.

        Args:
            run: a forward pass; run a second time where it turns out to overwrite outputs.
            seen: called with every output, once.
        """
        outputs, spoilt = self._pass(run, seen)
        if spoilt:
            self._overwritten |= spoilt
            outputs, _ = self._pass(run, None)
        return outputs

    def _pass(self, run: Callable[[], object], seen: Seen | None) -> tuple[Outputs, set[str]]:
        outputs = Outputs()
        as_given: list[tuple[str, Tensor, int]] = []

        def keep(layer: WatchedLayer, output: Tensor, again: Rerun) -> None:
            if seen is not None:
                seen(layer, output, again)
            if layer.name in self._overwritten or output.is_inference():  # which has no count of changes
                output = output.clone()
            else:
                as_given.append((layer.name, output, output._version))
            outputs.keep(layer.name, output)

        with watching(self._layers, keep):
            run()
        return outputs, {name for name, output, version in as_given if output._version != version}
