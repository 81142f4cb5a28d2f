"""One run: a stub until its page is drawn."""

from dash import Dash, html

from dashboard.api import Api
from dashboard.page import Page


async def layout(api: Api, run_id: str, layer: int | None = None) -> Page:
    """The page of one run; raises NotThere for an unknown one."""
    record = await api.run(run_id)
    return Page(record["name"], html.H1(record["name"]))


def wire(_app: Dash, _api: Api) -> None:
    """Nothing yet."""
