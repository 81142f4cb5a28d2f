"""A run from its description to its end."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from contract.config import RunConfig
from contract.errors import RunError
from contract.events import EpochFinished, Event, RunFinished, RunStarted
from trainer.engines.environment import Workplace
from trainer.training import train
from trainer.training.progress import ProgressThrottle

pytestmark = pytest.mark.slow

SMALL: dict[str, Any] = {
    "data": {"kind": "synthetic", "classes": 4, "size": 8, "train_samples": 208, "test_samples": 40},
    "model": {"kind": "cnn", "channels": [4, 6, 8]},
    "optimizer": {"kind": "sgd", "learning_rate": 0.05},
    "schedule": {"kind": "multistep", "milestones": [3]},
    "training": {"epochs": 5, "batch_size": 20},
    "neq": {"epsilon": 0.02, "probe": {"samples": 8}},
    "compute": {"device": "cpu"},
}


def run(tmp_path: Path, *, limit: Any = "auto", **changes: Any) -> list[Event]:
    config = RunConfig.model_validate(SMALL | changes)
    return list(train(config, Workplace(tmp_path, device_limit=limit, threads=1)))


def epochs_of(events: list[Event]) -> list[EpochFinished]:
    return [event for event in events if isinstance(event, EpochFinished)]


def test_a_run_says_what_it_watches_each_epoch_and_its_end(tmp_path: Path) -> None:
    events = run(tmp_path)
    started, ended = events[0], events[-1]
    assert isinstance(started, RunStarted)
    assert [(layer.index, layer.name, layer.type, layer.neurons) for layer in started.layers] == [
        (0, "conv1", "Conv2d", 4),
        (1, "norm1", "BatchNorm2d", 4),
        (2, "conv2", "Conv2d", 6),
        (3, "norm2", "BatchNorm2d", 6),
        (4, "conv3", "Conv2d", 8),
        (5, "norm3", "BatchNorm2d", 8),
        (6, "head", "Linear", 4),
    ]
    assert started.neurons == 40
    # 200 images in batches of 20, once 8 probe images are held back
    assert (started.train_samples, started.probe_samples, started.test_samples) == (200, 8, 40)
    assert started.batches_per_epoch == 10
    assert started.parameters == sum(layer.parameters for layer in started.layers)
    assert started.device == "CPU, 1 thread"
    assert started.first_freezing_epoch == 2
    assert set(started.versions) == {"python", "torch", "torchvision", "neq"}
    assert [epoch.epoch for epoch in epochs_of(events)] == [0, 1, 2, 3, 4]
    assert [epoch.learning_rate for epoch in epochs_of(events)] == pytest.approx([0.05] * 3 + [0.005] * 2)
    assert isinstance(ended, RunFinished)
    assert ended.epochs == 5
    assert ended.test_accuracy == epochs_of(events)[-1].test_accuracy


def test_it_learns(tmp_path: Path) -> None:
    finished = epochs_of(run(tmp_path, training={"epochs": 10, "batch_size": 20}, schedule={"kind": "cosine"}))
    assert finished[-1].test_accuracy > 0.95
    assert finished[-1].train_loss < finished[0].train_loss / 2


def test_an_epochs_numbers_follow_from_its_snapshots(tmp_path: Path) -> None:
    finished = epochs_of(run(tmp_path))
    frozen_before = [np.zeros(snapshot.neurons, dtype=bool) for snapshot in finished[0].snapshots]
    velocity_before = [np.zeros(snapshot.neurons) for snapshot in finished[0].snapshots]
    phi_before: list[np.ndarray] = []
    for epoch in finished:
        phis = []
        for index, snapshot in enumerate(epoch.snapshots):
            assert snapshot.index == index
            applied, frozen = (
                np.unpackbits(np.frombuffer(bits, np.uint8), count=snapshot.neurons).astype(bool)
                for bits in (snapshot.applied, snapshot.frozen)
            )
            assert snapshot.divergence is not None
            phi = 1 - np.frombuffer(snapshot.divergence, "<f4").astype(np.float64)
            phis.append(phi)
            assert len(phi) == snapshot.neurons
            assert (applied == frozen_before[index]).all()
            assert epoch.layers.phi_mean[index] == pytest.approx(phi.mean(), rel=1e-5)
            assert epoch.layers.applied[index] == applied.sum()
            assert epoch.layers.frozen[index] == frozen.sum()
            assert epoch.layers.froze[index] == (frozen & ~applied).sum()
            assert epoch.layers.thawed[index] == (applied & ~frozen).sum()
            if epoch.epoch == 0:
                assert snapshot.velocity is None
                assert epoch.layers.velocity_histogram[index] is None
                assert not frozen.any()
            else:
                assert snapshot.velocity is not None
                velocity = np.frombuffer(snapshot.velocity, "<f4")
                assert velocity == pytest.approx(phi - phi_before[index] - 0.5 * velocity_before[index], abs=1e-6)
                histogram = epoch.layers.velocity_histogram[index]
                assert histogram is not None
                assert len(histogram) == 39
                assert sum(histogram) == snapshot.neurons
                if index < 6:  # the last layer goes on where all would freeze
                    assert (frozen == (np.abs(velocity) < 0.02)).all()
                velocity_before[index] = velocity
            frozen_before[index] = frozen
        phi_before = phis
        assert epoch.frozen_fraction == sum(epoch.layers.frozen) / 40
        assert epoch.applied_fraction == sum(epoch.layers.applied) / 40
    assert any(epoch.frozen_fraction for epoch in finished)
    assert any(sum(epoch.layers.thawed) for epoch in finished)


def without_times(events: list[Event]) -> list[dict[str, Any]]:
    kept = []
    for event in events:
        if event.kind == "epoch_progressed":
            continue
        fields = event.model_dump(
            exclude={
                "seconds",
                "samples_per_second",
                "cpu_seconds",
                "device_seconds",
                "resources",
                "step_ms",
                "flops",
                "saving",
            }
        )
        if isinstance(event, EpochFinished):
            del fields["layers"]["plans"]  # they follow from times too
        kept.append(fields | {"snapshots": getattr(event, "snapshots", None)})
    return kept


@pytest.mark.parametrize("model", [{"kind": "cnn", "channels": [4, 6]}, {"kind": "mlp", "hidden": [12]}])
def test_the_same_seed_gives_the_same_events_to_the_bit(tmp_path: Path, model: dict[str, Any]) -> None:
    first = run(tmp_path, model=model)
    torch.rand(3)  # what else happened in the process does not matter
    assert without_times(run(tmp_path, model=model)) == without_times(first)


def test_another_seed_gives_another_run(tmp_path: Path) -> None:
    first = epochs_of(run(tmp_path))
    other = epochs_of(run(tmp_path, training={"epochs": 5, "batch_size": 20, "seed": 1}))
    assert first[0].train_loss != other[0].train_loss
    assert first[0].snapshots[0].divergence != other[0].snapshots[0].divergence


def test_nothing_freezes_when_the_rule_is_none_and_all_is_recorded(tmp_path: Path) -> None:
    events = run(tmp_path, neq={"select": {"kind": "none"}, "epsilon": 4.0, "probe": {"samples": 8}})
    assert isinstance(events[0], RunStarted)
    assert events[0].first_freezing_epoch is None
    assert [epoch.frozen_fraction for epoch in epochs_of(events)] == [0] * 5
    assert all(snapshot.velocity for snapshot in epochs_of(events)[-1].snapshots)


def test_training_that_diverges_names_the_epoch_and_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"The loss became .* in epoch \d") as error:
        run(
            tmp_path,
            model={"kind": "mlp", "hidden": [32, 32, 32]},
            optimizer={"kind": "sgd", "learning_rate": 10.0, "momentum": 0.99},
        )
    assert "learning_rate" in str(error.value.remedy)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
@pytest.mark.parametrize(("wanted", "limit"), [("cuda", "auto"), ("auto", "cuda")])
def test_a_gpu_that_is_not_there_is_said_so_with_a_remedy(tmp_path: Path, wanted: str, limit: str) -> None:
    with pytest.raises(RunError, match="torch finds none") as error:
        run(tmp_path, compute={"device": wanted}, limit=limit)
    assert "compute.device" in str(error.value.remedy)


def test_a_run_and_a_worker_that_exclude_each_other_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="this worker may use the CPU only"):
        run(tmp_path, compute={"device": "cuda"}, limit="cpu")
    with pytest.raises(RunError, match="this worker trains on a GPU only"):
        run(tmp_path, compute={"device": "cpu"}, limit="cuda")


def test_a_last_batch_of_one_image_joins_the_one_before(tmp_path: Path) -> None:
    data = SMALL["data"] | {"train_samples": 209}  # 201 to train on: 20 · 10 + 1
    model = {"kind": "mlp", "hidden": [4], "batch_norm": True}
    started = run(tmp_path, data=data, model=model, training={"epochs": 1, "batch_size": 20})[0]
    assert isinstance(started, RunStarted)
    assert started.train_samples == 201
    assert started.batches_per_epoch == 10


def test_batches_of_one_image_are_refused_where_batch_norm_could_not_learn(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="batches of one image"):
        run(
            tmp_path,
            model={"kind": "mlp", "hidden": [4], "batch_norm": True},
            training={"epochs": 1, "batch_size": 1},
        )


def test_progress_is_reported_at_most_twice_a_second() -> None:
    throttle = ProgressThrottle()
    assert not throttle.due()
    throttle.last -= 0.5
    assert throttle.due()
    assert not throttle.due()


def test_each_phase_reports_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.training.progress.SECONDS_BETWEEN_REPORTS", 0.0)
    reports = [event for event in run(tmp_path) if event.kind == "epoch_progressed" and event.epoch == 1]
    assert [(report.phase, report.batch, report.batches) for report in reports] == [
        *(("train", batch, 10) for batch in range(1, 11)),
        ("probe", 1, 1),
        ("evaluate", 1, 1),
    ]
    assert all(report.loss is not None and report.samples_per_second for report in reports)


def test_a_run_may_be_closed_in_mid_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.training.progress.SECONDS_BETWEEN_REPORTS", 0.0)
    events = train(RunConfig.model_validate(SMALL), Workplace(tmp_path, threads=1))
    next(events)
    assert next(events).kind == "epoch_progressed"
    events.close()
