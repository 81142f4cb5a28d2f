"""Presets as cards: first those that the living workers can train, below them the others with the reason."""

from collections.abc import Callable
from typing import Any

from dash import html

from dashboard.api import Json

Card = Callable[[Json, list[Any], str], Any]


def preset_cards(presets: list[Json], card: Card) -> list[Any]:
    """Two rows of cards; a row without any is left out.

    Those that cannot be trained here stand in a row of their own: their reasons are long, and in one row with the
    others they would make all cards as tall as the longest.

    Args:
        card: makes one of a preset, what stands on it, and its class; a button or a link.
    """
    able = [preset for preset in presets if not preset["problem"]]
    unable = [preset for preset in presets if preset["problem"]]
    rows = (("presets-row", able), ("presets-row presets-unable", unable))
    return [
        html.Div([card(preset, _words(preset), _class(preset)) for preset in some], className=name)
        for name, some in rows
        if some
    ]


def _class(preset: Json) -> str:
    return "preset preset-unable" if preset["problem"] else "preset"


def _words(preset: Json) -> list[Any]:
    """Its title, what it shows and, where the living workers cannot train it, why; it can still be filled in."""
    words = [
        html.Span(preset["title"], className="preset-title"),
        html.Span(preset["description"], className="preset-words"),
    ]
    if preset["problem"]:
        words.append(html.Span(f"Cannot run here: {preset['problem']}.", className="preset-reason"))
    return words
