"""Who is frozen: the rule and its controls, by hand."""

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD

from neq import LayerFilter, NEq
from neq.decide.selection import Random, SelectionInput, TopK, selection
from neq.decide.velocity import VelocityState
from tests.neq.marks import no_step_is_made


def selection_input(velocity: list[float], sizes: list[int], epsilon: float = 0.1) -> SelectionInput:
    v = torch.tensor(velocity, dtype=torch.float64)
    return SelectionInput(VelocityState(torch.zeros_like(v), v, v, v.abs() < epsilon), None, sizes)


def test_random_freezes_as_many_of_each_layer_as_the_rule_would() -> None:
    found = selection_input([0, 0, 1, 1, 0, 1, 1, 1], [4, 4])
    drawn = [Random(None, seed)(found) for seed in range(40)]
    assert {int(mask[:4].sum()) for mask in drawn} == {2}
    assert {int(mask[4:].sum()) for mask in drawn} == {1}
    assert torch.stack(drawn).any(0).all()  # and not always the same ones


def test_random_with_a_share_takes_it_of_every_layer_uniformly() -> None:
    draw = Random(0.25, seed=1)
    counts = torch.zeros(8)
    for _ in range(2000):
        mask = draw(selection_input([1.0] * 8, [4, 4]))
        assert int(mask[:4].sum()) == int(mask[4:].sum()) == 1
        counts += mask
    # Each is drawn with probability 1/4: 500 of 2000, standard deviation 19.4; five of them either way.
    assert (counts - 500).abs().max() < 97


def test_random_goes_on_from_its_state_as_if_never_stopped() -> None:
    first, second = Random(0.5, seed=3), Random(0.5, seed=3)
    found = selection_input([1.0] * 20, [20])
    first(found)
    state = first.state_dict()
    second.load_state_dict(state)
    assert torch.equal(first(found), second(found))


def test_topk_freezes_the_slowest_of_each_layer() -> None:
    found = selection_input([0.3, -0.1, 0.2, float("nan"), 5, 4, -6, 0], [4, 4])
    assert TopK(0.5)(found).tolist() == [False, True, True, False, False, True, False, True]


def test_topk_freezes_nobody_before_there_is_a_velocity() -> None:
    nothing = VelocityState(torch.zeros(3), None, None, torch.zeros(3, dtype=torch.bool))
    assert not TopK(1.0)(SelectionInput(nothing, None, [3])).any()


@pytest.mark.parametrize(
    ("name", "fraction", "message"),
    [
        ("some", None, "select is 'some'; choose one of equilibrium, none, random, topk, parameter-norm"),
        ("topk", None, "needs a fraction"),
        ("equilibrium", 0.5, "only the selections random, topk and prefix take one"),
        ("random", 1.5, "between 0 and 1"),
        ("prefix", None, "above 0, such as fraction=0.8"),
        ("prefix", 0.0, "above 0"),
        ("blocks", 0.5, "only the selections random, topk and prefix"),
    ],
)
def test_a_selection_that_makes_no_sense_is_refused(name: str, fraction: float | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        selection(name, fraction=fraction, seed=0)  # type: ignore[arg-type]


def test_prefix_freezes_whole_layers_from_the_input_on_and_keeps_the_rule_behind_them() -> None:
    slow, fast = 0.0, 1.0
    layers = [[slow, slow, slow, fast], [slow, slow], [slow, fast], [slow, slow], [fast, fast]]
    found = selection_input([v for layer in layers for v in layer], [4, 2, 2, 2, 2])
    chosen = selection("prefix", fraction=0.75, seed=0)(found)
    assert [part.tolist() for part in chosen.split([4, 2, 2, 2, 2])] == [
        [True, True, True, True],  # 3 of 4 reach the fraction of 0.75
        [True, True],
        [True, False],  # 1 of 2 does not: the prefix ends
        [True, True],  # the rule
        [False, False],
    ]
    beyond = chosen & ~found.outputs.at_equilibrium
    assert beyond.nonzero().flatten().tolist() == [3]


def test_a_layer_that_may_not_freeze_ends_the_prefix() -> None:
    found = selection_input([0, 1, 0, 0, 0, 1], [2, 2, 2])
    open_layer = SelectionInput(
        found.outputs, None, found.sizes, torch.tensor([False, False, True, True, False, False])
    )
    chosen = selection("prefix", fraction=0.5, seed=0)(open_layer)
    assert chosen.tolist() == [True, True, True, True, True, False]


def test_blocks_rounds_what_moves_to_the_nearest_block_by_speed() -> None:
    # 40 neurons with |v| = 0, 0.01, … 0.39. At ε = 0.205 the rule freezes 21 and 19 move: rounded to 16, the three
    # slowest of those freeze too. At ε = 0.145 it freezes 15 and 25 move: rounded to 32, seven of the 15 move on.
    speeds = [n / 100 for n in range(40)]
    fewer = selection("blocks", fraction=None, seed=0)(selection_input(speeds, [40], 0.205))
    assert fewer.tolist() == [n < 24 for n in range(40)]
    more = selection("blocks", fraction=None, seed=0)(selection_input(speeds, [40], 0.145))
    assert more.tolist() == [n < 8 for n in range(40)]


def test_blocks_freezes_a_layer_whole_when_few_are_left_and_never_splits_a_small_one() -> None:
    found = selection_input([0.0] * 13 + [1.0] * 7 + [1.0] * 10, [20, 10])
    assert selection("blocks", fraction=None, seed=0)(found).tolist() == [True] * 20 + [False] * 10


def test_blocks_does_not_stop_a_layer_of_half_a_block_before_half_of_it_is_at_equilibrium() -> None:
    found = selection_input([0.0, 1.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0], [4, 4])
    assert selection("blocks", fraction=None, seed=0)(found).tolist() == [False] * 4 + [True] * 4


class Rows(nn.Module):
    """Weight rows that a test sets; on the identity as probe they are the outputs."""

    def __init__(self, rows: list[list[float]]) -> None:
        super().__init__()
        self.rows = nn.Linear(len(rows[0]), len(rows), bias=False)
        self.last = nn.Linear(len(rows), 1, bias=False)
        self.set(rows)

    def forward(self, inputs: Tensor) -> Tensor:
        out: Tensor = self.last(self.rows(inputs))
        return out

    def set(self, rows: list[list[float]]) -> None:
        with torch.no_grad():
            self.rows.weight.copy_(torch.tensor(rows))


def watch(model: Rows, **options: object) -> NEq:
    options = {"epsilon": 0.05, "mu": 0.0, "layers": LayerFilter(never_freeze=("last",)), **options}
    return NEq(model, SGD(model.parameters(), lr=0.1), [torch.eye(2)], **options)  # type: ignore[arg-type]


@no_step_is_made
def test_nobody_is_frozen_during_warm_up() -> None:
    model = Rows([[1, 0]])
    neq = watch(model, warmup=4)
    assert neq.first_freezing_epoch == 4
    assert [bool(neq.end_epoch().layers["rows"].frozen.any()) for _ in range(5)] == [False, False, False, True, True]


@no_step_is_made
def test_without_warm_up_the_first_epoch_that_can_freeze_is_the_third() -> None:
    model = Rows([[1, 0]])
    neq = watch(model)
    assert neq.first_freezing_epoch == 2
    assert [bool(neq.end_epoch().layers["rows"].frozen.any()) for _ in range(3)] == [False, True, True]


@no_step_is_made
def test_a_drawn_share_needs_no_velocity() -> None:
    neq = watch(Rows([[1, 0], [0, 1]]), select="random", fraction=0.5)
    assert neq.first_freezing_epoch == 1
    assert int(neq.end_epoch().layers["rows"].frozen.sum()) == 1


@pytest.mark.filterwarnings("ignore::neq.errors.FrozenNeuronsChanged")  # moved by hand
@pytest.mark.parametrize("pinning", [False, True])
@no_step_is_made
def test_pinned_neurons_never_thaw(pinning: bool) -> None:
    model = Rows([[1, 0], [0, 1]])
    neq = watch(model, pinning=pinning)
    neq.end_epoch()
    assert neq.end_epoch().layers["rows"].frozen.tolist() == [True, True]
    model.set([[0, 1], [0, 1]])  # the first turns by 90°: φ 1 → 0
    assert neq.end_epoch().layers["rows"].frozen.tolist() == [pinning, True]


@no_step_is_made
def test_the_parameter_norm_asks_the_weights_and_not_the_outputs() -> None:
    model = Rows([[1, 0], [0, 1]])
    with torch.no_grad():
        model.last.weight.copy_(torch.tensor([[1.0, 1.0]]))
    by_weights = watch(model, select="parameter-norm", epsilon=0.02)
    by_weights.end_epoch()
    # Neuron 0: (1, 0) → (3, 4): cosine 0.6, v −0.4, moves. Neuron 1 stands. The outputs say the same here; but in the
    # last layer the outputs move with their inputs, (1, 1) → (3, 5): cosine 0.970, v −0.030, and the weights do not.
    model.set([[3, 4], [0, 1]])
    found = by_weights.end_epoch()
    assert found.layers["rows"].frozen.tolist() == [False, True]
    assert found.layers["rows"].velocity is not None
    assert not found.layers["last"].at_equilibrium.all()  # by its outputs
    by_weights.close()
    free = watch(model, select="parameter-norm", epsilon=0.02, layers=None)
    free.end_epoch()
    model.set([[1, 0], [0, 1]])
    assert free.end_epoch().layers["last"].frozen.tolist() == [True]  # by its weights


@no_step_is_made
def test_a_frozen_share_beyond_the_rule_can_be_told() -> None:
    neq = watch(Rows([[1, 0], [0, 1]]), select="random", fraction=1.0)
    equilibrium = neq.end_epoch()
    layer = equilibrium.layers["rows"]
    assert (layer.frozen & ~layer.at_equilibrium).tolist() == [True, True]  # before any velocity the rule finds nobody


@no_step_is_made
def test_layers_held_open_are_measured_and_never_frozen() -> None:
    model = Rows([[1, 0], [0, 1]])
    neq = watch(model, layers=LayerFilter(never_freeze=(nn.Linear,)))
    neq.end_epoch()
    equilibrium = neq.end_epoch()
    assert equilibrium.layers["rows"].at_equilibrium.all()
    assert equilibrium.frozen_fraction == 0


@no_step_is_made
def test_masks_by_hand_hold_until_the_next_epochs_end() -> None:
    model = Rows([[1, 0], [0, 1]])
    neq = watch(model)
    neq.freeze({"rows": torch.tensor([True, False])})
    equilibrium = neq.end_epoch()
    assert equilibrium.layers["rows"].applied.tolist() == [True, False]
    assert equilibrium.layers["rows"].frozen.tolist() == [False, False]


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        ({"row": torch.ones(2, dtype=torch.bool)}, "'row' is no watched layer"),
        ({"rows": torch.ones(2)}, "must be torch.bool"),
        ({"rows": torch.ones(3, dtype=torch.bool)}, r"of shape \(2,\)"),
        ({"last": torch.ones(1, dtype=torch.bool)}, "'last' cannot be frozen: layers.never_freeze names it"),
    ],
)
def test_masks_by_hand_that_do_not_fit_are_refused(masks: dict[str, Tensor], message: str) -> None:
    neq = watch(Rows([[1, 0], [0, 1]]))
    with pytest.raises(ValueError, match=message):
        neq.freeze(masks)


def test_masks_by_hand_must_leave_something_to_update() -> None:
    neq = watch(Rows([[1, 0], [0, 1]]), layers=None)
    with pytest.raises(ValueError, match="leave at least one"):
        neq.freeze({"rows": torch.ones(2, dtype=torch.bool), "last": torch.ones(1, dtype=torch.bool)})


@pytest.mark.filterwarnings("ignore::neq.errors.FrozenNeuronsChanged")  # moved by hand
@no_step_is_made
def test_dead_and_churning_neurons_are_told_apart() -> None:
    # Neuron 0 is silent; neuron 1 turns by 90° every epoch (φ 0, v 0: equilibrium by the rule alone); 2 stands.
    model = Rows([[0, 0], [1, 0], [1, 1]])
    neq = watch(model)
    model.set([[0, 0], [0, 1], [1, 1]])
    neq.end_epoch()
    model.set([[0, 0], [1, 0], [1, 1]])
    layer = neq.end_epoch().layers["rows"]
    assert layer.frozen.tolist() == [True, True, True]
    assert layer.dead.tolist() == [True, False, False]
    assert layer.churning.tolist() == [False, True, False]
    model.set([[0, 0], [0, 1], [1, 1]])
    equilibrium = neq.end_epoch()
    assert equilibrium.dead["rows"].tolist() == [True, False, False]
    assert equilibrium.churning["rows"].tolist() == [False, True, False]
