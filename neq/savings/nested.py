"""Notices backward passes that run inside another one, as checkpointing with use_reentrant=True makes them.

Such a pass runs a piece of the network again, on inputs that it detached. If none of those required a gradient the
piece gets none at all, without an error: so nothing may stop requiring one.
"""

import sys
from collections.abc import Iterable
from types import FrameType

from torch import Tensor, nn
from torch.autograd.function import BackwardCFunction
from torch.utils.hooks import RemovableHandle

from neq.network.gradient_stop import gets_gradient

_WITHIN_A_NODE = BackwardCFunction.apply.__code__


class Nested:
    """Looks once at how each parameter gets its gradient, the first time that it gets one."""

    def __init__(self, parameters: Iterable[nn.Parameter]) -> None:
        self.seen = False
        self._waiting: dict[int, RemovableHandle] = {}
        for parameter in parameters:
            if gets_gradient(parameter) and id(parameter) not in self._waiting:  # layers may share one
                self._waiting[id(parameter)] = parameter.register_post_accumulate_grad_hook(self._look)

    def has_looked_at(self, parameter: nn.Parameter) -> bool:
        """Whether it has got a gradient since."""
        return id(parameter) not in self._waiting

    def _look(self, parameter: Tensor) -> None:
        frame: FrameType | None = sys._getframe()
        while frame is not None and not self.seen:
            self.seen = frame.f_code is _WITHIN_A_NODE
            frame = frame.f_back
        self._waiting.pop(id(parameter)).remove()

    def close(self) -> None:
        """Looks no longer."""
        for handle in self._waiting.values():
            handle.remove()
        self._waiting.clear()
