"""Runs that record the arrays of every so many epochs: those are what they would have been, and all else is whole."""

from pathlib import Path

import numpy as np
import pytest

from contract.checks.warnings import warnings
from contract.config import RunConfig
from contract.snapshot_arrays import arrays_bytes, pack
from db import event_record
from tests.trainer.test_going_on import said, until
from tests.trainer.test_train import epochs_of, run
from trainer.engines.resume_point import ResumePoint
from trainer.worker.event_records import record_of

pytestmark = pytest.mark.slow

TRAINING = {"epochs": 6, "batch_size": 20}


@pytest.mark.parametrize(
    ("every", "recorded"), [(1, [0, 1, 2, 3, 4, 5]), (2, [0, 2, 4, 5]), (4, [0, 4, 5]), (9, [0, 5])]
)
def test_the_arrays_that_are_recorded_are_those_of_the_undisturbed_run(
    tmp_path: Path, every: int, recorded: list[int]
) -> None:
    events = run(tmp_path, training=TRAINING, recording={"arrays_every": every})
    undisturbed = run(tmp_path, training=TRAINING)
    assert [one | {"snapshots": ()} for one in said(events)] == [one | {"snapshots": ()} for one in said(undisturbed)]
    thinned = epochs_of(events)
    assert [epoch.epoch for epoch in thinned if epoch.snapshots] == recorded
    for one, other in zip(thinned, epochs_of(undisturbed), strict=True):
        assert one.snapshots in ((), other.snapshots)


def test_cut_off_after_every_epoch_it_records_the_same_arrays(tmp_path: Path) -> None:
    changes = {"recording": {"arrays_every": 3}}
    events, resume_point = [], ResumePoint("run1")
    for epoch in range(5):
        part, resume_point = until(tmp_path, epoch, resume_point, **changes)
        events += part
    part, _ = until(tmp_path, None, resume_point, **changes)
    assert [bool(epoch.snapshots) for epoch in epochs_of(events)] == [True, False, False, True, True]
    assert said(events + part) == said(run(tmp_path, **changes))


def test_counts_of_frozen_neurons_are_whole_in_an_epoch_without_arrays(tmp_path: Path) -> None:
    epochs = epochs_of(run(tmp_path, recording={"arrays_every": 3}))
    for epoch in epochs:
        kept = record_of(epoch).epoch
        assert kept is not None and kept.frozen_counts == epoch.layers.frozen
    assert any(sum(epoch.layers.frozen) for epoch in epochs if not epoch.snapshots), "there was something to lose"
    # A mean that is no number does not make an unwatched layer of one without arrays.
    told = epochs[2].model_dump(mode="json")
    told["layers"]["phi_mean"] = [None] * 7
    kept = event_record(told).epoch
    assert kept is not None and kept.frozen_counts == epochs[2].layers.frozen
    # Of an external run's epoch that has arrays, a layer without a row and a mean was watched by nobody.
    told = epochs[3].model_dump(mode="json")
    told["layers"]["phi_mean"] = [None, *told["layers"]["phi_mean"][1:]]
    rows = record_of(epochs[3]).snapshots[1:]
    kept = event_record(told, snapshots=rows).epoch
    assert kept is not None and kept.frozen_counts == (-1, *epochs[3].layers.frozen[1:])


def test_the_bytes_of_an_epochs_arrays_are_known_beforehand(tmp_path: Path) -> None:
    last = epochs_of(run(tmp_path))[-1]
    neurons = [len(np.frombuffer(each.divergence or b"", "<f4")) for each in last.snapshots]
    # 40 neurons: 4 + 4 bytes each, and two masks of 1 byte for each layer of up to 8 neurons, of which there are 7.
    assert arrays_bytes(neurons) == len(pack(last.snapshots)) == 40 * 8 + 7 * 2
    assert arrays_bytes([9]) == 9 * 8 + 2 * 2


@pytest.mark.parametrize(("every", "doubtful"), [(1, False), (3, False), (4, True), (50, True)])
def test_a_run_that_would_record_two_epochs_alone_is_doubted(every: int, doubtful: bool) -> None:
    config = RunConfig.model_validate({"training": {"epochs": 5}, "recording": {"arrays_every": every}})
    found = [each.message for each in warnings(config, []) if each.field == "recording.arrays_every"]
    assert found == (
        ["Arrays of the first and the last epoch alone are recorded: the run has 5 epochs in all"] * doubtful
    )
