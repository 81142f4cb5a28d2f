"""The body that tells what a run found in its data."""

from pydantic import Field

from contract.data_report import DataFound
from server.schemas import Answer


class RunData(Answer):
    """What a run found in its data."""

    data: DataFound | None = Field(
        description="Null before the run has started, and for runs recorded by a version without it."
    )
