"""Two to four runs side by side: the same layer's neurons with joined axes, curves, and what differs in their settings.

The layout draws the frame; `scripts/compare-page/page.js` fills it and keeps it live. The address holds runs, layer and
colours.
"""

from collections.abc import Sequence
from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, dcc, html

from dashboard.api import Api, Json, NotThere
from dashboard.components import (
    button,
    card,
    choice,
    colour_switch,
    fraction_legend,
    layer_controls,
    line_legend,
    metrics_card,
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

MOST_RUNS = 4


async def layout(api: Api, run_ids: Sequence[str], layer: str | None = None) -> Page:
    """Up to four runs side by side; those that do not exist are named and left out, as is a fifth."""
    wanted = list(dict.fromkeys(run_ids))
    records, missing = await _records(api, wanted[:MOST_RUNS])
    data = {
        "runs": records,
        **await _settings(api, records),
        "missing": missing,
        "left_out": len(wanted[MOST_RUNS:]),
        "most": MOST_RUNS,
        "layer": layer,
        "figures": [run_figures(record) for record in records],
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


async def _records(api: Api, run_ids: Sequence[str]) -> tuple[list[Json], list[str]]:
    records: list[Json] = []
    missing: list[str] = []
    for run_id in run_ids:
        try:
            records.append(await api.run(run_id))
        except NotThere:
            missing.append(run_id)
    return records, missing


async def _settings(api: Api, records: Sequence[Json]) -> Json:
    """The runs' configurations, and the titles of all that is set in any of them.

    What a run's version did not know yet stands at its default, so that this is no difference. An external
    run has no defaults: its configuration is what its script told.
    """
    if not records:
        return {"settings": [], "titles": {}}
    form = read_schema(await api.config_schema())
    launched = [record["source"] == "launched" for record in records]
    settings = [
        with_defaults(form, record["config"]) if described else record["config"]
        for record, described in zip(records, launched, strict=True)
    ]
    titled = [config for config, described in zip(settings, launched, strict=True) if described]
    return {"settings": settings, "titles": setting_titles(form, titled)}


def _frame(filled: bool) -> list[Any]:
    head = html.Header([html.H1("Compare runs"), part("chips", className="compare-chips")], className="compare-head")
    pictures = [
        _numbers(),
        part("note", tag=html.P, className="compare-note", hidden=True),
        _neurons(),
        card("Layers × epochs", fraction_legend(), part("overviews", className="compare-row"), topic="overview"),
        _masks(),
        _curves(),
        metrics_card(),
        _differences(),
    ]
    notice = part("notice", tag=html.Section, className="run-notice", hidden=True, role="status")
    return [head, notice, html.Div(pictures, className="run", hidden=not filled)]


def _numbers() -> Any:
    label: Any = {"aria-label": "Headline numbers of each run"}
    return html.Section(part("numbers", className="table-frame", tabIndex=0, **label), className="card table-card")


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
    row = html.Div([cells, layers], className="mask-row")
    return card("Masks of two runs", words, row, topic="masks", side=runs, name="masks-card")


def _curves() -> Any:
    names = ("accuracy", "loss", "frozen_fraction", "learning_rate")
    charts = html.Div([part(name, className="picture-curve") for name in names], className="compare-curves")
    side = html.Div([part("run-legend", className="legend"), line_legend()], className="compare-legends")
    return card("Metrics", charts, side=side)


def _differences() -> Any:
    sides = [button("differing", "Differences only", "switch-side"), button("all-settings", "All", "switch-side")]
    group: Any = {"aria-label": "Which settings"}
    label: Any = {"aria-label": "Settings that differ"}
    return card(
        "Config",
        part("settings", className="table-frame", tabIndex=0, **label),
        side=html.Div(sides, className="switch", role="group", **group),
    )
