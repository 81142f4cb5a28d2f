"""Pascal VOC's segmentation set, by torchvision's own list of them."""

from pathlib import Path

from contract.errors import DataDamaged, DataMissing
from trainer.data.datasets.file_dataset import MaskFiles, as_names
from trainer.data.sources.masks import MaskValues
from trainer.engines.environment import Workplace

CLASS_NAMES = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "dining table",
    "dog", "horse", "motorbike", "person", "potted plant", "sheep", "sofa", "train", "TV monitor",
)  # fmt: skip
CLASSES = len(CLASS_NAMES)
_FOLDER = Path("VOCdevkit") / "VOC2012"
SOURCES = (f"{_FOLDER}: the list train.txt", f"{_FOLDER}: the list val.txt")
"""Where training and test images come from."""


def voc_segmentation(workplace: Workplace) -> tuple[MaskFiles, MaskFiles]:
    """The training and validation images of 2012.

    Raises:
        DataMissing: they are not there, and may not be, or could not be, downloaded.
        DataDamaged: their lists name no scene.
    """
    root = workplace.data_root
    if not (root / _FOLDER).is_dir():
        if not workplace.may_download:
            raise DataMissing(
                f"Pascal VOC is not in the data folder {root}: {_FOLDER} not found.",
                "Unpack it there, or name the folder that holds VOCdevkit in NEQ_DATA_ROOT, or let the worker fetch it "
                "with NEQ_DOWNLOAD=1.",
            )
        _download(root)
    return _segmentation(root, "train"), _segmentation(root, "val")


def _download(root: Path) -> None:
    from torchvision.datasets import VOCSegmentation  # a second to import, and only this set needs it

    try:
        VOCSegmentation(str(root), year="2012", image_set="train", download=True)
    except (OSError, RuntimeError) as error:
        raise DataMissing(
            f"Pascal VOC is not in the data folder {root} and could not be downloaded: {error}",
            "Check the network, or unpack it there.",
        ) from error


def _segmentation(root: Path, part: str) -> MaskFiles:
    from torchvision.datasets import VOCSegmentation

    try:
        found = VOCSegmentation(str(root), year="2012", image_set=part)
    except (OSError, RuntimeError, ValueError) as error:
        raise DataDamaged(
            f"Pascal VOC's list of images {_FOLDER}/ImageSets/Segmentation/{part}.txt cannot be read.",
            "Unpack VOC into the data folder anew.",
        ) from error
    images, masks = ([str(Path(path).relative_to(root)) for path in paths] for paths in (found.images, found.masks))
    if not images:
        raise DataDamaged(f"Pascal VOC's list {part}.txt names no image.", "Unpack VOC into the data folder anew.")
    return MaskFiles(root, as_names(images), as_names(masks), MaskValues(CLASSES, known_set=True))
