"""Colour scales: even to the eye, told apart by those who see fewer colours, and ε where it is."""

import numpy as np
import numpy.typing as npt
import pytest
from playwright.sync_api import Page

from tests.pictures.canvas import bench, benches

__all__ = ["bench", "benches"]

Floats = npt.NDArray[np.float64]
LIGHT = """([scheme, table, epsilon]) => {
  document.documentElement.setAttribute("data-mantine-color-scheme", scheme);
  return [...neq.palette[table](epsilon).light];
}"""
# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
DEUTERANOPIA = np.array(
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
)
PROTANOPIA = np.array(
    [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
)
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


@pytest.fixture
def density() -> float:
    return 1.0


def table(page: Page, name: str, scheme: str, epsilon: float = 1e-3) -> Floats:
    """Linear RGB of every colour but the first, which is that of no value."""
    return np.array(page.evaluate(LIGHT, [scheme, name, epsilon])).reshape(-1, 3)[1:]


def lab(light: Floats) -> Floats:
    """CIE L*a*b* under D65."""
    ratio = np.clip(light, 0, 1) @ TO_XYZ.T / np.array([0.9505, 1.0, 1.089])
    root = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack([116 * root[:, 1] - 16, 500 * (root[:, 0] - root[:, 1]), 200 * (root[:, 1] - root[:, 2])], axis=1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_lightness_leads_away_from_epsilon_on_both_sides(bench: Page, scheme: str) -> None:
    lightness = lab(table(bench, "speeds", scheme))[:, 0]
    # log10 ε = -3 lies half-way between 10⁻⁶ and 1: below and above are 63 and 64 of the 127 levels.
    below, above = lightness[:63], lightness[63:]
    away = -1 if scheme == "light" else 1
    assert (away * np.diff(below[::-1]) > 0).all()
    assert (away * np.diff(above) > 0).all()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["speeds", "changes"])
def test_the_two_sides_differ_for_the_colour_blind_at_their_ends_and_next_to_the_middle(
    bench: Page, scheme: str, name: str
) -> None:
    light = table(bench, name, scheme)
    for sight in (np.eye(3), DEUTERANOPIA, PROTANOPIA):
        seen = lab(light @ sight.T)
        middle = 63
        for distance, least in ((1, 4), (20, 10), (60, 20)):
            apart = np.linalg.norm(seen[middle - distance] - seen[min(126, middle + distance)])
            assert apart > least, (distance, apart)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_larger_difference_of_phi_is_lighter_in_even_steps(bench: Page, scheme: str) -> None:
    lightness = lab(table(bench, "similarities", scheme))[:, 0]
    steps = np.diff(lightness)
    assert (steps > 0).all()
    assert steps.max() < 2.2 * steps.min()


@pytest.mark.parametrize("epsilon", [1e-5, 1e-3, 0.02])
def test_the_step_of_the_scale_lies_at_epsilon(bench: Page, epsilon: float) -> None:
    light = table(bench, "speeds", "light", epsilon)
    hue = light[:, 2] - light[:, 0]  # more blue than red below, more red than blue above
    level = int(np.argmax(hue < 0))
    assert abs(level / 126 - (np.log10(epsilon) + 6) / 6) <= 1 / 126
    assert (hue[:level] > 0).all() and (hue[level:] < 0).all()


def test_no_two_levels_have_one_colour(bench: Page) -> None:
    for name in ("speeds", "similarities", "changes"):
        light = table(bench, name, "light")
        assert len(np.unique(np.round(light, 6), axis=0)) == 127
