"""What a fork may change: everything but what its weights, its probe set and its first half were made of."""

from collections.abc import Iterator
from typing import Any

from contract.config.run import RunConfig

_FIXED = {
    "model": "the checkpoint's weights fit its own network alone",
    "data": "φ compares what the same probe images gave, and they are part of the data",
    "neq.probe": "φ compares what the same probe images gave",
    "neq.formula": "φ and v would mean something else from there on",
    "neq.phi": "φ would mean something else from there on",
    "neq.layers": "the records follow the same layers from the first epoch on",
    "neq.groups": "the records follow the same groups from the first epoch on",
    "training.seed": "it chose the probe images and the first weights; the fork goes on with the same random numbers",
}
"""Groups and fields that stay as they are, each with the reason."""

_FREE = ("data.augment",)
"""What may change all the same."""

_IGNORED = ("name", "tags", "notes")


def changes(before: RunConfig, after: RunConfig) -> dict[str, tuple[Any, Any]]:
    """The fields that differ, by dotted path: (before, after). Of another choice the `kind` alone."""
    one, other = dict(_leaves(before.model_dump(mode="json"))), dict(_leaves(after.model_dump(mode="json")))
    return {
        path: (value, other[path])
        for path, value in one.items()
        if path in other
        and other[path] != value
        and path not in _IGNORED
        and (path.endswith(".kind") or not _is_of_another_kind(path, one, other))
    }


def refused(before: RunConfig, after: RunConfig) -> dict[str, str]:
    """The changes that a checkpoint does not bear, by dotted path, each with the reason in a sentence."""
    found = {}
    for path, (was, now) in changes(before, after).items():
        if path == "neq.select.kind" and now == "parameter-norm":
            found[path] = "This rule needs to have followed the weights from the first epoch on"
        fixed = next((name for name in _FIXED if path == name or path.startswith(f"{name}.")), None)
        if fixed is not None and path not in _FREE:
            found[path] = f"This stays {was} in a fork: {_FIXED[fixed]}"
    return found


def _is_of_another_kind(path: str, one: dict[str, Any], other: dict[str, Any]) -> bool:
    kind = f"{path.rpartition('.')[0]}.kind"
    return kind in one and one[kind] != other.get(kind)


def _leaves(node: dict[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in node.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", value
