"""`RecordedRun.figure`: a layer's neurons × epochs as a Plotly figure, in the dashboard's colours."""

from collections.abc import Iterator
from html import escape
from importlib import import_module
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from neq.client.recorded_layer import Floats, Masks, RecordedLayer
from neq.display import colours

Of = Literal["state", "velocity", "phi"]
MOST_MARKED = 200
"""Neurons whose frozen epochs are underlined from the start: of more, the lines would hide the colours."""

_WORDS = {"state": "state", "velocity": "|v|", "phi": "1 − φ"}


def figure(name: str, layer: RecordedLayer, of: str) -> Any:
    """A `plotly.graph_objects.Figure`; column e shows what was decided at the end of epoch e, neuron 0 at the top.

    Args:
        name: of the run.
        of: `state`, `velocity` or `phi`.

    Raises:
        ValueError: `of` is something else.
        ImportError: Plotly is not installed.
        ClientError: as `Client`'s methods.
    """
    if of not in get_args(Of):
        raise ValueError(f"of is {of!r}; choose from {', '.join(get_args(Of))}")
    objects = _plotly()
    cells = states(layer.frozen, layer.present) if of == "state" else _logarithms(layer, of)
    drawn = objects.Figure(_heatmap(objects, cells, layer, of), _layout(name, layer, of))
    if of != "state":
        _underline(objects, drawn, layer.frozen)
    for first, stop in _stretches(layer.present & np.isnan(cells).all(axis=1)):
        drawn.add_vrect(first - 0.5, stop - 0.5, fillcolor=colours.NO_DATA, line_width=0, layer="below")
    return drawn


def states(frozen: Masks, present: Masks) -> Floats:
    """float32 (epochs, neurons): the number of each neuron's state in `colours.STATES`; NaN where nothing is recorded.

    Where the epoch before is missing, nothing is said to have changed; before epoch 0 nothing was frozen.
    """
    before = np.zeros_like(frozen)
    before[1:] = np.where(present[:-1, None], frozen[:-1], frozen[1:])
    found = frozen + 2 * (frozen != before)
    return np.where(present[:, None], found, np.nan).astype(np.float32)


def _logarithms(layer: RecordedLayer, of: str) -> Floats:
    values = np.abs(layer.velocity) if of == "velocity" else layer.divergence
    smallest = np.float32(10.0**colours.SMALLEST_DECADE)
    found: Floats = np.log10(np.maximum(values, smallest))  # NaN stays
    return found


def _heatmap(objects: Any, cells: Floats, layer: RecordedLayer, of: str) -> Any:
    where = "epoch %{x}, neuron %{y}"
    if of == "state":
        names = list(colours.STATES)
        bar = {"tickvals": list(range(len(names))), "ticktext": names}
        scale, reach, said = colours.state_scale(), (-0.5, len(names) - 0.5), ""
    else:
        decades = range(colours.SMALLEST_DECADE, 1, 2)
        bar = {"tickvals": list(decades), "ticktext": [_power(decade) for decade in decades]}
        scale = colours.speed_scale(layer.epsilon) if of == "velocity" else colours.similarity_scale()
        reach, said = (colours.SMALLEST_DECADE, 0), f": {_WORDS[of]} = 10<sup>%{{z:.2f}}</sup>"
    return objects.Heatmap(
        z=np.ascontiguousarray(cells.T),
        **dict(zip(("zmin", "zmax"), reach, strict=True)),
        colorscale=scale,
        colorbar={"title": {"text": _WORDS[of]}, **bar},
        hoverongaps=False,
        hovertemplate=f"{where}{said}<extra></extra>",
    )


def _underline(objects: Any, drawn: Any, frozen: Masks) -> None:
    """A line through the epochs at whose end a neuron was frozen: dark, with a light rim, to be seen on any colour."""
    x, y = frozen_lines(frozen)
    if not x.size:
        return
    drawn.update_layout(showlegend=True)
    seen = True if frozen.shape[1] <= MOST_MARKED else "legendonly"
    for colour, width in ((colours.SURFACE, 3), (colours.TEXT, 1)):
        drawn.add_trace(
            objects.Scattergl(
                x=x,
                y=y,
                mode="lines",
                line={"color": colour, "width": width},
                name="frozen",
                legendgroup="frozen",
                showlegend=width == 1,
                visible=seen,
                hoverinfo="skip",
            )
        )


def frozen_lines(frozen: Masks) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Ends of the lines, x and y, with NaN behind each: three values a line."""
    edges = np.diff(frozen.astype(np.int8), axis=0, prepend=0, append=0).T
    neurons, begins = np.nonzero(edges == 1)
    ends = np.nonzero(edges == -1)[1]
    nothing = np.full(neurons.size, np.nan)
    x = np.stack([begins - 0.5, ends - 0.5, nothing], axis=1)
    y = np.stack([neurons, neurons, nothing], axis=1)
    return x.ravel().astype(np.float32), y.ravel().astype(np.float32)


def _layout(name: str, layer: RecordedLayer, of: str) -> dict[str, Any]:
    told = [layer.name, f"{layer.neurons:,} neurons", _WORDS[of]]
    if layer.epsilon is not None:
        told.insert(1, f"ε = {layer.epsilon:g}")
    line = {"showgrid": False, "zeroline": False, "ticks": "outside", "tickformat": "d", "color": colours.AXIS}
    epochs = max(len(layer.present), 1)
    return {
        "title": {"text": f"{escape(name)}<br><sub>{escape(' · '.join(told))}</sub>"},
        "font": {"family": colours.FONT, "color": colours.TEXT},
        "paper_bgcolor": colours.SURFACE,
        "plot_bgcolor": colours.SURFACE,
        "xaxis": line | {"title": {"text": "epoch"}, "range": [-0.5, epochs - 0.5]},
        "yaxis": line | {"title": {"text": "neuron"}, "range": [layer.neurons - 0.5, -0.5]},
        "legend": {"orientation": "h", "x": 1, "xanchor": "right", "y": 1.02, "yanchor": "bottom"},
    }


def _power(decade: int) -> str:
    return "1" if decade == 0 else f"10<sup>{str(decade).replace('-', '−')}</sup>"


def _plotly() -> Any:
    try:
        return import_module("plotly.graph_objects")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != "plotly":
            raise
        raise ImportError("figure() needs Plotly, the extra `plotly`: pip install 'neq[plotly]'") from error


def _stretches(present: Masks) -> Iterator[tuple[int, int]]:
    """The epochs without gaps: from the first up to before the second.

    Args:
        present: (epochs,).
    """
    edges = np.flatnonzero(np.diff(present.astype(np.int8), prepend=0, append=0)).tolist()
    yield from zip(edges[::2], edges[1::2], strict=True)
