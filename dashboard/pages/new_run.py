"""The page that launches a run: the form, presets that fill it, and what is about to run."""

from typing import Any

import dash_mantine_components as dmc
from dash import ALL, ClientsideFunction, Dash, Input, Output, State, dcc, html

from dashboard.api import Api, Json
from dashboard.form.draw import draw
from dashboard.form.parts import Group
from dashboard.form.plan import plan_of, preset_values
from dashboard.form.schema import read_schema
from dashboard.form.values import Values, values_of
from dashboard.page import Page, attributes


async def layout(api: Api, source: str | None = None, preset: str | None = None) -> Page:
    """The form, filled with the defaults, a preset, or the configuration of the run `source`.

    Raises:
        NotThere: `source` names no run.
    """
    form = read_schema(await api.config_schema())
    presets = await api.presets()
    origin = await api.run(source) if source else None
    values = values_of(form, origin["config"] if origin else _preset(presets, preset))
    title = f"Run again: {origin['name']}" if origin else "New run"
    body = [
        html.Div(html.H1(title, className="form-title"), className="page-head"),
        _presets(presets),
        html.Div(id="form-alert", className="form-alert", role="alert", hidden=True),
        html.Form([html.Div(draw(form, values), className="form-cards"), _aside()], id="run-form", noValidate=True),
        *_stores(form, values, presets, f"{source or ''}:{preset or ''}"),
    ]
    return Page(title, body)


def wire(app: Dash, _api: Api) -> None:
    """Everything here happens in the browser: `assets/form.js` collects, keeps, fills and launches."""
    values, checks = {"form": "value", "path": ALL}, {"form": "checked", "path": ALL}

    def answer(name: str, *dependencies: Any, **options: Any) -> None:
        app.clientside_callback(ClientsideFunction("neq_form", name), *dependencies, **options)

    answer("begin", Output("form-fill", "data"), Input("form-plan", "data"))
    answer("fill", Output(values, "value"), Output(checks, "checked"), Input("form-fill", "data"))
    answer("collect", Output("form-state", "data"), Input(values, "value"), Input(checks, "checked"))
    answer(
        "preset",
        Output("form-fill", "data", allow_duplicate=True),
        Input({"form": "preset", "path": ALL}, "n_clicks"),
        prevent_initial_call=True,
    )
    answer(
        "restart",
        Output("form-fill", "data", allow_duplicate=True),
        Input("form-restart", "n_clicks"),
        prevent_initial_call=True,
    )
    answer(
        "launch",
        Output("form-launch", "loading"),
        Input("form-launch", "n_clicks"),
        State(values, "value"),
        State(checks, "checked"),
        prevent_initial_call=True,
    )


def _stores(form: Group, values: Values, presets: list[Json], draft: str) -> list[Any]:
    known = {
        "plan": plan_of(form),
        "initial": values,
        "defaults": values_of(form),
        "presets": preset_values(form, presets),
        "titles": {preset["name"]: preset["title"] for preset in presets},
        "draft": f"neq.form:{draft}",
    }
    return [dcc.Store(id="form-plan", data=known), dcc.Store(id="form-fill"), dcc.Store(id="form-state")]


def _preset(presets: list[Json], name: str | None) -> Json | None:
    """A preset's configuration; an unknown name gives the defaults."""
    return next((preset["config"] for preset in presets if preset["name"] == name), None)


def _presets(presets: list[Json]) -> Any:
    buttons = [
        html.Button(
            [
                html.Span(preset["title"], className="preset-title"),
                html.Span(preset["description"], className="preset-words"),
            ],
            id={"form": "preset", "path": preset["name"]},
            className="preset",
            type="button",
            title=preset["description"],
        )
        for preset in presets
    ]
    return html.Section(
        [html.H2("Start from a preset", className="presets-title"), html.Div(buttons, className="presets-row")],
        className="presets",
        hidden=not presets,
    )


def _aside() -> Any:
    launch = dmc.Button(
        "Launch run",
        id="form-launch",
        size="md",
        fullWidth=True,
        className="primary-button",
        buttonProps={"type": "submit"},
    )
    restart = html.Button("Start over", id="form-restart", type="button", className="button button-quiet")
    return html.Aside(
        html.Div(
            [
                html.H2("What will run"),
                html.Div(id="form-summary", className="form-summary"),
                html.P(id="form-workers", className="form-workers", hidden=True),
                launch,
                restart,
            ],
            className="card form-aside-card",
        ),
        className="form-aside",
        **attributes(aria_label="Summary"),
    )
