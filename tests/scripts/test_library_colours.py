"""The figures that `neq.Client` makes have the colours of the pages."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from neq.display import colours

ROOT = Path(__file__).parents[2]
NODE = Path(sys.executable).parent / "node"
EPSILONS = (1e-5, 1e-3, 0.02)
LIGHT = (ROOT / "dashboard/assets/theme.css").read_text().split("}")[0]
TOKENS = dict(re.findall(r"(--neq-[\w-]+): ([^;]+);", LIGHT))

Bytes = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    """The scales as the page's own module mixes them."""
    command = [NODE, ROOT / "tests/scripts/palette-levels.mjs", json.dumps(TOKENS), *map(str, EPSILONS)]
    found: dict[str, Any] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return found


def levels(packed: list[int]) -> Bytes:
    """Red, green and blue of the levels behind that of no value."""
    return np.array([[pixel & 255, pixel >> 8 & 255, pixel >> 16 & 255] for pixel in packed[1:]], float)


def drawn(scale: colours.Scale, count: int = 127) -> Bytes:
    """The same levels as Plotly draws them: it mixes the colours of two places in sRGB."""
    places = np.array([place for place, _ in scale])
    stops = np.array([[int(colour[at : at + 2], 16) for at in (1, 3, 5)] for _, colour in scale], float)
    at = np.linspace(0, 1, count)
    return np.stack([np.interp(at, places, stops[:, channel]) for channel in range(3)], axis=1)


def test_the_colours_are_the_style_sheets() -> None:
    named = {name.replace(" ", "-"): colour for name, colour in colours.STATES.items()}
    for name in ("no_data", "surface", "text", "axis", "calm", "middle", "restless"):
        named[name.replace("_", "-")] = getattr(colours, name.upper())
    assert named == {name: TOKENS[f"--neq-{name}"] for name in named}


def test_the_states_stand_in_the_pages_order(page: dict[str, Any]) -> None:
    assert list(colours.STATES) == [state["name"] for state in page["names"]]


@pytest.mark.parametrize("number", range(len(EPSILONS)))
def test_a_velocity_has_the_pages_colour(page: dict[str, Any], number: int) -> None:
    wanted, found = levels(page["speeds"][number]), drawn(colours.speed_scale(EPSILONS[number]))
    beside = (
        abs(np.linspace(0, 1, 127) - colours.place(EPSILONS[number])) > 0.5 / 126
    )  # at the step itself either is right
    assert beside.sum() >= 126
    assert abs(wanted - found)[beside].max() <= 2


def test_a_similarity_has_the_pages_colour(page: dict[str, Any]) -> None:
    assert abs(levels(page["similarities"]) - drawn(colours.similarity_scale())).max() <= 2
    assert colours.speed_scale(None) == colours.speed_scale(0.0) == colours.similarity_scale()


def test_a_frozen_fraction_has_the_pages_colour(page: dict[str, Any]) -> None:
    packed = page["fractions"]
    wanted = levels([0, *packed])
    found = colours.fraction_cells(np.linspace(0, 1, len(packed), dtype=np.float32))
    assert len(packed) == 256
    assert abs(wanted - found).max() <= 2


@pytest.mark.parametrize("epsilon", [1e-9, 1e-6, 0.5, 1.0, 30.0])
def test_a_scale_begins_at_0_and_ends_at_1_whatever_epsilon_is(epsilon: float) -> None:
    places = [place for place, _ in colours.speed_scale(epsilon)]
    assert places[0] == 0 and places[-1] == 1 and places == sorted(places)
