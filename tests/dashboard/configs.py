"""Any valid RunConfig, made from the model itself, so that a field added there is tried here."""

from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from hypothesis import strategies as st
from pydantic import BaseModel, StringConstraints, ValidationError

from contract.config import RunConfig


@st.composite
def run_configs(draw: st.DrawFn) -> RunConfig:
    """Configurations that the server would take."""
    draft = draw(_model(RunConfig))
    parts = ["schedule", "neq", "training", "model", "data"]
    while True:
        try:
            return RunConfig.model_validate(draft)
        except ValidationError as refused:  # fields that exclude each other: those named go back to their defaults
            for problem in refused.errors():
                if not _forget(draft, problem["loc"]):
                    draft.pop(parts.pop(0), None)


def _forget(draft: dict[str, Any], place: tuple[int | str, ...]) -> bool:
    """Takes out what the address leads to; names of variants in it are no keys. Returns whether it leads anywhere."""
    holder, found = draft, None
    for key in place:
        if key in holder:
            found = (holder, key)
            if not isinstance(holder[key], dict):
                break
            holder = holder[key]
    if found is None:
        return False
    del found[0][found[1]]
    return True


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
        several = st.lists(_value(arguments[0], []), min_size=low, max_size=min(high, 6))
        return several if arguments[0] is str else st.one_of(several, several.map(lambda found: sorted(set(found))))
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
        words = words or bool(_limit(metadata, "min_length", 0))
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
