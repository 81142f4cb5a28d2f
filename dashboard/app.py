"""The dashboard, mounted on a FastAPI application at its root."""

from collections.abc import Callable
from functools import cache
from html import escape
from pathlib import Path

import httpx
from dash import Dash
from dash.backends._fastapi import get_current_request, reset_current_request, set_current_request
from fastapi import FastAPI, Request, Response

from dashboard import hostile, libraries, routing, shell
from dashboard.addresses import Root
from dashboard.api import Api
from dashboard.modules import Modules
from dashboard.pages import compare, missing, new_run, run, runs

TITLE = "Runs · NEq"


def create_dashboard(app: FastAPI, api: httpx.AsyncClient, root_path: str = "") -> Dash:
    """Mount the dashboard on `app`, behind all routes that it has by now.

    Args:
        app: the server; its own routes win over the dashboard's, which takes every other GET.
        api: a client whose base URL leads to the API: in process by ASGI transport, or over the network.
        root_path: the prefix below which a proxy shows the pages, such as `/user/ana/proxy/8000`; `app` never sees it.
    Returns:
        The Dash application. Its pages have no inline script.
    """
    root = Root(root_path)
    modules = Modules()
    modules.serve(app)
    dashboard = Dash(
        __name__,
        server=app,  # type: ignore[arg-type]  # Dash takes a FastAPI and its types do not say so
        use_async=True,
        serve_locally=True,
        assets_folder=str(Path(__file__).parent / "assets"),
        assets_path_ignore=["early"],
        index_string=root.document(shell.INDEX.replace("{%modules%}", modules.tag)),
        routes_pathname_prefix="/",
        requests_pathname_prefix=f"{root_path}/",
        title=TITLE,
        update_title="",
        use_pages=False,
        suppress_callback_exceptions=True,
        add_log_handler=False,
    )
    dashboard.layout = root.put_before(shell.layout())
    _fill_in_scripts(dashboard, modules, root)
    questions = Api(api)
    routing.wire(dashboard, questions, root)
    for page in (runs, new_run, run, compare, missing):
        page.wire(dashboard, questions)
    _serve_pages(app, dashboard, questions)
    # Dash finishes itself at the first request for "/" and answers no callback before; here it is finished at once.
    dashboard._setup_server()
    hostile.install(app)
    return dashboard


def _fill_in_scripts(dashboard: Dash, modules: Modules, root: Root) -> None:
    """Give each page's document the scripts that it needs, and no others, through the hook that Dash has for this."""
    fill_in: Callable[..., str] = dashboard.interpolate_index

    @cache
    def ahead(folder: str | None) -> str:
        return root.document(modules.ahead(folder) + (libraries.table_tag() if folder == "runs-page" else ""))

    def document(**parts: str) -> str:
        found = routing.match(get_current_request().scope["path"])
        scripts = libraries.without_unused(parts["scripts"]) + ahead(found.scripts if found else None)
        return fill_in(**parts | {"scripts": scripts})

    dashboard.interpolate_index = document  # type: ignore[assignment, method-assign]


def _serve_pages(app: FastAPI, dashboard: Dash, api: Api) -> None:
    """Answer every address that nobody else does: Dash's document, with the true status and title."""

    @app.get("/{path:path}", include_in_schema=False)
    async def page(request: Request, path: str) -> Response:
        status, title = await routing.status(api, f"/{path}", request.url.query)
        token = set_current_request(request)
        try:
            document = dashboard.index()
        finally:
            reset_current_request(token)
        if status >= 500:
            request.state.cause = "the API did not respond to the page; its own log line says why"
        if title:
            document = document.replace(TITLE, escape(f"{title} · {routing.PRODUCT}"), 1)
        return Response(document, status_code=status, media_type="text/html")
