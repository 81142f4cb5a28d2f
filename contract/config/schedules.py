"""The learning-rate schedules, under the names of torch's schedulers and their arguments."""

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from contract.base import ConfigModel, wrong_field
from contract.former_names import FormerName

Gamma = Annotated[
    float,
    Field(gt=0, lt=1, title="gamma", description="Factor by which each drop multiplies the learning rate."),
    FormerName("factor"),
]
ADVANCED: JsonDict = {"advanced": True}


class Warmed(ConfigModel):
    """A schedule that may begin with a linear warm-up, updated at every optimizer step."""

    warmup: int = Field(
        default=0,
        ge=0,
        le=1_000_000,
        title="LR warm-up",
        description="How long the learning rate rises linearly at the start. 0: no warm-up.",
        json_schema_extra=ADVANCED,
    )
    warmup_unit: Literal["epochs", "steps"] = Field(
        default="epochs",
        title="Warm-up unit",
        description="Unit of the warm-up; a step is one optimizer step.",
        json_schema_extra=ADVANCED,
    )
    warmup_start_factor: Annotated[float, FormerName("warmup_start")] = Field(
        default=0.01,
        gt=0,
        le=1,
        title="Warm-up start factor",
        description="The first step's learning rate, as a fraction of the learning rate.",
        json_schema_extra=ADVANCED,
    )


class Constant(Warmed):
    """The same learning rate from the first epoch to the last."""

    model_config = ConfigDict(title="Constant")
    kind: Literal["constant"] = "constant"


class MultiStep(Warmed):
    """The learning rate is multiplied by gamma at each milestone: the paper's recipe."""

    model_config = ConfigDict(title="MultiStepLR")
    kind: Literal["multistep"] = "multistep"
    milestones: tuple[Annotated[int, Field(ge=1, le=100_000)], ...] = Field(
        default=(12, 26),
        min_length=1,
        max_length=32,
        title="Milestones",
        description="Epochs, counted from 0, at the start of which the learning rate drops; in increasing order.",
    )
    gamma: Gamma = 0.1

    @model_validator(mode="after")
    def _milestones_rise(self) -> Self:
        if list(self.milestones) != sorted(set(self.milestones)):
            raise wrong_field("milestones", "milestones must increase: put them in order and name each once")
        return self


class Step(Warmed):
    """The learning rate is multiplied by gamma every step_size epochs."""

    model_config = ConfigDict(title="StepLR")
    kind: Literal["step"] = "step"
    step_size: Annotated[int, FormerName("every")] = Field(
        default=30,
        ge=1,
        le=100_000,
        title="step_size",
        description="Epochs between drops.",
        json_schema_extra={"unit": "epochs"},
    )
    gamma: Gamma = 0.1


class Cosine(Warmed):
    """The learning rate follows half a cosine from the start, or the end of the warm-up, down to eta_min."""

    model_config = ConfigDict(title="CosineAnnealingLR")
    kind: Literal["cosine"] = "cosine"
    eta_min: Annotated[float, FormerName("lowest")] = Field(
        default=0.0,
        ge=0,
        le=10,
        title="eta_min",
        description="Minimum learning rate, reached at the end.",
        json_schema_extra={"scale": "log", **ADVANCED},
    )
    interval: Annotated[Literal["epoch", "step"], FormerName("moves")] = Field(
        default="epoch",
        title="Update every",
        description="Whether the learning rate is updated every epoch or every optimizer step.",
        json_schema_extra=ADVANCED,
    )


class Polynomial(Warmed):
    """The learning rate decays to zero as a power of the remaining fraction of the run, updated at every step."""

    model_config = ConfigDict(title="PolynomialLR")
    kind: Literal["polynomial"] = "polynomial"
    power: float = Field(default=0.9, gt=0, le=10, title="Power", description="1: linear decay.")


class OneCycle(ConfigModel):
    """The learning rate rises to its value and then decays to almost zero, updated at every step."""

    model_config = ConfigDict(title="OneCycleLR")
    kind: Literal["one-cycle"] = "one-cycle"
    pct_start: Annotated[float, FormerName("rise")] = Field(
        default=0.3,
        gt=0,
        lt=1,
        title="pct_start",
        description="Fraction of the run during which the learning rate rises.",
    )
    anneal_strategy: Annotated[Literal["cosine", "linear"], FormerName("curve", values=(("line", "linear"),))] = Field(
        default="cosine",
        title="anneal_strategy",
        description="Shape of the rise and of the decay.",
        json_schema_extra=ADVANCED,
    )
    div_factor: Annotated[float, FormerName("start_divisor")] = Field(
        default=25.0,
        ge=1,
        le=1e9,
        title="div_factor",
        description="The first step's learning rate is the learning rate divided by this.",
        json_schema_extra=ADVANCED,
    )
    final_div_factor: Annotated[float, FormerName("end_divisor")] = Field(
        default=1e4,
        ge=1,
        le=1e12,
        title="final_div_factor",
        description="The last step's learning rate is the first one's divided by this.",
        json_schema_extra=ADVANCED,
    )


Schedule = Annotated[
    MultiStep | Step | Cosine | Polynomial | OneCycle | Constant,
    Field(
        discriminator="kind",
        title="Learning-rate schedule",
        description="How the learning rate changes over the run. Most neurons reach equilibrium after a drop.",
    ),
]
