"""What a page hands to the frame around it."""

from typing import Any, NamedTuple


class Page(NamedTuple):
    """A drawn page."""

    title: str
    """For the browser's tab, without the product's name; a run's page says the run's name."""
    body: Any
    """A Dash component, or a list of them."""


def attributes(**named: str) -> dict[str, Any]:
    """HTML's own names for attributes that Python cannot spell: aria_label becomes aria-label."""
    return {name.replace("_", "-"): value for name, value in named.items()}
