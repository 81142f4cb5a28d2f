"""The data sets that a network can be trained on."""

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, get_args

from pydantic import ConfigDict, Field, StringConstraints

from contract.base import ConfigModel
from contract.config.discovery import discovered
from contract.former_names import FormerName
from contract.plugins import DatasetPlugin

Task = Literal["classification", "segmentation"]
"""What a network predicts: one class per image, or one class per pixel."""


class DataPart(ConfigModel):
    """What every kind of data has."""

    task: ClassVar[Task] = "classification"


class FashionMnistMini(DataPart):
    """Fashion-MNIST: the first 1,000 training and 200 test images of each class, bundled with the program."""

    model_config = ConfigDict(title="Fashion-MNIST, 12,000 images (bundled)")
    kind: Literal["fashion-mnist-mini"] = "fashion-mnist-mini"
    train_samples: int = Field(
        default=6_000,
        ge=100,
        le=10_000,
        title="Training images",
        description="Number of images used, including the probe set. Classes stay balanced.",
        json_schema_extra={"unit": "images"},
    )


TrainSamples = Annotated[
    int | None,
    Field(
        ge=20,
        title="Training images",
        description="Number of images used, including the probe set. Empty: all of them.",
        json_schema_extra={"unit": "images"},
    ),
]
TestSamples = Annotated[
    int | None,
    Field(
        ge=10,
        title="Test images",
        description="Number of images evaluated after each epoch, balanced over the classes. Empty: all of them.",
        json_schema_extra={"unit": "images", "advanced": True},
    ),
]
Augment = Annotated[
    bool,
    Field(
        title="Augmentation",
        description="Augment training images at random, as in the paper. Off: they are transformed like test images.",
    ),
]
Side = Annotated[
    int,
    Field(
        title="Image size",
        description="Height and width of the network's input.",
        json_schema_extra={"unit": "px"},
    ),
]
FolderName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=120, pattern=r"^[^./\\:\x00-\x1f][^/\\:\x00-\x1f]*$"),
    Field(
        title="Folder",
        description="Name of a folder in the worker's data folder (NEQ_DATA_ROOT); a name, not a path.",
    ),
]
TestFraction = Annotated[
    float,
    FormerName("test_share"),
    Field(
        gt=0,
        le=0.5,
        title="Test fraction",
        description="Fraction of the images for testing if the folder has no test set; the same images in every run.",
        json_schema_extra={"step": 0.05},
    ),
]


class TorchvisionData(DataPart):
    """What the data sets of small images have in common that torchvision reads from the data folder."""

    train_samples: TrainSamples = None
    augment: Augment = True
    test_samples: TestSamples = None


class FashionMnist(TorchvisionData):
    """All of Fashion-MNIST: 60,000 + 10,000 greyscale images of 28 × 28 from the data folder; random crops."""

    model_config = ConfigDict(title="Fashion-MNIST, 70,000 images")
    kind: Literal["fashion-mnist"] = "fashion-mnist"


class Mnist(TorchvisionData):
    """Handwritten digits: 60,000 + 10,000 greyscale images of 28 × 28 from the data folder; random crops."""

    model_config = ConfigDict(title="MNIST")
    kind: Literal["mnist"] = "mnist"


class Cifar10(TorchvisionData):
    """CIFAR-10, the paper's main data set: 50,000 + 10,000 colour images of 32 × 32; random crops and flips."""

    model_config = ConfigDict(title="CIFAR-10")
    kind: Literal["cifar10"] = "cifar10"


class Cifar100(TorchvisionData):
    """CIFAR-100: 50,000 + 10,000 colour images of 32 × 32 in 100 classes; random crops and flips."""

    model_config = ConfigDict(title="CIFAR-100")
    kind: Literal["cifar100"] = "cifar100"


class FileData(DataPart):
    """What the data sets have in common that are folders of image files."""

    train_samples: TrainSamples = None
    augment: Augment = True
    test_samples: TestSamples = None
    loading: Annotated[Literal["auto", "memory", "stream"], FormerName("feed")] = Field(
        default="auto",
        title="Data loading",
        description=(
            "memory: all images are decoded once and kept on the training device. stream: they are read from their "
            "files in every epoch. auto: memory if the decoded images take at most 2 GiB."
        ),
        json_schema_extra={"advanced": True},
    )


class ImageNet(FileData):
    """ImageNet 2012, 1,000 classes: `imagenet/train/CLASS` and `imagenet/val/CLASS` in the data folder.

    Augmented by random resized crops and flips; test images are resized and centre-cropped.
    """

    model_config = ConfigDict(title="ImageNet")
    kind: Literal["imagenet"] = "imagenet"
    size: Annotated[Side, Field(ge=32, le=1024)] = 224


class ImageFolder(FileData):
    """Your own images: one folder per class, in `train` and `val` (or `test`) or directly in the folder.

    Augmented by random resized crops and flips; test images are resized and centre-cropped.
    """

    model_config = ConfigDict(title="Folder of images")
    kind: Literal["image-folder"] = "image-folder"
    folder: FolderName
    size: Annotated[Side, Field(ge=8, le=1024)] = 224
    test_fraction: TestFraction = 0.2


class SegmentationData(FileData):
    """What the segmentation data sets have in common."""

    task: ClassVar[Task] = "segmentation"
    resize: int = Field(
        default=520,
        ge=16,
        le=2048,
        title="Resize",
        description="Shorter side of a test image; training images are resized to 0.5–2 times it at random.",
        json_schema_extra={"unit": "px"},
    )
    crop: int = Field(
        default=480,
        ge=16,
        le=2048,
        title="Crop size",
        description="Height and width of the square that is cropped from each training image.",
        json_schema_extra={"unit": "px"},
    )


class Coco(SegmentationData):
    """COCO 2017, reduced to the 21 classes of VOC as in torchvision: `coco/train2017`, `val2017`, `annotations`."""

    model_config = ConfigDict(title="COCO, 21 classes (segmentation)")
    kind: Literal["coco"] = "coco"


class Voc(SegmentationData):
    """Pascal VOC 2012, 21 classes: `VOCdevkit/VOC2012` in the data folder."""

    model_config = ConfigDict(title="Pascal VOC (segmentation)")
    kind: Literal["voc"] = "voc"


class MaskFolder(SegmentationData):
    """Your own images in `train` and `val` (or `test`), with masks of the same name in `trainannot` and `valannot`.

    A mask is an image of one channel with the class number of each pixel; 255 is ignored. If all masks contain only 0
    and 255, then 255 is class 1.
    """

    model_config = ConfigDict(title="Folder of images and masks (segmentation)")
    kind: Literal["mask-folder"] = "mask-folder"
    folder: FolderName
    classes: Annotated[int, Field(ge=2, le=255, title="Classes")]
    ignore_index: Annotated[int | None, FormerName("unlabelled")] = Field(
        default=None,
        ge=0,
        le=254,
        title="Ignore index",
        description="Pixels of this class number are ignored, as those of 255 are. Empty: 255 alone.",
    )
    test_fraction: TestFraction = 0.2


class Synthetic(DataPart):
    """Noisy patterns, generated when the run starts, one pattern per class: to try the system out within seconds."""

    model_config = ConfigDict(title="Synthetic patterns")
    kind: Literal["synthetic"] = "synthetic"
    classes: int = Field(default=10, ge=2, le=1000, title="Classes")
    channels: int = Field(default=1, ge=1, le=16, title="Channels")
    size: Annotated[Side, Field(ge=4, le=256)] = 16
    train_samples: int = Field(
        default=1000, ge=20, le=1_000_000, title="Training images", json_schema_extra={"unit": "images"}
    )
    test_samples: int = Field(default=200, ge=10, le=100_000, title="Test images", json_schema_extra={"unit": "images"})
    noise: float = Field(
        default=0.5,
        ge=0,
        le=10,
        title="Noise",
        description="Standard deviation of the noise; the pattern's own is 1.",
    )


class SyntheticSegmentation(DataPart):
    """Noisy ellipses on a plain background, generated when the run starts: to try segmentation out."""

    model_config = ConfigDict(title="Synthetic scenes (segmentation)")
    task: ClassVar[Task] = "segmentation"
    kind: Literal["synthetic-segmentation"] = "synthetic-segmentation"
    classes: int = Field(default=4, ge=2, le=255, title="Classes", description="The background is one of them.")
    channels: int = Field(default=3, ge=1, le=16, title="Channels")
    size: Annotated[Side, Field(ge=8, le=512)] = 32
    train_samples: int = Field(
        default=200, ge=20, le=100_000, title="Training images", json_schema_extra={"unit": "images"}
    )
    test_samples: int = Field(default=50, ge=10, le=100_000, title="Test images", json_schema_extra={"unit": "images"})
    noise: float = Field(
        default=0.5,
        ge=0,
        le=10,
        title="Noise",
        description="Standard deviation of the noise; the pattern's own is 1.",
    )


KnownData = (
    FashionMnistMini
    | FashionMnist
    | Mnist
    | Cifar10
    | Cifar100
    | ImageNet
    | ImageFolder
    | Coco
    | Voc
    | MaskFolder
    | Synthetic
    | SyntheticSegmentation
)

if TYPE_CHECKING:
    AnyData = KnownData | DatasetPlugin
else:
    AnyData = reduce(or_, discovered(DatasetPlugin, get_args(KnownData)), KnownData)

Data = Annotated[
    AnyData, Field(discriminator="kind", title="Data", description="The data set that the network is trained on.")
]
