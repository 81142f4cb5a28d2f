"""The masks of the run that another one replays, from the store's record."""

from pathlib import Path

import numpy as np

from contract.config import ReplayRule, RunConfig
from contract.errors import RunError
from db import Store, UnknownRun
from trainer.engines import replayed_masks
from trainer.engines.replayed_masks import Masks

FILE = "replayed.npz"


def write_masks(store: Store, config: RunConfig, folder: Path) -> str | None:
    """Leaves the masks that a run is to replay in a folder; returns the file's path, None where it replays none.

    Raises:
        RunError: there is no such run, or it has not all masks that are needed.
        StoreError: the store does not answer.
    """
    if not isinstance(config.neq.select, ReplayRule):
        return None
    path = folder / FILE
    replayed_masks.write(path, masks_of(store, config.neq.select.run, config.training.epochs))
    return str(path)


def masks_of(store: Store, run_id: str, epochs: int) -> dict[str, Masks]:
    """The masks that held in each of a run's first epochs, and those that it decided at the end of the last of them.

    Returns:
        bool (epochs + 1, neurons) by layer name.
    Raises:
        RunError: as `write_masks`.
    """
    try:
        done = store.run(run_id).epochs_done
    except UnknownRun:
        raise RunError(
            f"There is no run {run_id} whose masks could be replayed; it may have been deleted.",
            "Choose another in neq.select.run.",
        ) from None
    if done < epochs:
        raise RunError(
            f"Run {run_id} has {done} finished epochs, and {epochs} are to be trained with its masks.",
            f"Set training.epochs to {done} at most, or choose another run in neq.select.run.",
        )
    return {
        layer["name"]: _layer(store, run_id, layer["index"], layer["name"], epochs) for layer in store.layers(run_id)
    }


def _layer(store: Store, run_id: str, index: int, name: str, epochs: int) -> Masks:
    decided = store.layer_history(run_id, index, "frozen", 0, epochs)
    if len(decided.epochs) < epochs:
        raise RunError(
            f"Run {run_id} has arrays of {len(decided.epochs)} of its first {epochs} epochs (layer {name}), and masks "
            "are needed of each.",
            "Repeat it with recording.arrays_every at 1, or choose another run in neq.select.run.",
        )
    first = store.layer_history(run_id, index, "applied", 0, 1)
    return np.concatenate([first.values, decided.values])
