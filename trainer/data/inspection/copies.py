"""Images that are in two parts of a set: the same bytes under whatever names, found without reading all files, or the
same pictures, as far as these were decoded."""

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from pathlib import Path

from contract.errors import RunError
from trainer.data.names import Names, legible, name_of

MOST_COMPARED = 2_000
"""Test images that are looked for among the training images; of larger test sets as many, evenly chosen."""
MOST_SEARCHED = 50_000
"""Training images that they are looked for among; of larger sets as many, evenly chosen."""
_PIECE = 4096
"""Bytes from a file's middle that are compared before it is read whole."""

Group = tuple[list[int], list[int]]
"""Test images and training images that may be the same."""


@dataclass(frozen=True)
class Copies:
    """What a comparison found.

    Attributes:
        pairs: positions (test image, training image) of images of the same content, one pair for a test image.
        compared, searched: how many test images were looked for among how many training images.
        saved_anew: test images of these pairs whose bytes differ and whose pixels are the same.
    """

    pairs: tuple[tuple[int, int], ...]
    compared: int
    searched: int
    saved_anew: frozenset[int] = frozenset()


def find_copies(root: Path, train: Names, test: Names, pictures: Mapping[bytes, bytes] | None = None) -> Copies:
    """Test images whose bytes are those of a training image: sizes first, then a piece of the middle, then all.

    Args:
        pictures: digests of decoded pictures by their files' names; those that are equal are copies too.
    """
    wanted, among = evenly(len(test), MOST_COMPARED), evenly(len(train), MOST_SEARCHED)
    groups: Iterable[Group] = [(wanted, among)]
    for key in (_size, _piece, _whole):
        groups = _parted(groups, partial(_keyed, root, key), train, test)
    pairs = {index: searched[0] for compared, searched in groups for index in compared}
    anew = {index: other for index, other in _same_pictures(train, test, pictures or {}) if index not in pairs}
    return Copies(tuple(sorted((pairs | anew).items())), len(wanted), len(among), frozenset(anew))


def _same_pictures(train: Names, test: Names, pictures: Mapping[bytes, bytes]) -> Iterator[tuple[int, int]]:
    """Test images and the training images whose pictures they show."""
    trained = {pictures.get(bytes(name)): index for index, name in enumerate(train)}
    for index, name in enumerate(test):
        digest = pictures.get(bytes(name))
        if digest is not None and digest in trained:
            yield index, trained[digest]


def refuse_copies(copies: Copies, train: Names, test: Names) -> None:
    """Refuses a set whose test images are trained on.

    Raises:
        RunError: naming the first.
    """
    if copies.pairs:
        raise RunError(
            f"{_sentence(copies, train, test)}.",
            "Remove these images from one of the two folders: a test on images that were trained on tells nothing.",
        )


def warn_of_copies(copies: Copies, train: Names, test: Names) -> tuple[str, ...]:
    """The same as a warning, for sets that are as they were published."""
    if not copies.pairs:
        return ()
    return (f"{_sentence(copies, train, test)}: the test score counts images that were trained on.",)


def _sentence(copies: Copies, train: Names, test: Names) -> str:
    index, other = copies.pairs[0]
    more = len(copies.pairs) - 1
    others = f", and so {'is 1 other test image' if more == 1 else f'are {more:,} other test images'}" if more else ""
    how = "pixel for pixel" if index in copies.saved_anew else "byte for byte"
    return (
        f"{legible(name_of(test[index]))} is in the test set and, {how}, in the training set as "
        f"{legible(name_of(train[other]))}{others}"
    )


def searched_in_part(train: int, test: int) -> tuple[str, ...]:
    """A note where copies are looked for among some of the images; none where all are compared.

    Args:
        train, test: images of each part.
    """
    compared, searched = min(test, MOST_COMPARED), min(train, MOST_SEARCHED)
    if (compared, searched) == (test, train):
        return ()
    return (
        f"Images that are in both parts were looked for by sample: {compared:,} of {test:,} test images among "
        f"{searched:,} of {train:,} training images.",
    )


def evenly(count: int, most: int) -> list[int]:
    """At most `most` of `count` positions, evenly spread."""
    return list(range(count)) if count <= most else [index * count // most for index in range(most)]


def _parted(groups: Iterable[Group], key: Callable[[Names, int], object], train: Names, test: Names) -> Iterator[Group]:
    """The groups parted by a key that equal images share; files of the test set alone are dropped."""
    for compared, searched in groups:
        of_test, of_train = defaultdict(list), defaultdict(list)
        for index in compared:
            of_test[key(test, index)].append(index)
        for index in searched:
            of_train[key(train, index)].append(index)
        for value in of_test.keys() & of_train.keys() - {None}:
            yield of_test[value], of_train[value]


def _keyed(root: Path, key: Callable[[Path], object], names: Names, index: int) -> object:
    return key(root / name_of(names[index]))


def _size(file: Path) -> int | None:
    """Bytes; None for a file that is empty or not to be had, which the run names when it reads it."""
    try:
        return file.stat().st_size or None
    except OSError:
        return None


def _piece(file: Path) -> bytes | None:
    try:
        with file.open("rb", buffering=0) as opened:
            opened.seek(max(0, os.fstat(opened.fileno()).st_size // 2 - _PIECE // 2))
            return opened.read(_PIECE)
    except OSError:
        return None


def _whole(file: Path) -> bytes | None:
    try:
        return blake2b(file.read_bytes()).digest()
    except OSError:
        return None
