"""From an equilibrium to the records of an epoch's event."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from contract.config import RunConfig
from contract.costs import PlanChanges
from contract.events import VELOCITY_EDGES, Group, LayerCounts, LayerSnapshot, Logged, NEqMemory, Precision
from neq import Equilibrium, LayerEquilibrium, NEq
from trainer.training.device import has_tf32

_EDGES = np.array(VELOCITY_EDGES)


def layer_counts(equilibrium: Equilibrium, plans: PlanChanges) -> LayerCounts:
    """Per-layer numbers of the epoch, in forward order, and the plans that were in force during it."""
    layers = list(equilibrium.layers.values())
    return LayerCounts(
        applied=_counts([layer.applied for layer in layers]),
        frozen=_counts([layer.frozen for layer in layers]),
        froze=_counts([layer.frozen & ~layer.applied for layer in layers]),
        thawed=_counts([layer.applied & ~layer.frozen for layer in layers]),
        phi_mean=tuple(_mean(layer.phi) for layer in layers),
        speed_mean=tuple(None if layer.velocity is None else _mean(layer.velocity.abs()) for layer in layers),
        velocity_histogram=tuple(
            None if layer.velocity is None else velocity_histogram(layer.velocity) for layer in layers
        ),
        dead=_counts([layer.dead for layer in layers]),
        churning=_counts([layer.churning for layer in layers]),
        beyond=_counts([layer.frozen & ~layer.at_equilibrium for layer in layers]),
        plans=plans,
    )


def group_records(equilibrium: Equilibrium) -> tuple[Group, ...]:
    """The groups of the epoch, in the order of their first layers."""
    return tuple(
        Group(
            name=name,
            neurons=group.neurons,
            phi=_finite(group.phi),
            divergence=_finite(group.divergence),
            velocity=None if group.velocity is None else _finite(group.velocity),
            settled=group.at_equilibrium,
        )
        for name, group in equilibrium.groups.items()
    )


def memory_record(neq: NEq) -> NEqMemory:
    """What NEq itself keeps in memory now."""
    return NEqMemory(**asdict(neq.memory()))


def precision_record(config: RunConfig, device: torch.device) -> Precision:
    """What the run computes in on its device: float32 where that knows no TF32."""

    def there(precision: str) -> str:
        return "float32" if precision == "tf32" and not has_tf32(device) else precision

    training = there(config.compute.precision)
    evaluation = "float32" if training == "fp16" else training
    return Precision(training=training, evaluation=evaluation, phi=there(config.neq.phi_precision))


def held_along(before: Collection[str], now: Collection[str], epoch: int) -> Iterator[Logged]:
    """Says what has no neurons and stops or moves on together with a frozen prefix, as `NEq.held_along` names it."""
    stopped, moving = sorted(set(now) - set(before)), sorted(set(before) - set(now))
    if stopped:
        yield Logged(
            text=f"Epoch {epoch}: {_counted(stopped, 'stand')} still along with the first layers: {_first(stopped)}"
        )
    if moving:
        yield Logged(text=f"Epoch {epoch}: {_counted(moving, 'move')} again with the first layers: {_first(moving)}")


def _counted(names: Sequence[str], verb: str) -> str:
    return (
        f"1 parameter without neurons {verb}s" if len(names) == 1 else f"{len(names)} parameters without neurons {verb}"
    )


def _first(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")


def velocity_histogram(velocity: Tensor) -> tuple[int, ...]:
    """How many neurons lie in each of the 39 bins between VELOCITY_EDGES; NaN lies in none."""
    values = velocity.double().numpy()
    bins = np.searchsorted(_EDGES, values[~np.isnan(values)], side="right")
    return tuple(np.bincount(bins, minlength=len(_EDGES) + 1).tolist())


def snapshots(equilibrium: Equilibrium) -> tuple[LayerSnapshot, ...]:
    """Every layer's neurons as bytes: float32 little-endian, masks as packed bits."""
    return tuple(_snapshot(index, layer) for index, layer in enumerate(equilibrium.layers.values()))


def _snapshot(index: int, layer: LayerEquilibrium) -> LayerSnapshot:
    return LayerSnapshot(
        index=index,
        neurons=layer.frozen.numel(),
        divergence=_floats(layer.divergence),
        velocity=None if layer.velocity is None else _floats(layer.velocity),
        applied=_bits(layer.applied),
        frozen=_bits(layer.frozen),
    )


def _floats(values: Tensor) -> bytes:
    array: npt.NDArray[np.float32] = values.numpy().astype("<f4", copy=False)
    return array.tobytes()


def _bits(mask: Tensor) -> bytes:
    return np.packbits(mask.numpy()).tobytes()


def _counts(masks: Sequence[Tensor]) -> tuple[int, ...]:
    return tuple(int(mask.sum()) for mask in masks)


def _mean(values: Tensor) -> float | None:
    return _finite(float(values.double().mean()))


def _finite(value: float) -> float | None:
    """None where a value is not finite: it says nothing, and JSON cannot hold it."""
    return value if np.isfinite(value) else None
