"""The pages that say why there is nothing to see, and where to go instead."""

from typing import Any

from dash import Dash, dcc, html

from dashboard.api import Api
from dashboard.page import Page


def no_page(path: str) -> Page:
    """There is nothing at this address."""
    return _message("Not found", "Page not found", f"There is no page at {_short(path)}.")


def no_run(run_id: str) -> Page:
    """No run has this id."""
    return _message(
        "No such run",
        "Run not found",
        f"There is no run {_short(run_id)}. It may have been deleted, or the link may be incomplete.",
    )


def no_answer(reason: str) -> Page:
    """The API could not be asked."""
    return _message("No answer", "The data cannot be loaded", f"{reason} Reload the page in a moment.")


async def layout(_api: Api, path: str = "") -> Page:
    """The page for an address that nobody knows."""
    return no_page(path)


def wire(_app: Dash, _api: Api) -> None:
    """Nothing here answers to anything."""


def _message(title: str, heading: str, words: str) -> Page:
    links = [
        dcc.Link("All runs", href="/", className="button button-primary"),
        dcc.Link("New run", href="/new", className="button"),
    ]
    body: Any = html.Div([html.H1(heading), html.P(words), html.Div(links, className="buttons")], className="message")
    return Page(title, body)


def _short(text: str, most: int = 60) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
