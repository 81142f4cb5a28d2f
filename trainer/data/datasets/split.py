"""Balanced choices of images: the first so many, and the probe set."""

import torch
from torch import Tensor


def stratified_subset(labels: Tensor, samples: int) -> Tensor:
    """Positions of the first images of every class, `samples` in all, in their own order.

    Classes differ by at most one image, as far as each has enough; the rest comes from those that have more.
    """
    return _balanced(labels, torch.arange(len(labels)), samples).sort().values


def probe_split(labels: Tensor, samples: int, seed: int) -> tuple[Tensor, Tensor]:
    """Parts the training images in two: (rest, probe), as positions; no image is in both.

    The probe images are drawn at random by `seed`, the same number of each class as far as `samples` divides. Both
    parts keep the images' own order.

    Raises:
        ValueError: fewer images than asked for, or none left to train on.
    """
    if not 0 < samples < len(labels):
        raise ValueError(f"cannot hold back {samples} of {len(labels)} images")
    probe = balanced_draw(labels, samples, seed)
    is_probe = torch.zeros(len(labels), dtype=torch.bool)
    is_probe[probe] = True
    return (~is_probe).nonzero().flatten(), is_probe.nonzero().flatten()


def stratified_split(labels: Tensor, samples: int, seed: int) -> tuple[Tensor, Tensor]:
    """Parts images in two: (rest, taken), as positions in their own order; of each class about the same fraction.

    Each class keeps one image at least in the rest, and gives one where it has two. Of classes of equal size the images
    are those that `probe_split` takes.
    """
    counts = torch.bincount(labels.cpu())
    present = counts[counts > 0]
    if bool((present == present[0]).all()) and samples <= int((present - 1).sum()):
        return probe_split(labels, samples, seed)
    wanted = (counts.double() * samples / len(labels)).round().long().clamp(min=1)
    wanted = torch.minimum(wanted, counts - 1).clamp(min=0)
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    ordered = labels.cpu()[order]
    taken = torch.zeros(len(labels), dtype=torch.bool)
    for label in (counts > 0).nonzero().flatten().tolist():
        taken[order[ordered == label][: int(wanted[label])]] = True
    return (~taken).nonzero().flatten(), taken.nonzero().flatten()


def balanced_draw(labels: Tensor, samples: int, seed: int) -> Tensor:
    """Positions of `samples` images drawn at random by `seed`, the same number of each class as far as that divides."""
    random = torch.Generator().manual_seed(seed)
    return _balanced(labels, torch.randperm(len(labels), generator=random), samples).sort().values


def _balanced(labels: Tensor, order: Tensor, samples: int) -> Tensor:
    """The first `samples` positions when each class's images, taken in `order`, are dealt out in turn."""
    ordered = labels.cpu()[order]
    turn = torch.empty_like(ordered, dtype=torch.int64)
    for label in ordered.unique():
        members = ordered == label
        turn[members] = torch.arange(int(members.sum()))
    return order[turn.argsort(stable=True)[:samples]]
