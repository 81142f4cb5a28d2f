"""Which page an address is, and the two ways to it: a fresh load, and a link followed inside the page.

A page is a module of `dashboard.pages` with two functions. `layout` is async, takes the `Api` and what its address
holds, and returns a `Page`; it may raise `NotThere`. `wire(app, api)` registers its callbacks, and does nothing else.
"""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from dash import ClientsideFunction, Dash, Input, Output
from dash.exceptions import PreventUpdate

from dashboard.addresses import Root
from dashboard.api import Api, ApiError, NotThere
from dashboard.page import Page
from dashboard.pages import compare, missing, new_run, run, runs

PRODUCT = "NEq"
_MOST_DIGITS = 9
"""Of a number in an address; Python refuses to read one of thousands, and no layer or epoch has so many."""
Query = dict[str, str]


class Match(NamedTuple):
    """A known address."""

    draw: Callable[[Api], Awaitable[Page]]
    scripts: str
    """The folder of its modules, which `scripts/ui/routes.js` knows by the address too."""
    run_id: str | None = None
    """The run that the address names; without this run there is no such page."""


def match(path: str, search: str = "") -> Match | None:
    """The page at this address, or None: there is none.

    Args:
        path: such as `/runs/abc`; a slash at the end is overlooked.
        search: with or without its question mark. Of a key given twice, the first counts.
    """
    query = {key: values[0] for key, values in parse_qs((search or "").removeprefix("?")).items()}
    match (path or "/").strip("/").split("/"):
        case [""]:
            return Match(runs.layout, "runs-page")
        case ["new"]:
            if parent := query.get("fork"):
                return Match(lambda api: new_run.layout_of_fork(api, parent, _whole(query.get("epoch"))), "form-page")
            return Match(lambda api: new_run.layout(api, query.get("from"), query.get("preset")), "form-page")
        case ["runs", run_id] if run_id:
            return Match(lambda api: run.layout(api, run_id, layer=_whole(query.get("layer"))), "run-page", run_id)
        case ["compare"]:
            chosen = [name for name in query.get("runs", "").split(",") if name]
            return Match(lambda api: compare.layout(api, chosen, layer=query.get("layer")), "compare-page")
        case _:
            return None


async def draw(api: Api, path: str, search: str = "") -> Page:
    """The page at this address; where there is none, or the API fails, the page that says so."""
    found = match(path, search)
    if found is None:
        return missing.no_page(path)
    try:
        return await found.draw(api)
    except NotThere:
        return missing.no_run(found.run_id) if found.run_id else missing.no_page(path)
    except ApiError as error:
        return missing.no_answer(str(error))


async def status(api: Api, path: str, search: str = "") -> tuple[int, str]:
    """The HTTP status and the title of this address before it is drawn: 404 for no page and for no such run."""
    found = match(path, search)
    if found is None:
        return 404, "Not found"
    if found.run_id is None:
        return 200, ""
    try:
        record = await api.run(found.run_id)
    except NotThere:
        return 404, "No such run"
    except ApiError:
        return 503, "No answer"
    return 200, str(record.get("name", ""))


def wire(app: Dash, api: Api, root: Root) -> None:
    """Draw the page whenever the address changes and its scripts are there, and tell those of it."""

    @app.callback(
        Output("page", "children"),
        Output("page-drawn", "data"),
        Input("page-asked", "data"),
        running=[(Output("page", "className"), "page page-loading", "page")],
    )
    async def show(asked: str | None) -> tuple[Any, dict[str, str]]:
        if asked is None:
            raise PreventUpdate
        path, mark, query = asked.partition("?")
        search = mark + query
        page = await draw(api, root.within(path), search)
        return root.put_before(page.body), {"title": f"{page.title} · {PRODUCT}", "path": path, "search": search}

    app.clientside_callback(
        ClientsideFunction("neq_shell", "leave"),
        Output("page-asked", "data"),
        Input("location", "pathname"),
        Input("location", "search"),
    )
    app.clientside_callback(
        ClientsideFunction("neq_shell", "arrive"),
        Output("page", "aria-label"),
        Input("page-drawn", "data"),
    )


def _whole(text: str | None) -> int | None:
    return int(text) if text and len(text) <= _MOST_DIGITS and text.isascii() and text.isdigit() else None
