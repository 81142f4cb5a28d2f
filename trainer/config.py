"""RunConfig: everything needed to repeat a run, and nothing about who watches it.

The API's body, the browser's form (drawn from `RunConfig.model_json_schema()`), the command line's flags, the worker's
input and the archive are all this one model. It imports pydantic alone, so the server and the browser's form know it
without torch.

For the form, a field may carry in `json_schema_extra`: `unit` (shown behind the input), `step` (for number inputs),
`scale: "log"`, `multiline`, `advanced` (folded away at first). A group is a nested model with a title; a choice is a
union told apart by `kind`, whose members carry the `title` that the form's selector shows.
"""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError


class Part(BaseModel):
    """A piece of a run's description: frozen, and closed to fields that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def wrong_field(field: str, message: str) -> PydanticCustomError:
    """An error of a whole model that belongs to one of its fields.

    Args:
        field: dotted path from the model that raises, such as `neq.probe.samples`; error reports add it to the
            location.
        message: what is wrong and what to do, as a sentence without a full stop.
    """
    return PydanticCustomError("wrong_field", "{message}", {"message": message, "field": field})


Tag = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40, pattern=r"^[^,]+$")]
LearningRate = Annotated[float, Field(gt=0, le=10, title="Learning rate", json_schema_extra={"scale": "log"})]
WeightDecay = Annotated[
    float,
    Field(
        ge=0,
        le=1,
        title="Weight decay",
        description="Pull of every weight towards zero. Frozen neurons are spared it.",
        json_schema_extra={"scale": "log"},
    ),
]
Momentum = Annotated[float, Field(ge=0, lt=1, title="Momentum")]
Beta = Annotated[float, Field(ge=0, lt=1)]


# ---------------------------------------------------------------- data


class FashionMnistMini(Part):
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


class TorchvisionData(Part):
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


class Synthetic(Part):
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


Data = Annotated[
    FashionMnistMini | FashionMnist | Mnist | Cifar10 | Synthetic,
    Field(discriminator="kind", title="Data", description="What the network learns from."),
]


# ---------------------------------------------------------------- model

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


# ---------------------------------------------------------------- optimizer and schedule


class Sgd(Part):
    """Stochastic gradient descent with momentum."""

    model_config = ConfigDict(title="SGD")
    kind: Literal["sgd"] = "sgd"
    learning_rate: LearningRate = 0.1
    momentum: Momentum = 0.9
    weight_decay: WeightDecay = 2.5e-3
    nesterov: bool = Field(
        default=False, title="Nesterov", description="Look-ahead momentum; needs a momentum above 0."
    )

    @model_validator(mode="after")
    def _nesterov_needs_momentum(self) -> Self:
        if self.nesterov and self.momentum == 0:
            raise wrong_field("momentum", "Nesterov needs a momentum above 0: raise it or switch Nesterov off")
        return self


class _AdamFields(Part):
    beta1: Beta = Field(default=0.9, title="β₁", description="Memory of the mean of the gradient.")
    beta2: Beta = Field(default=0.999, title="β₂", description="Memory of the gradient's square.")


class Adam(_AdamFields):
    """Adam: every weight has a step size of its own."""

    model_config = ConfigDict(title="Adam")
    kind: Literal["adam"] = "adam"
    learning_rate: LearningRate = 1e-3
    weight_decay: WeightDecay = 0.0


class AdamW(_AdamFields):
    """Adam with weight decay apart from the gradient."""

    model_config = ConfigDict(title="AdamW")
    kind: Literal["adamw"] = "adamw"
    learning_rate: LearningRate = 1e-3
    weight_decay: WeightDecay = 0.01


Optimizer = Annotated[
    Sgd | Adam | AdamW,
    Field(discriminator="kind", title="Optimizer", description="How weights follow their gradients."),
]


class Constant(Part):
    """The same learning rate from the first epoch to the last."""

    model_config = ConfigDict(title="Constant")
    kind: Literal["constant"] = "constant"


class MultiStep(Part):
    """The learning rate falls by a factor at each milestone: the paper's recipe."""

    model_config = ConfigDict(title="Drops at milestones")
    kind: Literal["multistep"] = "multistep"
    milestones: tuple[Annotated[int, Field(ge=1, le=100_000)], ...] = Field(
        default=(12, 26),
        min_length=1,
        max_length=32,
        title="Milestones",
        description="Epochs (counted from 0) that begin with a lower learning rate, in rising order.",
    )
    factor: float = Field(default=0.1, gt=0, lt=1, title="Factor", description="What each drop multiplies by.")

    @model_validator(mode="after")
    def _milestones_rise(self) -> Self:
        if list(self.milestones) != sorted(set(self.milestones)):
            raise wrong_field("milestones", "milestones must rise: put them in order and name each once")
        return self


class Cosine(Part):
    """The learning rate follows half a cosine from its start down to zero."""

    model_config = ConfigDict(title="Cosine")
    kind: Literal["cosine"] = "cosine"


Schedule = Annotated[
    MultiStep | Cosine | Constant,
    Field(
        discriminator="kind",
        title="Learning-rate schedule",
        description="A drop in learning rate is what lets most neurons settle.",
    ),
]


# ---------------------------------------------------------------- NEq


class EquilibriumRule(Part):
    """The paper's rule: a neuron is frozen for the next epoch while its velocity stays below ε."""

    model_config = ConfigDict(title="At equilibrium (|v| < ε)")
    kind: Literal["equilibrium"] = "equilibrium"


class NoRule(Part):
    """Nothing is ever frozen; φ and v are recorded all the same. The baseline to compare with."""

    model_config = ConfigDict(title="Never (plain training)")
    kind: Literal["none"] = "none"


Select = Annotated[
    EquilibriumRule | NoRule,
    Field(discriminator="kind", title="Freeze", description="Which neurons are not updated in the next epoch."),
]


class SplitProbe(Part):
    """Images held back from the training set, the same number of each class."""

    model_config = ConfigDict(title="Held back from the training set")
    kind: Literal["split"] = "split"
    samples: int = Field(
        default=200,
        ge=1,
        le=100_000,
        title="Probe images",
        description="At least one a class is advised. More cost time at the end of each epoch and change little.",
        json_schema_extra={"unit": "images"},
    )


class NEqConfig(Part):
    """How equilibrium is measured and what follows from it."""

    model_config = ConfigDict(title="Equilibrium")
    epsilon: float = Field(
        default=1e-3,
        ge=0,
        le=4,
        title="Threshold ε",
        description=(
            "A neuron counts as settled while its velocity |v| is below this. Larger freezes more and sooner; "
            "at 0 nothing freezes. The paper uses 0.001."
        ),
        json_schema_extra={"scale": "log"},
    )
    mu: float = Field(
        default=0.5,
        ge=0,
        le=0.5,
        title="Memory μ",
        description="How much of the previous velocity enters the new one: v = Δφ − μ · v before. The paper uses 0.5.",
        json_schema_extra={"step": 0.05},
    )
    select: Select = EquilibriumRule()
    probe: Annotated[SplitProbe, Field(title="Probe set")] = SplitProbe()


# ---------------------------------------------------------------- training


class Training(Part):
    """How long and in what portions."""

    model_config = ConfigDict(title="Training")
    epochs: int = Field(
        default=40,
        ge=1,
        le=100_000,
        title="Epochs",
        description="Passes over the training set.",
        json_schema_extra={"unit": "epochs"},
    )
    batch_size: int = Field(default=100, ge=1, le=65_536, title="Batch size", json_schema_extra={"unit": "images"})
    seed: int = Field(
        default=0,
        ge=0,
        le=2**31 - 1,
        title="Seed",
        description=(
            "Initial weights, order of the data and probe set follow from it. Comparing masks needs equal seeds."
        ),
    )


class Compute(Part):
    """What the run asks of the machine; a worker that cannot give it says so."""

    model_config = ConfigDict(title="Compute")
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", title="Device", description="auto: a GPU where there is one, else the CPU."
    )


class RunConfig(Part):
    """One run: what is trained on what, how, and when its neurons count as settled."""

    model_config = ConfigDict(title="Run")
    name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=120)] = Field(
        default="", title="Name", description="Empty: a name is made from the choices below."
    )
    tags: tuple[Tag, ...] = Field(
        default=(), max_length=20, title="Tags", description="Words to find the run by; no commas."
    )
    notes: str = Field(
        default="", max_length=10_000, title="Notes", json_schema_extra={"multiline": True, "advanced": True}
    )
    data: Data = FashionMnistMini()
    model: Model = Cnn()
    optimizer: Optimizer = Sgd()
    schedule: Schedule = MultiStep()
    training: Training = Training()
    neq: NEqConfig = NEqConfig()
    compute: Compute = Compute()

    @model_validator(mode="after")
    def _probe_leaves_images_to_train_on(self) -> Self:
        available = self.data.train_samples
        probe = self.neq.probe.samples
        if available is not None and probe * 2 > available:
            raise wrong_field(
                "neq.probe.samples",
                f"{probe} probe images of {available} leave too few to train on; choose at most {available // 2}",
            )
        return self

    def display_name(self) -> str:
        """The name given, or one made of the choices: `cnn · fashion-mnist-mini · sgd`."""
        return self.name or " · ".join((self.model.kind, self.data.kind, self.optimizer.kind))
