"""One run: its state, its neurons over the epochs, its curves, configuration and log.

The layout draws the frame and the run's name; `scripts/run-page/page.js` fills it from the API and keeps it live.
"""

from collections.abc import Sequence
from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, dcc, html

from dashboard import run_cards as cards
from dashboard.api import Api, Json
from dashboard.components import (
    button,
    card,
    choice,
    colour_switch,
    cursor_bar,
    help_button,
    layer_controls,
    metrics_card,
    part,
    plotly_address,
    run_figures,
    state_legend,
    term,
)
from dashboard.form.schema import read_schema
from dashboard.form.titles import setting_titles
from dashboard.page import Page


async def layout(api: Api, run_id: str, layer: int | None = None) -> Page:
    """The page of one run; raises NotThere for an unknown one."""
    record = await api.run(run_id)
    external = record["source"] == "external"
    recipe = None if external else await _recipe(api, str(record["config"].get("recipe") or ""))
    described = [] if external else [record["config"], recipe["whole"] if recipe else {}]
    data = {
        "run": record,
        "layer": layer,
        "figures": run_figures(record),
        "plotly": plotly_address(),
        "recipe": recipe,
        "titles": await _titles(api, described) if described else {},
    }
    body = [
        dcc.Store(id="run-data", data=data),
        dcc.Store(id="run-mounted"),
        _article(record),
    ]
    return Page(str(record["name"]), body)


async def _recipe(api: Api, name: str) -> Json | None:
    """The preset of this name with what was published of it; None for an empty name, and for one that is not known."""
    presets = await api.presets() if name else []
    return next((preset for preset in presets if preset["name"] == name and preset["published"]), None)


async def _titles(api: Api, configs: Sequence[Json]) -> dict[str, str]:
    """The titles of all that is set in any of the configurations."""
    return setting_titles(read_schema(await api.config_schema()), configs)


def wire(app: Dash, _api: Api) -> None:
    """Hand the page to its script as soon as it is there."""
    app.clientside_callback(
        ClientsideFunction("neq_run", "mount"), Output("run-mounted", "data"), Input("run-data", "data")
    )


def _article(record: Json) -> Any:
    """The page's frame. What is about a watched network waits until an external run tells of one."""
    external = record["source"] == "external"
    watched: Any = {} if external else {"data-watched": ""}
    frame = _frame(str(record["name"]), external=external)
    return html.Article(frame, id="run-page", key=record["id"], className="run", **watched)


def _frame(name: str, *, external: bool) -> list[Any]:
    numbers: Any = {"aria-label": "Headline numbers"}
    return [
        _head(name, external=external),
        part("notice", tag=html.Section, className="run-notice", hidden=True, role="status"),
        part("tiles-epoch", tag=html.P, className="tiles-epoch", hidden=True),
        part("tiles", tag=html.Section, className="tiles", **numbers),
        part("coverage", className="coverage", hidden=True),
        _explanation(),
        cursor_bar("of-watch"),
        html.Div(
            [_overview(), _neurons(), cards.curves(external=external), cards.distribution()],
            className="run-columns of-watch",
        ),
        _unwatched() if external else None,
        cards.savings(hidden=external),
        cards.multiples(),
        metrics_card(),
        html.Div([cards.published(), cards.machine(hidden=external)], className="run-halves"),
        html.Div([cards.data(hidden=external), cards.configuration(external=external)], className="run-halves"),
        cards.log(),
    ]


def _head(name: str, *, external: bool) -> Any:
    state = part("state", tag=html.Span, className="state")
    title = [html.H1(name), state, _source() if external else None, part("tags", tag=html.Span, className="tags")]
    buttons = [
        button("stop", "Stop", "button button-danger-quiet", hidden=True),
        button("resume", "Resume", "button", hidden=True),
        part("fork", "Fork…", tag=html.A, className="button", hidden=True),
        part("again", "Clone run", tag=html.A, className="button", hidden=external),
        part("compare", "Compare with…", tag=html.A, className="button"),
        button("delete", "Delete", "button button-danger-quiet", hidden=True),
    ]
    line = html.Div(
        [html.Div(title, className="run-title"), html.Div(buttons, className="run-buttons")], className="run-head-line"
    )
    words = html.Div(
        [part("progress-words", tag=html.P), part("facts", tag=html.P, className="muted")], className="run-words"
    )
    return html.Header([line, _bar("progress", "progress-bar", "Run progress"), words, _pulse()], className="run-head")


def _source() -> Any:
    words = "Recorded by a script of yours through `neq.init`; no worker trains it."
    explained: Any = {"data-help": words, "aria-describedby": "help-external"}
    content: list[Any] = ["external", html.Span(words, id="help-external", hidden=True)]
    return html.Span(content, className="external-mark", tabIndex=0, role="note", **explained)


def _unwatched() -> Any:
    """In the place of the neurons, until the script watches a network."""
    call = html.Code("watch = run.watch(model, optimizer, probe)")
    words: list[Any] = ["No network is watched: ", call, " in the script shows its neurons here, epoch by epoch."]
    return html.P(words, className="unwatched")


def _bar(name: str, inner: str, label: str) -> Any:
    spoken: Any = {"aria-label": label, "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": 0}
    return part(name, part(inner, className="progress-done"), role="progressbar", className="progress", **spoken)


def _pulse() -> Any:
    """What goes on inside the running epoch."""
    numbers = ("pace", "loss", "epoch-left", "run-left")
    return part(
        "pulse",
        part("pulse-phase", tag=html.Span, className="pulse-phase"),
        _bar("pulse-progress", "pulse-bar", "Epoch progress"),
        html.Div([part(f"pulse-{name}", tag=html.Span, hidden=True) for name in numbers], className="pulse-numbers"),
        className="pulse",
        hidden=True,
    )


def _explanation() -> Any:
    words = [
        "After each epoch every neuron is evaluated on the same ",
        term("probe set", "probe"),
        ". Once its response stops changing (similarity ",
        term("φ", "phi"),
        " steady, velocity ",
        term("|v|", "velocity"),
        " below ",
        term("ε", "epsilon"),
        "), it is ",
        term("frozen", "frozen"),
        " for the next epoch, until it changes again.",
    ]
    return html.P(words, className="explanation of-watch")


def _overview() -> Any:
    return card(
        "Layers × epochs",
        html.Div(part("overview-legend", className="legend-scale"), className="legend-row overview-legend-row"),
        part("overview", className="picture-overview"),
        topic="overview",
        side=html.Div(
            [html.Span("Colour by"), choice("overview-mode", "Colour by")], className="card-buttons labelled"
        ),
    )


def _neurons() -> Any:
    looks = [
        colour_switch(),
        html.Span("Order by"),
        choice("order", "Order neurons by"),
        help_button("order"),
        part(
            "order-note",
            part("order-words", tag=html.Span),
            button("reorder", "Re-sort", "button button-small"),
            tag=html.Span,
            className="order-note",
            hidden=True,
        ),
        button("pair", "Show its norm too", "button button-small", hidden=True),
    ]
    return card(
        "Neurons × epochs",
        html.Div(looks, className="card-buttons labelled layer-line"),
        state_legend(),
        html.Div([_pane("main-name", "neurons"), _pane("partner-name", "partner", hidden=True)], className="panes"),
        _timeline(),
        topic="neurons",
        side=layer_controls(),
    )


def _pane(name: str, picture: str, *, hidden: bool = False) -> Any:
    pictured = [
        part(picture, className="picture-neurons"),
        part(f"{picture}-note", tag=html.P, className="picture-note", hidden=True),
    ]
    if hidden:
        return part(f"{picture}-pane", part(name, tag=html.H3), *pictured, className="pane", hidden=True)
    return html.Div([part(name, tag=html.H3, hidden=True), *pictured], className="pane")


def _timeline() -> Any:
    """One neuron's φ and v, when a cell was clicked."""
    head = html.Div(
        [
            part("timeline-title", tag=html.H3),
            html.Div(
                [
                    button("timeline-back", "‹", "button button-small", label_long="Previous neuron"),
                    button("timeline-on", "›", "button button-small", label_long="Next neuron"),
                    button("timeline-close", "×", "button button-small", label_long="Close the neuron (Esc)"),
                ],
                className="card-buttons",
            ),
        ],
        className="card-head",
    )
    charts = [part(f"timeline-{name}", className="picture-curve") for name in ("phi", "v")]
    facts = part("timeline-facts", tag=html.P, className="muted")
    return part("timeline", head, facts, html.Div(charts, className="curves"), className="timeline", hidden=True)
