"""From one epoch's φ to who is updated in the next."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from neq.decide.groups import Group, group_divergence
from neq.decide.recorded import as_recorded
from neq.decide.replay import Replay, check_mask
from neq.decide.report import found_groups, found_layers, neuron_values
from neq.decide.selection import Random, SelectionInput, selection
from neq.decide.velocity import VelocityTracker, velocity_tracker
from neq.device.blocks import neurons_together
from neq.equilibrium import Equilibrium
from neq.measure.parameters import parameter_divergence
from neq.measure.probe_statistics import ProbeStatistics
from neq.network.layers import WatchedLayer
from neq.options import Options


class Decision:
    """Follows every neuron and decides, once an epoch.

    Args:
        layers, groups: what is watched.
        options: those of `NEq`. Where groups decide, their neurons freeze when the group is at equilibrium, all others
            by the selection.

    Raises:
        ValueError: the rule's numbers are out of range, or groups are to decide and there are none.
    """

    def __init__(
        self,
        layers: Sequence[WatchedLayer],
        groups: Sequence[Group],
        options: Options,
    ) -> None:
        self._layers, self._groups = layers, groups
        self._sizes = [layer.neurons for layer in layers]
        self._blocks = [neurons_together(next(layer.parameters()).device) for layer in layers]
        self._select = selection(options.select, fraction=options.fraction, seed=options.seed)
        new_track = partial(velocity_tracker, options.formula, epsilon=options.epsilon, mu=options.mu)
        self._outputs = new_track()
        self._parameters = new_track() if options.select == "parameter-norm" else None
        self._together = new_track() if groups else None
        self._by_groups = self._groups_that_decide(options.decide_by)
        drawn = options.select == "random" and options.fraction is not None  # needs no velocity
        self._first_mask = max(options.warmup, 1 if drawn else self._outputs.first_freezing_epoch)
        self._pinning, self._churning_below = options.pinning, options.churning_below
        self._open = torch.cat([torch.full((layer.neurons,), layer.held_open is not None) for layer in layers])
        self._always = torch.cat([torch.full((layer.neurons,), layer.always_frozen) for layer in layers])
        self._epoch = 0
        self._replay = None if options.masks is None else Replay(options.masks, layers)
        self._frozen = self._always.clone() if self._replay is None else self._replayed(self._replay)

    def _groups_that_decide(self, decide_by: str) -> Sequence[Group]:
        if decide_by == "neurons":
            return ()
        if not self._groups:
            raise ValueError("decide_by is 'groups'; say which with groups, such as groups='layer'")
        members = torch.cat([group.members for group in self._groups])
        if members.unique().numel() != members.numel():
            raise ValueError("groups share a layer; where groups decide, each layer must be in one at most")
        return self._groups

    @property
    def first_freezing_epoch(self) -> int:
        """The first epoch (from 0) whose updates a mask can withhold."""
        return 0 if bool(self._always.any()) or self._replay is not None else self._first_mask

    def masks(self) -> dict[str, Tensor]:
        """Who is frozen now: bool, one value a neuron, by layer name."""
        return dict(zip((layer.name for layer in self._layers), self._frozen.split(self._sizes), strict=True))

    @property
    def epoch(self) -> int:
        """The epoch whose end comes next, from 0."""
        return self._epoch

    def next(
        self,
        statistics: ProbeStatistics,
        model: nn.Module,
        former: Mapping[str, Tensor],
        moved: Mapping[str, Tensor] | None = None,
    ) -> Equilibrium:
        """One epoch on.

        Args:
            statistics: of the epoch that ended.
            model: today's network.
            former: last epoch's parameters by name.
            moved: bool, one value a neuron, by layer name: those that were to stand still in that epoch, and did not.
        """
        outputs = self._outputs.next(as_recorded(statistics.divergence))
        parameters = together = None
        if self._parameters is not None:
            parameters = self._parameters.next(as_recorded(parameter_divergence(self._layers, model, former)))
        if self._together is not None:
            together = self._together.next(as_recorded(group_divergence(self._groups, statistics.squares)))
        given = SelectionInput(outputs, parameters, self._sizes, self._open, self._blocks, self._always)
        chosen = self._select(given).clone()
        if together is not None:
            for group, at_equilibrium in zip(self._by_groups, together.at_equilibrium, strict=bool(self._by_groups)):
                chosen[group.members] = at_equilibrium
        applied, self._frozen = self._kept_still(moved or {}), self._allowed(chosen)
        self._epoch += 1
        values = neuron_values(statistics, outputs, self._frozen, applied, churning_below=self._churning_below)
        groups = {} if together is None else found_groups(self._groups, together)
        return Equilibrium(self._epoch - 1, found_layers(self._layers, values), groups)

    def _kept_still(self, moved: Mapping[str, Tensor]) -> Tensor:
        """Who was really not updated in the epoch that ended."""
        masks = self.masks()
        return torch.cat([mask & ~moved[name] if name in moved else mask for name, mask in masks.items()])

    def carry_over_from(self, other: "Decision") -> None:
        """Takes over what another one knows of the layers and groups that both follow; further ones start anew."""
        self._epoch, self._select = other._epoch, other._select
        starts = dict(zip((layer.name for layer in other._layers), _starts(other._sizes), strict=True))
        places = torch.cat(
            [
                torch.arange(layer.neurons) + starts[layer.name]
                if layer.name in starts
                else torch.full((layer.neurons,), -1)
                for layer in self._layers
            ]
        )
        self._frozen = (places >= 0) & other._frozen[places]
        self._outputs.carry_over_from(other._outputs, places)
        if self._parameters is not None and other._parameters is not None:
            self._parameters.carry_over_from(other._parameters, places)
        if self._together is not None and other._together is not None:
            known = {group.name: place for place, group in enumerate(other._groups)}
            of_groups = torch.tensor([known.get(group.name, -1) for group in self._groups])
            self._together.carry_over_from(other._together, of_groups)

    def _allowed(self, chosen: Tensor) -> Tensor:
        """What may really be frozen in the next epoch."""
        if self._replay is not None:
            return self._replayed(self._replay, self._epoch + 1)
        if self._epoch + 1 < self._first_mask:
            return self._always.clone()
        frozen = (chosen & ~self._open) | self._always
        if self._pinning:
            frozen |= self._frozen & ~self._open
        if bool(frozen.all()):  # a step must always be possible
            last = max(place for place, layer in enumerate(self._layers) if not layer.always_frozen)
            frozen.split(self._sizes)[last][:] = False
        return frozen

    def _replayed(self, replay: Replay, epoch: int = 0) -> Tensor:
        return replay.held_in(epoch) | self._always

    def set_masks(self, masks: Mapping[str, Tensor]) -> None:
        """Freezes by hand; the next epoch's end decides anew.

        Raises:
            ValueError: a layer is not watched, a mask has another shape or type, or nothing would be left to update.
        """
        known = {layer.name: layer for layer in self._layers}
        for name, mask in masks.items():
            if name not in known:
                raise ValueError(f"{name!r} is no watched layer; `NEq.layers` lists them")
            check_mask(known[name], mask)
        free = [torch.zeros(layer.neurons, dtype=torch.bool) for layer in self._layers]
        frozen = torch.cat([masks.get(layer.name, none).cpu() for layer, none in zip(self._layers, free, strict=True)])
        frozen |= self._always
        if bool(frozen.all()):
            raise ValueError("these masks freeze every neuron: leave at least one, or there is no step to make")
        self._frozen = frozen

    def state_dict(self) -> dict[str, Any]:
        """What deciding remembers; copies."""
        return {
            "epoch": self._epoch,
            "frozen": self._frozen.clone(),
            "select": self._select.state_dict() if isinstance(self._select, Random) else {},
            **{name: one.state_dict() for name, one in self._trackers().items()},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continues where `state_dict()` was taken.

        Raises:
            ValueError: it was taken with other options.
        """
        missing = self._trackers().keys() - state.keys()
        if missing:
            raise ValueError(f"this state was taken with other options: it knows no {', '.join(sorted(missing))}")
        self._epoch = int(state["epoch"])
        self._frozen = state["frozen"].cpu() | self._always
        if isinstance(self._select, Random) and state["select"]:
            self._select.load_state_dict(state["select"])
        for name, one in self._trackers().items():
            one.load_state_dict(state[name])

    def _trackers(self) -> dict[str, VelocityTracker]:
        named = {"outputs": self._outputs, "parameters": self._parameters, "groups": self._together}
        return {name: one for name, one in named.items() if one is not None}


def _starts(sizes: Sequence[int]) -> list[int]:
    return [sum(sizes[:place]) for place in range(len(sizes))]
