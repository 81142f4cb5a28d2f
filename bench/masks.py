"""Which neurons stood still in which epoch: as recorded, or drawn to the published share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from contract.events import EpochFinished, RunStarted
from contract.runfile import RunFile
from neq.decide.selection import Prefix, SelectionInput
from neq.decide.velocity import VelocityState

Masks = Mapping[str, Tensor]
Sizes = Mapping[str, int]
"""Neurons by layer name, in forward order."""

TAU = 0.8
"""A layer of the prefix stops whole once so many of its neurons are at equilibrium."""

CURVES: dict[str, tuple[tuple[int, float], ...]] = {
    "sgd": ((0, 0.014), (100, 0.014), (108, 0.2), (149, 0.07), (152, 0.05), (165, 0.955), (180, 0.98), (249, 0.98)),
    "adam": ((0, 0.0), (25, 0.0), (100, 0.2), (101, 0.65), (150, 0.75), (151, 0.95), (249, 0.95)),
}
"""The share of frozen neurons where the published curves bend (ResNet-32 on CIFAR-10, read off the figures)."""


@dataclass(frozen=True)
class Source:
    """What was frozen when, and which epochs tell it best."""

    title: str
    epochs: int
    samples: Sequence[int]
    masks: Callable[[int], Masks]


def published(optimizer: str, sizes: Sizes) -> Source:
    """The published share of each epoch, of neurons drawn at random but for the head; the same ones as it grows."""
    curve = CURVES[optimizer]
    names = list(sizes)[:-1]
    neurons = sum(sizes.values())
    order = torch.randperm(sum(sizes[name] for name in names), generator=torch.Generator().manual_seed(0))

    def masks(epoch: int) -> Masks:
        share = float(np.interp(epoch, [at for at, _ in curve], [share for _, share in curve]))
        frozen = order < round(share * neurons)
        return dict(zip(names, frozen.split([sizes[name] for name in names]), strict=True))

    between = [158, 162] if optimizer == "sgd" else [60, 125]
    return Source("published curve", curve[-1][0] + 1, sorted({*(at for at, _ in curve), *between}), masks)


def recorded(path: Path, sizes: Sizes) -> Source:
    """What a run file tells of each epoch.

    Raises:
        SystemExit: it is the file of another network.
    """
    with RunFile.open(path) as file:
        events = list(file.events())
    started = next(event for event in events if isinstance(event, RunStarted))
    if {layer.name: layer.neurons for layer in started.layers} != dict(sizes):
        raise SystemExit(f"{path} was recorded with another network than ResNet-32 as it is built here")
    epochs = {event.epoch: event for event in events if isinstance(event, EpochFinished)}

    def masks(epoch: int) -> Masks:
        found = {}
        for snapshot in epochs[epoch].snapshots:
            bits = np.unpackbits(np.frombuffer(snapshot.applied, dtype=np.uint8), count=snapshot.neurons)
            found[started.layers[snapshot.index].name] = torch.from_numpy(bits.astype(bool))
        return found

    told = sorted(epochs)
    every = max(1, len(told) // 10)
    return Source(f"recorded in {path.name}", len(told), sorted({*told[::every], told[-1]}), masks)


def with_prefix(masks: Masks, sizes: Sizes) -> Masks:
    """These masks, and whole layers from the input on as the rule `prefix` freezes them; the head stays free."""
    at_equilibrium = torch.cat([masks.get(name, torch.zeros(size, dtype=torch.bool)) for name, size in sizes.items()])
    held_open = torch.zeros_like(at_equilibrium)
    held_open[-list(sizes.values())[-1] :] = True
    velocity_state = VelocityState((~at_equilibrium).double(), None, None, at_equilibrium)
    chosen = Prefix(TAU)(SelectionInput(velocity_state, None, list(sizes.values()), held_open)) & ~held_open
    return dict(zip(sizes, chosen.split(list(sizes.values())), strict=True))
