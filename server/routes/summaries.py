"""What runs have in common: how many there are of those that are asked for, and what groups of them come to."""

from collections.abc import Sequence
from typing import Annotated, Any, get_args

from fastapi import APIRouter, Query, Response

from contract.filters import LONGEST_FIELDS, LONGEST_SORT, Field, SettingField, SortKey
from server import schemas
from server.filters import read_named, read_order, subject_of
from server.grouping import Groups, in_order, sorted_by
from server.repetitions import repetitions
from server.routes.dependencies import EVERYWHERE, INVALID, TheStore, invalid_query
from server.routes.narrowing import Narrowed
from server.serializers import json_answer

router = APIRouter(prefix="/runs", tags=["runs"], responses=EVERYWHERE | INVALID)

MOST_BY = 4
MOST_GROUPS = 500
MOST_PASSED_OVER = 10_000_000
SIZE = SettingField("runs")
"""In an order: how many runs a group has. A setting of that name can be a column, and is then meant."""
By = Query(
    max_length=LONGEST_FIELDS,
    min_length=1,
    pattern=r"^[^\x00]*$",
    description=f"Fields of the filter language between commas, at most {MOST_BY}.",
    examples=["neq.epsilon,optimizer.kind"],
)
Fields = Query(
    max_length=LONGEST_FIELDS,
    pattern=r"^[^\x00]*$",
    description="Fields between commas, at most 50: each group then has their `cells`.",
    examples=["metric.val/accuracy.best"],
)
Sort = Query(
    max_length=LONGEST_SORT,
    pattern=r"^[^\x00]*$",
    description="Fields between commas, the first decisive, `runs` is the number of runs; with a minus in front the "
    "greatest mean comes first. Default: by the fields that are grouped by.",
    examples=["-metric.val/accuracy.best", "-runs"],
)


@router.get("/counts", response_model=schemas.RunCounts)
def count_runs(store: TheStore, narrowed: Narrowed) -> Response:
    """How many runs there are in each state, of those that are asked for as in the list of runs."""
    found = store.count_states(**narrowed)
    counts = {state: found.get(state, 0) for state in get_args(schemas.State)}
    return json_answer(counts | {"total": sum(found.values())})


@router.get("/grouped", response_model=schemas.RunGroups)
def group_runs(
    store: TheStore,
    narrowed: Narrowed,
    by: Annotated[str, By],
    fields: Annotated[str | None, Fields] = None,
    sort: Annotated[str | None, Sort] = None,
    state: Annotated[schemas.State | None, Query(description="Only runs in this state.")] = None,
    offset: Annotated[int, Query(ge=0, le=MOST_PASSED_OVER, description="How many groups to pass over.")] = 0,
    limit: Annotated[int, Query(ge=1, le=MOST_GROUPS, description="Groups a page.")] = 50,
) -> Response:
    """Groups of the runs that match, with the mean and the deviation of numbers, and other values that all have.

    Of a run and those that continue it with the same settings but for the number of epochs, the newest that has trained
    an epoch of its own counts. Controls are groups of their own, by their kind.
    """
    grouped_by = read_named(by, "by")
    if len(grouped_by) > MOST_BY:
        raise invalid_query("by", f"Group by {MOST_BY} fields at most", by)
    columns = read_named(fields) if fields and fields.strip() else ()
    keys = read_order(sort) if sort and sort.strip() else ()
    more = [key.field for key in keys if key.field not in (*grouped_by, *columns, SIZE)]
    asked = (*columns, *more)
    table = store.value_table([subject_of(field) for field in (*grouped_by, *asked)], **narrowed, state=state)
    groups = Groups(table, grouped_by, asked, repetitions(store))
    order = _order(groups, keys, grouped_by, asked)
    shown = [groups.column(place) for place in range(len(columns))]
    told = [groups.told(group, shown) for group in order[offset : offset + limit]]
    return json_answer({"groups": told, "total": len(order), "matching": len(table.ids)})


def _order(groups: Groups, keys: Sequence[SortKey], by: Sequence[Field], asked: Sequence[Field]) -> list[int]:
    def ranked(field: Field) -> Sequence[Any]:
        if field in by:
            return [key[by.index(field)] for key in groups.keys]
        return sorted_by(groups.column(asked.index(field))) if field in asked else groups.sizes.tolist()

    usual = [*((ranked(field), False) for field in by), (groups.control_names, False)]
    return in_order([*((ranked(key.field), key.descending) for key in keys), *usual], len(groups.keys))
