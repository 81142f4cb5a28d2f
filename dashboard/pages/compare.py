"""Up to fifty runs side by side: curves, figures and settings of all, the neurons of a few, the masks of two.

The layout draws the frame; `scripts/compare-page/page.js` fills it and keeps it live. The address holds the runs and
how they are compared.
"""

import json
from collections.abc import Sequence
from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, dcc, html

from dashboard import figures
from dashboard.api import Api, Json
from dashboard.components import (
    button,
    card,
    choice,
    colour_switch,
    cursor_bar,
    fraction_legend,
    layer_controls,
    part,
    plotly_address,
    run_figures,
    state_legend,
    switch,
)
from dashboard.form.defaults import with_defaults
from dashboard.form.schema import read_schema
from dashboard.form.titles import setting_titles
from dashboard.page import Page

MOST_RUNS = 50
_FIGURES = ("overview", "neurons", "metric")
_UNREAD = ("config", "frozen_sparkline", "frozen_trail", "turns")


async def layout(api: Api, run_ids: Sequence[str], layer: str | None = None) -> Page:
    """Runs side by side; those that do not exist are named and left out, as are those beyond `MOST_RUNS`."""
    wanted = list(dict.fromkeys(run_ids))
    comparison = await api.comparison(wanted[:MOST_RUNS])
    records = comparison["runs"]
    data = {
        "comparison": comparison | {"runs": [_without_unread(record) for record in records]},
        **await _settings(api, records),
        "left_out": len(wanted[MOST_RUNS:]),
        "most": MOST_RUNS,
        "layer": layer,
        "figures": _templates(records),
        "plotly": plotly_address(),
    }
    body = [
        dcc.Store(id="compare-data", data=data),
        dcc.Store(id="compare-mounted"),
        html.Article(_frame(bool(records)), id="compare-page", key=",".join(wanted), className="run compare"),
    ]
    return Page("Compare", body)


def wire(app: Dash, _api: Api) -> None:
    """Hand the page to its script as soon as it is there."""
    app.clientside_callback(
        ClientsideFunction("neq_compare", "mount"), Output("compare-mounted", "data"), Input("compare-data", "data")
    )


def _without_unread(record: Json) -> Json:
    """A run's record without what the page does not read, or has in its settings: of 50 runs, 200 kB."""
    return {name: value for name, value in record.items() if name not in _UNREAD}


def _templates(records: Sequence[Json]) -> Json:
    """Of the figures, which stretch to whatever the runs have."""
    if not records:
        return {}
    known = run_figures({"epochs_planned": None, "epochs_done": 0})
    return {name: known[name] for name in _FIGURES} | {"scatter": figures.scatter()}


async def _settings(api: Api, records: Sequence[Json]) -> Json:
    """The runs' configurations, and the titles of all that is set in any of them.

    What a run's version did not know yet stands at its default, so that this is no difference. An external
    run has no defaults: its configuration is what its script told.
    """
    if not records:
        return {"settings": told_once([]), "titles": {}}
    form = read_schema(await api.config_schema())
    launched = [record["source"] == "launched" for record in records]
    settings = [
        with_defaults(form, record["config"]) if described else record["config"]
        for record, described in zip(records, launched, strict=True)
    ]
    titled = [config for config, described in zip(settings, launched, strict=True) if described]
    return {"settings": told_once(settings), "titles": setting_titles(form, titled)}


def told_once(configs: Sequence[Json]) -> Json:
    """Configurations whose parts are told once however many runs have them: each run has the places of its own.

    `settingsOf` in `scripts/compare-page/members.js` puts them together.
    """
    parts: dict[str, dict[str, Any]] = {}  # by their text: in Python 1 is True
    runs = []
    for config in configs:
        places = {}
        for name, part_of_it in config.items():
            known = parts.setdefault(name, {})
            text = json.dumps(part_of_it)
            known.setdefault(text, part_of_it)
            places[name] = list(known).index(text)
        runs.append(places)
    return {"parts": {name: list(known.values()) for name, known in parts.items()}, "runs": runs}


def _frame(filled: bool) -> list[Any]:
    tools = html.Div(
        [part("picker", className="compare-chips"), button("compare-views", "Views…", "button button-small")],
        className="compare-tools",
    )
    head = html.Header([html.H1("Compare runs"), tools], className="compare-head")
    pictures = [
        _numbers(),
        _curves(),
        _scatter(),
        _parallel(),
        cursor_bar(),
        part("note", tag=html.P, className="compare-note", hidden=True),
        _neurons(),
        card("Layers × epochs", fraction_legend(), part("overviews", className="compare-row"), topic="overview"),
        _masks(),
        _differences(),
    ]
    notice = part("notice", tag=html.Section, className="run-notice", hidden=True, role="status")
    return [head, notice, html.Div(pictures, className="run", hidden=not filled)]


def _numbers() -> Any:
    label: Any = {"aria-label": "Settings that differ, and results of each run"}
    brushed = part("brush-words", tag=html.P, className="muted", hidden=True, role="status")
    table = part("numbers", className="table-frame compare-frame", tabIndex=0, **label)
    return card("Runs", brushed, table, topic="compared")


def _neurons() -> Any:
    row = part("heatmaps", className="compare-row")
    return card("Neurons × epochs", state_legend(), row, topic="neurons", side=layer_controls(colour_switch()))


def _masks() -> Any:
    """Two of the runs, mask against mask; `scripts/compare-page/masks.js` fills it."""
    sides = [button("mask-jaccard", "Agreement", "switch-side"), button("mask-difference", "B − A", "switch-side")]
    runs = html.Div(
        ["A ", choice("mask-a", "Run A"), " B ", choice("mask-b", "Run B")], className="card-buttons mask-runs"
    )
    cells = html.Div(
        [
            html.H3(["Neurons × epochs of ", part("mask-layer", tag=html.Span)]),
            part("mask-legend", className="legend"),
            part("mask-cells", className="picture-neurons"),
            part("mask-numbers", tag=html.P, className="muted", role="status"),
        ],
        className="compare-pane",
    )
    layers = html.Div(
        [
            html.Div([html.H3("Layers × epochs"), switch("Layers by", *sides)], className="card-head"),
            part("mask-scale", className="fraction-legend"),
            part("mask-agreement", className="picture-overview"),
        ],
        className="compare-pane",
    )
    words = part("mask-words", "Loading…", tag=html.P, className="compare-note", role="status")
    freezes = html.Div(
        [
            html.H3(["First freeze in A against B", part("freeze-layer", tag=html.Span)]),
            part("mask-freezes", className="picture-freezes"),
        ],
        className="compare-pane",
    )
    row = html.Div([cells, layers, freezes], className="mask-row")
    return card("Masks of two runs", words, row, topic="masks", side=runs, name="masks-card")


def _curves() -> Any:
    controls = [
        _labelled("Over", choice("curves-axis", "Axis of the curves")),
        _labelled("Group by", choice("curves-group", "Group curves by")),
        choice("curves-spread", "Bands show"),
        html.Label(
            [
                "Smoothing ",
                part("curves-smooth", className="curves-smooth"),
                part("curves-smooth-words", tag=html.Span, className="muted"),
            ],
            className="labelled",
        ),
        button("curves-log", "Log scale", "button button-small"),
        button("curves-metrics", "Metrics…", "button button-small"),
    ]
    return card(
        "Metrics",
        html.Div(controls, className="card-buttons compare-controls"),
        part("curves-problem", tag=html.P, className="compare-note compare-warning", role="alert", hidden=True),
        part("curves-legend", className="legend", hidden=True),
        part("curves-empty", tag=html.P, className="picture-empty", hidden=True),
        part("curves", className="compare-curves"),
        topic="curves",
    )


def _labelled(words: str, control: Any) -> Any:
    return html.Span([html.Span(words), control], className="labelled")


def _scatter() -> Any:
    """Any two figures against each other; `scripts/compare-page/scatter.js` fills it."""
    sides = [
        html.Span(
            [
                html.Span(name),
                choice(f"scatter-{side}", f"Figure {name.lower()}"),
                button(f"scatter-{side}-less", "", "button button-small", title="Which direction is better"),
            ],
            className="labelled",
        )
        for side, name in (("x", "Across"), ("y", "Upright"))
    ]
    return card(
        "Trade-offs",
        part("scatter", className="picture-scatter"),
        part("scatter-words", tag=html.P, className="muted", role="status"),
        topic="pareto",
        side=html.Div(sides, className="card-buttons"),
    )


def _parallel() -> Any:
    """A line for each run through settings and results; `scripts/compare-page/parallel.js` fills it."""
    limits = html.Details(
        [
            html.Summary("Brush by typing"),
            part("parallel-limits", className="parallel-limits"),
        ],
        className="parallel-typing",
    )
    body = [
        html.Summary(html.H2("Parallel coordinates")),
        html.Div(
            [
                part("parallel-words", tag=html.P, className="muted", role="status"),
                html.Div(
                    [
                        button("parallel-clear", "Clear brushes", "button button-small"),
                        button(
                            "parallel-save", "Save…", "button button-small", label_long="Save…: parallel coordinates"
                        ),
                    ],
                    className="compare-tools",
                ),
            ],
            className="card-head",
        ),
        html.Div(part("parallel", className="picture-parallel"), className="parallel-scroll"),
        limits,
    ]
    return html.Section(
        part("parallel-frame", *body, tag=html.Details, className="parallel-frame"), className="card picture-card"
    )


def _differences() -> Any:
    sides = [button("differing", "Differences only", "switch-side"), button("all-settings", "All", "switch-side")]
    group: Any = {"aria-label": "Which settings"}
    label: Any = {"aria-label": "Settings that differ"}
    return card(
        "Config",
        part("settings", className="table-frame", tabIndex=0, **label),
        side=html.Div(sides, className="switch", role="group", **group),
    )
