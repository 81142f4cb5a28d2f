"""What is known at once of a run, given who could train it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from contract.checks.capabilities import Capabilities
from contract.checks.errors import errors
from contract.checks.finding import Finding
from contract.checks.warnings import warnings
from contract.config import RunConfig

_SAYS_NOTHING = ("name", "tags", "notes", "recipe", "checkpoints", "recording")
"""Fields that a dry pass of a run does not depend on."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known at once.

    Attributes:
        errors: why it would fail whoever of the living workers trained it; none where one of them may succeed.
        warnings: what is doubtful and never blocks.
        able: ids of the workers that may succeed.
    """

    errors: tuple[Finding, ...]
    warnings: tuple[Finding, ...]
    able: tuple[str, ...]


def known(config: RunConfig, workers: Mapping[str, Capabilities | None]) -> Known:
    """Holds a run's description against the workers that live.

    Args:
        workers: by id; None for one that has not said what it has, and may have everything.
    """
    found = {name: tuple(errors(config, worker)) for name, worker in workers.items()}
    able = tuple(name for name, wrong in found.items() if not wrong)
    spoken = [worker for name, worker in workers.items() if worker and (name in able or not able)]
    spoken = [worker for worker in spoken if worker.nodes is None]  # of the others' data and devices nothing is known
    wrong = () if able else min(found.values(), key=len, default=tuple(errors(config, None)))
    refused = {each.field for each in wrong}  # what is only doubtful about such a field is no news any more
    return Known(wrong, tuple(each for each in warnings(config, spoken) if each.field not in refused), able)


def digest(config: RunConfig, workers: Mapping[str, Capabilities | None]) -> str:
    """The key of a dry pass's answer: the same as long as nothing that the answer depends on changes."""
    described = config.model_dump(mode="json", exclude=set(_SAYS_NOTHING))
    has = {
        name: worker and worker.model_dump(mode="json", exclude={"free_memory_bytes", "looked_at"})
        for name, worker in workers.items()
    }
    return sha256(json.dumps([described, has], sort_keys=True).encode()).hexdigest()
