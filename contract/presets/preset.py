"""What a preset is, and what a publication said of the run that it repeats."""

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, computed_field

from contract.base import FrozenModel, RenamedFieldsModel
from contract.former_names import FormerName


class FullyAnswered(FrozenModel):
    """The API answers with it, every field of it."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)


class Figure(RenamedFieldsModel, FullyAnswered):
    """One row of a published table; null stands for what was not published."""

    kind: Literal["dense", "neq", "random"] = Field(
        description="dense: nothing frozen; random: a matched fraction frozen at random."
    )
    score: float | None = Field(description="0–1, after the last epoch.")
    spread: float | None = Field(default=None, description="One standard deviation over seeds.")
    backward_flops: float | None = Field(
        default=None,
        description="The paper's count for one sample: 2 × MACs × (1 − frozen fraction), summed; no gradient by "
        "inputs.",
    )
    frozen_fraction: Annotated[float | None, FormerName("frozen_share")] = Field(
        default=None, description="Decided at the last epoch's end."
    )

    @computed_field(  # type: ignore[prop-decorator]  # pydantic's own order
        description="The former name of `frozen_fraction`, answered for one release more.",
        json_schema_extra={"deprecated": True},
    )
    @property
    def frozen_share(self) -> float | None:
        """`frozen_fraction`."""
        return self.frozen_fraction


class Published(FullyAnswered):
    """What was published of a run."""

    source: str
    metric: Literal["accuracy", "miou"] = Field(description="accuracy: `test_accuracy`; miou: the score of that name.")
    figures: tuple[Figure, ...]
    frozen_curve: tuple[tuple[int, float], ...] = Field(
        default=(), description="Epoch and frozen fraction, off the published curve."
    )
    differs: str = Field(
        default="", description="How the recipe differs from the published run; empty: not that we know."
    )


@dataclass(frozen=True, slots=True)
class Preset:
    """A named starting point.

    Attributes:
        name: for commands and addresses, such as `demo-sgd`.
        title: for people.
        description: what it shows and how long it takes, in a sentence or two.
        config: the fields of a RunConfig that differ from its defaults.
        published: what was published of this run; a run tells by its `recipe` that it came from here.
    """

    name: str
    title: str
    description: str
    config: dict[str, Any] = field(default_factory=dict)
    published: Published | None = None
