"""A run on two processes: the run of one, as far as arithmetic goes."""

import pickle
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.distributed
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from contract.config import RunConfig
from contract.errors import RunError
from contract.events import EpochFinished, Event, RunStarted
from tests.neq.together import WORLD, group_of_two, in_two_processes
from tests.trainer.test_going_on import said
from tests.trainer.test_train import SMALL, epochs_of, without_times
from trainer.checkpoints import files
from trainer.data.share import Share
from trainer.engines.environment import Workplace
from trainer.engines.resume_point import ResumePoint
from trainer.training import components, epoch, train
from trainer.training.evaluate import evaluate
from trainer.training.progress import ProgressThrottle
from trainer.training.ranks import Ranks
from trainer.training.tasks import Segmentation

pytestmark = pytest.mark.process

# 208 images: batches of 21 are 10 and 11, and the last one of 19 is 9 and 10.
UNEVEN: dict[str, Any] = {
    "data": {"kind": "synthetic", "classes": 7, "size": 8, "train_samples": 217, "test_samples": 41},
    "neq": {"epsilon": 0.02, "probe": {"samples": 9}},
}
TRAINING = {"epochs": 5, "batch_size": 21, "gradient_accumulation_steps": 3, "max_grad_norm": 2.0}
ALIKE: dict[str, dict[str, Any]] = {
    "perceptron": UNEVEN | {"model": {"kind": "mlp", "hidden": [12, 9]}, "training": {"epochs": 6, "batch_size": 21}},
    "accumulated": UNEVEN | {"model": {"kind": "cnn", "channels": [4, 6], "batch_norm": False}, "training": TRAINING},
}
NORMED: dict[str, Any] = {
    "optimizer": {"kind": "adam", "learning_rate": 0.01},
    "neq": {"epsilon": 0.05, "probe": {"samples": 8}, "select": {"kind": "prefix", "layer_fraction": 0.6}},
}


NORMED_AND_DROPPED = {"training": {"epochs": 5, "batch_size": 21}}


def two_at(folder: Path, rank: int, **changes: Any) -> Iterator[Event]:
    """The events of one process of a run."""
    workplace = Workplace(folder, "cpu", 1, checkpoints=folder / "checkpoints", rank=rank, processes=WORLD)
    return train(RunConfig.model_validate(SMALL | changes), workplace)


def all_runs(rank: int, folder: Path) -> None:
    """Trains them one after the other, and leaves what each process said."""
    with group_of_two(rank, folder / "meeting"):
        told = {name: list(two_at(folder, rank, **changes)) for name, changes in ALIKE.items()}
        for savings in (True, False):
            neq = NORMED["neq"] | {"savings": savings}
            told[f"savings {savings}"] = list(two_at(folder, rank, **NORMED | {"neq": neq}))
        told["stopped"] = stopped_by_the_first_ones_clock(rank, folder)
        (folder / f"{rank}.events").write_bytes(pickle.dumps(told))


def stopped_by_the_first_ones_clock(rank: int, folder: Path) -> list[Event]:
    """The other process's clock is frozen: if it went by its own clock, it would never finish."""
    if rank:
        lap = epoch.PhaseTimer.lap
        epoch.PhaseTimer.lap = lambda self, phase: 0.0 * lap(self, phase)  # type: ignore[method-assign]
    return list(two_at(folder, rank, training={"epochs": 5, "batch_size": 20, "stop_after_seconds": 1e-6}))


def masks(events: list[Event]) -> list[list[tuple[bytes, bytes]]]:
    return [[(layer.frozen, layer.applied) for layer in each.snapshots] for each in epochs_of(events)]


def phi(each: EpochFinished) -> np.ndarray:
    return np.concatenate([1 - np.frombuffer(layer.divergence or b"", "<f4") for layer in each.snapshots])


def test_two_processes_train_and_freeze_as_one_does(tmp_path: Path) -> None:
    in_two_processes(all_runs, tmp_path)
    first, second = (pickle.loads((tmp_path / f"{rank}.events").read_bytes()) for rank in range(WORLD))
    for name, changes in ALIKE.items():
        alone = list(train(RunConfig.model_validate(SMALL | changes), Workplace(tmp_path, "cpu", 1)))
        assert masks(first[name]) == masks(second[name]) == masks(alone), name
        assert any(each.frozen_fraction for each in epochs_of(alone)), "there was something to freeze"
        for one, two in zip(epochs_of(alone), epochs_of(first[name]), strict=True):
            assert np.abs(phi(one) - phi(two)).max() < 1e-5
            assert two.train_loss == pytest.approx(one.train_loss, rel=1e-5)
            assert two.test_loss == pytest.approx(one.test_loss, rel=1e-4)
            assert (two.train_accuracy, two.test_accuracy, two.scores) == (
                one.train_accuracy,
                one.test_accuracy,
                one.scores,
            )
        started: RunStarted = first[name][0]
        assert started.device == "CPU, 1 thread × 2 processes"
        assert started.model_copy(update={"device": "CPU, 1 thread"}) == alone[0]
    check_savings(first["savings True"], first["savings False"])
    assert [len(epochs_of(told["stopped"])) for told in (first, second)] == [1, 1]


def check_savings(on: list[Event], off: list[Event]) -> None:
    assert without_times(on) == without_times(off)
    kinds = [set(each.layers.plans.kinds) for each in epochs_of(on)]  # type: ignore[union-attr]
    assert "stopped" not in kinds[0] and any("stopped" in of_epoch for of_epoch in kinds)
    assert not any("zeros" in of_epoch for of_epoch in kinds), "nothing waits for what is stopped"


def with_dropout(build: Any, *given: Any, **named: Any) -> nn.Module:
    return nn.Sequential(nn.Dropout(0.2), build(*given, **named))


def cut_off(rank: int, folder: Path) -> None:
    """A run with drop-out and batch norm, whole and in two parts; the first process draws for 10 images of each batch,
    the second for 11."""
    components.build_model = partial(with_dropout, components.build_model)  # type: ignore[attr-defined]
    with group_of_two(rank, folder / "meeting"):
        whole = list(two_at(folder, rank, **NORMED_AND_DROPPED))
        config = RunConfig.model_validate(SMALL | NORMED_AND_DROPPED)
        place = Workplace(folder, "cpu", 1, checkpoints=folder / "checkpoints", rank=rank, processes=WORLD)
        events, paths = [], [None]
        running = train(config, place, ResumePoint("run1"))
        for event in running:
            events.append(event)
            if isinstance(event, EpochFinished) and event.epoch == 2:
                paths = [None if event.checkpoint is None else event.checkpoint.path]
                break
        running.close()
        assert (paths == [None]) == (rank == 1), "the first alone writes"
        torch.distributed.broadcast_object_list(paths)
        torch.rand(3 + rank)  # what else happens in between does not matter
        rest = list(train(config, place, ResumePoint("run1", 3, True, paths[0])))
        assert said(events + rest) == said(whole)
        if rank == 0:
            (folder / "last").write_bytes(pickle.dumps(epochs_of(rest)[-1]))


@pytest.mark.endurance
def test_two_processes_go_on_from_a_checkpoint_to_the_bit_and_test_the_network_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_two_processes(cut_off, tmp_path)
    last: EpochFinished = pickle.loads((tmp_path / "last").read_bytes())
    monkeypatch.setattr(components, "build_model", partial(with_dropout, components.build_model))
    config = RunConfig.model_validate(SMALL | NORMED_AND_DROPPED)
    parts = components.build_components(config, Workplace(tmp_path, "cpu", 1), torch.device("cpu"))
    parts.model.load_state_dict(files.read(tmp_path / "checkpoints", last.checkpoint.path)["model"])  # type: ignore[union-attr]
    testing = evaluate(
        parts.model,
        parts.train_step.task,
        parts.data,
        batch_size=100,
        throttle=ProgressThrottle(),
        epoch=4,
        train_loss=0.0,
    )
    with pytest.raises(StopIteration) as ended:
        next(testing)
    assert (ended.value.value.loss, ended.value.value.accuracy) == pytest.approx((last.test_loss, last.test_accuracy))


def segmented(rank: int, folder: Path) -> None:
    """Gradients of a batch of scenes of which the second half says almost nothing."""
    task, ranks = Segmentation(3, 255), Ranks(rank, WORLD)
    images = torch.randn(5, 2, 6, 6, generator=torch.Generator().manual_seed(0))
    targets = torch.arange(5 * 36).view(5, 6, 6) % 3
    targets[3:, 1:] = 255
    torch.manual_seed(1)
    plain = nn.Conv2d(2, 3, 1)
    task.training_loss({"out": plain(images), "aux": plain(images)}, targets).backward()
    wanted = [parameter.grad for parameter in plain.parameters()]
    with group_of_two(rank, folder / "meeting"):
        plain.zero_grad()
        model, mine = DistributedDataParallel(plain), Share(rank, WORLD).of(5)
        logits = model(images[mine])
        loss = task.training_loss({"out": logits, "aux": logits}, targets[mine])
        (loss * ranks.weight(task.counted(targets[mine]), 5)).backward()
        for parameter, gradient in zip(plain.parameters(), wanted, strict=True):
            torch.testing.assert_close(parameter.grad, gradient)


def test_pixels_count_alike_in_whatever_process_they_are(tmp_path: Path) -> None:
    in_two_processes(segmented, tmp_path)


def draws(seed: int, epoch: int, rank: int, processes: int = 2) -> float:
    Ranks(rank, processes).seed_epoch(seed, epoch)
    return float(torch.rand(()))


def test_drop_out_is_each_processs_own_in_each_epoch_and_left_alone_in_a_single_one() -> None:
    told = [draws(*each) for each in ((3, 4, 0), (3, 4, 1), (3, 5, 0), (4, 4, 0))]
    assert len(set(told)) == 4 and draws(3, 4, 1) == told[1]
    torch.manual_seed(0)
    untouched = float(torch.rand(()))
    torch.manual_seed(0)
    assert draws(3, 4, 0, processes=1) == untouched


def test_too_few_images_for_the_processes_are_told_before_training(tmp_path: Path) -> None:
    neq = {"probe": {"kind": "fraction", "fraction": 0.001}}
    config = RunConfig.model_validate(SMALL | {"neq": neq})  # what a set has is known once it is there
    with pytest.raises(RunError, match="2 processes cannot share 1 probe image") as told:
        components.build_components(config, Workplace(tmp_path, "cpu", 1, processes=2), torch.device("cpu"))
    assert "compute.processes" in (told.value.remedy or "")


def test_batch_norm_is_not_synchronized_on_a_cpu(tmp_path: Path) -> None:
    config = RunConfig.model_validate(SMALL | {"compute": {"sync_batch_norm": True}})
    with pytest.raises(RunError, match="on GPUs only") as told:
        components.build_components(config, Workplace(tmp_path, "cpu", 1, processes=2), torch.device("cpu"))
    assert "compute.sync_batch_norm" in (told.value.remedy or "")
