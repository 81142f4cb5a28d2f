"""The images that φ is measured on."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field

from contract.base import ConfigModel
from contract.former_names import FormerName

ProbeImages = Annotated[
    int,
    Field(
        ge=1,
        le=100_000,
        title="Probe images",
        description="At least one per class is advised. More take longer at the end of each epoch and change little.",
        json_schema_extra={"unit": "images"},
    ),
]

_FORMER_KIND = FormerName("kind", values=(("share", "fraction"),))


class SplitProbe(ConfigModel):
    """Images held out from the training set, the same number per class."""

    model_config = ConfigDict(title="Held out from the training set")
    kind: Literal["split"] = "split"
    samples: ProbeImages = 200

    def held_back(self, available: int) -> int:
        """How many of so many training images are not trained on."""
        return self.samples


class FractionProbe(ConfigModel):
    """A fraction of the training images, held out, the same number per class."""

    model_config = ConfigDict(title="A fraction of the training set")
    kind: Annotated[Literal["fraction"], _FORMER_KIND] = "fraction"
    fraction: float = Field(
        default=0.001,
        gt=0,
        le=0.5,
        title="Fraction",
        description="Of the training images; at least one image. The paper's 50 images of CIFAR-10 are 0.001.",
        json_schema_extra={"scale": "log"},
    )

    def held_back(self, available: int) -> int:
        """How many of so many training images are not trained on."""
        return max(1, round(self.fraction * available))


class TestProbe(ConfigModel):
    """Images of the test set, the same number per class; all training images are trained on."""

    __test__ = False  # its name is not that of a test

    model_config = ConfigDict(title="From the test set")
    kind: Literal["test"] = "test"
    samples: ProbeImages = 200

    def held_back(self, available: int) -> int:
        """None: the training set stays whole."""
        return 0


class NoiseProbe(ConfigModel):
    """Gaussian noise with the mean and standard deviation of the images."""

    model_config = ConfigDict(title="Noise")
    kind: Literal["noise"] = "noise"
    samples: ProbeImages = 200

    def held_back(self, available: int) -> int:
        """None: the training set stays whole."""
        return 0


class SingleProbe(ConfigModel):
    """A single training image, held out: the paper's extreme case."""

    model_config = ConfigDict(title="A single image")
    kind: Literal["single"] = "single"
    index: int | None = Field(
        default=None,
        ge=0,
        title="Image",
        description="Its index in the training set, from 0. Empty: drawn with the seed.",
    )

    def held_back(self, available: int) -> int:
        """That one."""
        return 1


def _split_unless_said(given: Any) -> Any:
    """A probe set without a kind is one that is held back: the only kind of the first descriptions."""
    return {**given, "kind": _FORMER_KIND.todays(given.get("kind", "split"))} if isinstance(given, dict) else given


Probe = Annotated[
    SplitProbe | FractionProbe | TestProbe | NoiseProbe | SingleProbe,
    Field(
        discriminator="kind",
        title="Probe set",
        description="The images that φ is measured on, the same in every epoch; they are drawn with the seed.",
    ),
    BeforeValidator(_split_unless_said),
]
