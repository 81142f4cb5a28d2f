"""Runs worth starting from, and studies worth repeating.

They know nothing of RunConfig: a preset's `config` is a part of a run's description as JSON, checked by a test.
"""

from contract.presets.demos import DEMOS
from contract.presets.paper import PAPER
from contract.presets.preset import Figure, Preset, Published
from contract.presets.small import SMALL
from contract.presets.studies import STUDIES
from contract.presets.study import PublishedStudy, Scale, Study

__all__ = ["PRESETS", "STUDIES", "Figure", "Preset", "Published", "PublishedStudy", "Scale", "Study"]

PRESETS: tuple[Preset, ...] = (*DEMOS[:2], *PAPER, *SMALL, *DEMOS[2:])
"""In the order that a form shows them."""
