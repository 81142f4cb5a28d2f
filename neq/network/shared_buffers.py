"""The buffers of all processes made one for a measurement."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.distributed
from torch import Tensor, nn


@contextmanager
def of_the_first_process(model: nn.Module, group: "torch.distributed.ProcessGroup | None") -> Iterator[None]:
    """The model with the group's first process's buffers while the context lasts; afterwards it has its own values.

    DistributedDataParallel copies buffers in a forward pass only, so that at an epoch's end running statistics differ
    between processes, and φ would be added up over different networks.

    Args:
        group: None: the model is trained by this process alone.
    """
    if group is None:
        yield
        return
    own = [(buffer, buffer.detach().clone()) for buffer in model.buffers()]
    try:
        for buffer, _ in own:
            _broadcast(buffer, group)
        yield
    finally:
        with torch.no_grad():
            for buffer, value in own:
                buffer.copy_(value)


@torch.no_grad()
def _broadcast(buffer: Tensor, group: "torch.distributed.ProcessGroup") -> None:
    sent = buffer.detach().to(torch.uint8 if buffer.dtype == torch.bool else buffer.dtype).contiguous().clone()
    torch.distributed.broadcast(sent, group_src=0, group=group)
    buffer.copy_(sent)
