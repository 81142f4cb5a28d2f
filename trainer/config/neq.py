"""How equilibrium is measured and what follows from it."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field

from trainer.config.part import Part


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


ProbeImages = Annotated[
    int,
    Field(
        ge=1,
        le=100_000,
        title="Probe images",
        description="At least one a class is advised. More cost time at the end of each epoch and change little.",
        json_schema_extra={"unit": "images"},
    ),
]


class SplitProbe(Part):
    """Images held back from the training set, the same number of each class."""

    model_config = ConfigDict(title="Held back from the training set")
    kind: Literal["split"] = "split"
    samples: ProbeImages = 200

    def held_back(self, available: int) -> int:
        """How many of so many training images are not trained on."""
        return self.samples


class ShareProbe(Part):
    """A share of the training images, held back, the same number of each class."""

    model_config = ConfigDict(title="A share of the training set")
    kind: Literal["share"] = "share"
    fraction: float = Field(
        default=0.001,
        gt=0,
        le=0.5,
        title="Share",
        description="Of the training images, at least one. The paper's 50 images of CIFAR-10 are 0.001.",
        json_schema_extra={"scale": "log"},
    )

    def held_back(self, available: int) -> int:
        """How many of so many training images are not trained on."""
        return max(1, round(self.fraction * available))


class TestProbe(Part):
    """Images of the test set, the same number of each class; all training images are trained on."""

    __test__ = False  # its name is not that of a test

    model_config = ConfigDict(title="From the test set")
    kind: Literal["test"] = "test"
    samples: ProbeImages = 200

    def held_back(self, available: int) -> int:
        """None: the training set stays whole."""
        return 0


class NoiseProbe(Part):
    """Normal noise with the mean and deviation of the images: what the network makes of nothing in particular."""

    model_config = ConfigDict(title="Noise")
    kind: Literal["noise"] = "noise"
    samples: ProbeImages = 200

    def held_back(self, available: int) -> int:
        """None: the training set stays whole."""
        return 0


class SingleProbe(Part):
    """One training image, held back: the paper's extreme."""

    model_config = ConfigDict(title="A single image")
    kind: Literal["single"] = "single"
    index: int | None = Field(
        default=None,
        ge=0,
        title="Image",
        description="Its place in the training set, from 0. Empty: the seed draws one.",
    )

    def held_back(self, available: int) -> int:
        """That one."""
        return 1


def _split_unless_said(given: Any) -> Any:
    """A probe set without a kind is one that is held back: the only kind of the first descriptions."""
    return {"kind": "split", **given} if isinstance(given, dict) else given


Probe = Annotated[
    SplitProbe | ShareProbe | TestProbe | NoiseProbe | SingleProbe,
    Field(
        discriminator="kind",
        title="Probe set",
        description="The images that φ is measured on, the same in every epoch; the seed draws them.",
    ),
    BeforeValidator(_split_unless_said),
]


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
    probe: Probe = SplitProbe()
