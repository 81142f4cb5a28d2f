"""NEq: measures equilibrium at the end of every epoch and freezes what has reached it."""

from collections.abc import Generator, Iterable, Sequence
from types import TracebackType
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from trainer.neq.equilibrium import Equilibrium, LayerEquilibrium
from trainer.neq.freeze import Freezer
from trainer.neq.layers import WatchedLayer, layers_in_forward_order
from trainer.neq.measure import Former, Forward, NeuronSums, as_found, run_model
from trainer.neq.selection import SelectName, rule_named
from trainer.neq.similarity import phi_from_sums
from trainer.neq.velocity import velocity_paper

FIRST_FREEZING_EPOCH = 2
"""The first epoch (from 0) whose updates a mask can withhold: φ is known from the end of epoch 0, v from that of 1."""


class NEq:
    """Neuronal equilibrium for any training loop.

        neq = NEq(model, optimizer, probe)
        for epoch in range(epochs):
            train_one_epoch(model, optimizer)
            equilibrium = neq.end_epoch()

    Args:
        model: trained by the caller; its layers must have their final shapes and devices.
        optimizer: any of torch's; it runs unchanged, and frozen rows are put back after each of its steps.
        probe: gives the same batches in the same order every time that it is iterated: tensors, (inputs, targets)
            pairs or mappings. Disjoint from the training data.
        epsilon: a neuron is frozen while |v| stays below this.
        mu: weight of the former velocity, in [0, 0.5].
        select: `equilibrium`, the paper's rule, or `none`, which only watches.
        forward: forward(model, batch), for probe batches of any other kind.

    Raises:
        ValueError: a value is out of range, the probe set is empty, or the model has nothing to watch.

    Source: arXiv:2207.09455 (Bragagnolo, Tartaglione, Grangetto, NeurIPS 2022).
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: Optimizer,
        probe: Iterable[Any],
        epsilon: float = 1e-3,
        mu: float = 0.5,
        select: SelectName = "equilibrium",
        *,
        forward: Forward | None = None,
    ) -> None:
        if not epsilon >= 0:
            raise ValueError(f"epsilon is {epsilon}; it must be 0 or more")
        if not 0 <= mu <= 0.5:
            raise ValueError(f"mu is {mu}; it must lie between 0 and 0.5")
        self._model, self._probe, self._forward = model, probe, forward
        self._epsilon, self._mu, self._rule = epsilon, mu, rule_named(select)
        self._layers = self._discover()
        self._sizes = [layer.neurons for layer in self._layers]
        self._former = Former(model)
        self._freezer = Freezer(self._layers, optimizer)
        self._epoch = 0
        self._phi: Tensor | None = None
        self._velocity: Tensor | None = None
        self._frozen = torch.zeros(sum(self._sizes), dtype=torch.bool)

    @property
    def layers(self) -> Sequence[WatchedLayer]:
        """The watched layers, in forward order."""
        return self._layers

    def end_epoch(self) -> Equilibrium:
        """Measures φ on the probe set, decides who is updated in the next epoch, and freezes the others.

        Raises:
            ValueError: the probe set or the model does not give what it gave one epoch earlier.
        """
        steps = self.end_epoch_in_steps()
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]

    def end_epoch_in_steps(self) -> Generator[int, None, Equilibrium]:
        """`end_epoch`, pausing after each probe batch: yields how many are done, returns the equilibrium.

        Nothing is decided before it has run to its end.
        """
        sums = NeuronSums(self._layers, self._model, self._forward)
        done = 0
        for batch in self._probe:
            sums.add(batch, self._former)
            done += 1
            yield done
        if not done:
            raise ValueError("the probe set gave no batch: it must be possible to iterate it once an epoch")
        return self._decide(phi_from_sums(sums.total()))

    def _decide(self, phi: Tensor) -> Equilibrium:
        delta_phi = None if self._phi is None else phi - self._phi
        velocity = None if delta_phi is None else velocity_paper(delta_phi, self._velocity, mu=self._mu)
        applied = self._frozen
        frozen = torch.zeros_like(applied) if velocity is None else self._rule(velocity, self._epsilon)
        frozen = self._with_a_way_to_step(frozen)
        self._phi, self._velocity, self._frozen = phi, velocity, frozen
        self._former.remember(self._model)
        self._hold(frozen)
        self._epoch += 1
        return self._equilibrium(phi, delta_phi, velocity, frozen, applied)

    def _with_a_way_to_step(self, frozen: Tensor) -> Tensor:
        """Where every neuron would be frozen, the last layer is not, so that a step is always possible."""
        if not bool(frozen.all()):
            return frozen
        frozen = frozen.clone()
        frozen[-self._sizes[-1] :] = False
        return frozen

    def _hold(self, frozen: Tensor) -> None:
        masks = frozen.split(self._sizes)
        self._freezer.hold({layer.name: mask for layer, mask in zip(self._layers, masks, strict=True)})

    def _equilibrium(
        self, phi: Tensor, delta_phi: Tensor | None, velocity: Tensor | None, frozen: Tensor, applied: Tensor
    ) -> Equilibrium:
        def split(values: Tensor | None) -> Sequence[Tensor | None]:
            return [None] * len(self._sizes) if values is None else values.float().split(self._sizes)

        columns = zip(
            self._layers,
            phi.float().split(self._sizes),
            split(delta_phi),
            split(velocity),
            frozen.split(self._sizes),
            applied.split(self._sizes),
            strict=True,
        )
        layers = {layer.name: LayerEquilibrium(*values) for layer, *values in columns}
        return Equilibrium(self._epoch - 1, layers)

    def _discover(self) -> tuple[WatchedLayer, ...]:
        batches = iter(self._probe)
        try:
            first = next(batches)
        except StopIteration:
            raise ValueError("the probe set is empty: φ of nothing is undefined") from None
        with as_found(self._model):
            return layers_in_forward_order(self._model, lambda: run_model(self._model, first, self._forward))

    def state_dict(self) -> dict[str, Any]:
        """All that continuing needs beside the model's and the optimizer's own state; copies."""
        return {
            "epoch": self._epoch,
            "layers": {layer.name: layer.neurons for layer in self._layers},
            "former": {name: tensor.clone() for name, tensor in self._former.state.items()},
            "phi": None if self._phi is None else self._phi.clone(),
            "velocity": None if self._velocity is None else self._velocity.clone(),
            "frozen": self._frozen.clone(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continues from `state_dict()`; load the model's own state first, for frozen rows keep what it has now.

        Raises:
            ValueError: the state belongs to another model.
        """
        if state["layers"] != {layer.name: layer.neurons for layer in self._layers}:
            raise ValueError("this state belongs to another model: its watched layers differ")
        self._former.load(state["former"])
        self._epoch = int(state["epoch"])
        self._phi = None if state["phi"] is None else state["phi"].cpu().clone()
        self._velocity = None if state["velocity"] is None else state["velocity"].cpu().clone()
        self._frozen = state["frozen"].cpu().clone()
        self._hold(self._frozen)

    def close(self) -> None:
        """Frees every neuron and leaves model and optimizer as they were found."""
        self._freezer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
