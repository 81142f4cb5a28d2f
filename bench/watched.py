"""Networks of given widths whose neurons move a little every epoch, for benchmarks of recording them by a script."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from bench.networks import Watched

PROBE_SAMPLES, INPUTS = 16, 8


class Widths(nn.Module):
    """A linear layer for each width, side by side, which are measured at little cost."""

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(INPUTS, width) for width in widths])

    def forward(self, inputs: Tensor) -> list[Tensor]:
        return [layer(inputs) for layer in self.layers]


def training(layers: Watched) -> tuple[Widths, torch.optim.Optimizer, list[Tensor]]:
    """A network of these widths, its optimizer and a probe set: what `run.watch` takes."""
    torch.manual_seed(0)
    model = Widths([layer.neurons for layer in layers])
    return model, torch.optim.SGD(model.parameters(), lr=0.1), [torch.randn(PROBE_SAMPLES, INPUTS)]


def move(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Instead of an epoch of training: one step by which weights drift, those of some neurons hardly."""
    for parameter in model.parameters():
        pace = torch.linspace(1e-4, 1e-1, parameter.shape[0]).reshape(-1, *[1] * (parameter.dim() - 1))
        parameter.grad = torch.randn_like(parameter) * pace
    optimizer.step()
