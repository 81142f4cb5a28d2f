"""A study's sweep as the form's inputs hold it: several values in a field, several kinds of a choice."""

from copy import deepcopy
from typing import Any

from dashboard.form.parts import Group
from dashboard.form.values import Config, Values, values_of

BETWEEN = ", "
"""Between several numbers in one input; `scripts/form-page/sweep.js` reads them."""
Json = dict[str, Any]


def study_inputs(form: Group, scale: Json) -> Json:
    """What fills the form with one scale of a study: values of inputs, kinds picked, seeds, group.

    Args:
        form: as `read_schema` made it.
        scale: of a study, as the API answers it; its grid has numbers, and objects with a `kind`.
    """
    sweep = scale["sweep"]
    values = values_of(form, scale["whole"])
    picks: dict[str, list[Any]] = {}
    for path, found in sweep["grid"].items():
        cells = [values_of(form, _with(scale["whole"], path, value)) for value in found]
        kinds = [value["kind"] if isinstance(value, dict) else None for value in found]
        for kind in dict.fromkeys(kinds):
            own = [cell for cell, each in zip(cells, kinds, strict=True) if each == kind]
            values |= _joined(own, values if kind is None else {}, "" if kind is None else f"{path}.{kind}.")
        if len(set(kinds)) > 1:
            picks[f"{path}.kind"] = list(dict.fromkeys(kinds))
            values[f"{path}.kind"] = kinds[0]
    return {"values": values, "picks": picks, "seeds": str(sweep["seeds"]), "group": sweep["group"]}


def _with(config: Config, path: str, value: Any) -> Config:
    """A copy with a value at a dotted path."""
    changed = deepcopy(config)
    *groups, last = path.split(".")
    node = changed
    for name in groups:
        node = node[name]
    node[last] = value
    return changed


def _joined(cells: list[Values], base: Values, prefix: str) -> Values:
    """The inputs below a prefix, with the values of all cells where these differ."""
    joined: Values = {}
    for path in (path for path in cells[0] if path.startswith(prefix)):
        each = list(dict.fromkeys(str(cell[path]) for cell in cells))
        if len(each) > 1:
            joined[path] = BETWEEN.join(each)
        elif path not in base:
            joined[path] = cells[0][path]
    return joined
