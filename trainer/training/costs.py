"""Records what an epoch's steps computed: operations, and each layer's plan with its reason."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import nn

from contract.costs import PLANS_WHOLE_EVERY, PlanChanges, StepFlops
from neq import NEq
from neq.flops import LayerFlops, Multiplied
from neq.freeze.plan import LayerPlan
from neq.measure.probing import preserve_state
from neq.network.discovery import LayerFilter, discover


class CostRecorder:
    """Records the plans and operations of a network, epoch by epoch.

    Made before the rule freezes anything: what is dense is counted then.

    Args:
        model: the network that is watched.
        neq: says what is done about its layers.
        image: (1, channels, height, width), of the size that training shows; its values do not matter.
    """

    def __init__(self, model: nn.Module, neq: NEq, image: torch.Tensor) -> None:
        self._model, self._neq, self._image = model, neq, image
        with preserve_state(model):
            self._layers = discover(model, lambda: model(image), LayerFilter()).layers
        with neq.dense_pass():  # layers that are always frozen are so already
            self._dense = self._seen()
        self._told: list[LayerPlan] = []

    def flops(self) -> StepFlops:
        """Operations of a step on one image under the present plans; the network stays as it is."""
        plans = self._plans()
        done = self._seen().step_flops(plans, self._dense)
        still = [p for layer in self._layers if not plans[layer.name].active for p in layer.parameters()]
        with _at_rest(still):
            needed = {name: plan.replaced(computed=plan.active) for name, plan in plans.items()}
            least = self._seen().step_flops(needed, self._dense)
        forward, dense_inputs, dense_weights = _sums(done.dense)
        _, inputs, weights = _sums(done.layers)
        _, least_inputs, least_weights = _sums(least.layers)
        return StepFlops(
            forward=forward,
            inputs=inputs,
            weights=weights,
            dense_inputs=dense_inputs,
            dense_weights=dense_weights,
            least_inputs=least_inputs,
            least_weights=least_weights,
            paper=done.paper,
            ceiling=least.ceiling,
        )

    def _seen(self) -> Multiplied:
        with preserve_state(self._model), torch.enable_grad(), Multiplied(self._layers) as seen:
            self._model(self._image)
        return seen

    def _plans(self) -> dict[str, LayerPlan]:
        """Of all layers, also those that are not watched."""
        known = self._neq.plans()
        return {layer.name: known.get(layer.name) or _unwatched(layer.neurons) for layer in self._layers}

    def changes(self, epoch: int) -> PlanChanges:
        """What is done about the watched layers now, where it is not what was told last."""
        # How many neurons move is known from the masks, and is no change by itself.
        now = [plan.replaced(active=0) for plan in self._neq.plans().values()]
        whole = epoch % PLANS_WHOLE_EVERY == 0 or not self._told
        changed = {place: plan for place, plan in enumerate(now) if whole or plan != self._told[place]}
        self._told = now
        return _columns(changed, whole=whole)


def _unwatched(neurons: int) -> LayerPlan:
    return LayerPlan("untouched", neurons, neurons, neurons, "it is not watched")


def _sums(layers: Mapping[str, LayerFlops]) -> tuple[int, int, int]:
    every = layers.values()
    return sum(one.forward for one in every), sum(one.inputs for one in every), sum(one.weights for one in every)


@contextmanager
def _at_rest(parameters: Sequence[nn.Parameter]) -> Iterator[None]:
    """These require no gradient meanwhile."""
    moving = [parameter for parameter in parameters if parameter.requires_grad]
    try:
        for parameter in moving:
            parameter.requires_grad_(False)
        yield
    finally:
        for parameter in moving:
            parameter.requires_grad_(True)


def _columns(plans: Mapping[int, LayerPlan], *, whole: bool) -> PlanChanges:
    texts = list(dict.fromkeys(plan.reason for plan in plans.values()))
    return PlanChanges(
        whole=whole,
        layers=tuple(plans),
        kinds=tuple(plan.kind for plan in plans.values()),
        computed=tuple(plan.computed for plan in plans.values()),
        reasons=tuple(texts.index(plan.reason) for plan in plans.values()),
        dense_ms=_rounded(plan.dense_ms for plan in plans.values()),
        rows_ms=_rounded(plan.rows_ms for plan in plans.values()),
        texts=tuple(texts),
    )


def _rounded(values: Iterable[float | None]) -> tuple[float | None, ...]:
    """To microseconds: more is noise."""
    return tuple(None if value is None else round(value, 3) for value in values)
