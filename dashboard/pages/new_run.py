"""Stub."""

from dash import Dash, html

from dashboard.api import Api
from dashboard.page import Page


async def layout(_api: Api, source: str | None = None) -> Page:
    """Stub."""
    return Page("new_run", html.H1("new_run"))


def wire(_app: Dash, _api: Api) -> None:
    """Nothing yet."""
