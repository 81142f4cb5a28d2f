"""Which folders of a set are its training and its test part: recognised by their names, wherever that is meant."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from contract.checks.names import alike, legible
from contract.errors import RunError

TRAINING = ("train", "training", "trainset", "trainingset", "trn")
TESTING = ("val", "valid", "validation", "valset", "dev", "eval", "evaluation", "test", "testing", "testset", "tst")
"""Names of parts to test on, in the order in which they are looked for."""
_SHARED = 2
"""Sub-folders of the same names that two folders share by more than chance: Tiny ImageNet's have one, `images`."""


@dataclass(frozen=True)
class SetParts:
    """The folders of a set's parts; None: it has none. `aside` names those that are not used."""

    train: Path | None
    test: Path | None
    aside: tuple[str, ...]


def part_word(name: str) -> str:
    """The name without case, numbers and signs: `Train`, `train2017` and `train_set` are alike."""
    return "".join(each for each in name.lower() if each.isalpha())


def set_parts(folder: Path, names: list[str], belongs: Callable[[str], bool]) -> SetParts:
    """The parts among folders of these names.

    Args:
        folder: where they lie.
        names: of the folders in it that are no strays.
        belongs: whether a folder of this name holds what a part must hold.

    Raises:
        RunError: several could be what is trained on.
    """
    trained = [name for name in names if part_word(name) in TRAINING and belongs(name)]
    exact = [name for name in trained if name == "train"]
    if len(trained) > 1 and not exact:
        raise RunError(
            f"{legible(folder.name)} has several folders to train on: {', '.join(map(legible, trained))}.",
            "Keep one of them, or rename the others.",
        )
    train = next(iter(exact or trained), None)
    ranked = {word: place for place, word in enumerate(TESTING)}
    tested = sorted(
        (name for name in names if part_word(name) in ranked),
        key=lambda name: (not belongs(name), ranked[part_word(name)], name),
    )
    test = tested[0] if tested and train is not None else None
    aside = tuple(name for name in names if train is not None and name not in (train, test))
    return SetParts(None if train is None else folder / train, None if test is None else folder / test, aside)


def are_parts_alone(names: Iterable[str]) -> bool:
    """Whether folders of these names are the parts of a set, and none a class; a class may well be called *train*."""
    words = {part_word(name) for name in names}
    return bool(words & {*TRAINING}) and bool(words & {*TESTING}) and words <= {*TRAINING, *TESTING}


def refuse_same_subfolders(below: str, inner: dict[str, set[str]]) -> None:
    """Refuses folders that look like parts of a set rather than like classes.

    Args:
        below: the folder they lie in, as messages show it.
        inner: the names of each one's own folders.

    Raises:
        RunError: two of them have sub-folders of the same names.
    """
    for (one, inside), (other, within) in combinations(inner.items(), 2):
        shared = sorted({alike(name) for name in inside} & {alike(name) for name in within})
        if len(shared) >= _SHARED:
            raise RunError(
                f"In {below}, the folders {legible(one)!r} and {legible(other)!r} have the same sub-folders "
                f"({', '.join(map(legible, shared[:3]))}{', …' if len(shared) > 3 else ''}): they look like parts of a "
                "set, not like classes.",
                "If they are parts, name them train and val and put a folder for each class into both; if they are "
                "classes, put the images of each directly into its folder.",
            )
