"""What NEq compares with the facts once an epoch, and once at the start."""

import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from trainer.neq.errors import (
    AnotherOptimizer,
    CheckFailed,
    FrozenNeuronsChanged,
    FrozenNeuronsMoved,
    LayerNotTrained,
    ModelChanged,
    NEqError,
    NEqWarning,
    NetworkDiverged,
    NoStepMade,
    NotFinite,
    NotRepeatable,
    OptimizerOwnsNothing,
    ParametersReplaced,
)
from trainer.neq.freeze import Freezer
from trainer.neq.layers import WatchedLayer

CheckMode = Literal["raise", "warn", "off"]

REPEATABLE = 1e-5
"""1 − φ of an unchanged network stays below this where a device adds up in another order each time; one that draws
random numbers is at 0.1."""


class Checks:
    """Says what was found wrong or doubtful, as loudly as it was asked to.

    Args:
        mode: `raise`: wrong results are an error, doubtful ones a warning. `warn`: both are warnings. `off`: nothing is
            checked.

    Raises:
        ValueError: there is no such mode.
    """

    def __init__(self, mode: CheckMode) -> None:
        if mode not in get_args(CheckMode):
            raise ValueError(f"checks is {mode!r}; choose one of {', '.join(get_args(CheckMode))}")
        self.on = mode != "off"
        self._raises = mode == "raise"
        self._said: set[str] = set()

    def wrong(self, error: NEqError) -> None:
        """The results would be wrong.

        Raises:
            NEqError: this one, unless it was asked for warnings.
        """
        if self._raises:
            raise error
        if self.on:
            warnings.warn(f"{type(error).__name__}: {error}", CheckFailed, stacklevel=_levels_to_the_caller())

    def doubtful(self, warning: NEqWarning, *, once: bool = False) -> None:
        """The results may not be what was meant.

        Args:
            once: say it the first time only.
        """
        text = str(warning)
        if self.on and not (once and text in self._said):
            self._said.add(text)
            warnings.warn(warning, stacklevel=_levels_to_the_caller())


def _levels_to_the_caller() -> int:
    """How many calls lie between the caller of this, who warns, and the owner's own code, which the warning names."""
    package = __name__.rpartition(".")[0]
    frame, levels = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(package):
        frame, levels = frame.f_back, levels + 1
    return levels


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
                    "or leave the layers after it out with layers=Watch(never=…)",
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
            "to the optimizer, let them require no gradient, or leave it out with layers=Watch(never=…)"
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
                    f"layers=Watch(never_freeze=({name!r},))",
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
