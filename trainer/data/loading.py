"""From a run's description to the sets that it is fed from."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import torch

from contract.config import (
    FashionMnistMini,
    FileData,
    NoiseProbe,
    RunConfig,
    Synthetic,
    SyntheticSegmentation,
    TorchvisionData,
)
from contract.data_report import DataFound
from contract.errors import RunError
from contract.plugins import DatasetPlugin
from trainer.data.datasets.file_dataset import FileDataset
from trainer.data.datasets.images import ImageData, ImageSet, Normalisation, TensorImages
from trainer.data.datasets.probe import choose_probe, noise_images
from trainer.data.datasets.split import stratified_subset
from trainer.data.inspection.inspection import (
    ClassCounts,
    Listing,
    Looks,
    count_arrays,
    count_files,
    look_at_arrays,
    look_at_files,
)
from trainer.data.inspection.report import PARTS, data_found, numbered, refuse_nothing_to_learn
from trainer.data.sources.bundled import CLASSES as FASHION_CLASSES
from trainer.data.sources.bundled import SOURCES as BUNDLED
from trainer.data.sources.bundled import fashion_mnist_mini
from trainer.data.sources.files import NORMALISE, FileConfig, build_datasets, file_sets, loader_processes
from trainer.data.sources.plugins import build_plugin_dataset, copied
from trainer.data.sources.synthetic import synthetic, synthetic_segmentation
from trainer.data.sources.torchvision_sets import TorchvisionConfig, torchvision_folders, torchvision_images
from trainer.engines.device_errors import first_line, is_memory
from trainer.engines.environment import Workplace

Source = TypeVar("Source", TensorImages, FileDataset)
_MADE = ("made by the program", "made by the program")
_PROBE_SOURCES = {"train": "held back from training images", "test": "drawn from test images", "noise": "noise"}
ArrayConfig = FashionMnistMini | TorchvisionConfig | Synthetic | SyntheticSegmentation | DatasetPlugin


def load_data(config: RunConfig, workplace: Workplace, device: torch.device) -> ImageData:
    """The run's training, test and probe images; batches come out on its device.

    Which training images are used is fixed by their number, which of them become the probe set by the seed.

    Raises:
        DataMissing, DataDamaged: the images are not there, or cannot be read.
        RunError: they are not what the run takes them for, or too few for its probe set.
    """
    if isinstance(config.data, FileData):
        return _from_files(config, config.data, workplace, device)
    train, test, listing, known = _arrays(config.data, workplace)
    parts, source = _parts(config, train, test)
    normalise = known or Normalisation.of(parts[0].pixels)
    counts = [count_arrays(part, len(listing.classes)) for part in parts]
    found = _told(config, listing, counts, source, look_at_arrays(parts), all_used=len(train) == _used(config, train))
    with _room_for_images(device, "Choose fewer images in data.train_samples, or smaller ones."):
        sets = [part.to(device) for part in parts]
    return _completed(config, sets, normalise, found)


def _from_files(config: RunConfig, data: FileConfig, workplace: Workplace, device: torch.device) -> ImageData:
    files = file_sets(data, workplace)
    parts, source = _parts(config, files.train, files.test)
    looks = look_at_files(parts)
    if looks.values is not None:
        parts = [part.with_white(looks.values.white) for part in parts]
    with _room_for_images(device, "Set data.loading to stream: images are then read as they are needed."):
        sets = build_datasets(files, parts, data.loading, device, loader_processes(workplace, device))
    segmentation = data.task == "segmentation"
    counts = [count_files(part, len(files.listing.classes), segmentation=segmentation) for part in parts]
    all_used = len(files.train) == _used(config, files.train)
    return _completed(config, sets, NORMALISE, _told(config, files.listing, counts, source, looks, all_used=all_used))


@contextmanager
def _room_for_images(device: torch.device, remedy: str) -> Iterator[None]:
    """Says of a lack of memory that the images are too many for it: smaller batches would not help."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_memory(error):
            raise
        owner = "machine" if device.type == "cpu" else "GPU"
        raise RunError(f"The images do not fit into the {owner}'s memory: {first_line(error)}", remedy) from error


def _told(
    config: RunConfig, listing: Listing, counts: list[ClassCounts], source: str, looks: Looks, *, all_used: bool
) -> DataFound:
    """What was found, where anything can be learnt from it."""
    refuse_nothing_to_learn(listing, counts[0], counts[1], all_used=all_used)
    if len(counts) < len(PARTS):  # noise is of no class
        samples = config.neq.probe.samples if isinstance(config.neq.probe, NoiseProbe) else 0
        counts = [*counts, ClassCounts(samples, torch.zeros_like(counts[0].shown))]
    return data_found(listing, counts, source, looks)


def _completed(config: RunConfig, sets: Sequence[ImageSet], normalise: Normalisation, found: DataFound) -> ImageData:
    """The sets with a probe set of noise, where the run asks for one."""
    device, every = sets[0].device, list(sets)
    if isinstance(config.neq.probe, NoiseProbe):
        noise = noise_images(config.neq.probe.samples, sets[0].shape, normalise, config.training.seed)
        every.append(noise.to(device))
    train, test, probe = every
    return ImageData(train, test, probe, found.class_count, normalise.to(device), task=config.data.task, found=found)


def _used(config: RunConfig, train: TensorImages | FileDataset) -> int:
    """Training images that the run uses, the probe set included."""
    wanted = config.data.train_samples
    return len(train) if wanted is None else min(wanted, len(train))


def _parts(config: RunConfig, train: Source, test: Source) -> tuple[list[Source], str]:
    """What is trained on, what is tested on and, where either gives it, the probe set; and where that is from."""
    wanted = config.data.train_samples
    if wanted is not None and wanted < len(train):
        train = train.take(stratified_subset(train.stratify_labels, wanted))
    choice = choose_probe(config.neq.probe, train.stratify_labels, test.stratify_labels, config.training.seed)
    parts = [train.take(choice.train), _looked_at(config, test)]
    if choice.source != "noise":
        parts.append((train if choice.source == "train" else test).take(choice.taken))
    return parts, _PROBE_SOURCES[choice.source]


def _looked_at(config: RunConfig, test: Source) -> Source:
    """The test images that each epoch is judged by."""
    wanted = config.data.test_samples if isinstance(config.data, TorchvisionData | FileData) else None
    return test if wanted is None or wanted >= len(test) else test.take(stratified_subset(test.stratify_labels, wanted))


def _arrays(
    config: ArrayConfig, workplace: Workplace
) -> tuple[TensorImages, TensorImages, Listing, Normalisation | None]:
    """Training images, test images, what is known of them, and constants to normalise by where a set has its own."""
    match config:
        case FashionMnistMini():
            return *fashion_mnist_mini(), Listing(FASHION_CLASSES, BUNDLED), None
        case Synthetic():
            return *synthetic(config), Listing(numbered(config.classes), _MADE), None
        case SyntheticSegmentation():
            return *synthetic_segmentation(config), Listing(numbered(config.classes), _MADE), None
        case DatasetPlugin():
            sets = build_plugin_dataset(config, workplace)
            train, test = (
                TensorImages(sets.train_pixels, sets.train_labels),
                TensorImages(sets.test_pixels, sets.test_labels),
            )
            names = sets.class_names or numbered(sets.classes)
            return (
                train,
                test,
                Listing(names, (config.builder, config.builder), warnings=copied(train.pixels, test.pixels)),
                None,
            )
        case _:
            train, test, names, normalise = torchvision_images(config, workplace)
            # Published as they are: what is in both parts of them is told, and nothing that a person did wrong.
            notes = copied(train.pixels, test.pixels)
            return train, test, Listing(names, torchvision_folders(config), notes=notes), normalise
