"""Named views of pages."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from server.schemas.base import Answer

ViewPage = Literal["runs", "compare"]


class View(Answer):
    """A named view of a page."""

    id: str
    page: ViewPage
    name: str
    query: str = Field(description="As in the page's address, without its question mark.", examples=["sort=-accuracy"])
    changed_at: datetime


class Views(Answer):
    """Views, by name."""

    views: list[View]
