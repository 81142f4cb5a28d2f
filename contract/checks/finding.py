"""What a check finds: a field, and a sentence about it."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, or doubtful, about one field of a run's description.

    Attributes:
        field: dotted path, such as `training.batch_size`; empty: the whole of it.
        message: what it is and what to do about it, in a sentence or two.
    """

    field: str
    message: str

    def to_json(self) -> dict[str, Any]:
        """As the API and the store have it."""
        return asdict(self)
