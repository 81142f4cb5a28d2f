"""What fails in one of several processes fails in all: none waits for sums that another will never send."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.distributed
from torch import nn

from neq.errors import OtherProcessFailed


@contextmanager
def failing_together(model: nn.Module, group: "torch.distributed.ProcessGroup | None") -> Iterator[None]:
    """Ends in every process, or in none.

    Args:
        model: tells on which device the processes talk.
        group: None: there are no others.

    Raises:
        OtherProcessFailed: all went well here, and not in another process.
    """
    if group is None:
        yield
        return
    try:
        yield
    except Exception:
        _last_to_fail(model, group, failed=True)
        raise
    if (rank := _last_to_fail(model, group, failed=False)) is not None:
        raise OtherProcessFailed(
            f"process {rank} of those that train together could not end this epoch: nothing was decided here either",
            f"its own error says why: look at what process {rank} printed",
        )


def _last_to_fail(model: nn.Module, group: "torch.distributed.ProcessGroup", *, failed: bool) -> int | None:
    """The highest rank of those that failed; None: all went well everywhere."""
    mine = torch.distributed.get_rank() + 1 if failed else 0
    highest = torch.tensor(mine, device=next(model.parameters()).device)
    torch.distributed.all_reduce(highest, torch.distributed.ReduceOp.MAX, group=group)
    return int(highest) - 1 if highest else None
