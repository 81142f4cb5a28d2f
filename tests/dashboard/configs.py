"""Any valid RunConfig, made from the model itself, so that a field added there is tried here."""

from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from hypothesis import reject
from hypothesis import strategies as st
from pydantic import BaseModel, StringConstraints, ValidationError

from trainer.config import RunConfig


@st.composite
def run_configs(draw: st.DrawFn) -> RunConfig:
    """Configurations that the server would take."""
    try:
        return RunConfig.model_validate(draw(_model(RunConfig)))
    except ValidationError:  # fields that exclude each other
        reject()


def _model(model: type[BaseModel]) -> st.SearchStrategy[dict[str, Any]]:
    fields = {name: _value(field.annotation, field.metadata) for name, field in model.model_fields.items()}
    return st.fixed_dictionaries(fields)


def _value(annotation: Any, metadata: list[Any]) -> st.SearchStrategy[Any]:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        inner = [part for extra in arguments[1:] for part in getattr(extra, "metadata", [extra])]
        return _value(arguments[0], [*metadata, *inner])
    if origin in (Union, UnionType):
        return st.one_of(*(_value(member, metadata) for member in arguments))
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin is tuple:
        low, high = _limit(metadata, "min_length", 0), _limit(metadata, "max_length", 6)
        return st.lists(_value(arguments[0], []), min_size=low, max_size=min(high, 6))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _model(annotation)
    return _plain(annotation, metadata)


def _plain(kind: Any, metadata: list[Any]) -> st.SearchStrategy[Any]:
    if kind is NoneType:
        return st.none()
    if kind is bool:
        return st.booleans()
    if kind is str:
        words = any(isinstance(part, StringConstraints) and part.pattern for part in metadata)
        return st.text("abc µ-7", min_size=1, max_size=8).filter(str.strip) if words else st.text(max_size=40)
    low = _limit(metadata, "ge", _limit(metadata, "gt", None))
    high = _limit(metadata, "le", _limit(metadata, "lt", None))
    if kind is int:
        return st.integers(low, 10**6 if high is None else high)
    return st.floats(
        low,
        high,
        exclude_min=_limit(metadata, "gt", None) is not None,
        exclude_max=_limit(metadata, "lt", None) is not None,
        allow_nan=False,
    )


def _limit(metadata: list[Any], name: str, otherwise: Any) -> Any:
    found = (getattr(part, name, None) for part in metadata)
    return next((limit for limit in found if limit is not None), otherwise)
