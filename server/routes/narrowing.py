"""Which runs a request is about: the parameters that lists, counts and summaries of runs have in common."""

from typing import Annotated, Any, Literal

from fastapi import Depends, Query

from contract.filters import LONGEST_FILTER, RunField, mentions
from db.filters import All, Compared, Filter, OfRun
from server.filters import read_where, stored_filter

PlainText = Query(max_length=200, pattern=r"^[^\x00]*$")
Where = Query(
    max_length=LONGEST_FILTER,
    pattern=r"^[^\x00]*$",
    description="Only runs of which this filter holds, see docs/filters.md.",
    examples=["neq.epsilon <= 0.001 and state = finished"],
)
Archived = Query(description="Runs that were put away, or the others; any: both. Default: no, or as `where` asks.")
MOST_WITHOUT = 500
Without = Query(
    max_length=12 * MOST_WITHOUT,
    pattern=rf"^([a-z0-9]{{1,40}}(,[a-z0-9]{{1,40}}){{0,{MOST_WITHOUT - 1}}})?$",
    description=f"All but the runs of these ids, between commas, at most {MOST_WITHOUT}; a page leaves out what it is "
    "about to delete.",
)
_ARCHIVED = {"no": False, "yes": True, "any": None}


def _narrowed(
    tag: Annotated[str | None, PlainText] = None,
    search: Annotated[str | None, PlainText] = None,
    group: Annotated[str | None, PlainText] = None,
    archived: Annotated[Literal["no", "yes", "any"] | None, Archived] = None,
    where: Annotated[str | None, Where] = None,
    without: Annotated[str | None, Without] = None,
) -> dict[str, Any]:
    tree = read_where(where) if where and where.strip() else None
    asks_archived = tree is not None and mentions(tree, RunField("archived"))
    asked = stored_filter(tree) if tree else None
    return {
        "tag": tag or None,
        "search": search or None,
        "group": group or None,
        "archived": _ARCHIVED[archived or ("any" if asks_archived else "no")],
        "where": _all_but(without.split(","), asked) if without else asked,
    }


def _all_but(ids: list[str], asked: Filter | None) -> Filter:
    others = Compared(OfRun("id"), "not in", tuple(ids))
    return All((asked, others)) if asked else others


Narrowed = Annotated[dict[str, Any], Depends(_narrowed)]
"""The runs that a request is about, in the words of the store's questions; 422 for a filter that cannot be read."""
