"""What a run saves by its frozen neurons, and what it tells of that."""

from pathlib import Path
from time import thread_time
from typing import Any

import numpy as np
import pytest

from contract.costs import PlanChanges
from contract.events import EpochFinished, Logged
from neq import NEq as NEqItself
from tests.trainer.test_going_on import until
from tests.trainer.test_train import SMALL, epochs_of, run, without_times
from trainer.engines.resume_point import ResumePoint

pytestmark = pytest.mark.slow

NEQ = SMALL["neq"]
WIDE = {"kind": "cnn", "channels": [32, 48, 64]}


def trained(tmp_path: Path, **neq: Any) -> list[EpochFinished]:
    return epochs_of(run(tmp_path, model=WIDE, neq=NEQ | {"epsilon": 0.05} | neq))


def kinds(epochs: list[EpochFinished]) -> set[str]:
    """Of all plans that the epochs tell."""
    assert all(isinstance(epoch.layers.plans, PlanChanges) for epoch in epochs)
    return {kind for epoch in epochs if epoch.layers.plans for kind in epoch.layers.plans.kinds}


def measured(epochs: list[EpochFinished]) -> bool:
    """Whether it was measured in any of them, of any layer, if rows alone pay."""
    return any(ms for epoch in epochs if epoch.layers.plans for ms in epoch.layers.plans.dense_ms)


@pytest.mark.parametrize(
    "select", [{"kind": "random", "fraction": 0.7}, {"kind": "prefix", "layer_fraction": 0.3}], ids=str
)
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_savings_on_and_off_give_the_same_losses_and_neurons_to_the_bit(
    tmp_path: Path, select: dict[str, Any], optimizer: str
) -> None:
    told = {}
    for savings in (True, False):
        neq = NEQ | {"epsilon": 0.05, "select": select, "savings": savings}
        kind = {"kind": optimizer, "learning_rate": 0.05 if optimizer == "sgd" else 0.002}
        told[savings] = epochs_of(run(tmp_path, model=WIDE, optimizer=kind, neq=neq))
    assert max(epoch.applied_fraction for epoch in told[True]) > 0.5
    for on, off in zip(told[True], told[False], strict=True):
        assert (on.train_loss, on.test_loss, on.frozen_fraction) == (off.train_loss, off.test_loss, off.frozen_fraction)
        assert on.snapshots == off.snapshots
    assert select["kind"] == "random" or "stopped" in kinds(told[True])
    assert kinds(told[False]) == {"untouched", "dense"}
    assert (measured(told[True]), measured(told[False])) == (True, False)


@pytest.mark.parametrize("select", [{"kind": "prefix", "layer_fraction": 0.3}, {"kind": "blocks"}], ids=str)
def test_what_is_frozen_beyond_the_rule_is_told(tmp_path: Path, select: dict[str, Any]) -> None:
    beyond = 0
    for epoch in trained(tmp_path, select=select)[1:]:
        assert epoch.layers.beyond is not None
        for snapshot, told in zip(epoch.snapshots, epoch.layers.beyond, strict=True):
            assert snapshot.velocity is not None
            settled = np.abs(np.frombuffer(snapshot.velocity, "<f4")) < 0.05
            frozen = np.unpackbits(np.frombuffer(snapshot.frozen, np.uint8), count=snapshot.neurons).astype(bool)
            assert told == (frozen & ~settled).sum()
        assert epoch.beyond_fraction == sum(epoch.layers.beyond) / sum(each.neurons for each in epoch.snapshots)
        beyond += sum(epoch.layers.beyond)
    assert beyond > 0


def test_the_rule_itself_freezes_nothing_beyond_it(tmp_path: Path) -> None:
    epochs = trained(tmp_path)
    assert any(epoch.frozen_fraction for epoch in epochs)
    assert [sum(epoch.layers.beyond or (1,)) for epoch in epochs] == [0] * 5


def test_an_epoch_s_batches_are_timed_part_by_part(tmp_path: Path) -> None:
    before, inside, probing = thread_time(), 0.0, 0.0
    for epoch in trained(tmp_path):
        times = epoch.step_ms
        assert times is not None and times.ranges is not None
        assert times.batches == 9  # of 10: what pays is measured in the first
        assert times.clock == "thread"
        assert times.forward == times.ranges.forward.median
        assert times.ranges.step.low <= times.ranges.step.median <= times.ranges.step.high
        inside += times.first / 1e3 + 9 * (times.forward + times.backward + times.optimizer) / 1e3
        probing += times.probe * 10 / 1e3
        assert times.probe * 10 / 1e3 <= epoch.seconds.probe + 1e-3
    # By the same thread's own clock, which other programs do not lengthen.
    assert 0.1 * (thread_time() - before) < inside + probing <= thread_time() - before


def test_an_epoch_s_saving_is_counted_always_and_compared_with_the_dense_steps_before(tmp_path: Path) -> None:
    epochs = trained(tmp_path, select={"kind": "prefix", "layer_fraction": 0.3})
    first = epochs[0].saving
    assert first is not None and (first.step.measured, first.step.doubt) == (None, "no_dense_step")
    for epoch in epochs[1:]:
        saving, flops, times = epoch.saving, epoch.flops, epoch.step_ms
        assert saving is not None and flops is not None and times is not None and times.dense is not None
        whole = flops.forward + flops.dense_inputs + flops.dense_weights
        assert saving.step.bound == pytest.approx(1 / flops.ceiling - 1)
        assert saving.step.flops == pytest.approx((flops.forward + flops.inputs + flops.weights) / whole - 1)
        assert (saving.step.measured is None) == (saving.step.doubt is not None)
        assert (times.dense.source, times.dense.first_epoch) == ("scaled", 0)
        assert times.dense.last_epoch == min(epoch.epoch - 1, 1)


def test_dense_steps_among_others_change_nothing_but_what_is_told_of_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    select = {"kind": "prefix", "layer_fraction": 0.3}
    training = {"epochs": 6, "batch_size": 8, "max_grad_norm": 0.5}
    told = {}
    for every in (10**9, 4):
        monkeypatch.setattr("trainer.training.train_step.STEPS_A_DENSE_ONE", every)
        told[every] = run(tmp_path, model=WIDE, neq=NEQ | {"epsilon": 0.05, "select": select}, training=training)
    assert without_times(told[4]) == without_times(told[10**9])
    last = epochs_of(told[4])[-1].step_ms
    assert last is not None and last.dense is not None
    assert (last.dense.source, last.dense.first_epoch, last.dense.last_epoch) == ("interleaved", 5, 5)
    assert last.batches + last.dense.batches == 24  # of 25 without the first


def test_dense_steps_to_compare_with_outlive_a_restart_on_the_same_machine(tmp_path: Path) -> None:
    training = {"epochs": 5, "batch_size": 20}
    part, resume_point = until(tmp_path, 3, ResumePoint("run1"), training=training)
    assert any(epoch.applied_fraction for epoch in epochs_of(part))
    rest, _ = until(tmp_path, None, resume_point, training=training)
    times = epochs_of(rest)[0].step_ms
    assert times is not None and times.dense is not None
    assert times.dense.first_epoch == 0


def test_counted_operations_fall_as_layers_stop_and_stay_with_savings_off(tmp_path: Path) -> None:
    select = {"kind": "prefix", "layer_fraction": 0.3}
    for savings in (True, False):
        for epoch in trained(tmp_path, select=select, savings=savings):
            flops = epoch.flops
            assert flops is not None
            done = (flops.inputs, flops.weights)
            dense, least = (flops.dense_inputs, flops.dense_weights), (flops.least_inputs, flops.least_weights)
            if epoch.applied_fraction == 0:
                assert done == dense == least and flops.ceiling == 1
            else:
                assert flops.ceiling == (flops.forward + sum(dense)) / (flops.forward + sum(least)) > 1.5
                assert (done < dense) if savings else (done == dense)
                assert least[0] <= done[0] and least[1] <= done[1]


def test_what_stands_still_along_with_a_prefix_is_named_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = tuple(f"{block}.attn.table" for block in range(4))
    # Asked before and after each of the five epochs.
    answers = iter([(), tables, tables, tables, tables, tables[:1], tables[:1], (), (), ()])
    monkeypatch.setattr(NEqItself, "held_along", property(lambda neq: next(answers)))
    lines = [event.text for event in run(tmp_path) if isinstance(event, Logged)]
    assert [line for line in lines if "without neurons" in line] == [
        "Epoch 0: 4 parameters without neurons stand still along with the first layers: "
        "0.attn.table, 1.attn.table, 2.attn.table, …",
        "Epoch 2: 3 parameters without neurons move again with the first layers: "
        "1.attn.table, 2.attn.table, 3.attn.table",
        "Epoch 3: 1 parameter without neurons moves again with the first layers: 0.attn.table",
    ]
