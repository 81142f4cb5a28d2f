"""Runs on the pretended GPU: how they are fed, and what they go on with."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from contract.config import RunConfig
from contract.events import EpochFinished, Event, Logged, RunContinued, RunStarted
from tests.pretended.device import Generator, counted, pretending
from tests.trainer.pictures import class_folder
from tests.trainer.test_going_on import SMALL
from trainer.checkpoints import train_state as state
from trainer.data.datasets.images import Augmentation, ImageSet, TensorImages
from trainer.data.datasets.in_memory import InMemoryDataset
from trainer.data.transforms.crops import RandomResizedCrop, RandomScaleCrop
from trainer.engines.environment import Workplace
from trainer.engines.resume_point import ResumePoint
from trainer.optimizers import build_optimizer
from trainer.training import train
from trainer.training.tasks import Classification, Segmentation, Task
from trainer.training.train_step import TrainStep

GPU = torch.device("cuda", 0)


@pytest.fixture(autouse=True)
def pretended() -> Iterator[None]:
    with pretending():
        yield


def there(*shape: int) -> torch.Tensor:
    return torch.zeros(shape, dtype=torch.uint8, device=GPU)


def of_several_sizes() -> InMemoryDataset:
    pixels = tuple(there(3, 20 + index, 24) for index in range(20))
    return InMemoryDataset(pixels, torch.zeros(20, dtype=torch.int64, device=GPU), (3, 8, 8), RandomResizedCrop(8))


def scenes_of_several_sizes() -> InMemoryDataset:
    sizes = [(20 + index, 24) for index in range(20)]
    pixels, masks = tuple(there(3, *size) for size in sizes), tuple(there(*size) for size in sizes)
    return InMemoryDataset(pixels, masks, (3, 8, 8), RandomScaleCrop(12, 8))


def of_one_size() -> InMemoryDataset:
    return InMemoryDataset(
        there(20, 3, 16, 16), torch.zeros(20, dtype=torch.int64, device=GPU), (3, 8, 8), RandomResizedCrop(8)
    )


def as_they_are() -> InMemoryDataset:
    return InMemoryDataset(there(20, 3, 8, 8), torch.zeros(20, dtype=torch.int64, device=GPU), (3, 8, 8))


def arrays() -> TensorImages:
    return TensorImages(
        there(20, 1, 8, 8), torch.zeros(20, dtype=torch.int64, device=GPU), Augmentation(2, mirror=True)
    )


SETS: list[Callable[[], ImageSet]] = [of_several_sizes, scenes_of_several_sizes, of_one_size, as_they_are, arrays]


@pytest.mark.parametrize("make", SETS)
@pytest.mark.parametrize("testing", [False, True])
def test_no_batch_of_images_on_the_device_waits_for_it(make: Callable[[], ImageSet], testing: bool) -> None:
    images, random = make(), Generator(GPU)
    batches = images.in_order(5) if testing else images.shuffled(5, random)
    assert counted(lambda: next(batches)).waits <= 2, "the order and the sizes of an epoch"
    for _ in range(3):
        counts = counted(lambda: next(batches))
        assert (counts.waits, counts.where) == (0, {})


def run(config: dict[str, Any], workplace: Workplace, resume_point: ResumePoint) -> list[Event]:
    return list(train(RunConfig.model_validate(config), workplace, resume_point))


def epochs_of(events: list[Event]) -> list[EpochFinished]:
    return [event for event in events if isinstance(event, EpochFinished)]


def on_a_gpu(**changes: Any) -> dict[str, Any]:
    return SMALL | {"compute": {"device": "cuda"}, "training": {"epochs": 2, "batch_size": 20}} | changes


def test_a_run_names_the_gpu_that_its_worker_gave_it(tmp_path: Path) -> None:
    titles = []
    for gpu in (None, "GPU 3 (Pretended GPU)"):
        events = run(on_a_gpu(training={"epochs": 1}), Workplace(tmp_path, threads=1, gpu=gpu), ResumePoint())
        assert isinstance(events[0], RunStarted)
        titles.append(events[0].device)
    assert titles == ["Pretended GPU", "GPU 3 (Pretended GPU)"]


def test_auto_takes_the_gpu_and_a_run_that_asks_for_the_cpu_does_not(tmp_path: Path) -> None:
    titles = {}
    for device in ("auto", "cpu"):
        config = on_a_gpu(compute={"device": device}, training={"epochs": 1})
        (started, *_) = run(config, Workplace(tmp_path, threads=1), ResumePoint())
        assert isinstance(started, RunStarted)
        titles[device] = started.device
    assert titles == {"auto": "Pretended GPU", "cpu": "CPU, 1 thread"}


def test_a_folder_held_on_the_gpu_is_trained_on(tmp_path: Path) -> None:
    class_folder(tmp_path / "mine" / "train", {"cat": 14, "dog": 10})
    class_folder(tmp_path / "mine" / "val", {"cat": 4, "dog": 4})
    data = {"kind": "image-folder", "folder": "mine", "size": 16, "loading": "memory"}
    config = on_a_gpu(data=data, neq={"probe": {"kind": "split", "samples": 4}})
    assert len(epochs_of(run(config, Workplace(tmp_path, threads=1), ResumePoint()))) == 2


@pytest.mark.parametrize(("before", "after"), [("float32", "fp16"), ("fp16", "float32"), ("tf32", "bf16")])
def test_a_fork_on_a_gpu_may_compute_in_another_precision(tmp_path: Path, before: str, after: str) -> None:
    workplace = Workplace(tmp_path, threads=1, checkpoints=tmp_path / "checkpoints")
    compute = {"device": "cuda", "precision": before}
    first = epochs_of(run(on_a_gpu(compute=compute), workplace, ResumePoint("run")))
    assert first[-1].checkpoint is not None
    resume_point = ResumePoint("run", 2, True, first[-1].checkpoint.path)
    longer = on_a_gpu(compute=compute | {"precision": after}, training={"epochs": 3, "batch_size": 20})
    events = run(longer, workplace, resume_point)
    assert isinstance(events[0], RunContinued)
    assert [epoch.epoch for epoch in epochs_of(events)] == [2]
    told = [event.text for event in events if isinstance(event, Logged)]
    assert not any("random" in text.lower() for text in told), "one GPU then, one now"


@pytest.mark.parametrize(
    ("then", "now", "restored", "told"),
    [
        (1, 1, "all", False),
        (4, 4, "all", False),
        (4, 1, "own", False),
        (1, 4, "own", True),
        (4, 2, "own", True),
    ],
)
def test_the_run_s_own_gpu_goes_on_where_it_was_however_many_there_are(
    then: int, now: int, restored: str, told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_all: list[Any] = []
    set_own: list[Any] = []
    monkeypatch.setattr(torch.cuda, "device_count", lambda: now)
    monkeypatch.setattr(torch.cuda, "set_rng_state", lambda state, device=None: set_own.append(state))
    monkeypatch.setattr(torch.cuda, "set_rng_state_all", set_all.append)
    everyone = [torch.full((16,), index, dtype=torch.uint8) for index in range(then)]
    own = torch.full((16,), 9, dtype=torch.uint8)
    words = state._restore_gpu_state({"cuda": everyone, "gpu": own}, GPU)
    assert set_own == [own] and set_all == ([everyone] if restored == "all" else [])
    assert words == (
        [f"Random numbers go on as they were on the run's own GPU alone: {then} could be seen then, and {now} now."]
        if told
        else []
    )


def test_a_checkpoint_of_before_goes_on_with_the_first_gpu_s_state(monkeypatch: pytest.MonkeyPatch) -> None:
    set_own: list[Any] = []
    monkeypatch.setattr(torch.cuda, "set_rng_state", lambda state, device=None: set_own.append(state))
    first, second = torch.zeros(16, dtype=torch.uint8), torch.ones(16, dtype=torch.uint8)
    assert state._restore_gpu_state({"cuda": [first, second]}, GPU) == []
    assert set_own == [first]
    (words,) = state._restore_gpu_state({"cuda": []}, GPU)
    assert words == "What drop-out leaves out is drawn anew: the checkpoint holds no random state of a GPU."


def loop_of(task: Task, config: dict[str, Any]) -> Callable[[int], None]:
    """One batch of training after the other, as a pass takes them: learnt from, and added up."""
    described = RunConfig.model_validate(config)
    model = torch.nn.Sequential(torch.nn.Conv2d(1, 6, 3, padding=1), torch.nn.BatchNorm2d(6), torch.nn.Conv2d(6, 4, 1))
    model = torch.nn.Sequential(*model, *([] if isinstance(task, Segmentation) else [Mean()])).to(GPU)
    optimizer = build_optimizer(described.optimizer, model.parameters())
    steps = TrainStep.of(described, model, optimizer, task, GPU, 8)
    accumulator = task.accumulator(GPU, whole=False)
    inputs = torch.randn(4, 1, 8, 8, device=GPU)
    shape = (4, 8, 8) if isinstance(task, Segmentation) else (4,)
    targets = torch.zeros(shape, dtype=torch.int64, device=GPU)

    def take(batch: int) -> None:
        loss, logits = steps(inputs, targets, batch=batch, batches=8)
        accumulator.update(loss, logits, targets)

    return take


class Mean(torch.nn.Module):
    """Over the pixels."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return values.mean(dim=(2, 3))


TASKS = [Classification(4, 0.1), Segmentation(4, 255)]
LOOPS: list[dict[str, Any]] = [
    *({"compute": {"precision": precision}} for precision in ("float32", "tf32", "bf16", "fp16")),
    {"training": {"max_grad_norm": 1.0, "gradient_accumulation_steps": 2}},
    {"compute": {"precision": "fp16"}, "training": {"max_grad_norm": 1.0}},
    {"optimizer": {"kind": "adamw"}},
]


@pytest.mark.parametrize("task", TASKS, ids=["classes", "pixels"])
@pytest.mark.parametrize("config", LOOPS, ids=str)
def test_no_step_of_the_loop_waits_for_the_gpu(task: Task, config: dict[str, Any]) -> None:
    take = loop_of(task, config)
    for batch in range(2):
        take(batch)  # an optimizer's state is made, and a scaler's scale
    for batch in range(2, 6):
        counts = counted(partial(take, batch))
        assert (counts.waits, counts.where) == (0, {})


def test_the_loss_of_pixels_is_one_that_torch_computes_deterministically_on_a_gpu() -> None:
    task = Segmentation(classes=4, ignore_index=255, label_smoothing=0.1)
    lot = torch.Generator().manual_seed(0)
    logits, targets = torch.randn(2, 4, 6, 5, generator=lot), torch.randint(4, (2, 6, 5), generator=lot)
    targets[0, :2] = 255
    expected = task.training_loss(logits, targets)
    there, meant = logits.to(GPU), targets.to(GPU)
    torch.use_deterministic_algorithms(True)
    try:
        found: list[torch.Tensor] = []
        kernels = counted(lambda: found.append(task.training_loss(there, meant))).by_kernel
    finally:
        torch.use_deterministic_algorithms(False)
    assert not [name for name in kernels if "nll_loss2d" in name] and [name for name in kernels if "nll_loss" in name]
    torch.testing.assert_close(found[0].cpu(), expected)
