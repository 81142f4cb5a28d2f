"""Named views: what a page shows, saved for whoever opens it."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query, Response, status
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from server import schemas
from server.routes.dependencies import CONFLICT, EVERYWHERE, INVALID, UNKNOWN, TheStore
from server.serializers import json_answer
from server.writers import IN_TURN

router = APIRouter(prefix="/views", tags=["views"], responses=EVERYWHERE | INVALID)

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[^\x00]*$")]
LONGEST_QUERY = 8_000
UNKNOWN_VIEW: dict[int | str, dict[str, Any]] = {404: UNKNOWN[404] | {"description": "There is no such view."}}


class NewView(BaseModel):
    """A view to save."""

    model_config = ConfigDict(extra="forbid")
    page: schemas.ViewPage
    name: Name
    query: Annotated[str, StringConstraints(max_length=LONGEST_QUERY, pattern=r"^[^\x00]*$")] = Field(
        description="As in the page's address, without its question mark."
    )


@router.get("", response_model=schemas.Views)
def list_views(store: TheStore, page: Annotated[schemas.ViewPage, Query(description="Of which page.")]) -> Response:
    """The views of a page, by name."""
    return json_answer({"views": [asdict(view) for view in store.views(page)]})


@router.post("", dependencies=[IN_TURN], response_model=schemas.View, responses=CONFLICT)
def save_view(store: TheStore, view: Annotated[NewView, Body()]) -> Response:
    """Save a view, in the place of the page's one of that name. A page has 200 at most."""
    return json_answer(asdict(store.save_view(view.page, view.name, view.query)))


@router.delete("/{view_id}", dependencies=[IN_TURN], status_code=status.HTTP_204_NO_CONTENT, responses=UNKNOWN_VIEW)
def delete_view(store: TheStore, view_id: Annotated[str, Path(pattern="^[a-z0-9]{1,40}$")]) -> None:
    """Delete a view; the runs stay."""
    store.delete_view(view_id)
