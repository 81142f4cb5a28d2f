"""COCO's scenes with a class for each pixel: its instances in Pascal VOC's 21 classes, as torchvision reduces them."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from trainer.data.images import IGNORED
from trainer.data.reading import read_image, size_of
from trainer.errors import DataDamaged, DataMissing

CATEGORIES = (0, 5, 2, 16, 9, 44, 6, 3, 17, 62, 21, 67, 18, 19, 4, 1, 64, 20, 63, 7, 72)
"""COCO's category of each of VOC's classes, the ground first.

Source: torchvision's reference for training segmentation, references/segmentation/coco_utils.py.
"""
FARTHEST = 100_000
"""Pixels from an image's corner that a corner of a polygon may lie."""
SMALLEST_AREA = 1000
"""Pixels that instances of these classes must fill together for an image to be trained on. Source: the same."""

Mask = npt.NDArray[np.uint8]

_CLASS_OF = {category: number for number, category in enumerate(CATEGORIES)}


@dataclass(frozen=True)
class CocoScenes:
    """Images in a folder below the data folder `root`, with the outlines of what is on them.

    Attributes:
        names: paths below `root`.
        outlines: of each image, JSON [[class, outline], …]: text, because loaders' processes share it with this one.
    """

    root: Path
    names: tuple[str, ...]
    outlines: tuple[bytes, ...]

    @property
    def strata(self) -> Tensor:
        return torch.zeros(len(self), dtype=torch.int64)

    def __len__(self) -> int:
        return len(self.names)

    def take(self, indices: Tensor) -> Self:
        chosen = indices.tolist()
        return replace(
            self,
            names=tuple(self.names[index] for index in chosen),
            outlines=tuple(self.outlines[index] for index in chosen),
        )

    def size(self, index: int) -> tuple[int, int]:
        return size_of(self.root, self.names[index])

    def image(self, index: int) -> Image.Image:
        return read_image(self.root, self.names[index])

    def mask(self, index: int, size: tuple[int, int]) -> Image.Image:
        try:
            return Image.fromarray(class_mask(json.loads(self.outlines[index]), *size))
        except (TypeError, ValueError, KeyError) as error:
            raise DataDamaged(
                f"The outlines of {self.names[index]} cannot be drawn: {error}",
                "Put COCO's annotations into the data folder anew.",
            ) from error


def class_mask(instances: list[tuple[int, Any]], height: int, width: int) -> Mask:
    """Every pixel's class, uint8 (height, width): 0 where nothing is, IGNORED where instances overlap.

    Args:
        instances: class and outline of each: polygons [[x, y, x, y, …], …], or run lengths {counts, size}.

    Raises:
        ValueError: an outline is neither.
    """
    mask = np.zeros((height, width), dtype=np.uint8)
    covered = np.zeros((height, width), dtype=np.uint8)
    for number, outline in instances:
        inside = _inside(outline, height, width)
        mask = np.maximum(mask, inside * np.uint8(number))
        covered += inside & (covered < 2)
    mask[covered > 1] = IGNORED
    return mask


def _inside(outline: Any, height: int, width: int) -> Mask:
    """1 within the outline, uint8 (height, width).

    Raises:
        ValueError: it is neither polygons nor run lengths for an image of this size.
    """
    if isinstance(outline, dict):
        if outline["size"] != [height, width]:
            raise ValueError(f"an outline for (height, width) {outline['size']} on an image of {[height, width]}")
        return _unrolled(outline["counts"], height, width)
    if not outline:
        raise ValueError("an outline without a corner")
    from pycocotools.mask import frPyObjects  # compiled, and only this set needs it

    inside = np.zeros((height, width), dtype=np.uint8)
    for lengths in frPyObjects([_polygon(points) for points in outline], height, width):
        inside |= _unrolled(_unpacked(lengths["counts"]), height, width)
    return inside


def _polygon(points: list[float]) -> list[float]:
    """The same corners.

    Raises:
        ValueError: they are no polygon, or lie so far from any image that drawing them would fill the memory.
    """
    if len(points) < 6 or len(points) % 2 or not all(abs(float(each)) < FARTHEST for each in points):
        raise ValueError("a polygon is three corners or more, each an x and a y in pixels")
    return points


def _unrolled(lengths: list[int], height: int, width: int) -> Mask:
    """From run lengths, column by column, of zeros and ones in turn, the zeros first."""
    runs = np.array(lengths, dtype=np.int64)
    if (runs < 0).any() or runs.sum() != height * width:
        raise ValueError(f"run lengths that do not fill {height * width} pixels")
    values = (np.arange(len(runs)) % 2).astype(np.uint8)
    return np.repeat(values, runs).reshape(width, height).T


def _unpacked(packed: bytes) -> list[int]:
    """Run lengths from COCO's text form: five bits a character, the lowest first, then a sign; from the fourth on,
    each is the difference from the one two before."""
    lengths: list[int] = []
    value = shift = 0
    for character in packed:
        bits = character - 48
        value |= (bits & 0x1F) << shift
        shift += 5
        if bits & 0x20:
            continue
        if bits & 0x10:
            value -= 1 << shift
        lengths.append(value + (lengths[-2] if len(lengths) > 2 else 0))
        value = shift = 0
    return lengths


def coco_scenes(root: Path, part: str, *, training: bool) -> CocoScenes:
    """The scenes of `train2017` or `val2017`; of those to train on, the ones that show enough.

    Raises:
        DataMissing, DataDamaged: images or annotations are not there, or are not COCO's.
    """
    file = Path("coco") / "annotations" / f"instances_{part}.json"
    folder = Path("coco") / part
    if not (root / file).is_file() or not (root / folder).is_dir():
        raise DataMissing(
            f"COCO is not in the data folder {root}: {file} and {folder} are looked for.",
            "Unpack the images and the annotations of 2017 there; torchvision does not download them.",
        )
    try:
        content = json.loads((root / file).read_bytes())
        shown = _by_image(content["annotations"])
        images = [image for image in content["images"] if not training or _shows_enough(shown.get(image["id"], []))]
        names = tuple(str(folder / Path(image["file_name"]).name) for image in images)
        outlines = tuple(_outlines(shown.get(image["id"], [])) for image in images)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataDamaged(
            f"{file} in the data folder cannot be read: {type(error).__name__} {error}", "Put COCO's own file there."
        ) from error
    if not names:
        raise DataDamaged(f"{file} names no image that shows one of the 20 classes.", "Put COCO's own file there.")
    return CocoScenes(root, names, outlines)


def _by_image(annotations: list[dict[str, Any]]) -> dict[int, list[dict[str, Any]]]:
    """The annotations of VOC's classes, by the image they belong to."""
    shown: dict[int, list[dict[str, Any]]] = {}
    for annotation in annotations:
        if annotation["category_id"] in _CLASS_OF:
            shown.setdefault(annotation["image_id"], []).append(annotation)
    return shown


def _shows_enough(annotations: list[dict[str, Any]]) -> bool:
    return float(sum(annotation["area"] for annotation in annotations)) > SMALLEST_AREA


def _outlines(annotations: list[dict[str, Any]]) -> bytes:
    return json.dumps([[_CLASS_OF[each["category_id"]], each["segmentation"]] for each in annotations]).encode()
