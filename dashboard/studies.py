"""Studies from the paper as cards: what each asks, how large its runs are, and what was published."""

from typing import Any

from dash import html

from dashboard.api import Json
from dashboard.page import attributes

BUTTONS = {"here": "Launch study…", "paper": "Launch as published…"}


def study_key(study: Json, scale: Json) -> str:
    """Names one scale of a study among all."""
    return f"{study['name']}:{scale['name']}"


def studies_section(studies: list[Json]) -> Any:
    """All of them; hidden where there are none."""
    words = (
        "“Launch study…” fills in the form below: everything can be seen and changed before its runs are launched. "
        "Runs of smaller size show how figures move, not how high they are."
    )
    return html.Section(
        [
            html.H2("Studies from the paper", className="presets-title"),
            html.P(words, className="muted studies-words"),
            html.Div([_card(study) for study in studies], className="studies-row"),
        ],
        className="presets studies",
        hidden=not studies,
    )


def _card(study: Json) -> Any:
    here, paper = study["scales"]
    published = study["published"]
    return html.Div(
        [
            html.H3(study["title"], className="preset-title"),
            html.P(study["question"]),
            *_scale(study, here, "button"),
            html.Details(
                [
                    html.Summary("As published"),
                    html.P(published["words"], className="preset-words"),
                    html.P(f"Source: {published['source']}.", className="preset-words"),
                    *_scale(study, paper, "button button-quiet"),
                ]
            ),
        ],
        className="study",
    )


def _scale(study: Json, scale: Json, kind: str) -> list[Any]:
    """The runs of one size, and the button that fills them in; `scripts/form-page/page.js` says what they will take."""
    key = study_key(study, scale)
    reason = [html.P(f"Cannot run here: {scale['problem']}.", className="preset-reason")] if scale["problem"] else []
    button = html.Button(
        BUTTONS[scale["name"]],
        id={"form": "study", "path": key},
        className=kind,
        type="button",
        **attributes(aria_label=f"{BUTTONS[scale['name']]} {study['title']}"),
    )
    return [
        html.P(scale["said"], className="preset-words"),
        html.P(f"{scale['runs']} runs.", id={"form": "study-cost", "path": key}, className="study-cost"),
        *reason,
        html.Div(button),
    ]
