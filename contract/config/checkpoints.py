"""Which checkpoints are kept."""

from typing import Annotated

from pydantic import ConfigDict, Field

from contract.base import ConfigModel
from contract.former_names import FormerName


class Checkpoints(ConfigModel):
    """Which checkpoints are kept for forking. A run always resumes from its newest one."""

    model_config = ConfigDict(title="Checkpoints")
    every_n_epochs: Annotated[int | None, FormerName("every")] = Field(
        default=None,
        ge=1,
        le=100_000,
        title="Keep one every",
        description="Besides the last and the best checkpoint, which are always kept. Empty: no others.",
        json_schema_extra={"unit": "epochs", "advanced": True},
    )
