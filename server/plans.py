"""What the backward pass did about each layer in an epoch: put together from what the epochs say has changed."""

from typing import Any

from contract.costs import PLANS_WHOLE_EVERY
from db import Store

_COLUMNS = ("kinds", "computed", "dense_ms", "rows_ms")
_NAMES = ("kind", "computed", "dense_ms", "rows_ms")


def plans_of(store: Store, run_id: str, epoch: int) -> list[dict[str, Any]]:
    """The layers' plans in a finished epoch, in forward order; none where the run does not tell them."""
    said = _said(store, run_id, epoch)
    known: dict[int, dict[str, Any]] = {}
    for changes, _ in said:
        for item, layer in enumerate(changes["layers"]):
            plan = {name: changes[column][item] for name, column in zip(_NAMES, _COLUMNS, strict=True)}
            known[layer] = plan | {"reason": changes["texts"][changes["reasons"][item]]}
    if not said:
        return []
    applied = said[-1][1]
    return [
        {
            "index": layer["index"],
            "name": layer["name"],
            "type": layer["type"],
            "neurons": layer["neurons"],
            "active": layer["neurons"] - applied[layer["index"]],
            **known[layer["index"]],
        }
        for layer in store.layers(run_id)
        if layer["index"] in known
    ]


def _said(store: Store, run_id: str, epoch: int) -> list[tuple[dict[str, Any], list[int]]]:
    """Changes and applied counts of the epochs up to this one, from the newest on that tells all plans."""
    found: list[tuple[dict[str, Any], list[int]]] = []
    stop = epoch + 1
    while stop > 0:
        first = max(0, stop - PLANS_WHOLE_EVERY)
        seqs = [seq for _, seq in store.epoch_seqs(run_id, first, stop)]
        columns = store.epoch_columns(run_id, seqs)
        for seq in reversed(seqs):
            changes = columns.get(seq, {}).get("plans")
            if changes is None:  # an epoch that an older program recorded
                return []
            found.insert(0, (changes, columns[seq]["applied"]))
            if changes["whole"]:
                return found
        stop = first
    return []
