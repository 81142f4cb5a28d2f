"""How long is trained, and on what of the machine."""

from typing import Literal

from pydantic import ConfigDict, Field

from trainer.config.part import Part


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
