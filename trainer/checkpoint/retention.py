"""Which checkpoints of a run stay."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Held:
    """A checkpoint, and how good the network in it is."""

    epoch: int
    path: str
    size_bytes: int
    accuracy: float | None


def kept(before: Sequence[Held], new: Held, every: int | None) -> tuple[Held, ...]:
    """Those to keep once `new` is written: the last, the best (the earliest of equals), and each `every`-th.

    Args:
        before: those that were kept so far.
        new: of the epoch that ended now.
        every: 10 keeps the checkpoints after 10, 20, 30 … epochs; None keeps none for this reason.
    """
    earlier = [each for each in before if each.epoch < new.epoch]
    rated = [(each.accuracy, -each.epoch, each) for each in (*earlier, new) if each.accuracy is not None]
    best = max(rated)[2] if rated else new
    return (*(each for each in earlier if each is best or _is_due(each.epoch, every)), new)


def _is_due(epoch: int, every: int | None) -> bool:
    return every is not None and (epoch + 1) % every == 0
