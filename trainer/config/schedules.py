"""How the learning rate may fall."""

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from trainer.config.part import Part, wrong_field


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
