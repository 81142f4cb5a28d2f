"""Folders of people's own images with masks: which mask belongs to which image, whatever it is called."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

from contract.checks.parts import SetParts, set_parts
from contract.errors import DataDamaged, DataMissing, RunError
from trainer.data.datasets.file_dataset import MaskFiles, as_names
from trainer.data.inspection.copies import find_copies, refuse_copies
from trainer.data.inspection.duplicate_images import digests
from trainer.data.inspection.stray_files import Folder, Strays
from trainer.data.names import legible, name_of
from trainer.data.reading import ENDINGS
from trainer.data.sources.image_folders import below, held_back, left_aside, refuse_links_out
from trainer.data.sources.masks import MaskValues, understood

MASKS = ("annot", "annots", "masks", "mask", "labels", "label")
"""What a part's name is followed by in the name of the folder of its masks, with or without a sign between."""


@dataclass(frozen=True)
class MaskFolders:
    """What was found in a folder of images and masks.

    Attributes:
        sources: where training and test images come from.
        notes: how the folder was understood.
    """

    train: MaskFiles
    test: MaskFiles
    sources: tuple[str, str]
    notes: tuple[str, ...] = ()


def mask_folders(root: Path, folder: Path, values: MaskValues, test_fraction: float, strays: Strays) -> MaskFolders:
    """The images of a folder with `train` and `trainannot`, `val` and `valannot`, or parts of like names.

    Raises:
        DataMissing: there are no images, or one has no mask.
        RunError: an image is in both parts, or it cannot be told which mask is whose.
    """
    parts = _parts(root, folder)
    train, test = parts.train or folder / "train", parts.test
    used = [place for part in (train, test) if part is not None for place in (part, _masks(part))]
    view = Folder(root, used, strays)
    notes: list[str] = []
    found = _segmentation_folder(view, train, values, notes)
    tested = None if test is None else _segmentation_folder(view, test, values, notes)
    every = [found] if tested is None else [found, tested]
    refuse_links_out(root, (name_of(name) for each in every for names in (each.names, each.masks) for name in names))
    values = understood(root, [each.masks for each in every], values)
    if values.object_at_255:
        notes.append("Masks hold the values 0 and 255 alone: 0 is class 0, 255 is class 1.")
    every = [replace(each, values=values) for each in every]
    notes += left_aside(root, folder, SetParts(train, test, tuple(a for a in parts.aside if folder / a not in used)))
    pictures = digests(root, [name for each in every for name in each.names])
    notes += pictures.note()
    where = below(root, train)
    if test is None:
        rest, held = held_back(every[0], test_fraction, strays, pictures.of)
        return MaskFolders(rest, held, (where, f"{test_fraction:.0%} of {where}, held back"), tuple(notes))
    trained, tested = every
    refuse_copies(find_copies(root, trained.names, tested.names, pictures.of), trained.names, tested.names)
    return MaskFolders(trained, tested, (where, below(root, test)), tuple(notes))


def _parts(root: Path, folder: Path) -> SetParts:
    names = Folder(root, [], Strays()).folders(folder, beside="")
    return set_parts(folder, names, lambda name: _masks(folder / name).is_dir())


def _masks(part: Path) -> Path:
    """The folder of a part's masks; where there is none, as it should be called."""
    named = (part.with_name(f"{part.name}{sign}{word}") for sign in ("", "_", "-", " ") for word in MASKS)
    return next((each for each in named if each.is_dir()), part.with_name(f"{part.name}annot"))


def _segmentation_folder(view: Folder, part: Path, values: MaskValues, notes: list[str]) -> MaskFiles:
    images, masks = _by_stem(view, part), _by_stem(view, _masks(part))
    prefix, suffix = _affix(view, part, images, masks)
    if prefix or suffix:
        notes.append(
            f"Masks in {below(view.root, _masks(part))} are called like their images with "
            f"{legible(prefix or suffix)!r} {'before' if prefix else 'after'} the name."
        )
    drawn = {stem: masks.pop(_with(stem, prefix, suffix)) for stem in images}
    for mask in masks.values():
        view.strays.add("masks without an image", mask)
    return MaskFiles(view.root, as_names(list(images.values())), as_names(list(drawn.values())), values)


def _with(stem: str, prefix: str, suffix: str) -> str:
    place, sign, name = stem.rpartition("/")
    return f"{place}{sign}{prefix}{name}{suffix}"


def _affix(view: Folder, part: Path, images: dict[str, str], masks: dict[str, str]) -> tuple[str, str]:
    """What all masks' names have before or after those of their images.

    Raises:
        DataMissing: an image has no mask.
        RunError: each image has several.
    """
    without = [stem for stem in images if stem not in masks]
    if not without:
        return "", ""
    stem = Path(without[0]).name
    names = {Path(mask).name for mask in masks}
    tried = {("", name[len(stem) :]) for name in names if name.startswith(stem)}
    tried |= {(name[: -len(stem)], "") for name in names if name.endswith(stem)}
    fitting = sorted(each for each in tried if all(_with(other, *each) in masks for other in images))
    if len(fitting) > 1:
        raise RunError(
            f"{legible(images[without[0]])} has several masks in {below(view.root, _masks(part))}: names with "
            f"{' and with '.join(repr(legible(''.join(each))) for each in fitting)} added.",
            "Keep one mask for each image, of the image's own name.",
        )
    if not fitting:
        raise DataMissing(
            f"{legible(images[without[0]])} has no mask in {below(view.root, _masks(part))}"
            f"{_nor_have(len(without) - 1)}.",
            "Give every image a mask of the same name, or remove it.",
        )
    return fitting[0]


def _nor_have(others: int) -> str:
    return "" if not others else ", nor has 1 other" if others == 1 else f", nor have {others:,} others"


def _by_stem(view: Folder, folder: Path) -> dict[str, str]:
    """The images in a folder and below it, by their path in it without the ending."""
    if not folder.is_dir():
        raise DataMissing(
            f"There is no folder {below(view.root, folder)} in the data folder.",
            "Put images into train and val, and their masks into trainannot and valannot.",
        )
    files = view.images(folder)
    if not files:
        raise DataMissing(f"{below(view.root, folder)} holds no images.", f"Put images there: {', '.join(ENDINGS)}.")
    start = len(os.path.relpath(folder, view.root)) + 1
    stems = {file[start:].rpartition(".")[0]: file for file in files}
    if len(stems) < len(files):
        raise DataDamaged(
            f"{below(view.root, folder)} holds several images of the same name.", "Keep one ending for each name."
        )
    return stems
