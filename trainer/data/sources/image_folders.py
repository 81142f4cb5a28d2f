"""Folders of people's own images below the data folder: found by name, never by path, and listed."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch

from contract.checks.parts import (
    TESTING,
    TRAINING,
    SetParts,
    are_parts_alone,
    part_word,
    refuse_same_subfolders,
    set_parts,
)
from contract.errors import DataMissing, RunError
from trainer.data.datasets.file_dataset import ClassFiles, MaskFiles, as_names
from trainer.data.datasets.split import stratified_split
from trainer.data.inspection.copies import find_copies, refuse_copies
from trainer.data.inspection.duplicate_images import contradictions, digests
from trainer.data.inspection.stray_files import Folder, Strays, listed, stray_reason
from trainer.data.names import alike, legible, name_of

_SPLIT_SEED = 0
"""Fixed, so that runs of different seeds are tested on the same images."""
_BESIDE = "beside the class folders"

Files = TypeVar("Files", ClassFiles, MaskFiles)


@dataclass(frozen=True)
class ClassFolders:
    """What was found in a folder with a folder for each class.

    Attributes:
        classes: their names as people read them, in the order of their numbers.
        sources: where training and test images come from.
        notes, warnings: how the folder was understood, and what is probably not as it was meant.
    """

    train: ClassFiles
    test: ClassFiles
    classes: tuple[str, ...]
    sources: tuple[str, str]
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def folder_below(root: Path, name: str) -> Path:
    """The folder of this name in the data folder.

    Raises:
        DataMissing: there is none.
        RunError: the name, or a link of this name, leads out of the data folder.
    """
    folder = _composed(root, name)
    if Path(name).name != name or not folder.resolve().is_relative_to(root.resolve()):
        raise RunError(
            f"The folder {name!r} leads out of the data folder.",
            "Set data.folder to the name of a folder in the worker's data folder; links must stay within it.",
        )
    if not folder.is_dir():
        there = ", ".join(legible(each) for each in folder_names(root)[:20])
        raise DataMissing(
            f"There is no folder {name!r} in the data folder {root}.",
            f"Set data.folder to one that is there: {there}." if there else "Put it there, or set NEQ_DATA_ROOT.",
        )
    return folder


def folder_names(root: Path) -> list[str]:
    """Names of the folders in the data folder that may be sets of one's own; none where it is not there."""
    if not root.is_dir():
        return []
    return sorted(
        entry.name for entry in listed(root, root) if stray_reason(entry.name, folder=True) is None and entry.is_dir()
    )


def _composed(root: Path, name: str) -> Path:
    """The folder of this name, or the one whose name differs only in how its letters are composed."""
    folder = root / name
    if Path(name).name != name or folder.exists() or not root.is_dir():
        return folder
    same = [each for each in folder_names(root) if alike(each) == alike(name)]
    return root / same[0] if len(same) == 1 else folder


def refuse_links_out(root: Path, files: Iterable[str]) -> None:
    """Refuses files that links place outside the data folder.

    Args:
        files: paths below `root`.

    Raises:
        RunError: naming the first.
    """
    inside, known = root.resolve(), set()
    for file in files:
        folder = file.rpartition("/")[0]
        if folder not in known or (root / file).is_symlink():
            if not (root / file).resolve().is_relative_to(inside):
                raise RunError(
                    f"{legible(file)} is a link that leads out of the data folder.",
                    "Copy what it points to into the data folder, or name the folder that holds it in NEQ_DATA_ROOT.",
                )
            known.add(folder)


def class_folders(root: Path, folder: Path, test_fraction: float, strays: Strays) -> ClassFolders:
    """The images of a folder with a folder for each class, below its parts or in itself.

    Raises:
        RunError: it holds fewer than two classes, one without images, parts instead of classes, a test class that is
            not trained on, or an image that is in both parts.
    """
    parts = _class_parts(root, folder)
    train, test = parts.train or folder, parts.test
    view = Folder(root, [train, *([] if test is None else [test])], strays)
    classes = _classes(view, train)
    files = class_files(view, train, dict(enumerate(classes.values())))
    tested = None if test is None else _tested(view, train, test, classes)
    every = [files] if tested is None else [files, tested]
    names = [name for each in every for name in each.names]
    refuse_links_out(root, map(name_of, names))
    pictures = digests(root, names)
    told = {
        "classes": tuple(map(legible, classes.values())),
        "notes": (*left_aside(root, folder, parts), *pictures.note()),
        "warnings": (
            *_nearly_alike(classes.values()),
            *contradictions(names, torch.cat([each.stratify_labels for each in every]), pictures),
        ),
    }
    if test is None or tested is None:
        rest, held = held_back(files, test_fraction, strays, pictures.of)
        return ClassFolders(rest, held, sources=_held_back_from(root, train, test_fraction), **told)
    refuse_copies(find_copies(root, files.names, tested.names, pictures.of), files.names, tested.names)
    return ClassFolders(files, tested, sources=(below(root, train), below(root, test)), **told)


def _tested(view: Folder, train: Path, test: Path, classes: dict[str, str]) -> ClassFiles:
    """The images of the part for testing, whose classes are numbered as those of training."""
    found = _classes(view, test)
    _refuse_unknown(view.root, train, test, classes, found)
    numbers = {key: number for number, key in enumerate(classes)}
    return class_files(view, test, {numbers[key]: name for key, name in found.items()})


def _held_back_from(root: Path, source: Path, fraction: float) -> tuple[str, str]:
    where = below(root, source)
    return where, f"{fraction:.0%} of {where}, held back"


def held_back(files: Files, fraction: float, strays: Strays, pictures: Mapping[bytes, bytes]) -> tuple[Files, Files]:
    """Training and test files of a set that has no part for testing; test files that are copies are passed over.

    Args:
        pictures: digests of decoded pictures by their files' names.

    Raises:
        RunError: nothing is left to test on.
    """
    if len(files) < 2:
        raise RunError("One image cannot be both trained on and tested on.", "Put more images into the folder.")
    rest, held = stratified_split(files.stratify_labels, max(1, round(fraction * len(files))), _SPLIT_SEED)
    train, test = files.take(rest), files.take(held)
    copied = torch.zeros(len(test), dtype=torch.bool)
    for place, _ in find_copies(files.root, train.names, test.names, pictures).pairs:
        strays.add("copies of training images, in the test set", name_of(test.names[place]))
        copied[place] = True
    if not len(test):
        raise RunError(
            "No class has two images, so that none can be held back to test on.",
            "Put more images into the class folders.",
        )
    if bool(copied.all()):
        raise RunError(
            "Every image that would be tested on is a copy of one that is trained on.",
            "Put images into the folder that differ from each other.",
        )
    return train, test.take((~copied).nonzero().flatten())


def class_files(view: Folder, folder: Path, classes: dict[int, str]) -> ClassFiles:
    """The images of a folder with a folder for each class, in torchvision's order: by class, then by name.

    Args:
        classes: the names of its class folders, by the classes' numbers.

    Raises:
        DataMissing: a class folder holds no image.
        RunError: class folders look like parts of a set.
    """
    names: list[str] = []
    numbers: list[int] = []
    inner: dict[str, set[str]] = {}
    empty = []
    for number, name in sorted(classes.items()):
        found = view.images(folder / name)
        prefix = len(os.path.relpath(folder / name, view.root)) + 1
        inner[name] = {path[prefix:].partition("/")[0] for path in found if "/" in path[prefix:]}
        names += found
        numbers += [number] * len(found)
        if not found:
            empty.append(name)
    refuse_same_subfolders(
        below(view.root, folder), {name: inside for name, inside in inner.items() if len(inside) > 1}
    )
    if empty:
        _refuse_empty(view, folder, empty)
    return ClassFiles(view.root, as_names(names), torch.tensor(numbers, dtype=torch.int64))


def _refuse_empty(view: Folder, folder: Path, empty: list[str]) -> None:
    passed = [f"{each.count} × {each.reason}" for each in view.strays.found()]
    raise DataMissing(
        f"In {below(view.root, folder)} there is no image of the classes {', '.join(map(legible, empty[:10]))}"
        f"{f' and {len(empty) - 10} more' if len(empty) > 10 else ''}"
        f"{'' if not passed else '; passed over were: ' + ', '.join(passed[:5])}.",
        "Put images into each class folder, or remove the empty ones.",
    )


def class_names(view: Folder, folder: Path) -> list[str]:
    """Names of the class folders, at least two.

    Raises:
        RunError: there are fewer.
    """
    names = view.folders(folder, beside=_BESIDE)
    if len(names) < 2:
        raise RunError(
            f"{below(view.root, folder)} holds "
            f"{'no class folder' if not names else f'one class folder, {legible(names[0])!r}'}; "
            "a network needs at least two classes to tell apart.",
            "Put the images of each class into a folder of their own.",
        )
    return names


def _classes(view: Folder, folder: Path) -> dict[str, str]:
    """The class folders' names, by what a person reads; sorted by name.

    Raises:
        RunError: there are fewer than two, two cannot be told apart, or they are parts of a set.
    """
    names = class_names(view, folder)
    classes: dict[str, str] = {}
    for name in names:
        if classes.setdefault(alike(name), name) != name:
            raise RunError(
                f"{below(view.root, folder)} holds two class folders called {legible(name)!r}: their names differ "
                "only in how their letters are composed.",
                "Put the images of both into one of them.",
            )
    if are_parts_alone(names):
        raise RunError(
            f"{below(view.root, folder)} holds the parts {', '.join(map(legible, names))}, without class folders.",
            "Put a folder for each class into each part, and the images into those.",
        )
    return classes


def _class_parts(root: Path, folder: Path) -> SetParts:
    """The folder's parts: folders of known names that hold folders themselves."""
    names = Folder(root, [], Strays()).folders(folder, beside=_BESIDE)

    def holds_folders(name: str) -> bool:
        return bool(Folder(root, [], Strays()).folders(folder / name, beside=_BESIDE))

    parts = set_parts(folder, names, holds_folders)
    for part in (parts.train, parts.test):
        if part is not None and parts.aside:
            _refuse_hidden_parts(root, folder, part, parts)
    return parts


def _refuse_hidden_parts(root: Path, folder: Path, part: Path, parts: SetParts) -> None:
    """Refuses a folder beside the parts that has their classes and is not known as a part."""
    view = Folder(root, [], Strays())
    unknown = [name for name in parts.aside if part_word(name) not in (*TRAINING, *TESTING)]
    inner = {name: set(view.folders(folder / name, beside=_BESIDE)) for name in (part.name, *unknown)}
    refuse_same_subfolders(below(root, folder), inner)


def left_aside(root: Path, folder: Path, parts: SetParts) -> tuple[str, ...]:
    """A note of folders beside the parts, which the run does not use."""
    if not parts.aside:
        return ()
    names = ", ".join(legible(name) for name in parts.aside[:5])
    more = f" and {len(parts.aside) - 5} more" if len(parts.aside) > 5 else ""
    return (f"Not used of {below(root, folder)}: {names}{more}.",)


def _nearly_alike(names: Iterable[str]) -> tuple[str, ...]:
    """A warning of class names that differ in upper and lower case alone."""
    known: dict[str, str] = {}
    for name in names:
        other = known.setdefault(name.casefold(), name)
        if other != name:
            return (f"The classes {legible(other)!r} and {legible(name)!r} differ in upper and lower case alone.",)
    return ()


def _refuse_unknown(root: Path, train: Path, test: Path, trained: dict[str, str], tested: dict[str, str]) -> None:
    unknown = sorted(name for key, name in tested.items() if key not in trained)
    if unknown:
        raise RunError(
            f"{below(root, test)} has the class {legible(unknown[0])!r}, which {below(root, train)} has not.",
            "Give both the same class folders.",
        )


def below(root: Path, folder: Path) -> str:
    """The folder's path below the data folder, as people read it."""
    return legible(os.path.relpath(folder, root))
