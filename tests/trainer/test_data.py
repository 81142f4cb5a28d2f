"""Images: where they come from, how they are parted, and what is said when they are not there."""

import gzip
import hashlib
import pickle
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from contract.config import RunConfig
from contract.errors import DataDamaged, DataMissing, RunError
from trainer.data import Augmentation, ImageData, load_data
from trainer.data.datasets.images import batch_bounds
from trainer.data.datasets.split import probe_split, stratified_subset
from trainer.data.share import Share
from trainer.engines.environment import Workplace

CPU = torch.device("cpu")


def load(root: Path, **data: Any) -> ImageData:
    model = {"kind": "torchvision-segmentation" if "segmentation" in data["kind"] else "cnn"}
    probe = {"samples": data.pop("probe", 20)}
    config = RunConfig.model_validate({"data": data, "model": model, "neq": {"probe": probe}})
    return load_data(config, Workplace(root), CPU)


def counts(labels: torch.Tensor) -> list[int]:
    return torch.bincount(labels, minlength=10).tolist()


def test_the_bundled_images_are_there_balanced_and_normalised(tmp_path: Path) -> None:
    data = load(tmp_path, kind="fashion-mnist-mini", train_samples=10_000, probe=100)
    assert (len(data.train), len(data.probe), len(data.test)) == (9900, 100, 2000)
    assert counts(data.train.labels) == [990] * 10
    assert counts(data.probe.labels) == [10] * 10
    assert counts(data.test.labels) == [200] * 10
    assert data.train.pixels.dtype == torch.uint8
    seen = data.normalise(data.train.pixels)
    assert seen.shape == (9900, 1, 28, 28)
    assert seen.mean().item() == pytest.approx(0, abs=1e-4)
    assert seen.std().item() == pytest.approx(1, abs=1e-4)


def test_the_bundled_images_carry_their_notice() -> None:
    from importlib.resources import files

    notice = (files("trainer.data") / "fashion_mnist_mini" / "NOTICE").read_text()
    assert "Copyright (c) 2017 Zalando SE" in notice
    assert "Permission is hereby granted" in notice


def test_fewer_training_images_stay_balanced(tmp_path: Path) -> None:
    data = load(tmp_path, kind="fashion-mnist-mini", train_samples=1000, probe=50)
    assert counts(data.train.labels) == [95] * 10
    assert counts(data.probe.labels) == [5] * 10


def test_no_image_is_in_both_parts_and_the_seed_decides() -> None:
    labels = torch.arange(10).repeat(30)
    rest, probe = probe_split(labels, 50, seed=3)
    assert sorted([*rest.tolist(), *probe.tolist()]) == list(range(300))
    assert counts(labels[probe]) == [5] * 10
    assert probe_split(labels, 50, seed=3)[1].tolist() == probe.tolist()
    assert probe_split(labels, 50, seed=4)[1].tolist() != probe.tolist()


def test_a_probe_set_that_does_not_divide_differs_by_one_image_a_class() -> None:
    labels = torch.arange(10).repeat(30)
    assert sorted(counts(labels[probe_split(labels, 17, seed=0)[1]])) == [1] * 3 + [2] * 7


def test_a_class_with_too_few_images_is_made_up_from_the_others() -> None:
    labels = torch.tensor([0, 1, 1, 1, 1, 2, 2, 2, 2])
    assert counts(labels[stratified_subset(labels, 5)])[:3] == [1, 2, 2]


def test_fewer_test_images_of_a_set_in_memory_are_as_many_as_were_asked_for(tmp_path: Path) -> None:
    write_mnist(tmp_path, train=60, test=40)
    assert len(load(tmp_path, kind="mnist", test_samples=20).test) == 20
    assert len(load(tmp_path, kind="mnist").test) == 40


def test_more_probe_images_than_half_are_refused(tmp_path: Path) -> None:
    write_mnist(tmp_path, train=40, test=10)
    with pytest.raises(RunError, match="30 probe images of 40") as error:
        load(tmp_path, kind="mnist", probe=30)
    assert "at most 20" in str(error.value.remedy)


@pytest.mark.parametrize(
    ("kind", "file"),
    [
        ("fashion-mnist", "FashionMNIST/raw/train-images-idx3-ubyte"),
        ("mnist", "MNIST/raw/train-images-idx3-ubyte"),
        ("cifar10", "cifar-10-batches-py/data_batch_1"),
        ("cifar100", "cifar-100-python/train"),
    ],
)
def test_missing_images_are_named_with_a_remedy(tmp_path: Path, kind: str, file: str) -> None:
    with pytest.raises(DataMissing) as error:
        load(tmp_path, kind=kind)
    assert str(tmp_path) in error.value.message
    assert file in error.value.message
    assert "NEQ_DATA_ROOT" in str(error.value.remedy)


def idx(array: np.ndarray) -> bytes:
    """The format of the MNIST files: magic with the number of dimensions, the dimensions, the bytes."""
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def write_mnist(root: Path, *, train: int, test: int) -> Path:
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part, samples in (("train", train), ("t10k", test)):
        labels = (np.arange(samples) % 10).astype(np.uint8)
        pixels = np.broadcast_to(labels[:, None, None] * 20, (samples, 28, 28)).astype(np.uint8)
        (raw / f"{part}-images-idx3-ubyte").write_bytes(idx(pixels))
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(idx(labels))
    return raw


def test_torchvisions_layout_is_read(tmp_path: Path) -> None:
    write_mnist(tmp_path, train=120, test=30)
    data = load(tmp_path, kind="mnist", train_samples=100, probe=20)
    assert (len(data.train), len(data.probe), len(data.test)) == (80, 20, 30)
    assert (data.train.pixels[:, 0, 0, 0].long() == data.train.labels * 20).all()
    assert data.train.augmentation == Augmentation(shift=2, mirror=False)
    assert load(tmp_path, kind="mnist", augment=False).train.augmentation is None
    # An image of a class is like all others of it here, in both parts.
    assert data.found is not None
    assert data.found.notes == ("30 of the 30 test images compared are training images too.",)


def test_images_cut_short_are_said_to_be_damaged(tmp_path: Path) -> None:
    raw = write_mnist(tmp_path, train=120, test=30)
    file = raw / "train-images-idx3-ubyte"
    file.write_bytes(file.read_bytes()[:5000])
    with pytest.raises(DataDamaged, match="cannot be read") as error:
        load(tmp_path, kind="mnist")
    assert "MNIST" in str(error.value.remedy)


@pytest.mark.parametrize(
    "content",
    [b"", b"not images at all", gzip.compress(b"x", mtime=0)],  # a time in a test's name would differ between processes
    ids=["empty", "text", "gzip"],
)
def test_images_of_another_kind_are_said_to_be_damaged(tmp_path: Path, content: bytes) -> None:
    raw = write_mnist(tmp_path, train=120, test=30)
    (raw / "t10k-labels-idx1-ubyte").write_bytes(content)
    with pytest.raises(DataDamaged, match="cannot be read"):
        load(tmp_path, kind="mnist")


@pytest.mark.parametrize(
    ("kind", "folder", "names"),
    [
        (
            "cifar10",
            "cifar-10-batches-py",
            [*(f"data_batch_{part}" for part in range(1, 6)), "test_batch", "batches.meta"],
        ),
        ("cifar100", "cifar-100-python", ["train", "test", "meta"]),
    ],
)
def test_cifar_files_that_are_not_torchvisions_are_never_unpickled(
    tmp_path: Path, kind: str, folder: str, names: list[str]
) -> None:
    (tmp_path / folder).mkdir()
    for name in names:
        (tmp_path / folder / name).write_bytes(b"cbuiltins\nexec\n(S'raise SystemExit(3)'\ntR.")
    with pytest.raises(DataDamaged, match=rf"cannot be read: {names[0]}, .*{names[-2]} cut short or changed"):
        load(tmp_path, kind=kind)


def test_cifar_100_comes_in_its_hundred_fine_classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torchvision.datasets import CIFAR100

    def write(name: str, content: dict[str, Any]) -> str:
        packed = pickle.dumps(content)
        (tmp_path / "cifar-100-python" / name).write_bytes(packed)
        return hashlib.md5(packed).hexdigest()

    (tmp_path / "cifar-100-python").mkdir()
    sums = {}
    for name, samples in (("train", 400), ("test", 200)):
        fine = [index % 100 for index in range(samples)]
        pixels = np.repeat(np.array(fine, np.uint8)[:, None], 3072, axis=1)
        sums[name] = write(name, {"data": pixels, "fine_labels": fine, "coarse_labels": [0] * samples})
    meta = write("meta", {"fine_label_names": [str(number) for number in range(100)]})
    # The real files are not at hand: torchvision's own sums are exchanged for those of the ones made here.
    monkeypatch.setattr(CIFAR100, "train_list", [["train", sums["train"]]])
    monkeypatch.setattr(CIFAR100, "test_list", [["test", sums["test"]]])
    monkeypatch.setattr(CIFAR100, "meta", CIFAR100.meta | {"md5": meta})
    data = load(tmp_path, kind="cifar100", probe=100)
    assert (data.classes, len(data.train), len(data.probe), len(data.test)) == (100, 300, 100, 200)
    assert torch.bincount(data.probe.labels).tolist() == [1] * 100
    assert (data.train.pixels[:, 0, 0, 0].long() == data.train.labels).all()
    assert data.train.augmentation == Augmentation(shift=4, mirror=True)


def test_a_set_is_normalised_by_the_constants_of_the_whole_set(tmp_path: Path) -> None:
    from torchvision.transforms.functional import normalize

    write_mnist(tmp_path, train=120, test=30)
    data = load(tmp_path, kind="mnist", train_samples=100)
    wanted = normalize(data.test.pixels.float() / 255, [0.1307], [0.3081])  # as torch's own MNIST example does
    assert torch.allclose(data.normalise(data.test.pixels), wanted, atol=1e-5)


def test_augmentation_moves_each_image_by_its_own_whole_pixels() -> None:
    pixels = torch.zeros(64, 1, 9, 9, dtype=torch.uint8)
    pixels[:, :, 4, 4] = 200
    moved = Augmentation(shift=2, mirror=False)(pixels, torch.Generator().manual_seed(0))
    assert moved.shape == pixels.shape
    assert (moved.sum(dim=(1, 2, 3)) == 200).all()
    places = {tuple(place) for place in moved[:, 0].nonzero()[:, 1:].tolist()}
    assert {row for row, _ in places} == {2, 3, 4, 5, 6} == {column for _, column in places}


def test_augmentation_mirrors_about_half_of_the_images_and_keeps_colours_together() -> None:
    pixels = torch.arange(3, dtype=torch.uint8).view(1, 3, 1, 1) * 50 + torch.arange(8, dtype=torch.uint8)
    pixels = pixels.expand(200, 3, 8, 8).contiguous()
    mirrored = Augmentation(shift=0, mirror=True)(pixels, torch.Generator().manual_seed(0))
    turned = (mirrored == pixels.flip(3)).all(dim=(1, 2, 3))
    assert (turned | (mirrored == pixels).all(dim=(1, 2, 3))).all()
    assert 70 < turned.sum() < 130


def test_an_epoch_takes_every_image_once_in_an_order_of_its_own(tmp_path: Path) -> None:
    write_mnist(tmp_path, train=120, test=30)
    data = load(tmp_path, kind="mnist", augment=False, probe=20)
    random = torch.Generator().manual_seed(0)
    epochs = [torch.cat([labels for _, labels in data.training_batches(30, random)]) for _ in range(2)]
    assert counts(epochs[0]) == counts(epochs[1]) == [10] * 10
    assert epochs[0].tolist() != epochs[1].tolist()


def test_processes_that_train_together_vary_their_images_as_one_does(tmp_path: Path) -> None:
    write_mnist(tmp_path, train=120, test=30)
    data = load(tmp_path, kind="mnist", augment=True, probe=20)
    random = torch.Generator().manual_seed(0)
    whole, left = torch.cat([inputs for inputs, _ in data.training_batches(33, random)]), random.get_state()
    parts = []
    for rank in range(3):
        random.manual_seed(0)
        parts.append([i for i, _ in replace(data, share=Share(rank, 3)).training_batches(33, random)])
        assert torch.equal(random.get_state(), left)
    # 100 images: the one that is left over joins the third batch
    assert [[len(inputs) for inputs in part] for part in parts] == [[11, 11, 11], [11, 11, 11], [11, 11, 12]]
    assert torch.equal(torch.cat([part for batch in zip(*parts, strict=True) for part in batch]), whole)


@pytest.mark.parametrize(
    ("samples", "size", "bounds"),
    [
        (10, 5, [(0, 5), (5, 10)]),
        (12, 5, [(0, 5), (5, 10), (10, 12)]),
        (11, 5, [(0, 5), (5, 11)]),
        (3, 5, [(0, 3)]),
        (1, 5, [(0, 1)]),
        (2, 1, [(0, 1), (1, 2)]),
    ],
)
def test_batches_cover_all_images_and_none_holds_one_left_over(
    samples: int, size: int, bounds: list[tuple[int, int]]
) -> None:
    assert batch_bounds(samples, size) == bounds


def test_reading_batches_leaves_the_images_as_they_were(tmp_path: Path) -> None:
    data = load(tmp_path, kind="synthetic", train_samples=60, test_samples=20)
    for images in (data.train, data.test, data.probe):
        before = images.pixels.clone()
        first, second = ([batch for batch, _ in data.batches(images, 7)] for _ in range(2))
        assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
        list(data.training_batches(7, torch.Generator()))
        assert torch.equal(images.pixels, before)


def test_synthetic_images_are_the_same_whatever_the_seed(tmp_path: Path) -> None:
    one, two = (
        load_data(
            RunConfig.model_validate({"data": {"kind": "synthetic"}, "training": {"seed": seed}}),
            Workplace(tmp_path),
            CPU,
        )
        for seed in (0, 1)
    )
    assert torch.equal(one.test.pixels, two.test.pixels)
    assert not torch.equal(one.probe.pixels, two.probe.pixels)


def test_synthetic_scenes_have_a_class_for_every_pixel_but_the_rims(tmp_path: Path) -> None:
    data = load(tmp_path, kind="synthetic-segmentation", classes=5, train_samples=60, test_samples=20)
    assert (data.task, data.ignore_index, data.classes) == ("segmentation", 255, 5)
    assert (data.channels, data.height, data.width, len(data.train), len(data.probe)) == (3, 32, 32, 40, 20)
    inputs, targets = next(data.training_batches(7, torch.Generator().manual_seed(0)))
    assert (inputs.shape, targets.shape, targets.dtype) == ((7, 3, 32, 32), (7, 32, 32), torch.int64)
    assert set(data.train.labels.unique().tolist()) == {0, 1, 2, 3, 4, 255}
    ground = data.train.pixels.permute(0, 2, 3, 1)[data.train.labels == 0]
    assert ground.std(dim=0).tolist() == pytest.approx([0.5] * 3, abs=0.02)  # the ground's colour under noise alone
