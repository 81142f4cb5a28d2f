"""What a run file says of itself and its run, and the bounds that keep a hostile one harmless."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

FORMAT = "neq-run"
VERSION = 2
"""Until 1 the first array of an epoch was φ; since then it is 1 − φ, unless the line says otherwise."""

HEADER_NAME = "run.json"
LARGEST_HEADER = 4_000_000
LARGEST_EVENTS = 128_000_000
LARGEST_ARRAYS = 2_000_000_000
"""Bytes of one part's lines and arrays, unpacked: far above any network, far below a machine's memory."""
LINES_A_PART = 500


class RunFileBroken(Exception):
    """The file is no run file, is damaged, or was made to harm; the message says which and what to do."""


class _Strict(BaseModel):
    # Unknown fields are passed over: a later version of the same format may tell more.
    model_config = ConfigDict(frozen=True, extra="ignore")


class RunHeader(_Strict):
    """The run that was recorded, as it stood when the file was written."""

    id: str = Field(max_length=40)
    name: str = Field(max_length=1_000)
    notes: str = Field(default="", max_length=100_000)
    tags: tuple[str, ...] = Field(default=(), max_length=100)
    source: Literal["launched", "external"] = "launched"
    group: str | None = Field(default=None, max_length=100)
    config: dict[str, Any] = Field(
        description="The RunConfig that it was launched with; of an external run whatever its script said."
    )
    epochs_planned: int | None = Field(ge=1, le=10_000_000)
    state: str = Field(max_length=20)
    reason: str | None = None
    device: str | None = None
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None


class FileHeader(_Strict):
    """The member `run.json`."""

    format: Literal["neq-run"] = "neq-run"
    version: int = VERSION
    program: str = Field(max_length=100, description="The version of NEq that wrote the file.")
    run: RunHeader


def part_names(number: int) -> tuple[str, str]:
    """The members of part `number`: its events as lines, and the arrays of its last one."""
    return f"parts/{number:06d}.jsonl", f"parts/{number:06d}.arrays"
