"""What NEq tells is compared with the facts: once at the start, and at the end of every epoch."""

import copy
import gc
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torch.optim import SGD
from torch.optim.optimizer import _global_optimizer_post_hooks  # type: ignore[attr-defined]

from neq import LayerFilter, NEq, NEqError
from neq.errors import (
    CheckFailed,
    FrozenNeuronsMoved,
    LayerNotTrained,
    NetworkDiverged,
    NoStepMade,
    NotFinite,
    NotRepeatable,
    OptimizerOwnsNothing,
    OutputsNotPaired,
    ProbeChanged,
    ProbeNotCompared,
)
from neq.measure.probe_digest import digest
from neq.options import MeasureMode
from tests.neq.training_loop import INPUTS, PROBE, Loop, network

pytestmark = pytest.mark.slow


class Shuffled:
    """Gives its batches' samples in another order every time."""

    def __init__(self, seed: int = 0) -> None:
        self.random = torch.Generator().manual_seed(seed)

    def __iter__(self) -> Iterator[Tensor]:
        return iter(INPUTS[:40][torch.randperm(40, generator=self.random)].split(20))


class Augmented(Shuffled):
    """Adds a little noise every time."""

    def __iter__(self) -> Iterator[Tensor]:
        return iter([batch + 1e-3 * torch.randn(batch.shape, generator=self.random) for batch in PROBE])


class Fewer(Shuffled):
    """Gives a batch less from the fourth time on."""

    times = 0

    def __iter__(self) -> Iterator[Tensor]:
        self.times += 1
        return iter(PROBE[: 1 + (self.times < 5)])


@pytest.mark.parametrize("way", ["streaming", "cached"])
@pytest.mark.parametrize("probe", [Shuffled, Augmented, Fewer])
def test_another_probe_set_is_refused(probe: Callable[[], Shuffled], way: MeasureMode) -> None:
    def train() -> None:
        loop = Loop(probe=probe(), measure=way)
        for _ in range(4):
            loop.epoch()

    with pytest.raises(ValueError, match=r"probe set"):
        train()


def test_a_changed_probe_set_is_told_with_its_remedy() -> None:
    loop = Loop(probe=Shuffled(), measure="streaming")
    with pytest.raises(ProbeChanged, match=r"batch 0 of the probe set is not what it was .* shuffle=False"):
        loop.epoch()


KINDS: dict[str, Any] = {
    "tensor": torch.arange(12.0).reshape(3, 4),
    "pair": (torch.arange(12.0), torch.tensor([0, 1, 2])),
    "mapping": {"ids": torch.arange(6), "mask": torch.ones(6, dtype=torch.bool), "names": ["a", "b"]},
    "nested": [{"a": (torch.randn(3), [torch.zeros(2, dtype=torch.float16)])}, None],
    "complex": torch.complex(torch.ones(3), torch.zeros(3)),
    "double, not contiguous": torch.randn(4, 6, dtype=torch.float64).t(),
    "empty": torch.zeros(0, 3),
    "large": torch.randn(3, 2**20),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_digest_is_that_of_the_values(kind: str) -> None:
    batch = KINDS[kind]
    assert digest(batch) == digest(copy.deepcopy(batch))
    if kind == "empty":
        return
    other = copy.deepcopy(batch)
    first = other
    while not isinstance(first, Tensor):
        first = next(iter(first.values())) if isinstance(first, dict) else first[0]
    flat = first.T if kind.startswith("double") else first
    last = flat.view(-1)[-1]
    value = last.clone()
    last += 1
    assert digest(batch) != digest(other)
    last.copy_(value)
    assert digest(batch) == digest(other)


@dataclass
class Sample:
    inputs: Tensor
    text: str = "a"


class Slots:
    __slots__ = ("value",)

    def __init__(self, value: float) -> None:
        self.value = value


class Graph:
    """As torch_geometric keeps one: an object with attributes, which may refer to each other."""

    def __init__(self, value: float) -> None:
        self.nodes, self.own = torch.full((3,), value), self


class Point(NamedTuple):
    x: float


def image(value: int) -> Image.Image:
    return Image.new("L", (2, 2), value)


PAIRS: dict[str, tuple[Any, Any]] = {
    "array": (np.arange(3.0), np.arange(3.0)[::-1]),
    "array of whole numbers": (np.array([1, 2]), np.array([1, 3])),
    "array of texts": (np.array(["a"]), np.array(["b"])),
    "array of objects": (np.array([{"a": 1}], dtype=object), np.array([{"a": 2}], dtype=object)),
    "text": ("a", "b"),
    "texts": (["a b", "c"], ["a", "b c"]),
    "number": (1.0, 2.0),
    "truth": (True, False),
    "bytes": (b"a", b"b"),
    "image": (image(0), image(1)),
    "dataclass": (Sample(torch.zeros(2)), Sample(torch.ones(2))),
    "text within": (Sample(torch.zeros(2), "a"), Sample(torch.zeros(2), "b")),
    "named tuple": (Point(0.0), Point(1.0)),
    "graph": (Graph(0.0), Graph(1.0)),
    "set": ({1, 2}, {1, 3}),
    "keys": ({"a": 1}, {"b": 1}),
    "sparse": (torch.eye(3).to_sparse(), (2 * torch.eye(3)).to_sparse()),
}


@pytest.mark.parametrize("kind", PAIRS)
def test_a_digest_tells_what_is_no_plain_tensor(kind: str) -> None:
    one, other = PAIRS[kind]
    assert digest([one]) == digest([copy.deepcopy(one)])
    assert digest([one]) != digest([other])


def test_a_shuffled_probe_set_without_tensors_is_noticed() -> None:
    class Texts(Shuffled):
        def __iter__(self) -> Iterator[Any]:
            return (np.asarray(batch) for batch in super().__iter__())

    loop = Loop(probe=Texts(), forward=lambda model, batch: model(torch.from_numpy(batch)), measure="streaming")
    with pytest.raises(ProbeChanged, match="batch 0"):
        loop.epoch()


def test_a_probe_set_that_cannot_be_compared_is_told_once() -> None:
    batches = [Slots(0.0), Slots(1.0)]
    with pytest.warns(ProbeNotCompared, match="objects of type Slots") as told:
        loop = Loop(probe=batches, forward=lambda model, batch: model(INPUTS[:20] + batch.value))
        loop.epoch()
        loop.epoch()
    assert len(told) == 1


def test_a_digest_tells_the_order() -> None:
    images = torch.randn(10, 3, 8, 8)
    assert digest(images) != digest(images.flip(0))
    assert digest([images, images + 1]) != digest([images + 1, images])


def test_a_digest_tells_the_order_of_what_is_summed_piece_by_piece() -> None:
    pieces = torch.randn(2, 2**20)
    assert digest(pieces) != digest(pieces.flip(0))


def test_all_that_a_forward_of_ones_own_gets_counts() -> None:
    class OtherTargets:
        times = 0

        def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
            self.times += 1
            return iter([(batch, torch.full((20,), self.times)) for batch in PROBE])

    loop = Loop(probe=OtherTargets(), forward=lambda model, batch: model(batch[0]), measure="streaming")
    with pytest.raises(ProbeChanged, match="batch 0"):
        loop.epoch()


def test_an_epoch_that_is_resumed_at_its_end_is_none_without_a_step() -> None:
    loop = Loop()
    loop.epoch()
    loop.train()
    state = loop.neq.state_dict()
    loop.neq.close()
    again = Loop(loop.model, loop.optimizer)
    again.neq.load_state_dict(state)
    again.neq.end_epoch()  # NoStepMade would be an error here: the steps were made before


def test_labels_do_not_count() -> None:
    class WithLabels:
        random = torch.Generator().manual_seed(0)

        def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
            return iter([(batch, torch.randint(0, 4, (20,), generator=self.random)) for batch in PROBE])

    loop = Loop(probe=WithLabels())
    for _ in range(3):
        loop.epoch()


class Noisy(nn.Module):
    """Draws random numbers in eval mode, as the sampling of a variational autoencoder or a dropout that stays on."""

    def forward(self, inputs: Tensor) -> Tensor:
        return nn.functional.dropout(inputs + torch.randn_like(inputs), 0.5, training=True)


@pytest.mark.parametrize("way", ["streaming", "cached"])
def test_a_model_that_draws_in_eval_mode_measures_one_where_nothing_moves(way: MeasureMode) -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), Noisy(), nn.Linear(8, 4))
    loop = Loop(model, SGD(model.parameters(), lr=0.0), measure=way)
    for _ in range(3):
        torch.rand(3)
        for layer in loop.epoch().layers.values():
            assert (layer.phi > 1 - 1e-6).all()


class NoisyByItself(nn.Module):
    """Draws from a generator of its own, which nobody else can set."""

    def __init__(self) -> None:
        super().__init__()
        self.random = torch.Generator().manual_seed(0)

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs + torch.randn(inputs.shape, generator=self.random)


@pytest.mark.parametrize("way", ["streaming", "cached"])
def test_a_model_that_is_not_repeatable_is_refused_at_the_start(way: MeasureMode) -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), NoisyByItself(), nn.Linear(8, 4))
    with pytest.raises(NotRepeatable, match=r"layer '3' gives other outputs .* forward"):
        Loop(model, SGD(model.parameters(), lr=0.1), measure=way)


def test_a_probe_set_with_nan_is_refused_at_the_start() -> None:
    probe = [batch.clone() for batch in PROBE]
    probe[0][3, 0, 0, 0] = torch.nan
    with pytest.raises(
        NotFinite, match="layer '0' gives NaN or infinity on the probe set, though the weights are finite"
    ):
        Loop(probe=probe)


@pytest.mark.parametrize("way", ["streaming", "cached"])
def test_nan_in_a_later_batch_is_refused_at_the_start_too(way: MeasureMode) -> None:
    probe = [*PROBE, PROBE[0] / 0]
    with pytest.raises(NotFinite, match=r"layer '0' gives NaN or infinity on batch 2 of the probe set \(counted"):
        Loop(probe=probe, measure=way)


def test_a_diverged_network_is_told_in_that_epoch() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 4))
    loop = Loop(model, SGD(model.parameters(), lr=1e30))
    with pytest.warns(
        NetworkDiverged, match=r"'1\.weight' is no longer finite.* training diverged; lower the learning"
    ):
        for _ in range(3):
            loop.epoch()


def test_after_a_diverged_epoch_a_network_that_is_loaded_again_freezes_again() -> None:
    loop = Loop(checks="off", epsilon=0.5)
    good = copy.deepcopy(loop.model.state_dict())
    loop.epoch()
    with torch.no_grad():
        loop.model[4].weight[0, 0] = torch.nan  # type: ignore[index, union-attr, operator]
    assert loop.neq.end_epoch().layers["4"].phi.isnan().any()
    loop.model.load_state_dict(good)
    loop.optimizer.state.clear()
    for _ in range(4):
        equilibrium = loop.epoch()
    assert equilibrium.layers["4"].frozen.any()


class Mixture(nn.Module):
    """A router that gives each token to one of four experts, which are plain linear layers.

    Args:
        skips: experts without a token are not called.
    """

    def __init__(self, *, skips: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.router = nn.Linear(8, 4)
        self.experts = nn.ModuleList([nn.Linear(8, 8) for _ in range(4)])
        self.head = nn.Linear(64, 4)
        self.skips = skips

    def forward(self, images: Tensor) -> Tensor:
        tokens = images.reshape(-1, 8)
        chosen = self.router(tokens).argmax(1)
        given = torch.zeros_like(tokens)
        for place, expert in enumerate(self.experts):
            mine = (chosen == place).nonzero().flatten()
            if len(mine) or not self.skips:
                given = given.index_add(0, mine, expert(tokens[mine]))
        mixed: Tensor = self.head(given.reshape(len(images), 64))
        return mixed

    def route_anew(self, to: Tensor) -> None:
        """Changes which tokens go where, as training the router does."""
        with torch.no_grad():
            self.router.bias.copy_(to)


@pytest.mark.parametrize("way", ["streaming", "cached"])
@pytest.mark.parametrize("skips", [False, True])
@pytest.mark.parametrize("biases", [[0.5, 0.0, -0.5, 0.0], [0.0, 0.0, 0.0, -9.0], [-9.0, 0.0, 0.0, 0.0]])
def test_an_expert_that_sees_other_tokens_is_named_with_the_remedy(
    biases: list[float], skips: bool, way: MeasureMode
) -> None:
    model = Mixture(skips=skips)
    loop = Loop(model, measure=way)
    loop.train()
    model.route_anew(torch.tensor(biases))
    with pytest.raises(OutputsNotPaired) as caught:
        loop.neq.end_epoch()
    name = caught.value.layer
    assert name.startswith("experts.")
    assert f"layer {name!r}" in caught.value.reason
    assert "router" in caught.value.reason
    assert f"layers=LayerFilter(never=({name!r}," in caught.value.remedy
    assert "\n" not in str(caught.value)


def test_a_mixture_whose_experts_are_left_out_is_watched() -> None:
    model = Mixture(skips=True)
    loop = Loop(model, layers=LayerFilter(never=("experts.*",)))
    loop.train()
    model.route_anew(torch.tensor([0.0, 0.0, 0.0, -9.0]))
    assert set(loop.neq.end_epoch().layers) == {"router", "head"}


def test_an_epoch_without_a_step_is_told() -> None:
    loop = Loop()
    loop.epoch()
    with pytest.warns(NoStepMade, match="no optimizer made a step in epoch 1"):
        loop.neq.end_epoch()


def test_an_optimizer_of_another_model_is_refused() -> None:
    other = network()
    with pytest.raises(OptimizerOwnsNothing, match=r"type SGD .* moves none of the watched layers"):
        Loop(network(), SGD(other.parameters(), lr=0.1))


def test_a_layer_that_no_optimizer_moves_is_told_once() -> None:
    model = network()
    loop = Loop(model, SGD(model[4:].parameters(), lr=0.05))
    with pytest.warns(LayerNotTrained, match=r"layer '0' \(one of 2\)"):
        loop.epoch()
    loop.epoch()


def test_warnings_instead_of_errors_where_asked_for() -> None:
    loop = Loop(probe=Shuffled(), measure="streaming", checks="warn")
    for epoch in range(2):
        with pytest.warns(CheckFailed, match="ProbeChanged: batch 0"):
            assert loop.epoch().epoch == epoch


def test_nothing_is_checked_where_asked_for() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), NoisyByItself(), nn.Linear(8, 4))
    loop = Loop(model, SGD(model.parameters(), lr=0.1), probe=Shuffled(), checks="off")
    for _ in range(3):
        loop.neq.end_epoch()


def test_another_word_is_refused() -> None:
    with pytest.raises(ValueError, match="checks is 'loud'; choose one of raise, warn, off"):
        Loop(checks="loud")


def test_after_an_error_nothing_was_decided_and_the_epoch_can_end_again() -> None:
    probe = [batch.clone() for batch in PROBE]
    loop = Loop(probe=probe)
    loop.epoch()
    loop.train()
    original = probe[0].clone()
    probe[0] += 1
    state = loop.neq.state_dict()
    with pytest.raises(ProbeChanged):
        loop.neq.end_epoch()
    assert loop.neq.state_dict()["decision"]["epoch"] == state["decision"]["epoch"] == 1
    probe[0].copy_(original)


class Overflowing(nn.Module):
    """Gives infinity in eval mode while its owner lets it."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.last = nn.Linear(64, 16), nn.Linear(16, 4)
        self.overflows = [False]

    def forward(self, inputs: Tensor) -> Tensor:
        hidden = self.first(inputs.flatten(1)).relu()
        out: Tensor = self.last(hidden * torch.inf if self.overflows[0] and not self.training else hidden)
        return out


def phi_between(now: nn.Module, before: nn.Module) -> Tensor:
    """Of the last layer, in float64."""
    with torch.no_grad():
        outputs = [copy.deepcopy(model).double()(torch.cat(PROBE).double()).T for model in (now, before)]
    return nn.functional.cosine_similarity(*outputs, dim=1)


@pytest.mark.parametrize("way", ["streaming", "cached"])
def test_after_an_error_phi_is_against_the_last_epoch_that_ended_well(way: MeasureMode) -> None:
    model = Overflowing()
    loop = Loop(model, SGD(model.parameters(), lr=0.5), measure=way, select="none")
    for epoch, good in enumerate([True, True, False, False, True, True]):
        if epoch in (0, 1, 2, 5):
            before = copy.deepcopy(model)
        loop.train()
        model.overflows[0] = not good
        if not good:
            with pytest.raises(NotFinite):
                loop.neq.end_epoch()
            continue
        equilibrium = loop.neq.end_epoch()
        assert equilibrium.epoch == epoch - 2 * (epoch > 3)
        expected = phi_between(model, before)
        assert torch.allclose(equilibrium.layers["last"].phi.double(), expected, rtol=0, atol=1e-6)
        assert (expected < 1 - 1e-5).any()


@pytest.mark.parametrize("way", ["streaming", "cached"])
def test_neurons_that_moved_are_an_error_once_and_never_told_as_having_stood(way: MeasureMode) -> None:
    loop = Loop(measure=way)
    loop.until_some_freeze()
    before = copy.deepcopy(loop.model)
    for place in range(4):
        loop.step(place)
        with torch.no_grad():
            loop.model[4].weight *= 1.01  # type: ignore[union-attr, operator]
    with pytest.raises(FrozenNeuronsMoved, match="layer '4'"):
        loop.neq.end_epoch()
    equilibrium = loop.epoch()  # no word of it any more
    assert not equilibrium.layers["4"].applied.any()
    expected = phi_between(loop.model.eval(), before.eval())
    assert torch.allclose(equilibrium.layers["6"].phi.double(), expected, rtol=0, atol=1e-6)
    assert loop.epoch().layers["4"].applied.equal(equilibrium.layers["4"].frozen)


def test_a_closed_one_says_so() -> None:
    loop = Loop()
    loop.neq.close()
    with pytest.raises(NEqError, match="it was closed"):
        loop.neq.end_epoch()


def test_every_error_and_warning_is_one_sentence_of_reason_and_remedy() -> None:
    with pytest.raises(NEqError) as caught:
        Loop(probe=[batch * torch.nan for batch in PROBE])
    assert str(caught.value) == f"{caught.value.reason}: {caught.value.remedy}"
    assert "\n" not in str(caught.value)


def test_an_ordinary_training_gives_no_word() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loop = Loop()
        for _ in range(6):
            loop.epoch()
        state = loop.neq.state_dict()
        loop.neq.load_state_dict(state)
        loop.epoch()
        loop.neq.close()
        loop.train()
        again = NEq(loop.model, loop.optimizer, PROBE)
        loop.train()
        again.end_epoch()


def test_an_optimizer_that_is_dropped_takes_its_hooks_along() -> None:
    gc.collect()
    before = len(_global_optimizer_post_hooks)

    Loop().epoch()
    gc.collect()
    assert len(_global_optimizer_post_hooks) == before
