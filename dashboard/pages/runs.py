"""The table of all runs: what each one does now, and what may be done with it."""

from typing import Any

import dash_ag_grid as dag
import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html

from dashboard.api import Api, Json
from dashboard.page import Page, attributes
from dashboard.presets import preset_cards

STATES = ("running", "queued", "finished", "stopped", "failed")

# ag-grid takes its colours from the theme's custom properties, so that light and dark follow by themselves.
GRID_THEME = """themeQuartz.withParams({
    backgroundColor: 'var(--neq-surface)', foregroundColor: 'var(--neq-text)', borderColor: 'var(--neq-border)',
    accentColor: 'var(--neq-accent)', chromeBackgroundColor: 'var(--neq-surface)',
    headerBackgroundColor: 'var(--neq-surface)', headerTextColor: 'var(--neq-muted)', headerFontWeight: 550,
    rowHoverColor: 'var(--neq-sunken)', selectedRowBackgroundColor: 'var(--neq-accent-soft)',
    fontFamily: 'inherit', fontSize: 14, headerFontSize: 13, wrapperBorderRadius: 8, browserColorScheme: 'inherit',
    columnBorder: false,
    cellHorizontalPadding: 13, headerColumnResizeHandleColor: 'var(--neq-border)'
})"""


async def layout(api: Api) -> Page:
    """The table, empty at first: the browser fetches the rows that are looked at, and follows them from there on."""
    body = [
        html.Div(
            [html.H1("Runs"), dcc.Link("New run", href="/new", className="button button-primary")],
            className="page-head",
        ),
        html.Div(
            [
                html.Div(
                    [
                        html.Div(id="runs-filter", className="runs-filter"),
                        html.Div(id="runs-group", className="runs-group"),
                    ],
                    className="runs-asking",
                ),
                html.P(id="runs-left-out", className="filter-problem runs-left-out", role="alert"),
                _toolbar(),
                html.Div(id="runs-bulk", className="runs-bulk", hidden=True),
                html.Div([_table(), _none()], className="runs-area"),
            ],
            id="runs-filled",
            className="runs-filled",
        ),
        _empty(await api.presets()),
        _edit_dialog(),
        _delete_dialog(),
    ]
    return Page("Runs", body)


def wire(app: Dash, _api: Api) -> None:
    """Everything here happens in the browser: `scripts/runs-page/page.js` fills the table and acts on its rows."""

    def answer(name: str, *dependencies: Any, **options: Any) -> None:
        app.clientside_callback(ClientsideFunction("neq_runs", name), *dependencies, **options)

    answer("begin", Output("runs-table", "className"), Input("runs-table", "id"))
    answer(
        "save",
        Output("run-edit-save", "loading"),
        Input("run-edit-save", "n_clicks"),
        State("run-edit-tags", "value"),
        prevent_initial_call=True,
    )
    answer(
        "remove",
        Output("run-delete-yes", "loading"),
        Input("run-delete-yes", "n_clicks"),
        prevent_initial_call=True,
    )
    answer(
        "dismiss",
        Output("run-delete", "opened"),
        Input("run-delete-no", "n_clicks"),
        prevent_initial_call=True,
    )


def _toolbar() -> Any:
    chips = [_chip("", "All"), *(_chip(state, state.capitalize()) for state in STATES)]
    return html.Div(
        [
            dmc.TextInput(
                id="runs-search",
                placeholder="Search names, tags, notes, ids",
                value="",
                **attributes(aria_label="Search runs"),
            ),
            html.Div(chips, id="runs-states", className="runs-chips", role="group", **attributes(aria_label="State")),
            html.Span(id="runs-loading", className="muted runs-loading", role="status"),
            html.Button("Compare", id="runs-compare", className="button", type="button", disabled=True),
            html.Button(
                ["Queue", html.Span(className="runs-chip-count numeric")],
                id="runs-queue",
                className="button",
                type="button",
                title="Runs that wait for a worker, and their order (q)",
            ),
            html.Button("Views", id="runs-views", className="button", type="button", title="Open or save a view (v)"),
            html.Button("Columns", id="runs-columns", className="button", type="button", title="Choose columns (c)"),
            html.Button(
                "Save", id="runs-save", className="button", type="button", title="Save the table as CSV or LaTeX"
            ),
            html.Button("Shortcuts", id="runs-keys", className="button", type="button", title="Keyboard shortcuts (?)"),
        ],
        className="runs-toolbar",
    )


def _none() -> Any:
    """What is shown where no run matches."""
    return html.Div(
        [
            "No runs match. ",
            html.Button("Show all runs", id="runs-show-all", className="button", type="button"),
        ],
        id="runs-none",
        className="runs-none",
        hidden=True,
    )


def _chip(state: str, words: str) -> Any:
    return html.Button(
        [words, html.Span(className="runs-chip-count numeric")],
        className="runs-chip",
        type="button",
        **attributes(data_state=state, aria_pressed="false" if state else "true"),
    )


def _table() -> Any:
    return dag.AgGrid(
        id="runs-table",
        className="runs-table",
        style={"height": None},
        columnDefs=_columns(),
        rowModelType="infinite",
        getRowId="params.data.id",
        defaultColDef={
            "resizable": True,
            "sortable": True,
            "suppressHeaderMenuButton": True,
        },
        dashGridOptions={
            "theme": {"function": GRID_THEME},
            "rowHeight": 60,
            "headerHeight": 40,
            "animateRows": False,
            "tabToNextHeader": {"function": "neqTabFromHeader(params)"},
            "tabToNextCell": {"function": "neqTabFromCell(params)"},
            "cacheBlockSize": 100,
            "maxBlocksInCache": 6,
            "maxConcurrentDatasourceRequests": 3,  # Dash's own source may hold one of them for ever
            "blockLoadDebounceMillis": 40,  # blocks that are scrolled past are not asked for
            "suppressNoRowsOverlay": True,
        },
    )


def _columns() -> list[Json]:
    def column(name: str, title: str, width: int, **more: Any) -> Json:
        value = {"function": f"neqRunValue('{name}', params.data)"}
        return {"colId": name, "headerName": title, "width": width, "valueGetter": value, **more}

    return [
        column("ticked", "Selected", 46, cellRenderer="NeqRunTick", sortable=False, resizable=False),
        column("state", "State", 108, cellRenderer="NeqRunState"),
        column("name", "Name", 260, flex=1, minWidth=190, cellRenderer="NeqRunName"),
        column("progress", "Progress", 236, cellRenderer="NeqRunProgress"),
        column("frozen", "Frozen", 168, cellRenderer="NeqRunFrozen"),
        column(
            "accuracy",
            "Accuracy",
            104,
            cellRenderer="NeqRunAccuracy",
            type="rightAligned",
            headerTooltip="On the test set after the latest epoch, else as the script logged it",
        ),
        column("setup", "Config", 128, cellRenderer="NeqRunSetup"),
        column("age", "Created", 112, cellRenderer="NeqRunAge", sort="desc", sortingOrder=["desc", "asc"]),
        column(
            "actions",
            "Actions",
            152,
            cellRenderer="NeqRunActions",
            type="rightAligned",
            sortable=False,
            resizable=False,
        ),
    ]


def _empty(presets: list[Json]) -> Any:
    """What is shown while there is no run at all."""

    def link(preset: Json, words: list[Any], name: str) -> Any:
        return dcc.Link(words, href=f"/new?preset={preset['name']}", className=name)

    words = (
        "A run trains a network and measures each of its neurons: after every epoch, those at equilibrium are frozen "
        "until they change again. Launch one and watch it live."
    )
    content = [
        html.H2("No runs yet"),
        html.P(words),
        dcc.Link("New run", href="/new", className="button button-primary"),
    ]
    if presets:
        content += [html.H3("Or start from a preset"), *preset_cards(presets, link)]
    return html.Div(content, id="runs-empty", className="card runs-empty", hidden=True)


def _edit_dialog() -> Any:
    form = html.Form(
        [
            dmc.TextInput(id="run-edit-name", label="Name", value="", **attributes(data_autofocus="true")),
            dmc.TagsInput(id="run-edit-tags", label="Tags", value=[]),
            dmc.Textarea(id="run-edit-notes", label="Notes", value="", autosize=True, minRows=3, maxRows=10),
            html.P(id="run-edit-problem", className="dialog-problem", role="alert"),
            html.Div(
                dmc.Button("Save", id="run-edit-save", className="primary-button", buttonProps={"type": "submit"}),
                className="dialog-buttons",
            ),
        ],
        className="dialog-form",
        noValidate=True,
    )
    return _dialog(form, "run-edit", "Name, tags and notes")


def _delete_dialog() -> Any:
    content = [
        html.P(id="run-delete-words", className="dialog-words"),
        html.P(id="run-delete-problem", className="dialog-problem", role="alert"),
        html.Div(
            [
                html.Button("Cancel", id="run-delete-no", className="button", type="button"),
                dmc.Button("Delete", id="run-delete-yes", color="red"),
            ],
            className="dialog-buttons",
        ),
    ]
    return _dialog(content, "run-delete", "Delete this run?")


def _dialog(content: Any, name: str, title: str) -> Any:
    close: Any = {"aria-label": "Close"}
    return dmc.Modal(content, id=name, title=title, centered=True, opened=False, closeButtonProps=close)
