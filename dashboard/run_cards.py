"""The cards of a run's page below its neurons: curves, distributions, savings, resources, data, configuration, log.

Frames alone; `scripts/run-page` fills them. Those that an external run may have nothing for are hidden until it has.
"""

from typing import Any

from dash import html

from dashboard.components import (
    button,
    card,
    help_button,
    line_legend,
    part,
    switch,
)


def curves(*, external: bool) -> Any:
    """By epoch. An external run's accuracy and loss are metrics of its own, under the names that it gave them."""
    charts = [
        part(name, className="picture-curve", hidden=external and name in ("accuracy", "loss"))
        for name in ("accuracy", "loss", "frozen_fraction", "learning_rate")
    ]
    title, side = ("Frozen neurons", None) if external else ("Metrics", line_legend())
    return card(title, html.Div(charts, className="curves"), side=side)


def distribution() -> Any:
    fields = [
        button(f"values-{name}", words, "switch-side", label_long=f"Distribution of {words}")
        for name, words in (("phi", "φ"), ("delta", "Δφ"), ("velocity", "v"))
    ]
    whole = button(
        "values-network", "Network", "button button-small", label_long="The whole network instead of one layer"
    )
    pictures = [part("distribution", className="picture-distribution"), part("distribution-bars", className="bars")]
    return card(
        part("distribution-title", "Distribution", tag=html.Span),
        html.Div(pictures, className="distribution"),
        topic="histogram",
        side=html.Div([switch("Distribution of", *fields), whole], className="card-buttons"),
    )


def savings(*, hidden: bool) -> Any:
    """What a batch takes, what could be saved, and why no more was."""
    parts = line_legend("forward", "backward", "optimizer", "measuring φ", "dense step")
    fractions = line_legend("measured", "with φ", "FLOPs", "FLOP lower bound")
    charts = [
        html.Div([legend, part(name, className="picture-curve")])
        for name, legend in (("step_ms", parts), ("step_fraction", fractions))
    ]
    spoken: Any = {"aria-label": "Backward pass by layer"}
    return card(
        "Savings from frozen neurons",
        part("savings-words", "Loading…", tag=html.P, className="savings-words"),
        part("savings-more", tag=html.P, className="muted savings-more", hidden=True),
        part("controls", className="controls"),
        html.Div(charts, className="curves savings-charts"),
        html.H3([part("plans-title", "Backward pass by layer", tag=html.Span), " ", help_button("plans")]),
        part("plans", className="plans", tabIndex=0, role="region", **spoken),
        topic="savings",
        name="savings-card",
        hidden=hidden,
    )


def multiples() -> Any:
    slot = [part("filter"), part("filter-words", tag=html.Span, className="muted", role="status")]
    return card(
        "All layers",
        part("multiples-empty", tag=html.P, className="picture-empty", hidden=True),
        part("multiples", className="multiples-groups"),
        topic="multiples",
        side=html.Div(slot, className="card-buttons"),
        kind="of-watch",
    )


def published() -> Any:
    """The recipe's published figures beside the run's own; the script shows it where there are any."""
    table = part("published", className="published")
    words = part("published-words", className="published-words muted")
    return part("published-card", card("Comparison with the paper", table, words), hidden=True)


def machine(*, hidden: bool) -> Any:
    return card("Resources", part("machine", className="config machine"), name="machine-card", hidden=hidden)


def data(*, hidden: bool) -> Any:
    """What the run found in its data; `scripts/run-page/data-card.js` fills it."""
    return card("Data", part("data-found", className="data-found"), name="data-card", hidden=hidden)


def configuration(*, external: bool) -> Any:
    buttons = [
        button("copy-json", "Copy as JSON", "button button-small"),
        button(
            "copy-command",
            "Copy command",
            "button button-small",
            label_long=f"Copy the command that {'started' if external else 'launches'} this run",
            hidden=external,
        ),
    ]
    spoken: Any = {"aria-label": "Config"}
    settings = part("config", className="config config-scroll", tabIndex=0, role="region", **spoken)
    return card("Config", settings, side=html.Div(buttons, className="card-buttons"))


def log() -> Any:
    spoken: Any = {"aria-label": "Log"}
    lines = part("log", className="log", tabIndex=0, role="log", **spoken)
    return card("Log", lines, side=button("follow", "Jump to latest", "button button-small", hidden=True))
