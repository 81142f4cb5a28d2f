"""What kind of control a run is, and the filter that finds those of a kind."""

from collections.abc import Mapping

from contract.filters import And, Comparison, Filter, Not, RunField, SettingField
from db import Store
from db.values import Cell
from server.controls import PREFIX, Control
from server.filters import stored_filter, subject_of

_SELECT = SettingField("neq.select.kind")
_SECONDS = SettingField("training.stop_after_seconds")
_FIRST = SettingField("neq.layers.always_freeze_first")
_MARKED = Comparison(RunField("tag"), "~", (PREFIX,))
_BY_RULE = Comparison(_SELECT, "in", ("random", "replay"))
_IN_TIME = Comparison(_SECONDS, ">=", ("0",))
_IN_FRONT = Comparison(_FIRST, ">", ("0",))
_FOUND: Mapping[Control, tuple[Filter, ...]] = {
    "random": (Comparison(_SELECT, "=", ("random",)),),
    "replay": (Comparison(_SELECT, "=", ("replay",)),),
    "shorter": (Not(_BY_RULE), _IN_TIME),
    "prefix": (Not(_BY_RULE), Not(_IN_TIME), _IN_FRONT),
    "dense": (Not(_BY_RULE), Not(_IN_TIME), Not(_IN_FRONT)),
}
"""A control's tag names its run alone: its settings tell the kinds apart."""


def controls_of(store: Store) -> dict[str, Control]:
    """The kind of each run that is a control, by its id."""
    subjects = [subject_of(each) for each in (_SELECT, _SECONDS, _FIRST)]
    table = store.value_table(subjects, archived=None, where=stored_filter(_MARKED))
    return dict(zip(table.ids, map(_kind, *table.columns), strict=True))


def finds_control(control: Control | None) -> Filter:
    """What holds of exactly the controls of a kind; None: of the runs that are not controls."""
    return Not(_MARKED) if control is None else And((_MARKED, *_FOUND[control]))


def _kind(select: Cell, seconds: Cell, first: Cell) -> Control:
    if select == "random":
        return "random"
    if select == "replay":
        return "replay"
    if isinstance(seconds, float) and seconds >= 0:
        return "shorter"
    return "prefix" if isinstance(first, float) and first > 0 else "dense"
