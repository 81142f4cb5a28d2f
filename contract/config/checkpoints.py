"""From where a run can be forked later."""

from typing import Annotated

from pydantic import ConfigDict, Field

from contract.base import ConfigModel
from contract.former_names import FormerName


class Checkpoints(ConfigModel):
    """From where a run can be forked later; it goes on from its newest checkpoint in any case."""

    model_config = ConfigDict(title="Checkpoints")
    every_n_epochs: Annotated[int | None, FormerName("every")] = Field(
        default=None,
        ge=1,
        le=100_000,
        title="Keep every",
        description="Checkpoints that stay, to fork the run from, besides the last and the best; empty: no others.",
        json_schema_extra={"unit": "epochs", "advanced": True},
    )
