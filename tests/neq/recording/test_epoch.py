"""What an epoch's event and arrays say, against the records of launched runs and the reader in `contract`."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from contract.costs import PlanChanges
from contract.events import VELOCITY_EDGES as CONTRACT_EDGES
from contract.snapshot_arrays import unpack
from neq import Equilibrium
from neq.recording.epoch import VELOCITY_EDGES, arrays_of, epoch_event, velocity_histograms
from neq.recording.facts import EpochEnded
from neq.recording.part import encoded, pack_part, unpack_part
from neq.recording.watch_epoch import WatchEpoch
from tests.neq.training_loop import Loop
from trainer.training.records import layer_counts, snapshots


@pytest.fixture(scope="module")
def equilibria() -> list[Equilibrium]:
    loop = Loop(groups="layer")
    found = [loop.epoch() for _ in range(4)]
    loop.neq.close()
    return found


def ended(equilibrium: Equilibrium, first: int = 0) -> EpochEnded:
    found = WatchEpoch(equilibrium, first, 0.1, probe_seconds=2.0)
    return EpochEnded(equilibrium.epoch, [found], first + len(found.sizes), 3.0, 0.0)


def test_the_edges_are_those_of_every_other_program() -> None:
    assert tuple(VELOCITY_EDGES) == CONTRACT_EDGES


@pytest.mark.parametrize("epoch", range(4))
def test_the_columns_are_those_that_a_launched_run_tells(equilibria: list[Equilibrium], epoch: int) -> None:
    equilibrium = equilibria[epoch]
    expected = _expected(equilibrium)
    told = epoch_event(ended(equilibrium))
    for name, column in expected.items():
        if name in ("phi_mean", "speed_mean"):
            assert told["layers"][name] == pytest.approx(column, abs=1e-7)
        else:
            assert told["layers"][name] == column, name
    assert told["frozen_fraction"] == equilibrium.frozen_fraction
    assert told["applied_fraction"] == equilibrium.applied_fraction
    assert [group["name"] for group in told["groups"]] == list(equilibrium.groups)
    assert told["seconds"] == {"train": 3.0, "probe": 2.0, "evaluate": 0.0, "record": 0.0, "checkpoint": 0.0}


def _expected(equilibrium: Equilibrium) -> dict[str, Any]:
    counts = layer_counts(equilibrium, PlanChanges.model_construct())
    columns = counts.model_dump(mode="json", exclude={"plans"}, warnings=False)
    return {name: column for name, column in columns.items() if column is not None}


@pytest.mark.parametrize("epoch", [0, 3])
def test_the_reader_of_run_files_finds_every_neuron_to_the_bit(equilibria: list[Equilibrium], epoch: int) -> None:
    table, packed = arrays_of(ended(equilibria[epoch], first=5).watches)
    for place, (found, expected) in enumerate(zip(unpack(table, packed), snapshots(equilibria[epoch]), strict=True)):
        assert (found.index, found.neurons) == (5 + place, expected.neurons)
        assert (found.divergence, found.velocity, found.applied, found.frozen) == (
            expected.divergence,
            expected.velocity,
            expected.applied,
            expected.frozen,
        )


def test_layers_of_other_watches_are_none_and_zero(equilibria: list[Equilibrium]) -> None:
    told = epoch_event(ended(equilibria[3], first=2))["layers"]
    assert told["applied"][:2] == [0, 0] and told["phi_mean"][:2] == [None, None]
    assert all(len(column) == 6 for column in told.values() if column is not None)


def test_what_the_owner_does_with_an_equilibrium_later_changes_no_record() -> None:
    loop = Loop()
    equilibrium = loop.epoch()
    fact = ended(equilibrium)
    before = arrays_of(fact.watches)
    for layer in equilibrium.layers.values():
        layer.divergence.zero_()
        layer.frozen.fill_(True)
    assert arrays_of(fact.watches) == before
    loop.neq.close()


def test_layers_without_a_velocity_or_in_tensors_of_their_own_are_joined_as_well(
    equilibria: list[Equilibrium],
) -> None:
    names = list(equilibria[3].layers)
    layers = dict(equilibria[3].layers)
    layers[names[1]] = replace(layers[names[1]], velocity=None, divergence=layers[names[1]].divergence.clone())
    told = WatchEpoch(replace(equilibria[3], layers=layers), 0, None, 0.0)
    whole = WatchEpoch(equilibria[3], 0, None, 0.0)
    assert told.has_velocity == (True, False, True, True)
    assert told.velocity is not None and whole.velocity is not None
    assert torch.equal(told.velocity, torch.cat([whole.velocity[:8], whole.velocity[16:]]))
    assert torch.equal(told.divergence, whole.divergence)
    table, packed = arrays_of([told])
    assert [layer.velocity is None for layer in unpack(table, packed)] == [False, True, False, False]


def test_values_that_are_no_numbers_are_null_and_in_no_bin() -> None:
    histograms = velocity_histograms(np.array([0.0, np.nan, 2.0, -2.0]), [2, 2])
    assert [sum(bins) for bins in histograms] == [1, 2]
    assert histograms[0][19] == 1 and histograms[1][0] == histograms[1][38] == 1


def test_a_part_is_read_as_it_was_written() -> None:
    lines = [encoded({"seq": 7, "at": "x", "event": {"kind": "logged", "text": "ein ß\u2028\r"}}), encoded({"seq": 8})]
    part = unpack_part(pack_part("a" * 10, "b" * 32, 7, lines, b"arrays"))
    assert (part.run, part.writer, part.first, part.last, part.arrays) == ("a" * 10, "b" * 32, 7, 8, b"arrays")
    assert part.lines[0]["event"]["text"] == "ein ß\u2028\r"
    heartbeat = unpack_part(pack_part("a" * 10, "b" * 32, 9))
    assert (heartbeat.first, heartbeat.last, heartbeat.lines) == (9, 8, ())


@pytest.mark.parametrize("cut", [0, 10, 100, -1])
def test_what_is_not_a_whole_part_is_refused(cut: int) -> None:
    data = pack_part("a" * 10, "b" * 32, 1, [encoded({"seq": 1})])
    with pytest.raises(ValueError, match="not a part of a recording"):
        unpack_part(data[:cut])
