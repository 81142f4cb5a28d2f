"""The networks whose neurons may be watched."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from trainer.config.part import Part

Width = Annotated[int, Field(ge=1, le=16_384)]


class Cnn(Part):
    """Plain convolutions of 3 × 3, each followed by batch norm and ReLU; the image halves after every second one."""

    model_config = ConfigDict(title="Small CNN")
    kind: Literal["cnn"] = "cnn"
    channels: tuple[Width, ...] = Field(
        default=(4, 8, 16, 16, 32, 32, 64, 64),
        min_length=1,
        max_length=24,
        title="Channels",
        description="Output channels of each convolution, from the input on.",
    )
    batch_norm: bool = Field(default=True, title="Batch norm")


class Mlp(Part):
    """Fully connected layers with ReLU between them."""

    model_config = ConfigDict(title="Multi-layer perceptron")
    kind: Literal["mlp"] = "mlp"
    hidden: tuple[Width, ...] = Field(
        default=(256, 256),
        min_length=1,
        max_length=64,
        title="Hidden layers",
        description="Neurons of each hidden layer, from the input on.",
    )
    batch_norm: bool = Field(default=False, title="Batch norm")


class ResNetCifar(Part):
    """The residual network of the paper's CIFAR experiments: three stages of 16, 32 and 64 channels."""

    model_config = ConfigDict(title="ResNet for small images")
    kind: Literal["resnet-cifar"] = "resnet-cifar"
    depth: Literal[20, 32, 44, 56, 110] = Field(
        default=32, title="Depth", description="Layers with weights, the head included. The paper uses 32."
    )


Model = Annotated[
    Cnn | Mlp | ResNetCifar,
    Field(discriminator="kind", title="Model", description="The network whose neurons are watched."),
]
