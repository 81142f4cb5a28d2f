"""The decades of velocities: figures and scripts, which cannot import them, have those of the API's histograms."""

import re

from contract import events
from dashboard import figures
from dashboard.modules import FOLDER

CONSTANT = re.compile(r"^export const (\w+) = (-?\d+);$", re.MULTILINE)


def test_figures_and_scripts_have_the_decades_of_the_histograms() -> None:
    expected = {"SMALLEST_DECADE": events.SMALLEST_DECADE, "BINS_PER_DECADE": events.BINS_PER_DECADE}
    scripts = CONSTANT.findall((FOLDER / "run-data" / "decades.js").read_text())
    assert {name: int(value) for name, value in scripts} == expected
    assert {name: getattr(figures, name) for name in expected} == expected
    assert len(events.VELOCITY_EDGES) + 1 == figures.VELOCITY_BINS
