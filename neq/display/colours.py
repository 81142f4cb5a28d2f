"""The dashboard's colours of neurons × epochs, in its light scheme.

The library may not import the application, whose colours stand in dashboard/assets/theme.css and are mixed by
dashboard/scripts/plot/palette.js; tests/scripts/test_library_colours.py holds both equal.
"""

import math

import numpy as np
import numpy.typing as npt

STATES = {"updating": "#f5d78c", "frozen": "#3352b8", "just thawed": "#d4708c", "just frozen": "#06122c"}
"""In the order of their numbers, from 0."""
NO_DATA, SURFACE, TEXT, AXIS = "#e9ecef", "#ffffff", "#1b2127", "#5a6570"
CALM, MIDDLE, RESTLESS = "#08306b", "#f6f4ef", "#8f2d00"
FONT = "system-ui, -apple-system, Segoe UI, Roboto, Noto Sans, Helvetica Neue, Arial, sans-serif"

SMALLEST_DECADE = -6
"""Scales of |v| and 1 − φ are logarithmic, from ten to this to 1."""
_GAP = 0.14
"""At ε itself there is a step that is seen."""
_STOPS = 24

_TO_CONE = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.793617785, -0.0040720468],
        [1.9779984951, -2.428592205, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.808675766],
    ]
)
"""OKLab's matrices, from linear sRGB over cone responses; source: Björn Ottosson."""

Floats = npt.NDArray[np.float64]
Scale = list[tuple[float, str]]
"""Places, 0–1, and their colours, as Plotly takes them."""


def place(value: float) -> float:
    """Where a |v| or a 1 − φ lies on its scale, 0–1."""
    decades = math.log10(max(value, 1e-12)) - SMALLEST_DECADE
    return min(max(decades / -SMALLEST_DECADE, 0.0), 1.0)


def similarity_scale() -> Scale:
    """Of 1 − φ: from small (unchanged, dark) to large (light), in even steps for the eye."""
    return [(fraction, _css(_similarity(fraction))) for fraction in np.linspace(0, 1, 2 * _STOPS).tolist()]


def speed_scale(epsilon: float | None) -> Scale:
    """Of |v|: blue below ε, paler towards it, orange above; without ε, as of 1 − φ."""
    if epsilon is None or not epsilon > 0:
        return similarity_scale()
    at = place(epsilon)
    far = np.linspace(1, 0, _STOPS).tolist()
    below = [(at * (1 - part), _css(_side(CALM, part))) for part in far] if at > 0 else []
    above = [(at + (1 - at) * part, _css(_side(RESTLESS, part))) for part in reversed(far)] if at < 1 else []
    return [*below, *above]


def state_scale() -> Scale:
    """Of the numbers of states: a quarter of the scale each."""
    quarters = [(number / len(STATES), colour) for number, colour in enumerate(STATES.values())]
    return [(begin + end, colour) for begin, colour in quarters for end in (0, 1 / len(STATES))]


def fraction_cells(fractions: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """Red, green and blue of frozen fractions, behind the last axis: from all updating to all frozen; NaN is blank."""
    start, stop = (_light(STATES[name]) for name in ("updating", "frozen"))
    known = np.nan_to_num(fractions)[..., None]
    light: Floats = np.where(np.isnan(fractions)[..., None], _light(SURFACE), start + (stop - start) * known)
    return _bytes(light.clip(0, 1))


def _side(end: str, part: float) -> Floats:
    middle, far = _oklab(MIDDLE), _oklab(end)
    return _from_oklab(middle + (far - middle) * (_GAP + (1 - _GAP) * part))


def _similarity(fraction: float) -> Floats:
    return _from_oklab(np.array([0.24 + 0.7 * fraction, -0.02 + 0.01 * fraction, -0.11 + 0.23 * fraction]))


def _light(colour: str) -> Floats:
    """Linear light of a colour of six hexadecimal digits."""
    channels = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    light: Floats = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return light


def _oklab(colour: str) -> Floats:
    lab: Floats = _TO_LAB @ np.cbrt(_TO_CONE @ _light(colour))
    return lab


def _from_oklab(lab: Floats) -> Floats:
    light = np.linalg.solve(_TO_CONE, np.linalg.solve(_TO_LAB, lab) ** 3)
    clipped: Floats = np.clip(light, 0, 1)
    return clipped


def _bytes(light: Floats) -> npt.NDArray[np.uint8]:
    channels = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    found: npt.NDArray[np.uint8] = np.rint(255 * channels).astype(np.uint8)
    return found


def _css(light: Floats) -> str:
    return f"#{_bytes(light).tobytes().hex()}"
