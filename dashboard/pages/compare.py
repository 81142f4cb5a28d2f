"""Runs side by side: a stub until its page is drawn."""

from collections.abc import Sequence

from dash import Dash, html

from dashboard.api import Api
from dashboard.page import Page


async def layout(api: Api, run_ids: Sequence[str], layer: str | None = None) -> Page:
    """Two to four runs side by side; raises NotThere for an unknown one."""
    return Page("Compare", html.H1("Compare"))


def wire(_app: Dash, _api: Api) -> None:
    """Nothing yet."""
