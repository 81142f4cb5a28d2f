"""States of a neuron, scales and curves are told apart by everybody, and in grey: measured, light and dark.

Colour blindness is simulated by the matrices of Machado, Oliveira and Fernandes (2009), severity 1, applied to linear
RGB; distances are CIE 1976 in CIELAB (D65).
"""

from itertools import combinations

import numpy as np
import numpy.typing as npt
import pytest
from playwright.sync_api import Page

Colour = npt.NDArray[np.float64]
STATES = ("updating", "frozen", "just-thawed", "just-frozen")
SEEN_BY: dict[str, npt.NDArray[np.float64]] = {
    "everybody": np.eye(3),
    "protanopes": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopes": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopes": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = TO_XYZ @ np.ones(3)
LEAST_LIGHTNESS = 15.0
LEAST_DISTANCE = 35.0
LEAST_OF_LINES = 20.0
LEAST_SPANS = {
    "agreements": 50.0,
    "differences": 50.0,
    "fractionsOrNone": 25.0,
}  # the second goes from yellow to blue besides
LEAST_TO_UNKNOWN = 15.0


def lab(linear: Colour) -> Colour:
    """L*, a*, b* of a colour in linear sRGB."""
    ratio = TO_XYZ @ np.clip(linear, 0, 1) / WHITE
    root = np.where(ratio > 216 / 24389, np.cbrt(ratio), (24389 / 27 * ratio + 16) / 116)
    return np.array([116 * root[1] - 16, 500 * (root[0] - root[1]), 200 * (root[1] - root[2])])


def turn(bench: Page, scheme: str) -> None:
    """The page in light or dark."""
    bench.evaluate("(to) => document.documentElement.setAttribute('data-mantine-color-scheme', to)", scheme)


def test_the_measure_knows_white_black_and_red() -> None:
    assert lab(np.ones(3)) == pytest.approx([100, 0, 0], abs=0.01)
    assert lab(np.zeros(3)) == pytest.approx([0, 0, 0], abs=0.01)
    assert lab(np.array([1.0, 0, 0])) == pytest.approx([53.24, 80.09, 67.2], abs=0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_any_two_states_are_told_apart_by_everybody_and_in_grey(bench: Page, scheme: str) -> None:
    turn(bench, scheme)
    read = "(names) => names.map((name) => neq.palette.linear(neq.palette.token(`--neq-${name}`)))"
    colours = dict(zip(STATES, (np.array(each) for each in bench.evaluate(read, list(STATES))), strict=True))
    alike = {}
    for one, other in combinations(STATES, 2):
        grey = abs(lab(colours[one])[0] - lab(colours[other])[0])
        if grey < LEAST_LIGHTNESS:
            alike[f"{one}, {other} in grey"] = grey
        for people, matrix in SEEN_BY.items():
            distance = float(np.linalg.norm(lab(matrix @ colours[one]) - lab(matrix @ colours[other])))
            if distance < LEAST_DISTANCE:
                alike[f"{one}, {other} to {people}"] = distance
    assert alike == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_scales_of_shares_go_one_way_in_lightness_for_everybody(bench: Page, scheme: str) -> None:
    turn(bench, scheme)
    read = "(names) => names.map((name) => [...neq.palette[name]().light])"
    for name, light in zip(LEAST_SPANS, bench.evaluate(read, list(LEAST_SPANS)), strict=True):
        unknown, *colours = np.array(light).reshape(-1, 3)
        for people, matrix in SEEN_BY.items():
            lightness = np.array([lab(matrix @ colour)[0] for colour in colours])
            steps = np.diff(lightness)
            assert (steps < 0).all() or (steps > 0).all(), f"{name} to {people}"
            assert abs(lightness[-1] - lightness[0]) > LEAST_SPANS[name], f"{name} to {people}"
            if name != "fractionsOrNone":
                assert np.abs(lightness - lab(matrix @ unknown)[0]).min() > LEAST_TO_UNKNOWN, f"unknown to {people}"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_any_two_of_ten_runs_differ_in_their_dash_or_in_a_colour_that_everybody_tells_apart(
    bench: Page, scheme: str
) -> None:
    turn(bench, scheme)
    ink = "({colour, dash}) => [dash, neq.palette.linear(neq.palette.resolve(colour))]"
    inks = bench.evaluate(f"() => Array.from({{length: 10}}, (_, place) => ({ink})(neq.inkOf(place)))")
    alike = {}
    for (one, (dash, colour)), (other, (other_dash, other_colour)) in combinations(enumerate(inks), 2):
        for people, matrix in SEEN_BY.items():
            distance = float(np.linalg.norm(lab(matrix @ np.array(colour)) - lab(matrix @ np.array(other_colour))))
            if dash == other_dash and distance < LEAST_OF_LINES:
                alike[f"{one}, {other} to {people}"] = distance
    assert alike == {}
