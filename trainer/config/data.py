"""What a network may learn from."""

from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

from trainer.config.part import Part

Task = Literal["classification", "segmentation"]
"""What is asked of a network: one class an image, or one class a pixel."""


class DataPart(Part):
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


class TorchvisionData(DataPart):
    """What the sets that torchvision reads from the data folder share."""

    train_samples: int | None = Field(
        default=None,
        ge=100,
        title="Training images",
        description="How many are used, the probe set included. Empty: all of them.",
        json_schema_extra={"unit": "images"},
    )
    augment: bool = Field(
        default=True,
        title="Augment",
        description="Random shifts (and, for CIFAR-10, mirror images) of the training images.",
    )


class FashionMnist(TorchvisionData):
    """Fashion-MNIST whole: 60,000 + 10,000 grey images of 28 × 28, from the data folder."""

    model_config = ConfigDict(title="Fashion-MNIST, 70,000 images")
    kind: Literal["fashion-mnist"] = "fashion-mnist"


class Mnist(TorchvisionData):
    """Handwritten digits: 60,000 + 10,000 grey images of 28 × 28, from the data folder."""

    model_config = ConfigDict(title="MNIST")
    kind: Literal["mnist"] = "mnist"


class Cifar10(TorchvisionData):
    """CIFAR-10, the paper's main set: 50,000 + 10,000 colour images of 32 × 32, from the data folder."""

    model_config = ConfigDict(title="CIFAR-10")
    kind: Literal["cifar10"] = "cifar10"


class Synthetic(DataPart):
    """Noisy patterns made on the spot, one pattern a class: for trying the system out, in seconds."""

    model_config = ConfigDict(title="Synthetic patterns")
    kind: Literal["synthetic"] = "synthetic"
    classes: int = Field(default=10, ge=2, le=1000, title="Classes")
    channels: int = Field(default=1, ge=1, le=16, title="Channels")
    size: int = Field(
        default=16,
        ge=4,
        le=256,
        title="Side",
        description="Height and width.",
        json_schema_extra={"unit": "px"},
    )
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
    size: int = Field(
        default=32,
        ge=8,
        le=512,
        title="Side",
        description="Height and width.",
        json_schema_extra={"unit": "px"},
    )
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


Data = Annotated[
    FashionMnistMini | FashionMnist | Mnist | Cifar10 | Synthetic | SyntheticSegmentation,
    Field(discriminator="kind", title="Data", description="What the network learns from."),
]
