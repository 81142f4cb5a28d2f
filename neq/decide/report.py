"""From one epoch's numbers, all neurons in a row, to what the caller is told, layer by layer."""

from collections.abc import Mapping, Sequence

from torch import Tensor

from neq.decide.groups import Group
from neq.decide.velocity import Motion
from neq.equilibrium import GroupEquilibrium, LayerEquilibrium
from neq.measure.probe_statistics import Findings
from neq.network.layers import WatchedLayer

NeuronValues = Mapping[str, Tensor | None]
"""The fields of LayerEquilibrium, each for all neurons, layers one after the other."""


def neuron_values(
    findings: Findings, motion: Motion, frozen: Tensor, applied: Tensor, *, churning_below: float
) -> NeuronValues:
    """All that is known of every neuron."""
    dead = findings.squares[0] == 0
    return {
        "phi": motion.phi.float(),
        "delta_phi": _float(motion.delta_phi),
        "velocity": _float(motion.velocity),
        "frozen": frozen,
        "applied": applied,
        "settled": motion.settled,
        "dead": dead,
        "churning": motion.settled & (motion.phi < churning_below) & ~dead,
        "own": None if findings.own is None else (1 - findings.own).float(),
        "upstream": None if findings.upstream is None else (1 - findings.upstream).float(),
    }


def _float(values: Tensor | None) -> Tensor | None:
    return None if values is None else values.float()


def found_layers(layers: Sequence[WatchedLayer], values: NeuronValues) -> dict[str, LayerEquilibrium]:
    """The values of each layer by its name."""
    sizes = [layer.neurons for layer in layers]
    columns = {name: _columns(name, every, sizes) for name, every in values.items()}
    return {
        layer.name: LayerEquilibrium(**{name: column[place] for name, column in columns.items()})  # type: ignore[arg-type]
        for place, layer in enumerate(layers)
    }


def _columns(name: str, values: Tensor | None, sizes: Sequence[int]) -> Sequence[Tensor | None]:
    """Layer by layer; None for a layer that has none yet, such as one that was unfrozen in this epoch."""
    if values is None:
        return [None] * len(sizes)
    may_lack = name in ("delta_phi", "velocity")
    return [None if may_lack and bool(column.isnan().all()) else column for column in values.split(sizes)]


def found_groups(groups: Sequence[Group], motion: Motion) -> dict[str, GroupEquilibrium]:
    """The values of each group by its name."""

    def at(values: Tensor | None, place: int) -> float | None:
        return None if values is None else float(values[place])

    return {
        group.name: GroupEquilibrium(
            layers=group.layers,
            neurons=group.members.numel(),
            phi=float(motion.phi[place]),
            delta_phi=at(motion.delta_phi, place),
            velocity=at(motion.velocity, place),
            settled=bool(motion.settled[place]),
        )
        for place, group in enumerate(groups)
    }
