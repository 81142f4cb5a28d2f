"""NEq as a run's description asks for it."""

import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import nn
from torch.optim import Optimizer

from contract.config import NEqConfig, PrefixRule, RandomRule, RunConfig, TopKRule
from contract.errors import RunError
from neq import LayerFilter, NEq, NEqError, NEqWarning, Options
from neq.measure.first_pass import ProbeFailed
from trainer.engines.replayed_masks import Masks

_SAME_LAYERS = "Give both runs the same model and neq.layers, or choose another run in neq.select.run."


def build_neq(
    config: RunConfig,
    model: nn.Module,
    optimizer: Optimizer,
    probe: Iterable[Any],
    replayed: Mapping[str, Masks] | None = None,
) -> NEq:
    """The measurement and the rule that the description names; random selection follows the run's seed.

    Args:
        replayed: the masks that it is to replay, as `trainer.engines.replayed_masks` reads them; None: none, and a
            description that asks for them is only tried.
    Raises:
        RunError: it asks for layers that the network does not have.
        NEqError: the network or the probe set do not let equilibrium be measured.
    """
    try:
        neq = NEq(model, optimizer, probe, _options(config, replayed))
    except ProbeFailed as error:
        raise error.__cause__ or error from None  # the run knows what its own images and network do wrong
    except NEqError:
        raise  # it has a remedy of its own
    except ValueError as error:
        if replayed is not None and "mask" in str(error):
            raise RunError(f"The masks to be replayed do not fit this run: {error}.", _SAME_LAYERS) from error
        raise RunError(
            f"Equilibrium cannot be watched as described: {error}.",
            "Change neq.layers, or choose another model; a run's page lists the names of a model's layers.",
        ) from error
    if replayed is not None:
        _check_layers(replayed, neq)
    return neq


def _check_layers(replayed: Mapping[str, Masks], neq: NEq) -> None:
    """A layer that the other run did not watch would move whole, which is not what was asked for."""
    lacking = [layer.name for layer in neq.layers if layer.name not in replayed]
    if lacking:
        raise RunError(
            f"The run whose masks are replayed did not watch {lacking[0]} (one of {len(lacking)}).",
            _SAME_LAYERS,
        )


def _options(config: RunConfig, replayed: Mapping[str, Masks] | None) -> Options:
    wanted = config.neq
    return Options(
        epsilon=wanted.epsilon,
        mu=wanted.mu,
        select=wanted.select.kind if replayed is not None or wanted.select.kind != "replay" else "none",
        formula=wanted.formula,
        phi=None if wanted.phi == "as-formula" else wanted.phi,
        warmup=wanted.warmup,
        pinning=wanted.pinning,
        momentum_on_thaw=None if wanted.momentum_on_thaw == "as-formula" else wanted.momentum_on_thaw,
        layers=_watch(wanted),
        always_freeze=wanted.layers.always_freeze_first or wanted.layers.always_freeze,
        fraction=_fraction(wanted),
        masks=None if replayed is None else lambda epoch: {name: masks[epoch] for name, masks in replayed.items()},
        seed=config.training.seed,
        groups=None if wanted.groups == "none" else wanted.groups,
        decide_by=wanted.decide_by,
        measure=wanted.measure,
        phi_precision=wanted.phi_precision,
        savings=wanted.savings,
    )


@contextmanager
def collect_neq_warnings(told: list[str]) -> Iterator[None]:
    """Collects what NEq warns of while the context lasts, for the run's log; other warnings go where they went."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", NEqWarning)
        try:
            yield
        finally:
            told += [str(one.message) for one in caught if issubclass(one.category, NEqWarning)]
    for one in caught:
        if not issubclass(one.category, NEqWarning):
            warnings.warn_explicit(one.message, one.category, one.filename, one.lineno, source=one.source)


def _fraction(wanted: NEqConfig) -> float | None:
    if isinstance(wanted.select, PrefixRule):
        return wanted.select.layer_fraction
    return wanted.select.fraction if isinstance(wanted.select, RandomRule | TopKRule) else None


def _watch(wanted: NEqConfig) -> LayerFilter | None:
    layers = wanted.layers
    if not (layers.only or layers.never or layers.never_freeze):
        return None  # the formula's own choice
    return LayerFilter(layers.only, layers.never, layers.never_freeze)
