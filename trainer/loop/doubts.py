"""Where NEq cannot matter, though the run would go through: said at its beginning."""

from trainer.checks.freezing import ends_before, never_freezes
from trainer.config import RunConfig


def doubts(config: RunConfig, first_freezing_epoch: int, *, all_held_open: bool) -> tuple[str, ...]:
    """Why nothing will be frozen, in sentences; none where something may be.

    Args:
        config: the run's.
        first_freezing_epoch: when the first mask acts, counted from 0.
        all_held_open: no watched layer may be frozen.
    """
    if never := never_freezes(config):
        return (f"{never.message}.",)
    if all_held_open:
        return ("Nothing will freeze: neq.layers.never_freeze names every watched layer.",)
    short = ends_before(config, first_freezing_epoch)
    return () if short is None else (f"{short.message}.",)
