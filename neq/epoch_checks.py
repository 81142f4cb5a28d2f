"""What NEq compares with the facts once an epoch, and once at the start."""

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from neq.checks import Checks
from neq.errors import (
    AnotherOptimizer,
    FrozenNeuronsChanged,
    FrozenNeuronsMoved,
    LayerNotTrained,
    ModelChanged,
    NetworkDiverged,
    NoStepMade,
    NotFinite,
    NotRepeatable,
    OptimizerOwnsNothing,
    ParametersReplaced,
)
from neq.freeze.freeze import Freezer
from neq.network.layers import WatchedLayer

REPEATABLE = 1e-5
"""1 − φ of an unchanged network stays below this where a device adds up in another order each time; one that draws
random numbers is at 0.1."""


def check_start(checks: Checks, layers: Sequence[WatchedLayer], model: nn.Module, divergence: Tensor) -> None:
    """An unchanged network measures φ = 1.

    Args:
        divergence: 1 − φ of every neuron, of a network against itself.
    """
    check_finite(checks, layers, model, divergence)
    for layer, apart in _by_layer(layers, divergence):
        if bool((apart > REPEATABLE).any()):
            checks.wrong(
                NotRepeatable(
                    f"layer {layer.name!r} gives other outputs for the same probe batch and the same weights: φ would "
                    f"be {1 - float(apart.max()):.2f} with nothing trained",
                    "make what draws random numbers in eval mode draw none, with a forward(model, batch) of your own, "
                    "or leave the layers after it out with layers=LayerFilter(never=…)",
                )
            )
            return


def check_parameters(checks: Checks, freezer: Freezer) -> None:
    """The layers have the parameters that they had at the beginning."""
    replaced = freezer.replaced()
    if replaced:
        name = next(iter(replaced))
        checks.wrong(
            ParametersReplaced(
                f"layer {name!r} has other parameters than when NEq was made (pruned, re-parametrised, or loaded with "
                "assign=True): what is held is not what it computes with",
                "close this NEq, and make the optimizer and NEq anew",
            )
        )


def check_modules(model: nn.Module, layers: Sequence[WatchedLayer], former: Mapping[str, Tensor]) -> None:
    """The model is made of what it was made of; more may have come.

    Args:
        former: last epoch's parameters and buffers by name.

    Raises:
        ModelChanged: a layer is gone or another, or a parameter has another shape.
    """
    modules = dict(model.named_modules())
    for layer in layers:
        if layer.name not in modules:
            raise ModelChanged(f"layer {layer.name!r} is no longer in the model")
        if modules[layer.name] is not layer.module:
            raise ModelChanged(f"layer {layer.name!r} is another module than when NEq was made")
    for name, parameter in model.named_parameters():
        if name in former and former[name].shape != parameter.shape:
            before, now = tuple(former[name].shape), tuple(parameter.shape)
            raise ModelChanged(f"parameter {name!r} has shape {now}, and had {before} when the last epoch ended")


def check_steps(checks: Checks, freezer: Freezer, epoch: int) -> None:
    """The optimizer made steps, and owns what is watched."""
    given = type(freezer.optimizers.given).__name__
    if not freezer.steps and freezer.resumed:
        return
    if not freezer.steps:
        checks.doubtful(
            NoStepMade(
                f"no optimizer made a step in epoch {epoch}: nothing was trained, or not by an optimizer of torch's; "
                "frozen neurons are held around the steps of torch.optim.Optimizer alone"
            )
        )
    elif freezer.steps == freezer.steps_of_others:
        others = ", ".join(type(one).__name__ for one in freezer.optimizers.others)
        checks.doubtful(
            AnotherOptimizer(
                f"NEq was given an optimizer of type {given}, and another ({others}) makes the steps: frozen neurons "
                "are held all the same; make NEq anew with that one, and load the former's state_dict() to go on"
            ),
            once=True,
        )
    if unowned := freezer.unowned():
        _not_owned(checks, unowned, given, none=len(unowned) == freezer.layers)


def _not_owned(checks: Checks, unowned: Sequence[str], given: str, *, none: bool) -> None:
    if none:
        checks.wrong(
            OptimizerOwnsNothing(
                f"the optimizer of type {given} that NEq was given moves none of the watched layers, and no other does",
                "give NEq the optimizer that has the model's parameters",
            )
        )
        return
    checks.doubtful(
        LayerNotTrained(
            f"layer {unowned[0]!r} (one of {len(unowned)}) is watched, and no optimizer moves it: give its parameters "
            "to the optimizer, let them require no gradient, or leave it out with layers=LayerFilter(never=…)"
        ),
        once=True,
    )


def check_held(checks: Checks, moved: dict[str, tuple[Tensor, int]], epoch: int) -> None:
    """What is frozen equals what was put away."""
    for name, (neurons, times) in moved.items():
        count = int(neurons.sum())
        if times > 1:
            checks.wrong(
                FrozenNeuronsMoved(
                    f"layer {name!r}: {count} frozen neurons were moved between {times} steps of epoch {epoch} by "
                    "something else than an optimizer's step",
                    f"change weights in the optimizer's step alone, or let the layer never freeze with "
                    f"layers=LayerFilter(never_freeze=({name!r},))",
                )
            )
        else:
            checks.doubtful(
                FrozenNeuronsChanged(
                    f"layer {name!r}: {count} frozen neurons were changed in epoch {epoch} by something else than an "
                    "optimizer's step (a state was loaded, weights were clipped or swapped): the new values are kept, "
                    "and these neurons count as not frozen in that epoch"
                )
            )


def check_finite(checks: Checks, layers: Sequence[WatchedLayer], model: nn.Module, divergence: Tensor) -> None:
    """Every output that was measured is a number."""
    if bool(divergence.isfinite().all()):
        return
    layer = next(layer for layer, apart in _by_layer(layers, divergence) if not bool(apart.isfinite().all()))
    broken = next((name for name, one in model.named_parameters() if not _is_finite(one)), None)
    broken = broken or next((name for name, one in model.named_buffers() if not _is_finite(one)), None)
    if broken is not None:
        checks.doubtful(
            NetworkDiverged(
                f"{broken!r} is no longer finite, so that φ of layer {layer.name!r} is not a number and nothing of it "
                "freezes: training diverged; lower the learning rate or clip the gradients, and load an earlier state"
            )
        )
        return
    checks.wrong(
        NotFinite(
            f"layer {layer.name!r} gives NaN or infinity on the probe set, though the weights are finite",
            "look for NaN or infinity in the probe batches, or for an overflow in the type that the model computes in",
        )
    )


def _by_layer(layers: Sequence[WatchedLayer], values: Tensor) -> Iterator[tuple[WatchedLayer, Tensor]]:
    return zip(layers, values.split([layer.neurons for layer in layers]), strict=True)


def _is_finite(tensor: Tensor) -> bool:
    return not tensor.is_floating_point() or bool(torch.isfinite(tensor).all())
