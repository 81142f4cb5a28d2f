"""What recorders of external runs are answered."""

from typing import Literal

from pydantic import Field

from contract.layers import Layer
from server.schemas.base import Answer


class PartTaken(Answer):
    """A part was stored, or was stored already."""

    last_seq: int = Field(description="The recorder's number of the newest stored event.")
    stop_requested: bool = Field(description="Whether somebody asked for the run to stop.")
    heartbeat_seconds: float = Field(description="After so long without a part, send one without events.")


class PartRefused(Answer):
    """A part was not taken."""

    detail: str
    reason: Literal["gap", "ended", "writer"] = Field(
        description="gap: events before it are missing. ended: the run has ended. writer: another recorder holds it."
    )
    last_seq: int


class TakenOver(Answer):
    """Where a run stands that a new recorder takes over."""

    last_seq: int = Field(description="The recorder's number of the newest stored event.")
    last_step: int | None = Field(
        description="The greatest step of what the script logged; the epochs' own figures and `system/` do not count."
    )
    last_sample: int | None = Field(description="The greatest step under `system/`.")
    epochs_done: int
    layers: list[Layer]
