"""Two ways of feeding: images held on the device, and images read from their files by other processes."""

import multiprocessing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from contract.config import RunConfig
from contract.errors import RunError
from tests.trainer.pictures import class_folder, mask_folder, photograph, save
from trainer.data import ImageData, load_data
from trainer.data.datasets import in_memory as memory
from trainer.data.datasets.images import ImageSet
from trainer.data.datasets.in_memory import InMemoryDataset
from trainer.data.datasets.streaming import StreamedDataset
from trainer.data.share import Share
from trainer.data.sources.files import loader_processes
from trainer.data.transforms.crops import RandomResizedCrop, RandomScaleCrop, Transform
from trainer.engines.environment import Workplace

pytestmark = pytest.mark.slow

CPU = torch.device("cpu")
CLASSES: dict[str, Any] = {"kind": "image-folder", "folder": "mine", "size": 16}
SCENES: dict[str, Any] = {"kind": "mask-folder", "folder": "mine", "classes": 3, "resize": 20, "crop": 16}
Batch = tuple[torch.Tensor, torch.Tensor]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path


def load(root: Path, data: dict[str, Any], **changes: Any) -> ImageData:
    model = {"kind": "cnn" if data["kind"] == "image-folder" else "torchvision-segmentation"}
    config = {"data": data | changes, "model": model, "neq": {"probe": {"kind": "split", "samples": 4}}}
    return load_data(RunConfig.model_validate(config), Workplace(root), CPU)


def prepared(root: Path, data: dict[str, Any]) -> dict[str, Any]:
    if data["kind"] == "image-folder":
        class_folder(root / "mine" / "train", {"cat": 14, "dog": 10, "eel": 12})
        class_folder(root / "mine" / "val", {"cat": 4, "dog": 4, "eel": 3})
    else:
        mask_folder(root / "mine", {"train": 36, "val": 11})
    return data


def epoch(data: ImageData, seed: int = 0, batch_size: int = 5) -> list[Batch]:
    return list(data.training_batches(batch_size, torch.Generator().manual_seed(seed)))


def same(one: list[Batch], other: list[Batch], atol: float = 0.0) -> bool:
    return len(one) == len(other) and all(
        torch.allclose(a, c, atol=atol) and torch.equal(b, d) for (a, b), (c, d) in zip(one, other, strict=True)
    )


@pytest.mark.parametrize("data", [CLASSES, SCENES], ids=["classes", "scenes"])
@pytest.mark.parametrize("feed", ["memory", "stream"])
def test_an_epoch_takes_every_image_once_in_the_shape_that_is_promised(
    root: Path, data: dict[str, Any], feed: str
) -> None:
    loaded = load(root, prepared(root, data), loading=feed)
    assert (len(loaded.train), len(loaded.test), len(loaded.probe)) == (32, 11, 4)
    assert (loaded.channels, loaded.height, loaded.width, loaded.classes) == (3, 16, 16, 3)
    batches = epoch(loaded)
    assert [len(inputs) for inputs, _ in batches] == [5, 5, 5, 5, 5, 5, 2]
    for inputs, targets in batches:
        assert inputs.shape[1:] == (3, 16, 16)
        assert (inputs.dtype, targets.dtype) == (torch.float32, torch.int64)
        assert targets.shape == (inputs.shape[:1] if data is CLASSES else (*inputs.shape[:1], 16, 16))
    if data is CLASSES:
        met = torch.bincount(torch.cat([targets for _, targets in batches]), minlength=3)
        # 14 + 10 + 12, of which the probe took 4: one of each class, and one class gave two
        assert sorted((torch.tensor([14, 10, 12]) - met).tolist()) == [1, 1, 2]


@pytest.mark.parametrize("data", [CLASSES, SCENES], ids=["classes", "scenes"])
@pytest.mark.parametrize("feed", ["memory", "stream"])
def test_processes_that_train_together_get_each_its_part_of_the_same_batches(
    root: Path, data: dict[str, Any], feed: str
) -> None:
    loaded = load(root, prepared(root, data), loading=feed)
    random = torch.Generator().manual_seed(3)
    whole, left = list(loaded.training_batches(7, random)), random.get_state()
    parts = []
    for rank in range(2):
        random.manual_seed(3)
        mine = replace(loaded, share=Share(rank, 2))
        parts.append(list(mine.training_batches(7, random)))
        assert torch.equal(random.get_state(), left), "the next epoch's batches are the same too"
    assert [len(inputs) for inputs, _ in parts[0]] == [3, 3, 3, 3, 2]
    together = [tuple(torch.cat(pair) for pair in zip(*pairs, strict=True)) for pairs in zip(*parts, strict=True)]
    assert same(together, whole)  # type: ignore[arg-type]
    for images in (loaded.test, loaded.probe):
        shares = [replace(loaded, share=Share(rank, 3)) for rank in range(3)]
        tested = [list(mine.batches(images, 1)) for mine in shares]
        assert [mine.batch_count(images, 1) for mine in shares] == [len(each) for each in tested]
        assert same([batch for each in tested for batch in each], list(loaded.batches(images, 1)))


@pytest.mark.parametrize("data", [CLASSES, SCENES], ids=["classes", "scenes"])
def test_both_ways_show_the_same_in_testing(root: Path, data: dict[str, Any]) -> None:
    held, streamed = (load(root, prepared(root, data), loading=feed) for feed in ("memory", "stream"))
    assert isinstance(held.test, InMemoryDataset)
    assert isinstance(streamed.test, StreamedDataset)
    for one, other in ((held.test, streamed.test), (held.probe, streamed.probe)):
        assert same(list(held.batches(one, 4)), list(streamed.batches(other, 4)))


@pytest.mark.parametrize("data", [CLASSES, SCENES], ids=["classes", "scenes"])
@pytest.mark.parametrize("feed", ["memory", "stream"])
def test_images_that_are_not_to_be_varied_are_seen_as_in_testing(root: Path, data: dict[str, Any], feed: str) -> None:
    loaded = load(root, prepared(root, data), loading=feed, augment=False)
    once = torch.cat([inputs.sum(dim=(1, 2, 3)) for inputs, _ in epoch(loaded, batch_size=1)]).sort().values
    in_order: ImageSet = loaded.train
    tested = torch.cat([inputs.sum(dim=(1, 2, 3)) for inputs, _ in loaded.batches(in_order, 1)]).sort().values
    assert torch.allclose(once, tested)


@pytest.mark.parametrize("data", [CLASSES, SCENES], ids=["classes", "scenes"])
@pytest.mark.parametrize("feed", ["memory", "stream"])
def test_the_state_of_the_generator_decides_the_epoch(root: Path, data: dict[str, Any], feed: str) -> None:
    loaded = load(root, prepared(root, data), loading=feed)
    random = torch.Generator().manual_seed(7)
    first = list(loaded.training_batches(5, random))
    state = random.get_state()
    second = list(loaded.training_batches(5, random))
    again = load(root, data, loading=feed)  # as after a restart, with nothing but the state left
    restored = torch.Generator()
    restored.set_state(state)
    assert same(list(again.training_batches(5, restored)), second)
    assert not same(first, second)
    assert same(epoch(again, seed=7), first)


@pytest.mark.parametrize("feed", ["memory", "stream"])
def test_one_picture_looks_different_each_time_that_it_is_seen(root: Path, feed: str) -> None:
    for index in range(24):
        save(root / "mine" / "ab"[index % 2] / f"{index}.png", photograph(index, 40, 40))
    data = load(root, CLASSES, loading=feed)
    random = torch.Generator().manual_seed(0)
    seen = [image for _ in range(2) for inputs, _ in data.training_batches(4, random) for image in inputs]
    distinct = {image.numpy().tobytes() for image in seen}
    # Each picture is seen in both epochs. Of its random areas hardly two are the same; mirrored halves are not, either.
    assert len(seen) == 2 * (24 - 5 - 4)
    assert len(distinct) >= len(seen) - 1


@pytest.mark.parametrize("data", [CLASSES, SCENES], ids=["classes", "scenes"])
def test_the_number_of_loader_processes_changes_nothing(
    root: Path, data: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared(root, data)
    by_processes = []
    for processes in (0, 1, 2):
        monkeypatch.setattr("trainer.data.loading.loader_processes", lambda *_, processes=processes: processes)
        loaded = load(root, data, loading="stream")
        by_processes.append([epoch(loaded, seed=1), epoch(loaded, seed=2), list(loaded.batches(loaded.test, 3))])
    for one, other in zip(by_processes[0], by_processes[1], strict=True):
        assert same(one, other)
    for one, other in zip(by_processes[0], by_processes[2], strict=True):
        assert same(one, other)


def test_a_pass_that_is_left_early_does_not_leak_into_the_next(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.data.loading.loader_processes", lambda *_: 2)
    loaded = load(root, prepared(root, CLASSES), loading="stream")
    whole = epoch(loaded, seed=3, batch_size=4)
    left = loaded.training_batches(4, torch.Generator().manual_seed(9))
    next(left)
    left.close()
    assert same(epoch(loaded, seed=3, batch_size=4), whole)


@pytest.mark.parametrize("processes", [0, 2])
def test_two_passes_at_once_are_refused_rather_than_mixed(
    root: Path, processes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainer.data.loading.loader_processes", lambda *_: processes)
    loaded = load(root, prepared(root, CLASSES), loading="stream")
    first = loaded.batches(loaded.test, 4)
    next(first)
    next(loaded.batches(loaded.train, 4))
    with pytest.raises(RuntimeError, match="begun before the one before was over"):
        next(first)


def test_a_loader_process_that_is_ended_is_said_so_with_a_remedy(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.data.loading.loader_processes", lambda *_: 1)
    loaded = load(root, prepared(root, CLASSES), loading="stream")
    batches = loaded.batches(loaded.train, 1)
    before = set(multiprocessing.active_children())
    next(batches)
    (process,) = set(multiprocessing.active_children()) - before
    process.kill()
    process.join()
    with pytest.raises(RunError, match="A process that reads images ended") as error:
        list(batches)
    assert "/dev/shm" in str(error.value.remedy)


@pytest.mark.parametrize(("limit", "kind"), [(2 * 2**30, InMemoryDataset), (1000, StreamedDataset)])
def test_the_way_follows_from_the_size_of_the_data_alone(
    root: Path, limit: int, kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainer.data.sources.files.MEMORY_BYTES", limit)
    assert isinstance(load(root, prepared(root, CLASSES)).train, kind)
    assert isinstance(load(root, CLASSES, loading="memory").train, InMemoryDataset)
    assert isinstance(load(root, CLASSES, loading="stream").train, StreamedDataset)


def test_photographs_are_normalised_by_imagenets_constants(root: Path) -> None:
    from torchvision.transforms.functional import normalize

    loaded = load(root, prepared(root, CLASSES), loading="memory")
    assert isinstance(loaded.test, InMemoryDataset)
    assert isinstance(loaded.test.pixels, torch.Tensor)
    wanted = normalize(loaded.test.pixels.float() / 255, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    assert torch.allclose(next(loaded.batches(loaded.test, 11))[0], wanted, atol=1e-5)


def test_scenes_of_several_sizes_are_filled_up_within_a_batch(root: Path) -> None:
    loaded = load(root, prepared(root, SCENES), loading="memory")
    inputs, targets = next(loaded.batches(loaded.test, 4))
    # 24 × 30 and 24 × 34 at a shorter side of 20: 20 × 25 and 20 × 28
    assert inputs.shape == (4, 3, 20, 28)
    assert (targets[0, :, 25:] == 255).all()
    assert (targets[1, :, 25:27] != 255).all()
    black = loaded.normalise(torch.zeros(1, 3, 1, 1))[0, :, 0, 0]
    assert torch.equal(inputs[0, :, 0, 26], black)


@pytest.mark.parametrize("transform", [RandomResizedCrop(8), RandomScaleCrop(12, 8)])
def test_a_device_without_float64_shows_windows_of_its_own_random_numbers(
    transform: Transform, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = torch.tensor([[20 + index, 40 - index] for index in range(12)])
    monkeypatch.setattr(memory, "_has_float64", lambda device: False)
    shown = memory._crop_params(transform, sizes, torch.Generator().manual_seed(3))
    drawn = torch.rand(12, transform.uniforms, generator=torch.Generator().manual_seed(3))
    expected = transform.crop_params(sizes, drawn.double())
    assert shown.start.dtype is torch.float32 and shown.step.dtype is torch.float32
    torch.testing.assert_close(shown.start.double(), expected.start, atol=1e-4, rtol=1e-6)
    torch.testing.assert_close(shown.step.double(), expected.step, atol=1e-6, rtol=1e-6)
    assert torch.equal(shown.seen, expected.seen) and torch.equal(shown.mirrored, expected.mirrored)


@pytest.mark.parametrize(
    ("kind", "threads", "processors", "loaders", "expected"),
    [
        ("cpu", 1, 64, None, 0),
        ("cpu", 4, 64, None, 4),
        ("cpu", 40, 64, None, 16),
        ("cpu", 4, 2, None, 2),
        ("cuda", 1, 64, None, 32),
        ("cuda", 1, 6, None, 6),
        ("cuda", 1, 64, 48, 48),
        ("cuda", 8, 64, 0, 0),
        ("cpu", 8, 64, 3, 3),
    ],
)
def test_loader_processes_follow_torch_s_threads_on_a_cpu_and_the_processors_beside_a_gpu(
    monkeypatch: pytest.MonkeyPatch, kind: str, threads: int, processors: int, loaders: int | None, expected: int
) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    monkeypatch.setattr("trainer.data.sources.files.usable_processors", lambda: processors)
    assert loader_processes(Workplace(Path(), loaders=loaders), torch.device(kind)) == expected
