"""Where NEq cannot matter, though the run would go through: said at its beginning."""

from trainer.config import BlocksRule, NoRule, RandomRule, RunConfig, TopKRule
from trainer.counted import counted


def never_freezes(config: RunConfig) -> bool:
    """Whether no mask can hold anything, whatever is measured."""
    return isinstance(config.neq.select, NoRule) or _threshold_is_zero(config)


def doubts(config: RunConfig, first_freezing_epoch: int, *, all_held_open: bool) -> tuple[str, ...]:
    """Why nothing will be frozen, in sentences; none where something may be.

    Args:
        config: the run's.
        first_freezing_epoch: when the first mask acts, counted from 0.
        all_held_open: no watched layer may be frozen.
    """
    if isinstance(config.neq.select, NoRule):
        return ("Nothing will freeze: the rule is `none`. φ and v are recorded all the same.",)
    if _threshold_is_zero(config):
        return ("Nothing will freeze: neq.epsilon is 0, and no |v| is below it.",)
    if all_held_open:
        return ("Nothing will freeze: neq.layers.never_freeze names every watched layer.",)
    if config.training.epochs <= first_freezing_epoch:
        return (
            f"Nothing will freeze: the run ends after {counted(config.training.epochs, 'epoch')}, and the first mask "
            f"would act in epoch {first_freezing_epoch} (counted from 0).",
        )
    return ()


def _threshold_is_zero(config: RunConfig) -> bool:
    """Whether the rule asks for |v| below ε, and ε is 0; the other rules take their share, or round, whatever it is."""
    return config.neq.epsilon == 0 and not isinstance(config.neq.select, RandomRule | TopKRule | BlocksRule)
