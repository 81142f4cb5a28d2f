"""When a run begins to freeze, and why it never will: the one home of these sentences, before a launch and after."""

from contract.checks.finding import Finding
from contract.checks.numbers import counted
from contract.config import NoRule, RandomRule, ReplayRule, RunConfig, TopKRule
from contract.config.neq import BlocksRule


def first_freezing_epoch(config: RunConfig) -> int:
    """The first epoch, from 0, in which the rule can freeze: φ needs one epoch, and v by the paper's formula two."""
    if isinstance(config.neq.select, ReplayRule):
        return 0
    drawn = isinstance(config.neq.select, RandomRule) and config.neq.select.fraction is not None
    return max(config.neq.warmup, 1 if drawn or config.neq.formula == "official" else 2)


def never_freezes(config: RunConfig) -> Finding | None:
    """Why no mask can hold anything, whatever is measured; None where one may."""
    select = config.neq.select
    if config.neq.layers.freezes_always or isinstance(select, ReplayRule):
        return None
    if isinstance(select, NoRule):
        return Finding("neq.select", "Nothing will freeze: the rule is `none`. φ and v are still recorded")
    if isinstance(select, TopKRule | RandomRule) and select.fraction == 0:
        return Finding("neq.select.fraction", "Nothing will freeze: the fraction of neurons to freeze is 0")
    # These take their share, or round, whatever ε is.
    if config.neq.epsilon == 0 and not isinstance(select, RandomRule | TopKRule | BlocksRule):
        return Finding("neq.epsilon", "Nothing will freeze: neq.epsilon is 0, and no |v| is below it")
    return None


def ends_before(config: RunConfig, first: int) -> Finding | None:
    """Said where the run ends before its first mask acts.

    Args:
        first: the epoch in which that would be, counted from 0.
    """
    if config.training.epochs > first or config.neq.layers.freezes_always:
        return None
    field = "neq.warmup" if config.neq.warmup == first and config.neq.warmup > 2 else "training.epochs"
    return Finding(
        field,
        f"Nothing will freeze: the run ends after {counted(config.training.epochs, 'epoch')}, and the first mask "
        f"would apply in epoch {first} (counted from 0)",
    )
