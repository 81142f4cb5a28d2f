"""Folders of people's own images below the data folder: found by name, never by path, and listed."""

import os
from collections.abc import Iterable
from pathlib import Path

import torch
from torch import Tensor

from trainer.data.reading import ENDINGS
from trainer.data.samples import ClassFiles, MaskFiles, as_names
from trainer.data.split import probe_split
from trainer.errors import DataDamaged, DataMissing, RunError

TESTING = ("val", "test")
"""Folders that hold images to test on, in the order in which they are looked for."""
_SPLIT_SEED = 0
"""Fixed, so that runs of different seeds are tested on the same images."""


def folder_below(root: Path, name: str) -> Path:
    """The folder of this name in the data folder.

    Raises:
        DataMissing: there is none.
        RunError: the name, or a link of this name, leads out of the data folder.
    """
    folder = root / name
    if Path(name).name != name or not folder.resolve().is_relative_to(root.resolve()):
        raise RunError(
            f"The folder {name!r} leads out of the data folder.",
            "Set data.folder to the name of a folder in the worker's data folder; links must stay within it.",
        )
    if not folder.is_dir():
        there = (
            ", ".join(sorted(entry.name for entry in root.iterdir() if entry.is_dir())[:20]) if root.is_dir() else ""
        )
        raise DataMissing(
            f"There is no folder {name!r} in the data folder {root}.",
            f"Set data.folder to one that is there: {there}." if there else "Put it there, or set NEQ_DATA_ROOT.",
        )
    return folder


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
                    f"{file} is a link that leads out of the data folder.",
                    "Copy what it points to into the data folder, or name the folder that holds it in NEQ_DATA_ROOT.",
                )
            known.add(folder)


def class_folders(root: Path, folder: Path, test_share: float) -> tuple[ClassFiles, ClassFiles, int]:
    """Training and test images and the number of classes of a folder with a folder for each class.

    Raises:
        RunError: it is empty or holds one class, a class is empty, or a test class is none of those trained on.
    """
    train, test = folder / "train", _testing(folder)
    if not train.is_dir() or test is None:
        source = train if train.is_dir() else folder
        every = class_files(root, source, class_names(root, source))
        rest, held_back = _test_split(every.strata, test_share)
        return every.take(rest), every.take(held_back), int(every.strata.max()) + 1
    names = class_names(root, train)
    unknown = sorted(set(class_names(root, test)) - set(names))
    if unknown:
        raise RunError(
            f"{_below(root, test)} has the class {unknown[0]!r}, which {_below(root, train)} has not.",
            "Give both the same class folders.",
        )
    return class_files(root, train, names), class_files(root, test, names), len(names)


def class_files(root: Path, folder: Path, classes: list[str]) -> ClassFiles:
    """The images of a folder with a folder for each class, in torchvision's order: by class, then by name.

    Args:
        classes: the class folders in the order of their numbers; those that are not there count for nothing.

    Raises:
        DataMissing: a class folder holds no image.
    """
    from torchvision.datasets.folder import make_dataset  # a second to import, and only these sets need it

    numbers = {name: number for number, name in enumerate(classes) if (folder / name).is_dir()}
    try:
        found = make_dataset(str(folder), numbers, extensions=ENDINGS)
    except FileNotFoundError as error:
        raise DataMissing(
            f"In {_below(root, folder)}: {str(error).split(' Supported')[0]}",
            "Put images into each class folder, or remove the empty ones.",
        ) from error
    names = as_names([os.path.relpath(path, root) for path, _ in found])
    return ClassFiles(root, names, torch.tensor([number for _, number in found]))


def _test_split(strata: Tensor, share: float) -> tuple[Tensor, Tensor]:
    if len(strata) < 2:
        raise RunError("One image cannot be both trained on and tested on.", "Put more images into the folder.")
    return probe_split(strata, max(1, round(share * len(strata))), _SPLIT_SEED)


def class_names(root: Path, folder: Path) -> list[str]:
    """Names of the class folders, at least two."""
    names = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir() and not entry.name.startswith("."))
    if len(names) < 2:
        raise RunError(
            f"{_below(root, folder)} holds {'no class folder' if not names else f'one class folder, {names[0]!r}'}; "
            "a network needs at least two classes to tell apart.",
            "Put the images of each class into a folder of their own.",
        )
    return names


def _testing(folder: Path) -> Path | None:
    return next((folder / name for name in TESTING if (folder / name).is_dir()), None)


def _below(root: Path, folder: Path) -> str:
    return str(folder.relative_to(root))


def mask_folders(
    root: Path, folder: Path, *, classes: int, unlabelled: int | None, test_share: float
) -> tuple[MaskFiles, MaskFiles]:
    """Training and test scenes of a folder with `train`, `trainannot`, `val`, `valannot` (or `test`, `testannot`).

    Raises:
        DataMissing: there are no images, or one has no mask.
    """

    def scenes(part: str) -> MaskFiles:
        images, masks = _pairs(root, folder / part, folder / f"{part}annot")
        return MaskFiles(root, as_names(images), as_names(masks), classes, unlabelled)

    train, test = scenes("train"), _testing(folder)
    if test is not None:
        return train, scenes(test.name)
    rest, held_back = _test_split(train.strata, test_share)
    return train.take(rest), train.take(held_back)


def _pairs(root: Path, images: Path, masks: Path) -> tuple[list[str], list[str]]:
    """Images by name, and the mask of each: the file of the same name, whatever its ending."""
    found, drawn = _by_stem(root, images), _by_stem(root, masks)
    without = sorted(found.keys() - drawn.keys())
    if without:
        raise DataMissing(
            f"{found[without[0]]} has no mask in {_below(root, masks)}, nor have {len(without) - 1} others.",
            "Give every image a mask of the same name, or remove it.",
        )
    return list(found.values()), [drawn[stem] for stem in found]


def _by_stem(root: Path, folder: Path) -> dict[str, str]:
    if not folder.is_dir():
        raise DataMissing(
            f"There is no folder {_below(root, folder)} in the data folder.",
            "Put images into train and val, and their masks into trainannot and valannot.",
        )
    files = sorted(file for file in folder.iterdir() if file.suffix.lower() in ENDINGS)
    if not files:
        raise DataMissing(f"{_below(root, folder)} holds no images.", f"Put images there: {', '.join(ENDINGS)}.")
    stems = {file.stem: _below(root, file) for file in files}
    if len(stems) < len(files):
        raise DataDamaged(
            f"{_below(root, folder)} holds several images of the same name.", "Keep one ending for each name."
        )
    return stems
