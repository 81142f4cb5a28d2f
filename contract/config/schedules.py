"""How the learning rate may move."""

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from contract.base import ConfigModel, wrong_field
from contract.former_names import FormerName

Gamma = Annotated[
    float,
    Field(gt=0, lt=1, title="gamma", description="Each drop multiplies the learning rate by this."),
    FormerName("factor"),
]
ADVANCED: JsonDict = {"advanced": True}


class Warmed(ConfigModel):
    """A schedule that may begin with a straight rise, moved at every step of the optimizer."""

    warmup: int = Field(
        default=0,
        ge=0,
        le=1_000_000,
        title="Warm-up",
        description="How long the learning rate first rises, in a straight line. 0: it starts at the top.",
        json_schema_extra=ADVANCED,
    )
    warmup_unit: Literal["epochs", "steps"] = Field(
        default="epochs",
        title="Warm-up counts",
        description="What the warm-up is counted in; a step is one move of the optimizer.",
        json_schema_extra=ADVANCED,
    )
    warmup_start_factor: Annotated[float, FormerName("warmup_start")] = Field(
        default=0.01,
        gt=0,
        le=1,
        title="Warm-up starts at",
        description="Share of the learning rate that the first step has.",
        json_schema_extra=ADVANCED,
    )


class Constant(Warmed):
    """The same learning rate from the first epoch to the last."""

    model_config = ConfigDict(title="Constant")
    kind: Literal["constant"] = "constant"


class MultiStep(Warmed):
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
    gamma: Gamma = 0.1

    @model_validator(mode="after")
    def _milestones_rise(self) -> Self:
        if list(self.milestones) != sorted(set(self.milestones)):
            raise wrong_field("milestones", "milestones must rise: put them in order and name each once")
        return self


class Step(Warmed):
    """The learning rate falls by a factor again and again, after the same number of epochs."""

    model_config = ConfigDict(title="Drops at even distances")
    kind: Literal["step"] = "step"
    step_size: Annotated[int, FormerName("every")] = Field(
        default=30,
        ge=1,
        le=100_000,
        title="Every",
        description="Epochs from drop to drop.",
        json_schema_extra={"unit": "epochs"},
    )
    gamma: Gamma = 0.1


class Cosine(Warmed):
    """The learning rate follows half a cosine from its start, or the warm-up's end, down to its lowest."""

    model_config = ConfigDict(title="Cosine")
    kind: Literal["cosine"] = "cosine"
    eta_min: Annotated[float, FormerName("lowest")] = Field(
        default=0.0,
        ge=0,
        le=10,
        title="Lowest",
        description="Learning rate that the curve ends at.",
        json_schema_extra={"scale": "log", **ADVANCED},
    )
    interval: Annotated[Literal["epoch", "step"], FormerName("moves")] = Field(
        default="epoch",
        title="Moves each",
        description="Whether the rate stays for an epoch or moves at every step of the optimizer.",
        json_schema_extra=ADVANCED,
    )


class Polynomial(Warmed):
    """The learning rate falls to zero along a power of what is left of the run, moving at every step."""

    model_config = ConfigDict(title="Polynomial")
    kind: Literal["polynomial"] = "polynomial"
    power: float = Field(default=0.9, gt=0, le=10, title="Power", description="1 is a straight line.")


class OneCycle(ConfigModel):
    """The learning rate rises to its value and falls to next to nothing, moving at every step."""

    model_config = ConfigDict(title="One cycle")
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
        title="Starts at one in",
        description="The first step's rate is the learning rate divided by this.",
        json_schema_extra=ADVANCED,
    )
    final_div_factor: Annotated[float, FormerName("end_divisor")] = Field(
        default=1e4,
        ge=1,
        le=1e12,
        title="Ends at one in",
        description="The last step's rate is the first one's divided by this.",
        json_schema_extra=ADVANCED,
    )


Schedule = Annotated[
    MultiStep | Step | Cosine | Polynomial | OneCycle | Constant,
    Field(
        discriminator="kind",
        title="Learning-rate schedule",
        description="A drop in learning rate is what lets most neurons settle.",
    ),
]
