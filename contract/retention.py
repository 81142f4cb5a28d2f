"""Which checkpoints of a run stay."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Retained:
    """A checkpoint, and how good the network in it is."""

    epoch: int
    path: str
    size_bytes: int
    accuracy: float | None


def kept(before: Sequence[Retained], new: Retained, every: int | None) -> tuple[Retained, ...]:
    """Those to keep once `new` is written: the last, the best (the earliest of equals), and each `every`-th.

    Args:
        before: those that were kept so far.
        new: of the epoch that ended now.
        every: 10 keeps the checkpoints after 10, 20, 30 … epochs; None keeps none for this reason.
    """
    earlier = [each for each in before if each.epoch < new.epoch]
    best = best_of({each.epoch: each.accuracy for each in (*earlier, new)})
    return (*(each for each in earlier if each.epoch == best or _is_due(each.epoch, every)), new)


def best_of(accuracies: Mapping[int, float | None]) -> int | None:
    """The epoch of the highest accuracy, of equals the earliest; None where none is known."""
    rated = [(accuracy, -epoch) for epoch, accuracy in accuracies.items() if accuracy is not None]
    return -max(rated)[1] if rated else None


def _is_due(epoch: int, every: int | None) -> bool:
    return every is not None and (epoch + 1) % every == 0
