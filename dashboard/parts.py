"""Pieces that the pages with pictures share: frames, help, legends, the templates of their figures."""

from typing import Any

import plotly
from dash import html
from dash.fingerprint import build_fingerprint

from dashboard import figures
from dashboard.api import Json

HELP = {
    "phi": "φ (phi): how like its former self a neuron's output is, one epoch apart: the cosine of its outputs on "
    "the probe set after this epoch and after the one before. 1: unchanged.",
    "velocity": "v: how fast that similarity itself is changing, with a memory: v = Δφ − μ · v of the epoch before. "
    "Near 0 the neuron has settled.",
    "epsilon": "ε (epsilon): the threshold chosen for the run. A neuron whose |v| is below it is frozen for the "
    "next epoch.",
    "frozen": "A frozen neuron's weights are not updated. What is decided at the end of an epoch holds in the next "
    "one; every epoch decides anew, so a neuron can thaw.",
    "probe": "A few images held back from training, the same every time, on which the neurons' outputs are compared.",
    "overview": "One row a layer, the input's layer at the top; one column an epoch; the colour is the share of its "
    "neurons decided to freeze. Dotted lines: the learning rate fell. Click a row to open its layer.",
    "neurons": "One row a neuron, one column an epoch: what was decided at the end of that epoch, beside the φ and v "
    "that decided it. Drag to zoom, double-click for all; arrow keys move from cell to cell.",
    "histogram": "One column an epoch: how the layer's velocities are spread. The axis is logarithmic on both sides "
    "of 0; neurons between −ε and +ε are frozen for the next epoch.",
}
STATES = (
    ("updating", "updating", "Its weights move in the next epoch, as they could in this one."),
    ("frozen", "frozen", "At rest: |v| < ε now and the epoch before. Not updated in the next epoch."),
    ("just-frozen", "just frozen", "|v| has just fallen below ε: not updated from the next epoch on."),
    ("just-thawed", "just thawed", "It was at rest and |v| has risen above ε: updated again from the next epoch on."),
)


def part(name: str, *children: Any, tag: Any = html.Div, **properties: Any) -> Any:
    """A piece of the frame that the page's script finds by this name."""
    return tag(list(children) or None, **{"data-part": name}, **properties)


def button(name: str, label: str, kind: str = "button", *, label_long: str | None = None, **properties: Any) -> Any:
    """A button that the page's script makes work; `label_long` is what a screen reader says instead."""
    spoken = {"aria-label": label_long, "title": label_long} if label_long else {}
    return part(name, label, tag=html.Button, className=kind, type="button", **spoken, **properties)


def help_button(topic: str) -> Any:
    """A small i that explains."""
    attributes: Any = {"data-help": HELP[topic], "aria-label": f"Help: {HELP[topic]}"}
    return html.Button("i", className="help", type="button", **attributes)


def term(words: str, topic: str) -> Any:
    """Words that a newcomer may not know, with their explanation."""
    return html.Span([words, "\u00a0", help_button(topic)], className="term")


def card(title: Any, *children: Any, topic: str | None = None, side: Any = None) -> Any:
    """A titled frame; `side` stands at the right of the title."""
    heading = html.H2([title, help_button(topic) if topic else None])
    return html.Section([html.Div([heading, side], className="card-head"), *children], className="card picture-card")


def state_legend() -> Any:
    """The four states in words, and the scale of |v|; the script shows the one in use."""
    states = [_legend_item(f"swatch swatch-{token}", name, text) for token, name, text in STATES]
    scale = part("legend-speed", className="legend-speed", hidden=True)
    return html.Div([part("legend-states", *states, className="legend"), scale], className="legend-row")


def share_legend() -> Any:
    """The colours of the overview."""
    words = [html.Span("0 %"), html.Span(className="share-bar"), html.Span("100 % frozen")]
    return html.Div(html.Div(words, className="share-legend"), className="legend-row")


def line_legend() -> Any:
    """Which line is which where test and train values are drawn together."""
    lines = [
        html.Span([html.Span(className=f"line line-{name}"), name], className="legend-item")
        for name in ("test", "train")
    ]
    return html.Div(lines, className="legend")


def layer_controls() -> Any:
    """Which layer is shown, and by which colours."""
    choice: Any = {"aria-label": "Layer"}
    group: Any = {"aria-label": "Colour by"}
    modes = [button("mode-state", "State", "switch-side"), button("mode-speed", "|v|", "switch-side")]
    return part(
        "layer-controls",
        *[
            button("layer-back", "‹", "button button-small", label_long="Previous layer (Shift+L)"),
            part("layer", tag=html.Select, className="select", **choice),
            button("layer-on", "›", "button button-small", label_long="Next layer (L)"),
            html.Div(modes, className="switch", role="group", **group),
        ],
        className="layer-controls",
        hidden=True,
    )


def run_figures(record: Json) -> Json:
    """The templates of a run's figures, for as many epochs as it plans."""
    epochs = int(record["epochs_planned"])
    return {
        "overview": figures.overview(1, epochs),
        "neurons": figures.neurons(1, epochs),
        "velocities": figures.velocities(epochs),
        "accuracy": figures.curve("Accuracy", epochs=epochs, percent=True),
        "loss": figures.curve("Loss", epochs=epochs),
        "frozen_share": figures.curve("Frozen for the next epoch", epochs=epochs, percent=True, from_zero=True),
        "learning_rate": figures.curve("Learning rate", epochs=epochs, logarithmic=True),
    }


def plotly_address() -> str:
    """Where the browser gets Plotly: our own copy, under a name that changes with its version, so that it is kept."""
    path = build_fingerprint("package_data/plotly.min.js", plotly.__version__, "0")
    return f"/_dash-component-suites/plotly/{path}"


def _legend_item(swatch: str, name: str, text: str) -> Any:
    attributes: Any = {"data-help": text}
    return html.Span([html.Span(className=swatch), name], className="legend-item", tabIndex=0, **attributes)
