"""The masks of a run that another one replays, in a file between the worker and its training process.

Plain arrays in an .npz: nothing in it is unpickled.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Masks = npt.NDArray[np.bool_]


def write(path: Path, masks: Mapping[str, Masks]) -> None:
    """Writes the file.

    Args:
        masks: bool (epochs + 1, neurons) by layer name; row e holds in epoch e, and the last after all of them.
    """
    arrays: dict[str, Any] = {f"mask{place}": np.packbits(mask, axis=1) for place, mask in enumerate(masks.values())}
    neurons = np.array([mask.shape[1] for mask in masks.values()], np.int64)
    np.savez_compressed(path, names=np.array(list(masks), np.str_), neurons=neurons, **arrays)


def read(path: Path) -> dict[str, Masks]:
    """What `write` wrote."""
    with np.load(path, allow_pickle=False) as file:
        named = zip(file["names"].tolist(), file["neurons"].tolist(), strict=True)
        return {
            name: np.unpackbits(file[f"mask{place}"], axis=1, count=neurons).view(np.bool_)
            for place, (name, neurons) in enumerate(named)
        }
