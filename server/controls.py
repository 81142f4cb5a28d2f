"""The controls of a run: what its saving is held against, each as another run of the same network, data and seed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from contract.config import RunConfig
from contract.config.overlay import laid_over
from db import Run, Store
from db.comparing import EpochCosts

Control = Literal["dense", "random", "prefix", "replay", "shorter"]
CONTROLS: tuple[Control, ...] = get_args(Control)
TITLES: Mapping[Control, str] = {
    "dense": "dense",
    "random": "random neurons",
    "prefix": "static prefix",
    "replay": "replayed masks",
    "shorter": "dense, as long",
}
"""As runs are named."""
PREFIX = "control:"
TAG = PREFIX + "{}"
"""Marks a control with the id of the run that it is one of."""
LONGEST_NAME = 120


class NoControl(ValueError):
    """The run has no control of this kind; the message is a sentence."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A control that can be launched.

    Attributes:
        of: the run that it is a control of.
        config: its own.
    """

    of: Run
    control: Control
    config: RunConfig


def planned(store: Store, run: Run, control: Control) -> Planned:
    """A run's control.

    dense: nobody freezes. random: as many neurons of each layer as the rule would freeze, drawn anew in every epoch.
    prefix: the first layers, which hold most nearly as many neurons as the run froze on average, frozen before the
    first step. replay: the run's own masks, without its signal. shorter: nobody freezes, and it ends where it has
    trained for as long as the run did.

    Raises:
        NoControl: the run has none of this kind.
    """
    if run.source != "launched":
        raise NoControl("A script recorded it: only runs that a worker trained can be repeated here.")
    before = RunConfig.model_validate(run.config)
    if before.neq.select.kind in ("none", "random", "replay") and control != "shorter":
        raise NoControl("It is a control itself: choose the run that freezes by its rule.")
    part = laid_over(_free(before), _changes(store, run, control))
    name = f"{run.name} · {TITLES[control]}"[:LONGEST_NAME]
    tags = [TAG.format(run.id), *(tag for tag in before.tags if not tag.startswith(TAG.format("")))]
    whole = laid_over(before.model_dump(mode="json"), part) | {"name": name, "tags": tags[:20], "recipe": ""}
    return Planned(run, control, RunConfig.model_validate(whole))


def _free(config: RunConfig) -> dict[str, Any]:
    """What takes a run's own freezing out of its description."""
    layers: dict[str, Any] = {"always_freeze": [], "always_freeze_first": 0}
    neq = {"select": {"kind": "none"}, "decide_by": "neurons", "pinning": False, "layers": layers}
    return {"neq": neq, "training": {"stop_after_seconds": None}}


def _changes(store: Store, run: Run, control: Control) -> dict[str, Any]:
    if control == "random":
        return {"neq": {"select": {"kind": "random", "fraction": None}}}
    if control == "prefix":
        return {"neq": {"layers": {"always_freeze_first": _first_layers(store, run)}}}
    if control == "replay":
        if run.epochs_done < (run.epochs_planned or 0):
            raise NoControl("Its masks can be replayed once all its epochs are trained.")
        return {"neq": {"select": {"kind": "replay", "run": run.id}}}
    if control == "shorter":
        return {"training": {"stop_after_seconds": _trained_seconds(store.epoch_costs([run.id])[run.id], run)}}
    return {}


def _first_layers(store: Store, run: Run) -> int:
    """So many layers from the input on hold most nearly the mean frozen fraction of the run's neurons; at least one."""
    neurons = np.array([int(layer["neurons"]) for layer in store.layers(run.id)], np.float64)
    _, counts = store.frozen_counts(run.id)
    if neurons.size < 2 or not counts.size:
        raise NoControl("It has no finished epoch whose frozen neurons could be counted.")
    frozen = np.maximum(counts, 0).sum(axis=1).mean() / neurons.sum()
    held = np.cumsum(neurons)[:-1] / neurons.sum()  # something must be left to train
    return int(np.abs(held - frozen).argmin()) + 1


def _trained_seconds(costs: EpochCosts, run: Run) -> float:
    told = float(np.nansum(costs.costs["train_seconds"]))
    if not told or run.epochs_done < (run.epochs_planned or 0):
        raise NoControl("How long it trains is known once all its epochs are trained.")
    return told
