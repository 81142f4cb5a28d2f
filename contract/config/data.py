"""What a network may learn from."""

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, get_args

from pydantic import ConfigDict, Field, StringConstraints

from contract.base import ConfigModel
from contract.config.discovery import discovered
from contract.former_names import FormerName
from contract.plugins import OwnData

Task = Literal["classification", "segmentation"]
"""What is asked of a network: one class an image, or one class a pixel."""


class DataPart(ConfigModel):
    """What every kind of data has."""

    task: ClassVar[Task] = "classification"


class FashionMnistMini(DataPart):
    """Fashion-MNIST, the first 1,000 training and 200 test images of each class; comes with the program."""

    model_config = ConfigDict(title="Fashion-MNIST, 12,000 images (bundled)")
    kind: Literal["fashion-mnist-mini"] = "fashion-mnist-mini"
    train_samples: int = Field(
        default=6_000,
        ge=100,
        le=10_000,
        title="Training images",
        description="How many are used, the probe set included. Classes stay balanced.",
        json_schema_extra={"unit": "images"},
    )


TrainSamples = Annotated[
    int | None,
    Field(
        ge=20,
        title="Training images",
        description="How many are used, the probe set included. Empty: all of them.",
        json_schema_extra={"unit": "images"},
    ),
]
TestSamples = Annotated[
    int | None,
    Field(
        ge=10,
        title="Test images",
        description="How many are looked at after each epoch, classes balanced. Empty: all of them.",
        json_schema_extra={"unit": "images", "advanced": True},
    ),
]
Augment = Annotated[
    bool,
    Field(
        title="Augment",
        description="Vary the training images at random, as the paper's recipes do. Off: they are seen as in testing.",
    ),
]
Side = Annotated[
    int,
    Field(
        title="Side",
        description="Height and width that the network sees.",
        json_schema_extra={"unit": "px"},
    ),
]
FolderName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=120, pattern=r"^[^./\\:\x00-\x1f][^/\\:\x00-\x1f]*$"),
    Field(
        title="Folder",
        description="Its name in the worker's data folder (NEQ_DATA_ROOT): a name alone, no path.",
    ),
]
TestShare = Annotated[
    float,
    Field(
        gt=0,
        le=0.5,
        title="Test share",
        description="Of the images, where the folder has none set apart for testing; the same ones in every run.",
        json_schema_extra={"step": 0.05},
    ),
]


class TorchvisionData(DataPart):
    """What the sets of small images share that torchvision reads from the data folder."""

    train_samples: TrainSamples = None
    augment: Augment = True
    test_samples: TestSamples = None


class FashionMnist(TorchvisionData):
    """Fashion-MNIST whole: 60,000 + 10,000 grey images of 28 × 28, from the data folder; varied by small shifts."""

    model_config = ConfigDict(title="Fashion-MNIST, 70,000 images")
    kind: Literal["fashion-mnist"] = "fashion-mnist"


class Mnist(TorchvisionData):
    """Handwritten digits: 60,000 + 10,000 grey images of 28 × 28, from the data folder; varied by small shifts."""

    model_config = ConfigDict(title="MNIST")
    kind: Literal["mnist"] = "mnist"


class Cifar10(TorchvisionData):
    """CIFAR-10, the paper's main set: 50,000 + 10,000 colour images of 32 × 32; varied by shifts and mirror images."""

    model_config = ConfigDict(title="CIFAR-10")
    kind: Literal["cifar10"] = "cifar10"


class Cifar100(TorchvisionData):
    """CIFAR-100: 50,000 + 10,000 colour images of 32 × 32 in 100 classes; varied by shifts and mirror images."""

    model_config = ConfigDict(title="CIFAR-100")
    kind: Literal["cifar100"] = "cifar100"


class FileData(DataPart):
    """What the sets share that lie in the data folder as an image a file."""

    train_samples: TrainSamples = None
    augment: Augment = True
    test_samples: TestSamples = None
    loading: Annotated[Literal["auto", "memory", "stream"], FormerName("feed")] = Field(
        default="auto",
        title="Feed",
        description=(
            "memory: all images are decoded once and wait on the training device; stream: they are read from their "
            "files in every epoch; auto: memory up to 2 GiB of pixels."
        ),
        json_schema_extra={"advanced": True},
    )


class ImageNet(FileData):
    """ImageNet of 2012, 1,000 classes: `imagenet/train/CLASS` and `imagenet/val/CLASS` in the data folder.

    Varied by crops of random size and mirror images; in testing the middle is seen.
    """

    model_config = ConfigDict(title="ImageNet")
    kind: Literal["imagenet"] = "imagenet"
    size: Annotated[Side, Field(ge=32, le=1024)] = 224


class ImageFolder(FileData):
    """Your own images: a folder for each class, below `train` and `val` (or `test`) or in the folder itself.

    Varied by crops of random size and mirror images; in testing the middle is seen.
    """

    model_config = ConfigDict(title="Folder of images")
    kind: Literal["image-folder"] = "image-folder"
    folder: FolderName
    size: Annotated[Side, Field(ge=8, le=1024)] = 224
    test_share: TestShare = 0.2


class SegmentationData(FileData):
    """What the sets share whose every pixel is labelled."""

    task: ClassVar[Task] = "segmentation"
    resize: int = Field(
        default=520,
        ge=16,
        le=2048,
        title="Shorter side",
        description="That images are scaled to for testing; in training to 0.5 – 2 times as much at random.",
        json_schema_extra={"unit": "px"},
    )
    crop: int = Field(
        default=480,
        ge=16,
        le=2048,
        title="Crop",
        description="Side of the square that is cut out for training.",
        json_schema_extra={"unit": "px"},
    )


class Coco(SegmentationData):
    """COCO of 2017 in the 21 classes of VOC, as torchvision reduces it: `coco/train2017`, `val2017`, `annotations`."""

    model_config = ConfigDict(title="COCO, 21 classes (segmentation)")
    kind: Literal["coco"] = "coco"


class Voc(SegmentationData):
    """Pascal VOC of 2012, 21 classes: `VOCdevkit/VOC2012` in the data folder."""

    model_config = ConfigDict(title="Pascal VOC (segmentation)")
    kind: Literal["voc"] = "voc"


class MaskFolder(SegmentationData):
    """Your own scenes: images in `train` and `val` (or `test`), masks of the same name in `trainannot` and `valannot`.

    A mask is an image of one channel that holds each pixel's class number; 255 stands for none. Where all masks hold 0
    and 255 alone, 255 is class 1.
    """

    model_config = ConfigDict(title="Folder of images and masks (segmentation)")
    kind: Literal["mask-folder"] = "mask-folder"
    folder: FolderName
    classes: Annotated[int, Field(ge=2, le=255, title="Classes")]
    ignore_index: Annotated[int | None, FormerName("unlabelled")] = Field(
        default=None,
        ge=0,
        le=254,
        title="Unlabelled",
        description="A class number that stands for no class and is not counted, beside 255. Empty: there is none.",
    )
    test_share: TestShare = 0.2


class Synthetic(DataPart):
    """Noisy patterns made on the spot, one pattern a class: for trying the system out, in seconds."""

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
        description="Standard deviation, where the pattern's own is 1.",
    )


class SyntheticSegmentation(DataPart):
    """Noisy ellipses on a plain ground, made on the spot, every pixel labelled: for trying segmentation out."""

    model_config = ConfigDict(title="Synthetic scenes (segmentation)")
    task: ClassVar[Task] = "segmentation"
    kind: Literal["synthetic-segmentation"] = "synthetic-segmentation"
    classes: int = Field(default=4, ge=2, le=255, title="Classes", description="The ground is one of them.")
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
        description="Standard deviation, where the pattern's own is 1.",
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
    AnyData = KnownData | OwnData
else:
    AnyData = reduce(or_, discovered(OwnData, get_args(KnownData)), KnownData)

Data = Annotated[AnyData, Field(discriminator="kind", title="Data", description="What the network learns from.")]
