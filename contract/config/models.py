"""The networks that can be trained."""

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, get_args

from pydantic import ConfigDict, Field

from contract.base import ConfigModel
from contract.config.data import Task
from contract.config.discovery import discovered
from contract.config.torchvision_names import Classifier, Segmenter
from contract.former_names import FormerName
from contract.plugins import ModelPlugin

Width = Annotated[int, Field(ge=1, le=16_384)]


class ModelPart(ConfigModel):
    """What every kind of network has."""

    task: ClassVar[Task] = "classification"

    @property
    def label(self) -> str:
        """A word for it in the name of a run."""
        return str(getattr(self, "kind", ""))


class Cnn(ModelPart):
    """3 × 3 convolutions, each followed by batch norm and ReLU; the resolution halves after every second one."""

    model_config = ConfigDict(title="Small CNN")
    kind: Literal["cnn"] = "cnn"
    channels: tuple[Width, ...] = Field(
        default=(4, 8, 16, 16, 32, 32, 64, 64),
        min_length=1,
        max_length=24,
        title="Channels",
        description="Output channels of each convolution, from input to output.",
    )
    batch_norm: bool = Field(default=True, title="Batch norm")


class Mlp(ModelPart):
    """Fully connected layers with ReLU between them."""

    model_config = ConfigDict(title="Multi-layer perceptron")
    kind: Literal["mlp"] = "mlp"
    hidden: tuple[Width, ...] = Field(
        default=(256, 256),
        min_length=1,
        max_length=64,
        title="Hidden layers",
        description="Width of each hidden layer, from input to output.",
    )
    batch_norm: bool = Field(default=False, title="Batch norm")


class ResNetCifar(ModelPart):
    """The residual network of the paper's CIFAR experiments: three stages of 16, 32 and 64 channels."""

    model_config = ConfigDict(title="ResNet for small images")
    kind: Literal["resnet-cifar"] = "resnet-cifar"
    depth: Literal[20, 32, 44, 56, 110] = Field(
        default=32, title="Depth", description="Number of layers with weights, including the head. The paper uses 32."
    )

    @property
    def label(self) -> str:
        """Such as `resnet32`."""
        return f"resnet{self.depth}"


class TorchvisionClassifier(ModelPart):
    """Any of torchvision's classification networks: ResNet, Swin, ViT, ConvNeXt, EfficientNet, VGG and others."""

    model_config = ConfigDict(title="torchvision, classification")
    kind: Literal["torchvision"] = "torchvision"
    name: Classifier = Field(default="resnet18", title="Network", description="Its name in torchvision.")
    weights: Literal["none", "default"] = Field(
        default="none",
        title="Pretrained weights",
        description=(
            "none: random initialisation. default: torchvision's best weights, from the worker's data folder or, if "
            "the worker allows it, downloaded; the head is new where the classes differ."
        ),
    )
    input_size: int | None = Field(
        default=None,
        ge=8,
        le=2048,
        title="Input size",
        description="Images are resized to this height and width before the forward pass. Empty: they are not resized.",
        json_schema_extra={"unit": "px"},
    )

    @property
    def label(self) -> str:
        """torchvision's own name."""
        return self.name


class TorchvisionSegmenter(ModelPart):
    """Any of torchvision's segmentation networks: DeepLabv3, FCN and LR-ASPP."""

    model_config = ConfigDict(title="torchvision, segmentation")
    task: ClassVar[Task] = "segmentation"
    kind: Literal["torchvision-segmentation"] = "torchvision-segmentation"
    name: Segmenter = Field(default="deeplabv3_resnet50", title="Network", description="Its name in torchvision.")
    weights: Literal["none", "backbone", "default"] = Field(
        default="none",
        title="Pretrained weights",
        description=(
            "none: random initialisation. backbone: backbone trained on ImageNet. default: whole network trained on "
            "COCO. From the worker's data folder or, if the worker allows it, downloaded."
        ),
    )
    aux_loss: Annotated[bool, FormerName("auxiliary")] = Field(
        default=True,
        title="Auxiliary loss",
        description="Train an auxiliary head in mid-network, whose loss counts half; LR-ASPP has none.",
        json_schema_extra={"advanced": True},
    )
    aux_lr_multiplier: Annotated[float, FormerName("auxiliary_rate")] = Field(
        default=1.0,
        gt=0,
        le=1000,
        title="Auxiliary head's LR multiplier",
        description="Multiplies the learning rate of the auxiliary head; torchvision and the paper use 10.",
        json_schema_extra={"advanced": True},
    )

    @property
    def label(self) -> str:
        """torchvision's own name."""
        return self.name


KnownModel = Cnn | Mlp | ResNetCifar | TorchvisionClassifier | TorchvisionSegmenter

if TYPE_CHECKING:
    AnyModel = KnownModel | ModelPlugin
else:
    AnyModel = reduce(or_, discovered(ModelPlugin, get_args(KnownModel)), KnownModel)

Model = Annotated[
    AnyModel, Field(discriminator="kind", title="Model", description="The network that is trained and measured.")
]
