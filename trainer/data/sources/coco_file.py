"""COCO's annotations as exporters write them: what can be used of them, and what is passed over."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contract.counted import counted
from contract.data_report import shortened
from contract.errors import DataDamaged, DataMissing, RunError
from trainer.data.inspection.stray_files import Strays
from trainer.data.names import alike, legible
from trainer.data.sources.outlines import area_of

COCO_IDS = (0, 5, 2, 16, 9, 44, 6, 3, 17, 62, 21, 67, 18, 19, 4, 1, 64, 20, 63, 7, 72)
"""COCO's category of each of VOC's classes, the ground first.

Source: torchvision's reference for training segmentation, references/segmentation/coco_utils.py.
"""
COCO_NAMES = (
    "background", "airplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "dining table",
    "dog", "horse", "motorcycle", "person", "potted plant", "sheep", "couch", "train", "tv",
)  # fmt: skip
"""What COCO calls them."""
_VOC_NAMES = {"aeroplane": 1, "motorbike": 14, "sofa": 18, "tvmonitor": 20}
_CLASS_OF_NAME = {name.replace(" ", ""): number for number, name in enumerate(COCO_NAMES) if number} | _VOC_NAMES
_NO_AREA = (0, 2, 4)
"""Numbers of a polygon of no, one or two corners."""
_REMEDY = "Put COCO's own file there."


@dataclass(frozen=True)
class Listed:
    """An image of the file.

    Attributes:
        name: its path below the data folder.
        size: height and width that its outlines are drawn for; None: the file does not say.
        outlines: class and outline of each instance of the 20 classes.
        area: pixels that these fill together, as annotated.
    """

    name: str
    size: tuple[int, int] | None
    outlines: list[tuple[int, Any]]
    area: float


@dataclass(frozen=True)
class CocoFile:
    """What one file of annotations holds, with notes on how it was understood."""

    images: list[Listed]
    notes: tuple[str, ...]


@dataclass
class _Instances:
    """What is annotated on one image."""

    outlines: list[tuple[int, Any]] = field(default_factory=list)
    area: float = 0.0
    without_outline: int = 0


def read_coco(root: Path, file: Path, folder: Path, strays: Strays) -> CocoFile:
    """The images that the file lists and the folder holds.

    Args:
        root: the data folder; `file` and `folder` lie below it.

    Raises:
        DataDamaged: the file is no COCO file, or none of its outlines can be drawn.
        DataMissing: none of its images is there.
        RunError: it names none of the 20 classes.
    """
    try:
        content = json.loads((root / file).read_bytes())
        classes, notes = _classes(file, content)
        named = {each["id"] for each in content.get("categories") or ()}
        shown = _by_image(file.name, content["annotations"], classes, named, strays)
        kept, without = _images(root, folder, content["images"], shown, strays)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataDamaged(
            f"{file} in the data folder cannot be read: {type(error).__name__} {error}", _REMEDY
        ) from error
    if not kept and without:
        raise DataDamaged(
            f"The outlines of {without[0]} cannot be drawn: its objects have a box or fewer than three corners"
            f"{_so_have(len(without) - 1)}.",
            "Export the annotations with polygons or run lengths; boxes alone tell no pixel's class.",
        )
    if not kept:
        raise DataMissing(
            f"Of {counted(len(content['images']), 'image')} that {file} lists, none is in {folder}.",
            "Put the images there under the names that the file gives them.",
        )
    return CocoFile(kept, notes)


def _so_have(others: int) -> str:
    return "" if not others else f", and so have those of {counted(others, 'other image')}"


def _classes(file: Path, content: dict[str, Any]) -> tuple[dict[Any, int], tuple[str, ...]]:
    """VOC's class of each category's id, by the category's name; and what else the file names.

    Raises:
        RunError: none of its categories is one of VOC's classes.
    """
    categories = content.get("categories")
    if not categories:
        return {category: number for number, category in enumerate(COCO_IDS)}, (
            f"{file.name} names no categories: their numbers are taken for COCO's.",
        )
    named = {str(each["name"]): each["id"] for each in categories}
    found = {id_: number for name, id_ in named.items() if (number := _class_of(name)) is not None}
    other = [legible(shortened(name)) for name, id_ in named.items() if id_ not in found]
    listed = f"{', '.join(other[:5])}{f' and {len(other) - 5} more' if len(other) > 5 else ''}"
    if not found:
        raise RunError(
            f"{file} names the categories {listed}, none of VOC's 20 classes, on which data.kind coco trains.",
            "For classes of your own, draw the outlines as masks and choose data.kind mask-folder.",
        )
    return found, (f"In {file.name}, other categories count as background: {listed}.",) if other else ()


def _class_of(name: str) -> int | None:
    return _CLASS_OF_NAME.get("".join(each for each in name.lower() if each.isalpha()))


def _by_image(
    file: str, annotations: list[dict[str, Any]], classes: dict[Any, int], named: set[Any], strays: Strays
) -> dict[str, _Instances]:
    """What is annotated of these classes, by the image's id as text.

    Args:
        file: its name, by which examples of training and of validation are told apart.
        named: the ids of all categories that the file names; empty: it names none.
    """
    shown: dict[str, _Instances] = {}
    for annotation in annotations:
        number = classes.get(annotation["category_id"])
        if number is None:
            if named and annotation["category_id"] not in named:
                category = legible(shortened(str(annotation["category_id"])))
                name = f"{file}: annotation {annotation.get('id', '?')}"
                strays.add(f"annotations of category {category}, which the file does not name", name)
            continue
        instances = shown.setdefault(str(annotation["image_id"]), _Instances())
        outline = _usable(file, annotation, strays)
        if outline is None:
            instances.without_outline += 1
            continue
        instances.outlines.append((number, outline))
        area = annotation.get("area")
        instances.area += area_of(outline) if area is None else float(area)
    return shown


def _usable(file: str, annotation: dict[str, Any], strays: Strays) -> Any:
    """The annotation's outline without polygons that have no area; None: it has none."""
    outline = annotation.get("segmentation")
    name = f"{file}: annotation {annotation.get('id', '?')} of image {annotation['image_id']}"
    if not isinstance(outline, list) or not outline:
        if not outline:
            strays.add("annotations without an outline", name)
        return outline or None
    kept = [points for points in outline if not (isinstance(points, list) and len(points) in _NO_AREA)]
    if len(kept) < len(outline):
        strays.add("polygons of fewer than three corners", name, len(outline) - len(kept))
    return kept or None


def _images(
    root: Path, folder: Path, listed: list[dict[str, Any]], shown: dict[str, _Instances], strays: Strays
) -> tuple[list[Listed], list[str]]:
    """The images that can be used, and the names of those with an object whose pixels nobody drew."""
    there = _files(root / folder)
    kept, without, ids = [], [], set()
    for image in listed:
        ids.add(str(image["id"]))
        name = _found(str(image["file_name"]), there)
        instances = shown.get(str(image["id"]), _Instances())
        if name is None:
            strays.add("images that are listed and not there", str(folder / Path(image["file_name"]).name))
        elif instances.without_outline:
            strays.add("images with an object that has no outline", str(folder / name))
            without.append(legible(folder / name))
        else:
            kept.append(Listed(str(folder / name), _size(image), instances.outlines, instances.area))
    for unlisted in shown.keys() - ids:
        strays.add("images that are annotated and not listed", f"{folder.name}: image {unlisted}")
    return kept, without


def _files(folder: Path) -> dict[str, str]:
    """Paths of the files in a folder and below it, by the same path composed."""
    return {
        alike(path): path
        for place, _, names in os.walk(folder)
        for path in (os.path.relpath(f"{place}/{name}", folder) for name in names)
    }


def _found(named: str, there: dict[str, str]) -> str | None:
    """Where a listed file is: at its path below the folder, or in the folder itself; never outside it."""
    parts = alike(named).replace("\\", "/").split("/")
    return there.get("/".join(parts)) or there.get(parts[-1])


def _size(image: dict[str, Any]) -> tuple[int, int] | None:
    height, width = image.get("height"), image.get("width")
    return (int(height), int(width)) if height and width else None
