"""Named views of pages: what a page's address asks for, for whoever opens it."""

import secrets
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, text, update

from db.errors import TooManyViews, UnknownView
from db.records import View
from db.schema import views
from db.transactions import Transactions, reading, writing

MOST_VIEWS = 200
"""Of one page."""


class ViewQueries(Transactions):
    """Named views."""

    @reading
    def views(self, connection: Connection, page: str) -> list[View]:
        """The views of a page, by name without case."""
        rows = connection.execute(select(views).where(views.c.page == page))
        return sorted((_view(row) for row in rows.mappings()), key=lambda view: (view.name.casefold(), view.name))

    @writing()
    def save_view(self, connection: Connection, page: str, name: str, query: str) -> View:
        """Saves a view, in the place of the page's one of that name; or TooManyViews."""
        if connection.dialect.name != "sqlite":  # which has one writer anyway: else two insert the same name at once
            connection.execute(text("LOCK TABLE views IN SHARE ROW EXCLUSIVE MODE"))
        values = {"query": query, "changed_at": self._now()}
        here = (views.c.page == page) & (views.c.name == name)
        if connection.execute(update(views).where(here).values(values)).rowcount == 0:
            counted = select(func.count()).select_from(views).where(views.c.page == page)
            if connection.execute(counted).scalar_one() >= MOST_VIEWS:
                raise TooManyViews(MOST_VIEWS)
            new = {"id": secrets.token_hex(5), "page": page, "name": name}
            connection.execute(insert(views).values(**new, **values))
        return _view(connection.execute(select(views).where(here)).mappings().one())

    @writing()
    def delete_view(self, connection: Connection, view_id: str) -> None:
        """Deletes a view, or UnknownView."""
        if connection.execute(delete(views).where(views.c.id == view_id)).rowcount == 0:
            raise UnknownView(view_id)


def _view(row: Mapping[Any, Any]) -> View:
    return View(row["id"], row["page"], row["name"], row["query"], row["changed_at"])
