"""How much of the network is watched, as a run tells it."""

import neq
from contract.layers import Coverage


def coverage_record(coverage: neq.Coverage) -> Coverage:
    """The numbers, and the modules that are not watched, those with most parameters first."""
    return Coverage.model_validate(coverage.record())
