"""Neurons' arrays and what is counted of them."""

from dataclasses import replace

import numpy as np
import pytest

from db import Run, Store, UnknownLayer
from tests.db.making import NEURONS, divergence_of, epoch_finished, frozen_of, row, started


@pytest.fixture
def recorded(store: Store, worker_id: str, run: Run) -> str:
    """The id of a run with four epochs."""
    store.append(run.id, worker_id, started())
    for epoch in range(4):
        store.append(run.id, worker_id, epoch_finished(epoch))
    return run.id


@pytest.mark.parametrize("layer", range(len(NEURONS)))
def test_a_history_is_epochs_by_neurons_to_the_bit(store: Store, recorded: str, layer: int) -> None:
    history = store.layer_history(recorded, layer, "divergence")
    assert list(history.epochs) == [0, 1, 2, 3] and history.neurons == NEURONS[layer]
    assert history.values.dtype == np.float32
    assert np.array_equal(history.values, [divergence_of(epoch, layer) for epoch in range(4)])


def test_phi_is_derived_from_what_is_recorded(store: Store, recorded: str) -> None:
    phi = store.layer_history(recorded, 0, "phi").values
    assert phi.dtype == np.float32
    assert np.array_equal(phi, [(1 - divergence_of(epoch, 0).astype(float)).astype("<f4") for epoch in range(4)])


def test_an_epoch_of_which_phi_itself_was_recorded_is_read_as_it_is(store: Store, worker_id: str, run: Run) -> None:
    """One of an older version's, beside one of today's."""
    phi = np.linspace(-1, 1, 10, dtype="<f4")
    older = replace(row(0, 0), divergence=None, phi=phi.tobytes())
    for entry in (started(), epoch_finished(0, snapshots=(older,)), epoch_finished(1)):
        store.append(run.id, worker_id, entry)
    assert store.layer_history(run.id, 0, "phi").values[0].tobytes() == phi.tobytes()
    assert store.neuron(run.id, 0, 3).phi[0] == phi[3]
    divergence = store.layer_history(run.id, 0, "divergence").values
    assert np.array_equal(divergence, [(1 - phi.astype(float)).astype("<f4"), divergence_of(1, 0)])
    assert store.snapshots_at(run.id, 0)[0].phi == phi.tobytes()


def test_a_velocity_that_does_not_exist_is_nan(store: Store, recorded: str) -> None:
    values = store.layer_history(recorded, 1, "velocity").values
    assert np.isnan(values[0]).all() and np.array_equal(values[1], -divergence_of(1, 1))


def test_the_two_masks_are_one_epoch_apart(store: Store, recorded: str) -> None:
    decided = store.layer_history(recorded, 0, "frozen").values
    applied = store.layer_history(recorded, 0, "applied").values
    assert decided.dtype == np.bool_ and decided.shape == (4, 10)
    assert np.array_equal(decided, [frozen_of(epoch, 0) for epoch in range(4)])
    assert np.array_equal(applied[1:], decided[:-1]) and not applied[0].any()


def test_a_history_can_be_cut_and_can_be_empty(store: Store, recorded: str) -> None:
    assert list(store.layer_history(recorded, 0, "phi", 1, 3).epochs) == [1, 2]
    for field in ("phi", "frozen"):
        empty = store.layer_history(recorded, 0, field, 9)  # type: ignore[arg-type]
        assert empty.values.shape == (0, 10) and empty.epochs.shape == (0,) and empty.neurons == 10


def test_an_unknown_layer_is_an_error_that_names_it(store: Store, recorded: str) -> None:
    with pytest.raises(UnknownLayer, match="has no layer 2"):
        store.layer_history(recorded, 2, "phi")


def test_one_epoch_is_read_across_layers(store: Store, recorded: str) -> None:
    every = store.snapshots_at(recorded, 2)
    assert [snapshot.layer for snapshot in every] == [0, 1]
    assert every[1].divergence == row(2, 1).divergence and every[1].frozen == row(2, 1).frozen
    assert [snapshot.layer for snapshot in store.snapshots_at(recorded, 0, [1])] == [1]
    assert store.snapshots_at(recorded, 0, [1])[0].velocity is None
    assert store.snapshots_at(recorded, 9) == [] == store.snapshots_at("nosuchrun1", 0)


def test_frozen_neurons_are_counted_by_epoch_and_layer(store: Store, recorded: str) -> None:
    epochs, counts = store.frozen_counts(recorded)
    assert epochs.dtype == counts.dtype == np.int32
    assert list(epochs) == [0, 1, 2, 3]
    assert counts.tolist() == [[0, 0], [1, 1], [2, 2], [3, 3]]


def test_the_frozen_map_of_a_run_without_epochs_is_empty(store: Store, run: Run) -> None:
    epochs, counts = store.frozen_counts(run.id)
    assert epochs.shape == (0,) and counts.shape == (0, 0)


def test_a_trail_keeps_the_ends_and_at_most_the_points_asked_for(store: Store, worker_id: str, run: Run) -> None:
    for epoch in range(11):
        store.append(run.id, worker_id, epoch_finished(epoch, snapshots=()))
    other = store.create_run(config={}, epochs_planned=1).id
    # Frozen after epoch e: e of the 10 neurons of one layer and min(e, 3) of the other's 3.
    shares = [(epoch + min(epoch, 3)) / 13 for epoch in range(11)]
    sparkline = store.frozen_sparkline([run.id, other])
    assert sparkline == {run.id: pytest.approx(shares), other: []}
    # Five of eleven: epochs 0, 10/4, 20/4, 30/4, 10, rounded down.
    assert store.frozen_sparkline([run.id], 5)[run.id] == pytest.approx([shares[i] for i in (0, 2, 5, 7, 10)])
    assert store.frozen_sparkline([run.id], 11)[run.id] == pytest.approx(shares)
    assert store.frozen_sparkline([]) == {}


def test_masks_of_several_layers_come_at_once(store: Store, recorded: str) -> None:
    found = store.frozen_masks(recorded, [1, 0, 9], 1, 3)
    assert list(found) == [0, 1] and list(found[1].epochs) == [1, 2]
    for layer, history in found.items():
        assert np.array_equal(history.values, [frozen_of(epoch, layer) for epoch in (1, 2)])


def test_a_neuron_is_cut_out_of_its_layer_to_the_bit(store: Store, recorded: str) -> None:
    for layer, number in ((0, 0), (0, 7), (0, 8), (0, 9), (1, 2)):
        line = store.neuron(recorded, layer, number)
        assert list(line.epochs) == [0, 1, 2, 3]
        divergence = np.array([divergence_of(e, layer)[number] for e in range(4)])
        assert line.phi.tobytes() == (1 - divergence.astype(np.float64)).astype("<f4").tobytes()
        assert np.isnan(line.velocity[0]) and line.velocity[2] == -divergence_of(2, layer)[number]
        assert list(line.frozen) == [frozen_of(e, layer)[number] for e in range(4)]
        assert list(line.applied[1:]) == list(line.frozen[:-1])
    assert len(store.neuron(recorded, 0, 0, 2, 3).epochs) == 1 and len(store.neuron(recorded, 0, 0, 9).epochs) == 0
