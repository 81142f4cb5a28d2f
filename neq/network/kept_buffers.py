"""The buffers of a model while it is measured: saved before, restored after, and found out in one look whether that
is necessary, because each question to a GPU waits until all that it was told is done."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

_Place = tuple[dict[str, Tensor | None], str, Tensor]
"""Where a buffer is kept, under which name, and the buffer."""


class KeptBuffers:
    """The buffers of a model as they are now, and a copy of their values.

    On a CPU each has its own copy. Elsewhere those of one kind lie one after the other in one, and are compared as one.
    """

    def __init__(self, model: nn.Module) -> None:
        self._places: list[_Place] = [
            (module._buffers, name, buffer)
            for module in model.modules()
            for name, buffer in module._buffers.items()
            if buffer is not None
        ]
        together: dict[tuple[torch.dtype, torch.device], list[Tensor]] = {}
        self._alone: list[tuple[Tensor, Tensor]] = []
        for _, _, buffer in self._places:
            if buffer.device.type != "cpu" and buffer.layout == torch.strided and not buffer.is_quantized:
                together.setdefault((buffer.dtype, buffer.device), []).append(buffer)
            else:
                self._alone.append((buffer, buffer.detach().clone()))
        self._together = [(buffers, _joined(buffers)) for buffers in together.values()]

    @torch.no_grad()
    def restore(self) -> None:
        """Every buffer is in its place again, with the values that it had; what did not change is not written to."""
        for place, name, buffer in self._places:
            place[name] = buffer
        for buffer, value in self._alone:
            if not torch.equal(buffer, value):
                buffer.copy_(value)
        for buffers, values in self._together:
            if not torch.equal(_joined(buffers), values):
                for buffer, value in zip(buffers, values.split([one.numel() for one in buffers]), strict=True):
                    if not torch.equal(buffer, value.reshape(buffer.shape)):
                        buffer.copy_(value.reshape(buffer.shape))


def _joined(buffers: Iterable[Tensor]) -> Tensor:
    return torch.cat([buffer.detach().reshape(-1) for buffer in buffers])
