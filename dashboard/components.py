"""Pieces that the pages with pictures share: frames, help, legends, the templates of their figures."""

from typing import Any

import plotly
from dash import html
from dash.fingerprint import build_fingerprint

from dashboard import figures
from dashboard.api import Json

HELP = {
    "phi": "φ (phi): how similar a neuron's output is to that of one epoch earlier: the cosine of its outputs on "
    "the probe set after this epoch and after the previous one. 1: unchanged.",
    "velocity": "v: how fast φ is changing, with momentum: v = Δφ − μ · v of the previous epoch. "
    "Near 0 the neuron is at equilibrium.",
    "epsilon": "ε (epsilon): the run's threshold. A neuron whose |v| is below it is frozen for the next epoch.",
    "frozen": "A frozen neuron's weights are not updated. The mask decided at the end of an epoch applies to the "
    "next one; it is decided anew after every epoch, so a neuron can thaw.",
    "probe": "A fixed set of images held out from training, on which the neurons' outputs are compared between epochs.",
    "overview": "One row per layer, input at the top, grouped by block; one column per epoch. Dotted "
    "lines: the learning rate changed; triangles: many neurons thawed at once. Click a row to open its layer, drag to "
    "select epochs, double-click to reset the zoom.",
    "neurons": "One row per neuron, one column per epoch: the decision at the end of that epoch, or the φ and v behind "
    "it. Drag to zoom, double-click to reset; click a cell for its neuron's timeline. Marks above: epochs in which the "
    "layer had dead neurons (grey: all outputs on the probe set are 0) or churning ones (orange: |v| < ε though φ is "
    "below 0.9).",
    "masks": "Which neurons only one of two runs froze, both, or neither, epoch by epoch; and layer by layer the "
    "Jaccard agreement: neurons that both froze, of those that either did. Single neurons are the same only where both "
    "runs began with the same weights.",
    "compared": "One row per run: first the settings in which the runs differ, then what they came to. The table is "
    "the legend of all charts: point at a row to see its lines. Tick Pictures to show a run's neurons below; the star "
    "makes a run the baseline that the others are held against. Click a heading to sort.",
    "curves": "Each line is a run, in the colour and dash of the table; a ring marks its best value, a square where a "
    "fork left its parent. Runs that have a value in common become one line, the mean, with a band: ± one standard "
    "deviation (n − 1), or from the least to the greatest. Smoothing is an exponential moving average; the raw curve "
    "stays behind it. By time, samples or FLOPs a point lies where its epoch ended.",
    "pareto": "Each point is a run. The dotted line joins those that no other run beats: none is at least as good in "
    "both figures and better in one. The buttons say which direction is better.",
    "order": "Similarity puts neurons next to each other whose v evolved alike: the angular order of the first two "
    "principal components of their log |v| over at most 32 epochs. The order stays fixed while epochs arrive; Re-sort "
    "updates it.",
    "histogram": "One column per epoch: the distribution of the values over the neurons; on the right, the histogram "
    "at the epoch cursor. The axes of v and Δφ are logarithmic on both sides of 0; neurons with v between −ε and +ε "
    "are frozen for the next epoch.",
    "multiples": "Neurons × epochs of every layer as a thumbnail, in forward order: from all updating to all frozen. "
    "Where a layer has more neurons than a thumbnail has rows, a row averages several; click to open the layer.",
    "savings": "Frozen neurons need no gradient. FLOPs are counted; the bound is the fewest that the epoch's masks "
    "allow. Times are medians over batches with the 10th and 90th percentile, in CPU time (on a GPU, by GPU "
    "events), so that other programs do not count, compared with dense steps of the same period. Left: time per batch "
    "by phase. Right: the step relative to a dense one. Where no time can be reported, the line has a gap and the "
    "reason is given above.",
    "plans": "untouched: the layer's own code. rows: some rows of the weight gradient were computed. dense: all of "
    "them, because computing only some is not faster. stopped: none. zeros: a gradient of zeros, filled in without "
    "being computed.",
    "cursor": "The epoch whose numbers and histograms the page shows. It follows the latest one until you move "
    "it: arrow keys, Home and End, Space for a replay; ? shows all shortcuts.",
}
NAMES = {
    "phi": "φ",
    "velocity": "|v|",
    "epsilon": "ε",
    "frozen": "frozen",
    "probe": "probe set",
    "overview": "layers × epochs",
    "neurons": "neurons × epochs",
    "masks": "masks of two runs",
    "compared": "table of runs",
    "curves": "curves of metrics",
    "pareto": "trade-offs",
    "order": "neuron order",
    "histogram": "distribution",
    "multiples": "all layers",
    "savings": "savings from frozen neurons",
    "plans": "backward pass by layer",
    "cursor": "epoch cursor",
}
"""What each explanation is about; a screen reader says it in a list of all buttons."""
STATES = (
    ("updating", "updating", "Trainable in this epoch and the next."),
    (
        "frozen",
        "frozen",
        "At equilibrium: |v| < ε after this epoch and the previous one. Not updated in the next epoch.",
    ),
    ("just-frozen", "just frozen", "|v| fell below ε in this epoch: not updated from the next epoch on."),
    ("just-thawed", "just thawed", "It was frozen and |v| rose above ε: updated again from the next epoch on."),
)

AXES = ("step", "epoch")
"""What charts of metrics may go by."""
FEW_EPOCHS = 12
"""Those that an axis has room for at least."""
MODES = (("state", "State"), ("phi", "φ"), ("delta", "Δφ"), ("speed", "|v|"))


def part(name: str, *children: Any, tag: Any = html.Div, **properties: Any) -> Any:
    """A piece of the frame that the page's script finds by this name."""
    return tag(list(children) or None, **{"data-part": name}, **properties)


def button(name: str, label: str, kind: str = "button", *, label_long: str | None = None, **properties: Any) -> Any:
    """A button that the page's script makes work; `label_long` is what a screen reader says instead."""
    spoken = {"aria-label": label_long, "title": label_long} if label_long else {}
    return part(name, label, tag=html.Button, className=kind, type="button", **spoken, **properties)


def help_button(topic: str) -> Any:
    """A small i that explains: a short name, and the explanation as its description. Once a page for each topic."""
    words = f"help-{topic}"
    attributes: Any = {"data-help": HELP[topic], "aria-label": f"Help: {NAMES[topic]}", "aria-describedby": words}
    button = html.Button("i", className="help", type="button", **attributes)
    return html.Span([button, html.Span(HELP[topic], id=words, hidden=True)], className="help-frame")


def term(words: str, topic: str) -> Any:
    """Words that a newcomer may not know, with their explanation."""
    return html.Span([words, "\u00a0", help_button(topic)], className="term")


def card(
    title: Any,
    *children: Any,
    topic: str | None = None,
    side: Any = None,
    name: str | None = None,
    kind: str = "",
    hidden: bool = False,
) -> Any:
    """A titled frame; `side` stands at the right of the title, and `name` is what the page's script finds it by."""
    heading = html.H2([title, help_button(topic) if topic else None])
    properties: Any = {"data-part": name} if name else {}
    return html.Section(
        [html.Div([heading, side], className="card-head"), *children],
        className=f"card picture-card {kind}".strip(),
        hidden=hidden,
        **properties,
    )


def state_legend() -> Any:
    """The four states in words, and the scale of values; the script shows the one in use."""
    states = [_legend_item(f"swatch swatch-{token}", name, text) for token, name, text in STATES]
    scale = part("legend-scale", className="legend-scale", hidden=True)
    return html.Div([part("legend-states", *states, className="legend"), scale], className="legend-row")


def fraction_legend() -> Any:
    """The colours of layers × epochs where they are frozen fractions."""
    words = [html.Span("0 %"), html.Span(className="fraction-bar"), html.Span("100 % frozen")]
    return html.Div(html.Div(words, className="fraction-legend"), className="legend-row")


def line_legend(*names: str) -> Any:
    """Which line is which, by the names of the lines; their looks are in the style sheet."""
    lines = [
        html.Span([html.Span(className=f"line line-{name.split()[0]}"), name], className="legend-item")
        for name in names or ("test", "train")
    ]
    return html.Div(lines, className="legend")


def switch(label: str, *sides: Any) -> Any:
    """Buttons of which one is pressed."""
    group: Any = {"aria-label": label}
    return html.Div(list(sides), className="switch", role="group", **group)


def choice(name: str, label: str) -> Any:
    """A list to choose from, which the page's script fills."""
    spoken: Any = {"aria-label": label}
    return part(name, tag=html.Select, className="select", **spoken)


def colour_switch() -> Any:
    """By what the neurons are coloured."""
    return switch(
        "Colour by",
        *[button(f"mode-{name}", words, "switch-side", label_long=f"Colour by {words}") for name, words in MODES],
    )


def layer_controls(*more: Any) -> Any:
    """Which layer is shown; `more` stands beside it."""
    return part(
        "layer-controls",
        *[
            button("layer-back", "‹", "button button-small", label_long="Previous layer (Shift+L)"),
            choice("layer", "Layer"),
            button("layer-on", "›", "button button-small", label_long="Next layer (L)"),
            *more,
        ],
        className="layer-controls",
        hidden=True,
    )


def cursor_bar(kind: str = "") -> Any:
    """The bar of the page's epoch cursor, which stays in sight."""
    label: Any = {"aria-label": "Epoch"}
    return html.Section(
        [
            button("cursor-back", "‹", "button button-small", label_long="Previous epoch (←)"),
            button("cursor-play", "▶", "button button-small", label_long="Replay the epochs (Space)"),
            button("cursor-on", "›", "button button-small", label_long="Next epoch (→)"),
            part("cursor-range", className="cursor-range"),  # the script puts a slider in its place
            part("cursor-words", "no epoch yet", tag=html.Span, className="cursor-words"),
            button("cursor-newest", "Follow", "button button-small", label_long="Follow the latest epoch (End)"),
            help_button("cursor"),
            button("keys-help", "Shortcuts", "button button-small", label_long="Keyboard shortcuts (?)"),
        ],
        className=f"cursor-bar {kind}".strip(),
        **label,
    )


def metrics_card() -> Any:
    """What runs log by name; `scripts/run-page/metrics-card.js` fills it."""
    axis = switch(
        "By",
        *[button(f"metrics-by-{axis}", axis, "switch-side", label_long=f"Metrics by {axis}") for axis in AXES],
    )
    scale = button("metrics-log", "Log scale", "button button-small")
    code = html.Code('run.log({"val/loss": loss}, epoch=epoch)')
    empty = part("metrics-empty", "No metrics logged yet: ", code, tag=html.P, className="picture-empty", hidden=True)
    looks = part("metrics-looks", html.Span("By"), axis, scale, className="card-buttons labelled", hidden=True)
    return card(
        "Logged metrics", empty, part("metrics", className="metrics"), side=looks, name="metrics-card", hidden=True
    )


def run_figures(record: Json) -> Json:
    """The templates of a run's figures, for as many epochs as it plans, or as it has where it plans no number."""
    epochs = int(record["epochs_planned"] or max(record["epochs_done"], FEW_EPOCHS))
    return {
        "overview": figures.overview(1, epochs),
        "neurons": figures.neurons(1, epochs),
        "velocities": figures.velocities(epochs),
        "phis": figures.phis(epochs),
        "neuron_phi": figures.curve("φ", epochs=epochs),
        "neuron_velocity": figures.neuron_velocity(epochs),
        "accuracy": figures.curve("Accuracy", epochs=epochs, percent=True, never_negative=True),
        "loss": figures.curve("Loss", epochs=epochs, never_negative=True),
        "frozen_fraction": figures.curve("Frozen next epoch", epochs=epochs, percent=True, from_zero=True),
        "step_ms": figures.curve("ms per batch", epochs=epochs, from_zero=True),
        "step_fraction": figures.curve("Step relative to a dense step", epochs=epochs, percent=True, from_zero=True),
        "learning_rate": figures.curve("Learning rate", epochs=epochs, logarithmic=True),
        "metric": figures.metric(),
        "metric_log": figures.metric(logarithmic=True),
    }


def plotly_address() -> str:
    """Where the browser gets Plotly: our own copy, under a name that changes with its version, so that it is kept."""
    path = build_fingerprint("package_data/plotly.min.js", plotly.__version__, "0")
    return f"/_dash-component-suites/plotly/{path}"


def _legend_item(swatch: str, name: str, text: str) -> Any:
    words = f"help-{swatch.split()[-1]}"
    attributes: Any = {"data-help": text, "aria-describedby": words}
    content: list[Any] = [html.Span(className=swatch), name, html.Span(text, id=words, hidden=True)]
    return html.Span(content, className="legend-item", tabIndex=0, role="note", **attributes)
