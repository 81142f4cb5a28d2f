"""Where something asked for cannot matter, though the run would go through: said at its beginning."""

import torch

from contract.checks.freezing import ends_before, never_freezes
from contract.config import RunConfig
from trainer.training.device import has_tf32


def freezing_warnings(config: RunConfig, first_freezing_epoch: int, *, all_held_open: bool) -> tuple[str, ...]:
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


def tf32_warnings(config: RunConfig, device: torch.device) -> tuple[str, ...]:
    """That an NVIDIA GPU has no TF32 where the run asks for it; a CPU's lack of it is told before the launch."""
    wanted = {"compute.precision": config.compute.precision, "neq.phi_precision": config.neq.phi_precision}
    fields = " and ".join(field for field, precision in wanted.items() if precision == "tf32")
    if not fields or device.type != "cuda" or has_tf32(device):
        return ()
    return (f"This GPU has no TF32, asked for by {fields}: it computes in float32 there.",)
