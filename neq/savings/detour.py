"""What the host pays for a layer with its own weight gradient, beside that gradient: measured once on each device."""

import functools
from statistics import median
from time import perf_counter

import torch
from torch import Tensor, nn

from neq.savings.gradients import Geometry, whole
from neq.savings.patch import patch, with_own_gradient

_WIDTH, _WARM_UPS, _ROUNDS = 8, 3, 15


@functools.cache
def detour_ms(device: torch.device) -> float:
    """Milliseconds that telling a device a layer's forward and backward pass takes longer than with torch's own code.

    A small layer is run both ways in turns, and medians are compared; nothing waits for the device.
    """
    inputs = torch.zeros(_WIDTH, _WIDTH, device=device, requires_grad=True)
    own, patched = _layer(device), _layer(device)
    patch(patched, with_own_gradient(_Whole()))
    with torch.enable_grad(), torch.autocast(device.type, enabled=False):
        taken = [(_run(own, inputs), _run(patched, inputs)) for _ in range(_WARM_UPS + _ROUNDS)][_WARM_UPS:]
    return max(0.0, median(one for _, one in taken) - median(one for one, _ in taken))


def _layer(device: torch.device) -> nn.Module:
    """Leaves the random state untouched, so that training draws the same numbers with and without it."""
    with torch.random.fork_rng(devices=[]):
        layer = nn.Linear(_WIDTH, _WIDTH, bias=False, device="cpu")
    layer.weight = nn.Parameter(torch.zeros(_WIDTH, _WIDTH, device=device))
    return layer


def _run(layer: nn.Module, inputs: Tensor) -> float:
    began = perf_counter()
    layer(inputs).backward(inputs.detach())
    return 1e3 * (perf_counter() - began)


class _Whole:
    """All rows, as `functions.WeightGradients` has it."""

    def __call__(
        self, inputs: Tensor | None, gradient: Tensor, weight: nn.Parameter, bias: nn.Parameter | None, *, entire: bool
    ) -> tuple[Tensor, ...]:
        assert inputs is not None  # noqa: S101  (such a layer keeps its input)
        return whole(Geometry(()), inputs, gradient, weight.detach(), bias=bias is not None)

    def differentiated_again(self) -> None:
        """It is not."""
