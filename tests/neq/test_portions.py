"""Batches are cut only where portions give what the whole gives; φ is always that of the whole."""

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD

from neq import NEq
from neq.device import free_memory as room
from tests.neq.marks import no_step_is_made


class TimeFirst(nn.Module):
    """Attention over dimension 0, as in every transformer of torch's without `batch_first`."""

    def __init__(self, steps: int, *, causal: bool = False, gated: bool = False) -> None:
        super().__init__()
        self.block = nn.TransformerEncoderLayer(8, 2, 16, 0.0)
        self.head = nn.Linear(8, 4)
        self.mask = nn.Transformer.generate_square_subsequent_mask(steps) if causal else None
        self.gate = nn.Parameter(torch.zeros(1)) if gated else None

    def forward(self, inputs: Tensor) -> Tensor:
        mixed = self.block(inputs, src_mask=self.mask)
        out: Tensor = self.head(mixed if self.gate is None else inputs + self.gate * mixed)
        return out


class Graph(nn.Module):
    """Two graph convolutions over one graph, whose nodes are dimension 0."""

    def __init__(self, nodes: int) -> None:
        super().__init__()
        self.register_buffer("edges", torch.rand(nodes, nodes).softmax(1))
        self.first, self.second = nn.Linear(8, 16), nn.Linear(16, 4)

    def forward(self, inputs: Tensor) -> Tensor:
        out: Tensor = self.edges @ self.second((self.edges @ self.first(inputs)).relu())
        return out


class Neighbours(nn.Module):
    """Looks along dimension 0 with a convolution: most portions' insides are right, their edges are not."""

    def __init__(self) -> None:
        super().__init__()
        self.along = nn.Conv1d(8, 8, 3, padding=1)
        self.head = nn.Linear(8, 4)

    def forward(self, inputs: Tensor) -> Tensor:
        out: Tensor = self.head(self.along(inputs.T[None])[0].T.relu())
        return out


def statistics_of_the_batch() -> nn.Module:
    return nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16, track_running_stats=False), nn.ReLU(), nn.Linear(16, 4))


STEPS = 24
MODELS = {
    "time first": lambda: TimeFirst(STEPS),
    "causal": lambda: TimeFirst(STEPS, causal=True),
    "gate that begins at 0": lambda: TimeFirst(STEPS, gated=True),
    "graph": lambda: Graph(STEPS),
    "neighbours": Neighbours,
    "batch statistics": statistics_of_the_batch,
}


def outputs(model: nn.Module, name: str, batch: Tensor) -> Tensor:
    """What a linear layer gives on the whole batch in eval mode: float64 (neurons, values)."""
    model = copy.deepcopy(model).double().eval()
    if (mask := getattr(model, "mask", None)) is not None:
        model.mask = mask.double()
    taken: list[Tensor] = []
    model.get_submodule(name).register_forward_hook(lambda module, given, output: taken.append(output.flatten(0, -2)))
    with torch.no_grad():
        model(batch.double())
    return torch.cat(taken).T


@pytest.mark.filterwarnings("ignore::neq.errors.LayerStoodStill")  # behind a gate that is 0
@pytest.mark.parametrize("way", ["streaming", "cached"])
@pytest.mark.parametrize("kind", MODELS)
def test_phi_of_a_large_batch_is_that_of_the_whole(kind: str, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(room.PORTION_BYTES, "cpu", 1_500)  # fewer than all 24
    torch.manual_seed(0)
    model = MODELS[kind]()
    shape = (STEPS, 3, 8) if isinstance(model, TimeFirst) else (STEPS, 8)
    batch = torch.randn(shape) + torch.linspace(-3, 3, STEPS).reshape(STEPS, *[1] * (len(shape) - 1))
    optimizer = SGD(model.parameters(), lr=0.3)
    neq = NEq(model, optimizer, [batch], measure=way)  # type: ignore[arg-type]
    name = neq.layers[-1].name
    for _ in range(2):
        before = outputs(model, name, batch)
        optimizer.zero_grad()
        (model(batch) - 1).square().mean().backward()
        optimizer.step()
        now = outputs(model, name, batch)
        expected = nn.functional.cosine_similarity(now, before, dim=1)
        assert torch.allclose(neq.end_epoch().layers[name].phi.double(), expected, rtol=0, atol=1e-5)


class Inside(TimeFirst):
    """Batch first outside and time first inside: its samples know nothing of each other."""

    def forward(self, inputs: Tensor) -> Tensor:
        self.calls = [*getattr(self, "calls", []), len(inputs)]
        return super().forward(inputs.transpose(0, 1)).transpose(0, 1)


@no_step_is_made
def test_a_model_that_is_time_first_only_inside_is_still_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(room.PORTION_BYTES, "cpu", 4_000)
    torch.manual_seed(0)
    model = Inside(3)
    neq = NEq(model, SGD(model.parameters(), lr=0.3), [torch.randn(STEPS, 3, 8)], measure="cached", select="none")
    model.calls = []
    neq.end_epoch()
    assert len(model.calls) > 1
    assert sum(model.calls) == STEPS
