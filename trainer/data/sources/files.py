"""Sets that lie in files, from what a run asks for to the sets that it is fed from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch

from contract.config import Coco, ImageFolder, ImageNet, MaskFolder, Voc
from contract.errors import DataMissing, RunError
from trainer.data.datasets.file_dataset import FileDataset, as_names
from trainer.data.datasets.images import ImageSet, Normalisation
from trainer.data.datasets.in_memory import decoded_dataset, resized_dataset
from trainer.data.datasets.streaming import Stream, StreamedDataset
from trainer.data.inspection.copies import find_copies, refuse_copies, searched_in_part, warn_of_copies
from trainer.data.inspection.inspection import Listing
from trainer.data.inspection.report import numbered
from trainer.data.inspection.stray_files import Folder, Strays
from trainer.data.sources.coco import coco_segmentation
from trainer.data.sources.image_folders import ClassFolders, class_files, class_folders, class_names, folder_below
from trainer.data.sources.masks import MaskValues
from trainer.data.sources.segmentation_folders import mask_folders
from trainer.data.sources.voc import CLASS_NAMES as VOC_NAMES
from trainer.data.sources.voc import SOURCES as VOC_SOURCES
from trainer.data.sources.voc import voc_segmentation
from trainer.data.transforms.crops import RandomResizedCrop, RandomScaleCrop, Resize, ResizeCenterCrop, Transform
from trainer.engines.environment import Workplace
from trainer.processors import usable_processors

Feed = Literal["auto", "memory", "stream"]
IMAGENET_CLASSES = 1000
MOST_PROCESSES = 16
MOST_PROCESSES_FOR_A_GPU = 32
"""That decode for one run unless the worker says otherwise; each takes some 300 MB, and keeps two batches ready."""
NORMALISE = Normalisation.by((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""ImageNet's constants, which every set of photographs takes: networks with ready weights expect them."""
MEMORY_BYTES = 2 * 2**30
"""Pixels up to here are held in memory unless a run says otherwise. Of the data alone, not of the machine, so that a
description gives the same run everywhere."""
_SIZES_LOOKED_AT = 200
"""Images whose size is read to guess that of all."""


FileConfig = ImageNet | ImageFolder | Coco | Voc | MaskFolder
SegmentationConfig = Coco | Voc | MaskFolder


@dataclass(frozen=True)
class FileSets:
    """Training and test samples, and how they are shown.

    Attributes:
        listing: what is known of the set without reading a file of it.
        training, testing: what training and testing show of an image.
        shape: channels, height and width of what training shows.
    """

    train: FileDataset
    test: FileDataset
    listing: Listing
    training: Transform
    testing: Transform
    shape: tuple[int, int, int]


def file_sets(config: FileConfig, workplace: Workplace) -> FileSets:
    """What the run asks for, found in the data folder; no pixel is read yet.

    Raises:
        RunError: it is not there, or does not hold what it should.
    """
    root, strays = workplace.data_root, Strays()
    match config:
        case ImageNet():
            return _classified(config, _imagenet(root, strays), strays)
        case ImageFolder():
            found = class_folders(root, folder_below(root, config.folder), config.test_fraction, strays)
            return _classified(config, found, strays)
        case Coco():
            train = coco_segmentation(root, "train2017", training=True, strays=strays)
            test = coco_segmentation(root, "val2017", training=False, strays=strays)
            train_names, test_names = as_names(list(train.names)), as_names(list(test.names))
            refuse_copies(find_copies(root, train_names, test_names), train_names, test_names)
            listing = Listing(VOC_NAMES, ("coco/train2017", "coco/val2017"), notes=_once(train.notes + test.notes))
            return _segmented(config, train, test, listing, strays)
        case Voc():
            trained, tested = voc_segmentation(workplace)
            copied = warn_of_copies(find_copies(root, trained.names, tested.names), trained.names, tested.names)
            return _segmented(config, trained, tested, Listing(VOC_NAMES, VOC_SOURCES, warnings=copied), strays)
        case MaskFolder():
            folder, values = folder_below(root, config.folder), MaskValues(config.classes, config.ignore_index)
            folders = mask_folders(root, folder, values, config.test_fraction, strays)
            names = numbered(config.classes)
            listing = Listing(names, folders.sources, notes=folders.notes, own_classes=True)
            return _segmented(config, folders.train, folders.test, listing, strays)


def _imagenet(root: Path, strays: Strays) -> ClassFolders:
    train, test = root / "imagenet" / "train", root / "imagenet" / "val"
    if not (train.is_dir() and test.is_dir()):
        raise DataMissing(
            f"ImageNet is not in the data folder {root}: imagenet/train and imagenet/val are looked for.",
            "Unpack both archives there, a folder for each class, as torchvision.datasets.ImageNet does.",
        )
    view = Folder(root, [train, test], strays)
    names = class_names(view, train)
    if len(names) != IMAGENET_CLASSES:
        raise RunError(
            f"imagenet/train has {len(names)} class folders, and ImageNet has {IMAGENET_CLASSES} classes.",
            'For a part of ImageNet choose data.kind "image-folder" with data.folder "imagenet".',
        )
    tested_names = set(class_names(view, test))
    if tested_names != set(names):
        raise RunError(
            f"imagenet/val has {len(tested_names)} class folders, and they are not those of imagenet/train.",
            "Move its images into a folder for each class, as torchvision.datasets.ImageNet does.",
        )
    numbers = dict(enumerate(names))
    trained, tested = class_files(view, train, numbers), class_files(view, test, numbers)
    return ClassFolders(
        trained,
        tested,
        classes=tuple(names),
        sources=("imagenet/train", "imagenet/val"),
        warnings=warn_of_copies(find_copies(root, trained.names, tested.names), trained.names, tested.names),
    )


def _once(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))


def _classified(config: ImageNet | ImageFolder, found: ClassFolders, strays: Strays) -> FileSets:
    side = config.size
    testing = ResizeCenterCrop(resize=round(side * 8 / 7), side=side)
    training = RandomResizedCrop(side) if config.augment else testing
    notes = (*found.notes, *searched_in_part(len(found.train), len(found.test)))
    listing = Listing(found.classes, found.sources, strays.found(), notes, found.warnings, own_classes=True)
    return FileSets(found.train, found.test, listing, training, testing, (3, side, side))


def _segmented(
    config: SegmentationConfig, train: FileDataset, test: FileDataset, listing: Listing, strays: Strays
) -> FileSets:
    testing = Resize(config.resize)
    training = RandomScaleCrop(config.resize, config.crop) if config.augment else testing
    notes = (*listing.notes, *searched_in_part(len(train), len(test)))
    listing = replace(listing, passed_over=strays.found(), notes=notes)
    return FileSets(train, test, listing, training, testing, (3, config.crop, config.crop))


def build_datasets(
    sets: FileSets, parts: Sequence[FileDataset], feed: Feed, device: torch.device, processes: int
) -> list[ImageSet]:
    """These samples as sets that batches are drawn from: held on the device, or read as they are needed.

    Args:
        parts: the training samples first.
        processes: that read; 0: the training process does.

    Raises:
        DataDamaged: a file cannot be decoded.
    """
    if feed == "memory" or (feed == "auto" and _decoded_bytes(parts) <= MEMORY_BYTES):
        varied = sets.training is not sets.testing
        show = [decoded_dataset if varied and index == 0 else resized_dataset for index in range(len(parts))]
        transforms = [sets.training if index == 0 else sets.testing for index in range(len(parts))]
        return [
            make(part, transform, sets.shape, device)
            for make, part, transform in zip(show, parts, transforms, strict=True)
        ]
    named = {f"{index}": (part, sets.testing) for index, part in enumerate(parts)}
    stream = Stream({**named, "varied": (parts[0], sets.training)}, processes=processes, device=device)
    return [StreamedDataset(stream, name, "varied", len(part), sets.shape) for name, (part, _) in named.items()]


def loader_processes(workplace: Workplace, device: torch.device) -> int:
    """How many processes decode ahead of training.

    On a CPU one a thread that torch may use; with a single one, reading and training take turns. Beside a GPU, whose
    training takes few processors, the run's share of them whatever torch's threads are.
    """
    if workplace.loaders is not None:
        return workplace.loaders
    if device.type != "cpu":
        return min(usable_processors(), MOST_PROCESSES_FOR_A_GPU)
    threads = torch.get_num_threads()
    return 0 if threads == 1 else min(threads, MOST_PROCESSES, usable_processors())


def _decoded_bytes(parts: Sequence[FileDataset]) -> float:
    """Guessed from the sizes of some images, a byte a channel and one for the mask."""
    total = 0.0
    for part in parts:
        step = max(1, len(part) // _SIZES_LOOKED_AT)
        sizes = [part.size(index) for index in range(0, len(part), step)]
        total += len(part) * sum(height * width * 4 for height, width in sizes) / len(sizes)
    return total
