"""What every piece of a run's description shares."""

from pydantic import BaseModel, ConfigDict
from pydantic_core import PydanticCustomError


class Part(BaseModel):
    """A piece of a run's description: frozen, and closed to fields that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def wrong_field(field: str, message: str) -> PydanticCustomError:
    """An error of a whole model that belongs to one of its fields.

    Args:
        field: dotted path from the model that raises, such as `neq.probe.samples`; error reports add it to the
            location.
        message: what is wrong and what to do, as a sentence without a full stop.
    """
    return PydanticCustomError("wrong_field", "{message}", {"message": message, "field": field})
