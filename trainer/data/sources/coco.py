"""COCO's images with a class for each pixel: its instances in Pascal VOC's 21 classes, as torchvision reduces them."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import torch
from PIL import Image
from torch import Tensor

from contract.errors import DataDamaged, DataMissing
from trainer.data.inspection.stray_files import Strays
from trainer.data.names import legible
from trainer.data.reading import head_of, read_image, size_of
from trainer.data.sources.coco_file import COCO_IDS as CATEGORIES
from trainer.data.sources.coco_file import Listed, read_coco
from trainer.data.sources.outlines import class_mask

__all__ = ["CATEGORIES", "CocoSegmentation", "class_mask", "coco_segmentation"]

SMALLEST_AREA = 1000
"""Pixels that instances of these classes must fill together for an image to be trained on. Source: the same."""


@dataclass(frozen=True)
class CocoSegmentation:
    """Images in a folder below the data folder `root`, with the outlines of what is on them.

    Attributes:
        names: paths below `root`.
        outlines: of each image, JSON [size, [[class, outline], …]], size being what they are drawn for, [height, width]
            or null: text, because loaders' processes share it with this one.
        notes: how the file of annotations was understood.
        white: of deep images, the value that becomes 255.
    """

    root: Path
    names: tuple[str, ...]
    outlines: tuple[bytes, ...]
    notes: tuple[str, ...] = ()
    white: float | None = None

    @property
    def stratify_labels(self) -> Tensor:
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

    def with_white(self, white: float) -> Self:
        return replace(self, white=white)

    def size(self, index: int) -> tuple[int, int]:
        return size_of(self.root, self.names[index])

    def image(self, index: int) -> Image.Image:
        return read_image(self.root, self.names[index], self.white)

    def mask(self, index: int, size: tuple[int, int]) -> Image.Image:
        drawn_for, instances = json.loads(self.outlines[index])
        if drawn_for is not None and tuple(drawn_for) != size:
            self._refuse_size(self.names[index], drawn_for, size)
        try:
            return Image.fromarray(class_mask(instances, *size))
        except (TypeError, ValueError, KeyError) as error:
            raise DataDamaged(
                f"The outlines of {legible(self.names[index])} cannot be drawn: {error}",
                "Put COCO's annotations into the data folder anew.",
            ) from error

    def _refuse_size(self, name: str, drawn_for: tuple[int, int], size: tuple[int, int]) -> None:
        turned = " once it is turned as its EXIF tag says" if head_of(self.root, name).sideways else ""
        raise DataDamaged(
            f"The outlines of {legible(name)} are drawn for {drawn_for[1]} × {drawn_for[0]} pixels, and the image is "
            f"{size[1]} × {size[0]}{turned}.",
            "Put the images that were annotated into the data folder, not scaled or turned ones.",
        )


def coco_segmentation(root: Path, part: str, *, training: bool, strays: Strays | None = None) -> CocoSegmentation:
    """The images of `train2017` or `val2017`; of those to train on, the ones that show enough.

    Raises:
        DataMissing, DataDamaged: images or annotations are not there, or are not COCO's.
        RunError: the annotations name none of VOC's classes.
    """
    file = Path("coco") / "annotations" / f"instances_{part}.json"
    folder = Path("coco") / part
    if not (root / file).is_file() or not (root / folder).is_dir():
        raise DataMissing(
            f"COCO is not in the data folder {root}: {file} and {folder} are looked for.",
            "Unpack the images and the annotations of 2017 there; torchvision does not download them.",
        )
    strays = Strays() if strays is None else strays
    content = read_coco(root, file, folder, strays)
    used = [image for image in content.images if not training or image.area > SMALLEST_AREA]
    if not used:
        passed = ", ".join(f"{each.count:,} {each.reason}" for each in strays.found()[:3])
        raise DataDamaged(
            f"{file} names no image on which the 20 classes fill more than {SMALLEST_AREA:,} pixels together"
            f"{f'; skipped: {passed}' if passed else ''}.",
            "Put COCO's own file there, or list every category_id of the annotations among its categories.",
        )
    for image in content.images if training else ():
        if 0 < image.area <= SMALLEST_AREA:
            strays.add(f"images on which the classes fill {SMALLEST_AREA:,} pixels or fewer", image.name)
        elif not image.outlines:
            strays.add("training images that show none of the classes", image.name)
    return CocoSegmentation(root, tuple(image.name for image in used), tuple(map(_packed, used)), content.notes)


def _packed(image: Listed) -> bytes:
    return json.dumps([image.size, image.outlines]).encode()
