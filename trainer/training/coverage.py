"""How much of the network is watched, as a run tells it."""

import neq
from contract.layers import Coverage, UnwatchedModule

MOST_MODULES = 100
"""Listed one by one; of longer lists the rest is added up."""


def coverage_record(coverage: neq.Coverage) -> Coverage:
    """The numbers, and the modules that are not watched, those with most parameters first."""
    left = [
        UnwatchedModule(name=one.name, type=one.type, parameters=one.trainable - one.watched, reason=one.reason)
        for one in coverage.modules
        if one.reason is not None and one.trainable > one.watched
    ]
    left.sort(key=lambda one: -one.parameters)
    return Coverage(
        parameters=coverage.trainable,
        watched=coverage.watched,
        fraction=coverage.fraction,
        unwatched=tuple(left[:MOST_MODULES]),
        more_modules=len(left[MOST_MODULES:]),
        more_parameters=sum(one.parameters for one in left[MOST_MODULES:]),
    )
