"""The templates of the figures: what their axes say, and that Plotly takes them."""

import copy
import json
import re
from typing import Any

import plotly.graph_objects as go
import pytest

from contract.events import VELOCITY_EDGES
from dashboard import figures

TEMPLATES = {
    "overview": figures.overview(14, 50),
    "neurons": figures.neurons(64, 50),
    "velocities": figures.velocities(50),
    "accuracy": figures.curve("Accuracy", epochs=50, percent=True),
    "share": figures.curve("Frozen", epochs=50, percent=True, from_zero=True),
    "rate": figures.curve("Learning rate", epochs=50, logarithmic=True),
}


@pytest.mark.parametrize("name", TEMPLATES)
def test_plotly_knows_every_property_of_a_template(name: str) -> None:
    coloured = re.sub(r"var\(--neq-font\)", "sans-serif", json.dumps(TEMPLATES[name]))
    coloured = re.sub(r"var\(--[\w-]+\)", "#123456", coloured)
    assert go.Figure(json.loads(coloured)).layout.xaxis.range == (-0.5, 49.5)


def test_what_is_never_negative_has_no_axis_below_zero() -> None:
    assert figures.curve("Loss", epochs=5, never_negative=True)["layout"]["yaxis"]["autorangeoptions"] == {"clipmin": 0}


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_serialises_as_it_is(name: str) -> None:
    assert json.loads(json.dumps(TEMPLATES[name])) == TEMPLATES[name]


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_epoch_axis_shows_whole_cells_from_the_first_epoch_on(name: str) -> None:
    axis = TEMPLATES[name]["layout"]["xaxis"]
    assert axis["range"] == [-0.5, 49.5]
    assert (axis["minallowed"], axis["maxallowed"]) == (-0.5, 49.5)


def test_the_first_row_is_at_the_top() -> None:
    assert TEMPLATES["neurons"]["layout"]["yaxis"]["range"] == [63.5, -0.5]
    assert TEMPLATES["overview"]["layout"]["yaxis"]["range"] == [13.5, -0.5]


def test_positive_velocities_are_at_the_top() -> None:
    assert TEMPLATES["velocities"]["layout"]["yaxis"]["range"] == [-0.5, 38.5]


def test_the_velocity_axis_has_a_bin_between_every_two_edges_and_one_beyond_each_end() -> None:
    assert len(VELOCITY_EDGES) + 1 == figures.VELOCITY_BINS


def test_velocity_ticks_lie_on_the_edges_that_they_name() -> None:
    # Edge i, counted from 0, lies between the bins i and i + 1: at i + 0.5.
    ticks: dict[str, Any] = figures.velocity_ticks()
    named = {
        "−1": -1.0,
        "−10<sup>−2</sup>": -1e-2,
        "−10<sup>−4</sup>": -1e-4,
        "10<sup>−4</sup>": 1e-4,
        "10<sup>−2</sup>": 1e-2,
        "1": 1.0,
    }
    places = dict(zip(ticks["ticktext"], ticks["tickvals"], strict=True))
    assert places.pop("0") == figures.VELOCITY_BINS // 2
    expected = {}
    for text, value in named.items():
        distance, edge = min((abs(known - value), index) for index, known in enumerate(VELOCITY_EDGES))
        assert distance < 1e-9
        expected[text] = edge + 0.5
    assert places == expected


def test_templates_do_not_share_their_parts() -> None:
    one = figures.neurons(64, 50)
    before = copy.deepcopy(one)
    two = figures.neurons(64, 50)
    two["layout"]["xaxis"]["range"][0] = 7
    two["layout"]["yaxis"]["title"]["text"] = "else"
    assert one == before == figures.neurons(64, 50)
