"""Which runs a request is about: the parameters that lists, counts and summaries of runs have in common."""

from typing import Annotated, Any, Literal

from fastapi import Depends, Query

from contract.filters import LONGEST_FILTER, RunField, mentions
from server.filters import read_where, stored_filter

PlainText = Query(max_length=200, pattern=r"^[^\x00]*$")
Where = Query(
    max_length=LONGEST_FILTER,
    pattern=r"^[^\x00]*$",
    description="Only runs of which this filter holds, see docs/filters.md.",
    examples=["neq.epsilon <= 0.001 and state = finished"],
)
Archived = Query(description="Runs that were put away, or the others; any: both. Default: no, or as `where` asks.")
_ARCHIVED = {"no": False, "yes": True, "any": None}


def _narrowed(
    tag: Annotated[str | None, PlainText] = None,
    search: Annotated[str | None, PlainText] = None,
    group: Annotated[str | None, PlainText] = None,
    archived: Annotated[Literal["no", "yes", "any"] | None, Archived] = None,
    where: Annotated[str | None, Where] = None,
) -> dict[str, Any]:
    tree = read_where(where) if where and where.strip() else None
    asks_archived = tree is not None and mentions(tree, RunField("archived"))
    return {
        "tag": tag or None,
        "search": search or None,
        "group": group or None,
        "archived": _ARCHIVED[archived or ("any" if asks_archived else "no")],
        "where": stored_filter(tree) if tree else None,
    }


Narrowed = Annotated[dict[str, Any], Depends(_narrowed)]
"""The runs that a request is about, in the words of the store's questions; 422 for a filter that cannot be read."""
