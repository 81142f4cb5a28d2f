"""The frame around every page: header, navigation, connection, light and dark."""

from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html

from dashboard.page import attributes

INDEX = """<!DOCTYPE html>
<html lang="en">
  <head>
    {%metas%}
    <title>{%title%}</title>
    {%favicon%}
    <script src="/assets/early/scheme.js"></script>
    <script src="/assets/early/startup.js"></script>
    {%css%}
  </head>
  <body>
    {%app_entry%}
    <footer>{%config%}{%scripts%}{%modules%}</footer>
  </body>
</html>"""
"""The document. Its scripts in the head set light or dark before anything is painted, and say so where the others do
not start. Dash is started by the last module (`scripts/main.js`), not by a script in the document."""

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Helvetica Neue', Arial, sans-serif"
THEME: dict[str, Any] = {
    "primaryColor": "cyan",
    "primaryShade": {"light": 9, "dark": 9},
    "defaultRadius": "sm",
    "fontFamily": FONT,
    "headings": {"fontFamily": FONT, "fontWeight": "600"},
    "cursorType": "pointer",
}
LINKS = (("Runs", "/"), ("New run", "/new"), ("Compare", "/compare"))


def layout() -> Any:
    """The frame, with an empty `page` that routing fills."""
    return dmc.MantineProvider(
        theme=THEME,
        defaultColorScheme="auto",
        children=[
            dcc.Location(id="location", refresh="callback-nav"),
            dcc.Store(id="page-asked"),
            dcc.Store(id="page-drawn"),
            dmc.NotificationContainer(id="notices", position="bottom-right"),
            html.A("Skip to content", href="#page", className="skip-link"),
            _header(),
            html.Div(
                "The server cannot be reached. This page may be out of date; it updates as soon as the server is back.",
                id="lost-banner",
                className="lost-banner",
                role="status",
                hidden=True,
            ),
            html.Main(id="page", className="page", tabIndex=-1),
        ],
    )


def _header() -> Any:
    links = [dcc.Link(name, href=address, className="nav-link") for name, address in LINKS]
    brand = dcc.Link(
        [
            html.Span(className="brand-mark", **attributes(aria_hidden="true")),
            html.Span("NEq", className="brand-name"),
        ],
        href="/",
        className="brand",
    )
    return html.Header(
        [
            brand,
            html.Nav(links, id="nav", className="nav", **attributes(aria_label="Pages")),
            html.Div([_connection(), _scheme_switch()], className="header-end"),
        ],
        className="header",
    )


def _connection() -> Any:
    return html.Span(
        [html.Span(className="live-dot"), html.Span("Connecting", id="live-word")],
        id="live-status",
        className="live-status",
        role="status",
        **attributes(data_status="connecting"),
    )


def _scheme_switch() -> Any:
    return dmc.ColorSchemeToggle(
        id="scheme",
        lightIcon=html.Span(className="neq-icon neq-icon-moon"),
        darkIcon=html.Span(className="neq-icon neq-icon-sun"),
        variant="subtle",
        color="gray",
        size="lg",
        **attributes(aria_label="Switch between light and dark"),
    )
