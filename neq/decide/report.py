"""From one epoch's numbers, all neurons in a row, to what the caller is told, layer by layer."""

from collections.abc import Mapping, Sequence

from torch import Tensor

from neq.decide.groups import Group
from neq.decide.recorded import as_recorded
from neq.decide.velocity import VelocityState
from neq.equilibrium import GroupEquilibrium, LayerEquilibrium
from neq.measure.probe_statistics import ProbeStatistics
from neq.network.layers import WatchedLayer

NeuronValues = Mapping[str, Tensor | None]
"""The fields of LayerEquilibrium, each for all neurons, layers one after the other."""


def neuron_values(
    statistics: ProbeStatistics,
    velocity_state: VelocityState,
    frozen: Tensor,
    applied: Tensor,
    *,
    churning_below: float,
) -> NeuronValues:
    """All that is known of every neuron."""
    dead = statistics.squares[0] == 0
    return {
        "divergence": velocity_state.divergence.float(),  # nothing is lost: see `as_recorded`
        "delta_phi": _float(velocity_state.delta_phi),
        "velocity": _float(velocity_state.velocity),
        "frozen": frozen,
        "applied": applied,
        "at_equilibrium": velocity_state.at_equilibrium,
        "dead": dead,
        "churning": velocity_state.at_equilibrium & (velocity_state.phi < churning_below) & ~dead,
        "own": _phi(statistics.own),
        "upstream": _phi(statistics.upstream),
    }


def _phi(divergence: Tensor | None) -> Tensor | None:
    """Rounded in the same two steps as a neuron's φ, so that both are equal where only the one cause moved."""
    return None if divergence is None else (1 - as_recorded(divergence)).float()


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


def found_groups(groups: Sequence[Group], velocity_state: VelocityState) -> dict[str, GroupEquilibrium]:
    """The values of each group by its name."""

    def at(values: Tensor | None, place: int) -> float | None:
        return None if values is None else float(values[place])

    return {
        group.name: GroupEquilibrium(
            layers=group.layers,
            neurons=group.members.numel(),
            divergence=float(velocity_state.divergence[place]),
            delta_phi=at(velocity_state.delta_phi, place),
            velocity=at(velocity_state.velocity, place),
            at_equilibrium=bool(velocity_state.at_equilibrium[place]),
        )
        for place, group in enumerate(groups)
    }
