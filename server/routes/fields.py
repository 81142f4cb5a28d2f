"""Fields by which runs are filtered and sorted, for whoever writes a filter."""

from collections import Counter
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from contract.filters import CHOICES, RUN_FIELDS, Field, MetricField, RunField, SettingField, field_text
from db import Store
from db.filters import OfConfig, OfRun
from server import schemas
from server.filters import read_field, subject_of
from server.routes.dependencies import EVERYWHERE, INVALID, TheStore
from server.serializers import json_answer

router = APIRouter(prefix="/fields", tags=["runs"], responses=EVERYWHERE | INVALID)

MOST_FIELDS = 500
MOST_VALUES = 50
_COUNTED = ("choice", "flag", "tags", "text", "number")
"""Kinds of a run's own fields whose values are listed."""
_METRIC = "metric."
_PlainText = Query(max_length=200, pattern=r"^[^\x00]*$")


@router.get("", response_model=schemas.FilterFields)
def list_fields(
    store: TheStore,
    prefix: Annotated[str, _PlainText] = "",
    field: Annotated[
        str | None, Query(max_length=500, pattern=r"^[^\x00]*$", description="List this field's values too.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_FIELDS, description="Settings and metrics, of each.")] = MOST_FIELDS,
) -> Response:
    """Fields that begin with `prefix`, for completing a filter: the run's own, settings and metrics of stored runs."""
    own = [_shown(name, kind, CHOICES.get(name, ())) for name, kind in RUN_FIELDS.items() if name.startswith(prefix)]
    paths = store.setting_paths(prefix.strip("`"), limit + 1)
    names = _metrics(store, prefix, limit + 1)
    settings = [_shown(field_text(SettingField(path)), "setting") for path in paths[:limit]]
    metrics = [_shown(_without_figure(name), "metric") for name in names[:limit]]
    answer = {
        "fields": own + settings + metrics,
        "more": max(len(paths), len(names)) > limit,
        "values": _values(store, read_field(field)) if field else None,
    }
    return json_answer(answer)


def _shown(field: str, kind: str, values: Any = ()) -> dict[str, Any]:
    return {"field": field, "kind": kind, "values": ["true", "false"] if kind == "flag" else list(values)}


def _metrics(store: Store, prefix: str, limit: int) -> list[str]:
    """All while "metric." is being typed, then those that go on as it does."""
    if _METRIC.startswith(prefix):
        return store.metric_names("", limit)
    return store.metric_names(prefix.removeprefix(_METRIC).strip("`"), limit) if prefix.startswith(_METRIC) else []


def _without_figure(name: str) -> str:
    return field_text(MetricField(name, "last")).removesuffix(".last")


def _values(store: Store, field: Field) -> list[dict[str, Any]] | None:
    is_listed = isinstance(field, SettingField) or (isinstance(field, RunField) and RUN_FIELDS[field.name] in _COUNTED)
    subject = subject_of(field)
    if not is_listed or not isinstance(subject, OfConfig | OfRun):
        return None
    counted: Counter[str] = Counter()  # a number and the text that spells it are found by the same filter
    for value, runs in store.frequent_values(subject, MOST_VALUES):
        counted[_text(value)] += runs
    return [{"value": value, "runs": runs} for value, runs in counted.most_common()]


def _text(value: str | float | bool) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else f"{value:.15g}" if float(f"{value:.15g}") == value else repr(value)
