"""One run: its state, its neurons over the epochs, its curves, configuration and log.

The layout draws the frame and the run's name; `assets/run.js` fills it from the API and keeps it live.
"""

from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, dcc, html

from dashboard.api import Api
from dashboard.page import Page
from dashboard.parts import (
    button,
    card,
    layer_controls,
    line_legend,
    part,
    plotly_address,
    run_figures,
    share_legend,
    state_legend,
    term,
)


async def layout(api: Api, run_id: str, layer: int | None = None) -> Page:
    """The page of one run; raises NotThere for an unknown one."""
    record = await api.run(run_id)
    data = {"run": record, "layer": layer, "figures": run_figures(record), "plotly": plotly_address()}
    body = [
        dcc.Store(id="run-data", data=data),
        dcc.Store(id="run-mounted"),
        html.Article(_frame(str(record["name"])), id="run-page", key=run_id, className="run"),
    ]
    return Page(str(record["name"]), body)


def wire(app: Dash, _api: Api) -> None:
    """Hand the page to its script as soon as it is there."""
    app.clientside_callback(
        ClientsideFunction("neq_run", "mount"), Output("run-mounted", "data"), Input("run-data", "data")
    )


def _frame(name: str) -> list[Any]:
    numbers: Any = {"aria-label": "Headline numbers"}
    return [
        _head(name),
        part("notice", tag=html.Section, className="run-notice", hidden=True, role="status"),
        part("tiles", tag=html.Section, className="tiles", **numbers),
        _explanation(),
        html.Div([_overview(), _neurons(), _curves(), _velocities()], className="run-columns"),
        html.Div([_configuration(), _log()], className="run-halves"),
    ]


def _head(name: str) -> Any:
    state = part("state", tag=html.Span, className="state")
    title = [html.H1(name), state, part("tags", tag=html.Span, className="tags")]
    buttons = [
        button("stop", "Stop", "button button-danger-quiet", hidden=True),
        part("again", "Run again", tag=html.A, className="button"),
        part("compare", "Compare with…", tag=html.A, className="button"),
        button("delete", "Delete", "button button-danger-quiet", hidden=True),
    ]
    progress: Any = {"aria-label": "Progress of the run", "aria-valuemin": 0, "aria-valuemax": 100}
    bar = part(
        "progress",
        part("progress-bar", className="progress-done"),
        role="progressbar",
        className="progress",
        **progress,
    )
    line = html.Div(
        [html.Div(title, className="run-title"), html.Div(buttons, className="run-buttons")], className="run-head-line"
    )
    words = html.Div(
        [part("progress-words", tag=html.P), part("facts", tag=html.P, className="muted")], className="run-words"
    )
    return html.Header([line, bar, words], className="run-head")


def _explanation() -> Any:
    words = [
        "After each epoch every neuron meets the same ",
        term("probe set", "probe"),
        ". Once its response stops changing (similarity ",
        term("φ", "phi"),
        " steady, velocity ",
        term("|v|", "velocity"),
        " below ",
        term("ε", "epsilon"),
        "), it is ",
        term("frozen", "frozen"),
        " for the next epoch, until it stirs.",
    ]
    return html.P(words, className="explanation")


def _overview() -> Any:
    return card(
        "Layers × epochs",
        share_legend(),
        part("overview", className="picture-overview"),
        topic="overview",
    )


def _neurons() -> Any:
    return card(
        "Neurons × epochs",
        state_legend(),
        part("neurons", className="picture-neurons"),
        part("neurons-note", tag=html.P, className="picture-note", hidden=True),
        topic="neurons",
        side=layer_controls(),
    )


def _curves() -> Any:
    charts = [part(name, className="picture-curve") for name in ("accuracy", "loss", "frozen_share", "learning_rate")]
    return card("Over the epochs", html.Div(charts, className="curves"), side=line_legend())


def _velocities() -> Any:
    return card(
        part("velocities-title", "Velocities", tag=html.Span),
        part("velocities", className="picture-velocities"),
        topic="histogram",
    )


def _configuration() -> Any:
    buttons = [
        button("copy-json", "Copy as JSON", "button button-small"),
        button(
            "copy-command",
            "Copy command",
            "button button-small",
            label_long="Copy the command that launches the same run",
        ),
    ]
    return card("Configuration", part("config", className="config"), side=html.Div(buttons, className="card-buttons"))


def _log() -> Any:
    spoken: Any = {"aria-label": "Log"}
    lines = part("log", className="log", tabIndex=0, role="log", **spoken)
    return card("Log", lines, side=button("follow", "Jump to the newest", "button button-small", hidden=True))
