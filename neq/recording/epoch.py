"""From the watches' epochs to the event `epoch_finished` and its arrays. On the recorder's thread."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from neq.recording.facts import EpochEnded
from neq.recording.scalars import read_number
from neq.recording.watch_epoch import WatchEpoch

Json = dict[str, Any]
Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
Sizes = list[int | None]

_DECADES = 6
_POSITIVE = [10.0 ** (-_DECADES + step / 3) for step in range(3 * _DECADES + 1)]
VELOCITY_EDGES = np.array([-edge for edge in reversed(_POSITIVE)] + _POSITIVE)
"""±10⁻⁶ … ±1, three per decade: they part the line into 39 bins, and are the same in every program that reads them."""
_BINS = len(VELOCITY_EDGES) + 1


def epoch_event(ended: EpochEnded) -> Json:
    """What the epoch says, layer by layer; what only a launched run knows is null."""
    watches = ended.watches
    neurons = sum(int(_array(watch, "frozen").size) for watch in watches)

    def fraction(of: Callable[[WatchEpoch], Bools]) -> float:
        return sum(int(of(watch).sum()) for watch in watches) / neurons

    return {
        "kind": "epoch_finished",
        "epoch": ended.epoch,
        "learning_rate": _learning_rate(watches),
        **dict.fromkeys(("train_loss", "train_accuracy", "test_loss", "test_accuracy")),
        "scores": {},
        "applied_fraction": fraction(lambda watch: _array(watch, "applied")),
        "frozen_fraction": fraction(lambda watch: _array(watch, "frozen")),
        "beyond_fraction": fraction(_beyond),
        "layers": _columns(watches, ended.layers),
        "groups": [group for watch in watches for group in _groups(watch)],
        "seconds": {
            "train": ended.train_seconds,
            "probe": sum(watch.probe_seconds for watch in watches),
            "evaluate": 0.0,
            "record": sum(watch.record_seconds for watch in watches),
            "checkpoint": 0.0,
        },
        "samples": ended.samples,
    }


def arrays_of(watches: Sequence[WatchEpoch]) -> tuple[list[Sizes], bytes]:
    """The table of the arrays, and the arrays: 1 − φ, velocity, applied, frozen, as docs/run-file.md has them."""
    table = [row for watch in watches for row in _rows(watch)]
    divergence = b"".join(_floats(watch.divergence.numpy()) for watch in watches)
    velocity = b"".join(b"" if watch.velocity is None else _floats(watch.velocity.numpy()) for watch in watches)
    masks = (_bits(watch, name) for name in ("applied", "frozen") for watch in watches)
    return table, b"".join((_planes(divergence), _planes(velocity), *masks))


def _rows(watch: WatchEpoch) -> list[Sizes]:
    return [
        [watch.first + place, size, 4 * size, 4 * size if moving else None, (size + 7) // 8, (size + 7) // 8]
        for place, (size, moving) in enumerate(zip(watch.sizes, watch.has_velocity, strict=True))
    ]


def _floats(values: Floats) -> bytes:
    return values.astype("<f4", copy=False).tobytes()


def _planes(floats: bytes) -> bytes:
    """The lowest bytes of all floats, then the second, the third, the highest."""
    return np.frombuffer(floats, np.uint8).reshape(-1, 4).T.tobytes()


def _bits(watch: WatchEpoch, name: str) -> bytes:
    """A layer at a time, filled up to a byte."""
    mask = _array(watch, name)
    return b"".join(np.packbits(part).tobytes() for part in np.split(mask, np.cumsum(watch.sizes)[:-1]))


def _array(watch: WatchEpoch, name: str) -> Bools:
    found: Bools = watch.masks[name].numpy()
    return found


def _beyond(watch: WatchEpoch) -> Bools:
    return _array(watch, "frozen") & ~_array(watch, "at_equilibrium")


def _columns(watches: Sequence[WatchEpoch], layers: int) -> Json:
    """Column by column, one item for each of the run's layers: 0 and null stand for those that nobody watches now."""
    counts: dict[str, list[int]] = {
        name: [0] * layers for name in ("applied", "frozen", "froze", "thawed", "dead", "churning", "beyond")
    }
    means: dict[str, list[Any]] = {name: [None] * layers for name in ("phi_mean", "speed_mean", "velocity_histogram")}
    for watch in watches:
        mine = slice(watch.first, watch.first + len(watch.sizes))
        for name, values in _counts(watch).items():
            counts[name][mine] = values
        for name, found in _means(watch).items():
            means[name][mine] = found
    return {**counts, **means, "plans": None}


def _counts(watch: WatchEpoch) -> dict[str, list[int]]:
    applied, frozen = _array(watch, "applied"), _array(watch, "frozen")
    masks = {
        "applied": applied,
        "frozen": frozen,
        "froze": frozen & ~applied,
        "thawed": applied & ~frozen,
        "dead": _array(watch, "dead"),
        "churning": _array(watch, "churning"),
        "beyond": _beyond(watch),
    }
    return {name: _by_layer(mask.astype(np.int64), watch.sizes).tolist() for name, mask in masks.items()}


def _means(watch: WatchEpoch) -> dict[str, list[Any]]:
    phi = 1.0 - watch.divergence.numpy().astype(np.float64)
    found: dict[str, list[Any]] = {"phi_mean": _mean(phi, watch.sizes)}
    moving = [size for size, has in zip(watch.sizes, watch.has_velocity, strict=True) if has]
    if watch.velocity is None:
        nothing = [None] * len(watch.sizes)
        return found | {"speed_mean": nothing, "velocity_histogram": nothing}
    velocity = watch.velocity.numpy().astype(np.float64)
    speeds, histograms = iter(_mean(np.abs(velocity), moving)), iter(velocity_histograms(velocity, moving))
    return found | {
        "speed_mean": [next(speeds) if has else None for has in watch.has_velocity],
        "velocity_histogram": [next(histograms) if has else None for has in watch.has_velocity],
    }


def velocity_histograms(velocity: npt.NDArray[np.float64], sizes: Sequence[int]) -> list[list[int]]:
    """How many neurons of each layer lie in each of the 39 bins between VELOCITY_EDGES; NaN lies in none.

    Args:
        velocity: (neurons,) of all layers behind each other.
        sizes: neurons, by layer.
    """
    layer = np.repeat(np.arange(len(sizes)), sizes)
    there = ~np.isnan(velocity)
    bins = np.searchsorted(VELOCITY_EDGES, velocity[there], side="right") + _BINS * layer[there]
    found: list[list[int]] = np.bincount(bins, minlength=_BINS * len(sizes)).reshape(len(sizes), _BINS).tolist()
    return found


def _by_layer(values: npt.NDArray[Any], sizes: Sequence[int]) -> npt.NDArray[Any]:
    starts = np.cumsum([0, *sizes[:-1]])
    sums: npt.NDArray[Any] = np.add.reduceat(values, starts)
    return sums


def _mean(values: npt.NDArray[np.float64], sizes: Sequence[int]) -> list[float | None]:
    return [_finite(mean) for mean in (_by_layer(values, sizes) / np.asarray(sizes)).tolist()]


def _groups(watch: WatchEpoch) -> list[Json]:
    return [
        {
            "name": name,
            "neurons": group.neurons,
            "phi": _finite(group.phi),
            "velocity": None if group.velocity is None else _finite(group.velocity),
            "settled": bool(group.at_equilibrium),
        }
        for name, group in watch.groups.items()
    ]


def _learning_rate(watches: Sequence[WatchEpoch]) -> float | None:
    told = watches[0].learning_rate
    number = None if told is None else read_number(told)
    return None if number is None else _finite(number)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
