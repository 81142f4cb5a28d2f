"""Which runs may be averaged, in one place for whatever averages them.

Of a run and those that only train it on, the newest counts; a run says nothing before an epoch of its own; and controls
are apart from the runs that they are held against.
"""

import json
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from contract.config import RunConfig
from db import Store
from db.lineage import Descent
from server.control_kinds import controls_of
from server.controls import TITLES, Control
from server.descriptions import current

_SAID = ("name", "tags", "notes", "recipe")
"""What is said of a run, and trains nothing."""


@dataclass(frozen=True, slots=True)
class Repetitions:
    """Which runs are trainings of their own; by default all are.

    Attributes:
        families: what a fork that only trains on has in common with the run that it continues.
        made: when each fork was.
        untrained: launched runs without an epoch of their own.
        controls: the kind of each run that is a control.
    """

    families: Mapping[str, Hashable] = field(default_factory=dict)
    made: Mapping[str, datetime] = field(default_factory=dict)
    untrained: frozenset[str] = frozenset()
    controls: Mapping[str, Control] = field(default_factory=dict)

    def left_out(self, run_ids: Iterable[str]) -> set[str]:
        """Those of these runs that must not count beside the others.

        Of a run and those that continue it the newest with an epoch of its own counts; where none has one, the newest.
        """
        families: dict[Hashable, list[str]] = {}
        for run_id in run_ids:
            families.setdefault(self.families.get(run_id, run_id), []).append(run_id)
        several = [members for members in families.values() if len(members) > 1]
        return {run_id for members in several for run_id in members if run_id != max(members, key=self._rank)}

    def _rank(self, run_id: str) -> tuple[bool, float]:
        made = self.made.get(run_id)  # None: it is the first of all
        return run_id not in self.untrained, made.timestamp() if made else 0.0


def repetitions(store: Store) -> Repetitions:
    """What the store tells of them."""
    forks = store.descents()
    families: dict[str, Hashable] = {}
    for fork in forks:  # a parent comes before its forks
        families[fork.id] = _family(fork, families)
    made = {fork.id: fork.created_at for fork in forks}
    return Repetitions(families, made, frozenset(store.untrained()), controls_of(store))


def control_words(control: Control) -> str:
    """How a group of controls is told from that of the runs that they are held against."""
    return f"control: {TITLES[control]}"


def _family(fork: Descent, families: Mapping[str, Hashable]) -> Hashable:
    if fork.parent_config is None:
        return fork.parent_id, _training(fork.config)  # several may be left of what continued a deleted run
    if _training(fork.config) == _training(fork.parent_config):
        return families.get(fork.parent_id, fork.parent_id)
    return fork.id


def _training(config: Mapping[str, Any]) -> str:
    """What runs have in common that differ in their number of epochs alone, whichever versions wrote them."""
    try:
        whole = RunConfig.model_validate(current(dict(config))).model_dump(mode="json")
    except ValidationError:  # it has a plug-in that is gone
        whole = dict(config)
    training = whole.get("training")
    if isinstance(training, dict):
        whole["training"] = {name: value for name, value in training.items() if name != "epochs"}
    return json.dumps({name: value for name, value in whole.items() if name not in _SAID}, sort_keys=True)
