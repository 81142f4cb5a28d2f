"""What an event becomes in the store: read from its JSON, whoever wrote it, a worker of ours or somebody's recorder."""

import math
from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import UTC, datetime
from typing import Any

import numpy as np

from db.metrics import FIGURES, NO_EPOCH, epoch_point
from db.records import NOT_WATCHED, EndState, EpochScalars, EventRecord, MetricPoints, RetainedCheckpoints, Snapshot

ENDS: Mapping[str, EndState] = {"run_finished": "finished", "run_stopped": "stopped", "run_failed": "failed"}
COSTS = ("samples", "cpu_seconds", "device_seconds")

Payload = Mapping[str, Any]


def event_record(
    payload: Payload,
    *,
    at: datetime | None = None,
    snapshots: Iterable[Snapshot] = (),
    kept: RetainedCheckpoints | None = None,
) -> EventRecord:
    """What the store keeps of an event.

    Args:
        payload: the event's JSON object, with its `kind`.
        at: when it was; None: now.
        snapshots: what the neurons did in the epoch that it ends.
        kept: the checkpoints that are kept from now on, where it changes them.
    """
    at = at or datetime.now(UTC)
    kind = str(payload["kind"])
    facts: dict[str, Any] = {"kind": kind, "payload": dict(payload), "at": at}
    if kind in ("run_started", "run_continued"):
        return EventRecord(**facts, device=payload["device"])
    if kind == "epoch_finished":
        rows = tuple(snapshots)
        return EventRecord(
            **facts, epoch=_scalars(payload, rows), snapshots=rows, points=_points(payload, at), kept=kept
        )
    if kind == "metrics_logged":
        told = {
            **payload,
            "series": [{"name": each["name"], "points": len(each["values"])} for each in payload["series"]],
        }
        return EventRecord(kind=kind, payload=told, at=at, points=_logged(payload))
    if kind in ENDS:
        reason = " ".join(filter(None, (payload.get("reason"), payload.get("remedy")))) or None
        return EventRecord(**facts, ends=ENDS[kind], reason=reason)
    return EventRecord(**facts)


def _scalars(payload: Payload, rows: Sequence[Snapshot]) -> EpochScalars:
    figures: dict[str, Any] = {name: _finite(payload.get(name)) for name in FIGURES}
    costs: dict[str, Any] = {name: payload.get(name) for name in COSTS} | _flops(payload)
    return EpochScalars(
        epoch=payload["epoch"],
        **figures,
        frozen_counts=_frozen_counts(payload["layers"], {row.layer for row in rows}),
        train_seconds=payload["seconds"]["train"],
        **costs,
    )


def _frozen_counts(layers: Mapping[str, Any], measured: Set[int]) -> tuple[int, ...]:
    """As `EpochScalars` has them: an external run tells 0 of a layer that no watch of the epoch has.

    Args:
        measured: layers whose neurons are told; the mean of φ alone would not do, since it is null of a φ that is NaN.
    """
    counts = tuple(layers["frozen"])
    if not measured:  # no neuron of the epoch is told, and its layers alone
        return counts
    without = {index for index, mean in enumerate(layers.get("phi_mean") or ()) if mean is None} - measured
    return tuple(NOT_WATCHED if index in without else count for index, count in enumerate(counts))


def _flops(payload: Payload) -> dict[str, float | None]:
    """Of the whole epoch, as they were computed."""
    a_sample, samples = payload.get("flops"), payload.get("samples")
    if a_sample is None or samples is None:
        return {}
    return {f"flops_{part}": float(a_sample[part] * samples) for part in ("forward", "inputs", "weights")}


def _points(payload: Payload, at: datetime) -> tuple[MetricPoints, ...]:
    figures = {name: payload.get(name) for name in FIGURES} | payload.get("scores", {})
    epoch = payload["epoch"]
    return tuple(epoch_point(name, epoch, at, value) for name, value in figures.items() if value is not None)


def _logged(payload: Payload) -> tuple[MetricPoints, ...]:
    return tuple(
        MetricPoints(
            series["name"],
            steps=np.array(series["steps"], np.int64),
            epochs=np.array([NO_EPOCH if epoch is None else epoch for epoch in series["epochs"]], np.int32),
            times=np.array(series["times"], np.float64),
            values=np.array(series["values"], np.float64),
        )
        for series in payload["series"]
    )


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
