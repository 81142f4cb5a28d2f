"""All figures: templates of axes and empty traces, as pure functions.

The data arrive in the browser (`scripts/run-page/page.js`, `scripts/compare-page/page.js`). Colours are written as
`var(--neq-…)`, the custom properties of `theme.css`; the browser puts in the values of the present light or dark theme,
since Plotly knows no CSS. Pictures made of cells have no trace: their pixels are painted on a canvas under these axes
(`scripts/plot/cell-canvas.js`).
"""

from typing import Any

Figure = dict[str, Any]

SMALLEST_DECADE = -6
BINS_PER_DECADE = 3
VELOCITY_BINS = 39
"""The API's fixed velocity histogram: 38 edges ±10⁻⁶ … ±1, three a decade; the outermost bins are open."""
PHI_BINS = 50
"""The API's fixed histogram of φ: equal bins from −1 to 1."""

_ZERO_BIN = VELOCITY_BINS // 2
_AXIS: Figure = {
    "showgrid": False,
    "zeroline": False,
    "showline": True,
    "linecolor": "var(--neq-border-strong)",
    "ticks": "outside",
    "ticklen": 4,
    "tickcolor": "var(--neq-border-strong)",
    "automargin": False,
    "fixedrange": False,
}


def overview(layers: int, epochs: int) -> Figure:
    """Layers × epochs, the input's layer at the top; one cell is a layer's frozen fraction after one epoch."""
    figure = _cells(epochs, layers, left=120, row_title=None)
    figure["layout"]["margin"]["t"] = 14  # room for the marks of thaw bursts
    figure["layout"]["yaxis"]["fixedrange"] = True  # dragging chooses epochs
    return figure


def neurons(count: int, epochs: int) -> Figure:
    """Neurons × epochs of one layer, neuron 0 at the top."""
    return _cells(epochs, count, left=56, row_title="neuron")


def velocities(epochs: int) -> Figure:
    """Velocity × epochs: each column is the histogram of one epoch, positive velocities at the top."""
    figure = _cells(epochs, VELOCITY_BINS, left=56, row_title=None)
    figure["layout"]["yaxis"] |= velocity_ticks()
    figure["layout"]["yaxis"]["range"] = [-0.5, VELOCITY_BINS - 0.5]
    return figure


def phis(epochs: int) -> Figure:
    """φ × epochs: each column is the histogram of one epoch, φ = 1 at the top."""
    figure = _cells(epochs, PHI_BINS, left=56, row_title=None)
    ticks = (-1.0, -0.5, 0.0, 0.5, 1.0)
    figure["layout"]["yaxis"] |= {
        "ticks": "outside",
        "range": [-0.5, PHI_BINS - 0.5],
        "tickmode": "array",
        "showticklabels": True,
        "tickvals": [(value + 1) / 2 * PHI_BINS - 0.5 for value in ticks],
        "ticktext": [f"{value:g}".replace("-", "−") for value in ticks],
    }
    return figure


def neuron_velocity(epochs: int) -> Figure:
    """One neuron's v over the epochs, on the axis of the velocity histograms."""
    figure = curve("v", epochs=epochs)
    figure["layout"]["yaxis"] |= velocity_ticks() | {
        "ticks": "",
        "autorange": False,
        "range": [-0.5, VELOCITY_BINS - 0.5],
    }
    return figure


def velocity_ticks() -> Figure:
    """Where on an axis of bin numbers every second decade lies, and how it is written.

    Edge i, counted from 0, lies at i + 0.5, between the bins i and i + 1.
    """
    decades = range(SMALLEST_DECADE + 2, 1, 2)
    positive = [(_ZERO_BIN + 0.5 + (decade - SMALLEST_DECADE) * BINS_PER_DECADE, decade) for decade in decades]
    below = [(2 * _ZERO_BIN - place, f"−{_power(decade)}") for place, decade in reversed(positive)]
    above = [(place, _power(decade)) for place, decade in positive]
    ticks = [*below, (float(_ZERO_BIN), "0"), *above]
    return {
        "ticks": "outside",
        "tickmode": "array",
        "showticklabels": True,
        "tickvals": [place for place, _ in ticks],
        "ticktext": [text for _, text in ticks],
    }


def curve(
    title: str,
    *,
    epochs: int,
    percent: bool = False,
    from_zero: bool = False,
    logarithmic: bool = False,
    never_negative: bool = False,
) -> Figure:
    """One small chart over the epochs, without traces.

    Args:
        title: what the values are; stands above the axis.
        epochs: how many the horizontal axis shows.
        percent: values in 0–1, written in percent.
        from_zero: the axis begins at 0 and reaches at least a tenth.
        logarithmic: for values that fall by factors, such as a learning rate.
        never_negative: the axis ends at 0, wherever the values lie above.
    """
    layout = _layout(left=56, right=12, top=28, bottom=24)
    layout["xaxis"] = _epoch_axis(epochs)
    layout["yaxis"] = _AXIS | {"showgrid": True, "gridcolor": "var(--neq-grid)", "showline": False, "ticks": ""}
    layout["yaxis"] |= {"type": "log" if logarithmic else "linear", "nticks": 5, "autorange": True}
    if percent:
        layout["yaxis"] |= {"tickformat": ".0%"}
    if never_negative:
        layout["yaxis"] |= {"autorangeoptions": {"clipmin": 0}}
    if from_zero:
        layout["yaxis"] |= {"autorangeoptions": {"include": [0, 0.1], "clipmin": 0}}
    if logarithmic:
        layout["yaxis"] |= {"dtick": 1, "exponentformat": "power", "tickfont": {"size": 10}}
    layout["title"] = {
        "text": title,
        "font": {"size": 13, "color": "var(--neq-text)", "weight": 600},
        "x": 0,
        "xref": "container",
        "y": 1,
        "yref": "container",
        "yanchor": "top",
        "pad": {"t": 2, "l": 0},
    }
    return {"data": [_nothing()], "layout": layout}


def scatter() -> Figure:
    """Any two figures against each other; the script names both axes and gives their reach."""
    layout = _layout(left=64, right=20, top=14, bottom=48)
    for side in ("xaxis", "yaxis"):
        layout[side] = _AXIS | {
            "showgrid": True,
            "gridcolor": "var(--neq-grid)",
            "range": [0, 1],
            "nticks": 7,
            "title": {"text": "", "standoff": 8, "font": {"size": 12}},
        }
    layout |= {"hovermode": "closest", "hoverlabel": {"align": "left", "font": {"family": "var(--neq-font)"}}}
    return {"data": [_nothing()], "layout": layout}


def metric(*, logarithmic: bool = False) -> Figure:
    """One metric over its steps or epochs; the script gives it its name and the reach of both axes."""
    figure = curve("", epochs=12, logarithmic=logarithmic)
    figure["layout"]["yaxis"].pop("dtick", None)  # a decade a tick would leave many a metric without any
    return figure


def _cells(epochs: int, rows: int, *, left: int, row_title: str | None) -> Figure:
    layout = _layout(left=left, right=12, top=8, bottom=38)
    layout["xaxis"] = _epoch_axis(epochs) | {"title": {"text": "epoch", "standoff": 6}}
    layout["yaxis"] = _AXIS | {
        "range": [rows - 0.5, -0.5],
        "minallowed": -0.5,
        "maxallowed": rows - 0.5,
        "tickformat": "d",
        "nticks": 8,
        "ticks": "",
        "showticklabels": False,  # until the rows are known
    }
    if row_title:
        layout["yaxis"]["title"] = {"text": row_title, "standoff": 8}
    return {"data": [_nothing()], "layout": layout}


def _nothing() -> Figure:
    """Axes without any trace are not drawn."""
    return {"type": "scatter", "x": [None], "y": [None], "hoverinfo": "skip", "showlegend": False}


def _epoch_axis(epochs: int) -> Figure:
    return _AXIS | {
        "range": [-0.5, epochs - 0.5],
        "minallowed": -0.5,
        "maxallowed": epochs - 0.5,
        "tickformat": "d",
        "nticks": 8,
    }


def _layout(*, left: int, right: int, top: int, bottom: int) -> Figure:
    return {
        "margin": {"l": left, "r": right, "t": top, "b": bottom, "pad": 0, "autoexpand": False},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "var(--neq-font)", "size": 12, "color": "var(--neq-axis)"},
        "showlegend": False,
        "dragmode": "zoom",
        "hovermode": False,
        "modebar": {
            "bgcolor": "var(--neq-surface)",
            "color": "var(--neq-muted)",
            "activecolor": "var(--neq-accent)",
        },
    }


def _power(decade: int) -> str:
    return "1" if decade == 0 else f"10<sup>{str(decade).replace('-', '−')}</sup>"
