"""Pictures that are in a set more than once, however their files were saved: found by their pixels."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from contract.counted import counted
from contract.data_report import MOST_EXAMPLES, shortened
from trainer.data.inspection.copies import evenly
from trainer.data.names import legible, name_of
from trainer.data.reading import Unreadable, picture_digest, size_of

MOST_HEADS = 20_000
"""Images of a set whose sizes are read: only images of the same size can be the same picture."""
MOST_PIXELS = 100_000_000
"""Pixels that are decoded to compare pictures, some seconds' work; of larger sets as many images, evenly chosen."""


@dataclass(frozen=True)
class Digests:
    """What pictures can be told apart by.

    Attributes:
        of: the digest of each picture that was decoded, by its file's name.
        looked_at, images: how many images were compared, of how many.
    """

    of: dict[bytes, bytes]
    looked_at: int
    images: int

    def note(self) -> tuple[str, ...]:
        """Says where not all images were compared."""
        if self.looked_at == self.images:
            return ()
        return (f"Pictures that were saved anew were looked for among {self.looked_at:,} of {self.images:,} images.",)


def digests(root: Path, names: Sequence[bytes]) -> Digests:
    """Decodes the images that may be the same picture as another: those of a size that several have.

    A picture of one colour throughout has no digest: two of them are no copies. Nor has a file that cannot be read,
    which the run names when it comes to it.

    Args:
        root: the data folder.
        names: of all files of a set, relative to it.
    """
    chosen = [bytes(names[index]) for index in evenly(len(names), MOST_HEADS)]
    sizes = {name: size for name in chosen if (size := _size(root, name)) is not None}
    shared = Counter(sizes.values())
    doubtful = [name for name, size in sizes.items() if shared[size] > 1]
    pixels = sum(height * width for height, width in map(sizes.__getitem__, doubtful))
    decoded = doubtful
    if pixels > MOST_PIXELS:
        decoded = [doubtful[index] for index in evenly(len(doubtful), len(doubtful) * MOST_PIXELS // pixels)]
    with ThreadPoolExecutor(max_workers=max(1, torch.get_num_threads())) as threads:
        found = list(threads.map(partial(_digest, root), decoded))
    known = {name: digest for name, digest in zip(decoded, found, strict=True) if digest is not None}
    return Digests(known, len(chosen) - len(doubtful) + len(decoded), len(names))


def _size(root: Path, name: bytes) -> tuple[int, int] | None:
    try:
        return size_of(root, name_of(name))
    except Unreadable:
        return None


def _digest(root: Path, name: bytes) -> bytes | None:
    return picture_digest(root, name_of(name))


def contradictions(names: Sequence[bytes], classes: Tensor, known: Digests) -> tuple[str, ...]:
    """A warning of pictures that lie in the folders of several classes.

    Args:
        names: of all files of a set.
        classes: int64 (files,), the class of each.
    """
    same: dict[bytes, dict[int, bytes]] = defaultdict(dict)
    for name, number in zip(map(bytes, names), classes.tolist(), strict=True):
        if (digest := known.of.get(name)) is not None:
            same[digest].setdefault(number, name)
    several = [list(by_class.values()) for by_class in same.values() if len(by_class) > 1]
    if not several:
        return ()
    examples = "; ".join(
        " and ".join(shortened(legible(name_of(name))) for name in files[:2]) for files in several[:MOST_EXAMPLES]
    )
    more = "; …" if len(several) > MOST_EXAMPLES else ""
    one = len(several) == 1
    return (
        f"{counted(len(several), 'picture')} {'lies' if one else 'lie'} in the folders of several classes "
        f"({examples}{more}): which class {'it is' if one else 'they are'} of cannot be learnt. Keep each in one of "
        "them.",
    )
