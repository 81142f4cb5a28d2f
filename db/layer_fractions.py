"""Fractions of the watched neurons that an epoch counts layer by layer: those that are dead, and those that churn."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from db.metrics import OF_LAYERS, epoch_point
from db.records import NOT_WATCHED, EventRecord, MetricPoints

Layers = Iterable[Mapping[str, Any]]


def layer_fractions(columns: Mapping[str, Any], frozen_counts: Sequence[int], layers: Layers) -> dict[str, float]:
    """By name, what the epoch tells; none of a column that it does not have.

    Args:
        columns: its counts, each by layer.
        frozen_counts: as the store has them: of a layer that nobody watched NOT_WATCHED stands there.
        layers: those of the run, each with its `index` and its number of `neurons`.
    """
    neurons = {layer["index"]: layer["neurons"] for layer in layers}
    watched = [index for index, count in enumerate(frozen_counts) if count != NOT_WATCHED]
    total = sum(neurons.get(index, 0) for index in watched)
    told = {name: columns[column] for name, column in OF_LAYERS.items() if columns.get(column) is not None}
    if not total:
        return {}
    return {name: sum(counts[index] for index in watched) / total for name, counts in told.items()}


def tells_fractions(record: EventRecord) -> bool:
    """Whether it ends an epoch that has such counts."""
    return record.epoch is not None and any(column in record.payload.get("layers", {}) for column in OF_LAYERS.values())


def fraction_points(record: EventRecord, layers: Layers) -> list[MetricPoints]:
    """The epoch's fractions as points of metrics, like its other figures."""
    scalars = record.epoch
    if scalars is None or not tells_fractions(record):
        return []
    found = layer_fractions(record.payload["layers"], scalars.frozen_counts, layers)
    return [epoch_point(name, scalars.epoch, record.at, value) for name, value in found.items()]
