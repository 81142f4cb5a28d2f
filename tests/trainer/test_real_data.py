"""The real sets, where they are: what the small made-up files of other tests stand for.

`NEQ_TEST_DATA` names the folder that holds them packed. A test whose set is not there is skipped by its name.
"""

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainer.pictures import restored
from trainer.config import RunConfig
from trainer.data import ImageData, Images, load_data
from trainer.engines.workplace import Workplace
from trainer.errors import DataDamaged
from trainer.loop import train


def load(root: Path, data: dict[str, Any], probe: int = 20) -> ImageData:
    segments = data["kind"] in ("voc", "mask-folder")
    config = {
        "data": data,
        "model": {"kind": "torchvision-segmentation" if segments else "cnn"},
        "neq": {"probe": {"kind": "split", "samples": probe}},
    }
    return load_data(RunConfig.model_validate(config), Workplace(root), torch.device("cpu"))


@pytest.fixture(scope="module")
def cifar10(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return restored("cifar10", tmp_path_factory.mktemp("cifar10"))


@pytest.fixture(scope="module")
def tiny_imagenet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return restored("tiny-imagenet-20", tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def camvid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return restored("camvid12", tmp_path_factory.mktemp("camvid"))


@pytest.fixture(scope="module")
def coco128(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return restored("coco128-voc21-small", tmp_path_factory.mktemp("coco128"))


def test_cifar_10_is_whole_balanced_and_normalised(cifar10: Path) -> None:
    data = load(cifar10, {"kind": "cifar10"}, probe=50)
    assert isinstance(data.train, Images)
    assert (len(data.train), len(data.probe), len(data.test)) == (49_950, 50, 10_000)
    assert torch.bincount(data.train.labels).tolist() == [4995] * 10
    seen = torch.cat([data.normalise(part).double() for part in data.train.pixels.split(10_000)])
    assert seen.mean(dim=(0, 2, 3)).tolist() == pytest.approx([0] * 3, abs=1e-3)
    assert seen.std(dim=(0, 2, 3)).tolist() == pytest.approx([1] * 3, abs=1e-3)


def test_cifar_10_with_a_batch_cut_short_is_said_to_be_damaged(cifar10: Path, tmp_path: Path) -> None:
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    for file in (cifar10 / "cifar-10-batches-py").iterdir():
        content = file.read_bytes()
        (folder / file.name).write_bytes(content[:-100] if file.name == "data_batch_3" else content)
    with pytest.raises(DataDamaged, match=r"CIFAR-10 in the data folder .* cannot be read"):
        load(tmp_path, {"kind": "cifar10"})


@pytest.mark.parametrize("feed", ["memory", "stream"])
def test_a_part_of_imagenet_comes_in_both_ways(tiny_imagenet: Path, feed: str) -> None:
    data = load(
        tiny_imagenet,
        {"kind": "image-folder", "folder": "tiny-imagenet-20", "size": 64, "train_samples": 2000, "feed": feed},
        probe=40,
    )
    assert (data.classes, len(data.train), len(data.probe), len(data.test)) == (20, 1960, 40, 1000)
    inputs, targets = zip(*data.training_batches(100, torch.Generator().manual_seed(0)), strict=True)
    assert torch.bincount(torch.cat(targets)).tolist() == [98] * 20
    pixels = torch.cat(inputs)
    assert pixels.shape[1:] == (3, 64, 64)
    assert pixels.mean().abs() < 0.4  # photographs, by constants of all of ImageNet
    assert 0.8 < pixels.std() < 1.2


@pytest.mark.parametrize("feed", ["memory", "stream"])
def test_street_scenes_keep_their_classes(camvid: Path, feed: str) -> None:
    data = load(
        camvid,
        {
            "kind": "mask-folder",
            "folder": "camvid12",
            "classes": 11,
            "unlabelled": 11,
            "resize": 90,
            "crop": 80,
            "train_samples": 60,
            "feed": feed,
        },
    )
    assert (data.classes, len(data.train), len(data.probe), len(data.test)) == (11, 40, 20, 101)
    inputs, targets = next(data.batches(data.test, 101))
    assert inputs.shape == (101, 3, 90, 120)
    shares = targets.flatten().bincount(minlength=256) / targets.numel()
    # As published for CamVid: road, building, sky fill most of a scene; signs and cyclists nearly nothing.
    assert shares[[0, 1, 3]].sum() > 0.5
    assert shares[255] < 0.1
    assert shares[11:255].sum() == 0


def test_scenes_in_vocs_layout_come_in_sizes_of_their_own(coco128: Path) -> None:
    data = load(coco128, {"kind": "voc", "resize": 96, "crop": 64})
    assert (data.classes, len(data.train), len(data.probe), len(data.test)) == (21, 80, 20, 100)
    met: set[int] = set()
    for inputs, targets in data.batches(data.test, 1):
        assert min(inputs.shape[2:]) == 96
        assert targets.shape == (1, *inputs.shape[2:])
        met |= set(targets.unique().tolist())
    assert met <= {*range(21), 255}
    assert len(met) > 15


def test_a_network_learns_from_photographs_read_as_it_trains(tiny_imagenet: Path) -> None:
    config = RunConfig.model_validate(
        {
            "data": {
                "kind": "image-folder",
                "folder": "tiny-imagenet-20",
                "size": 32,
                "train_samples": 1500,
                "feed": "stream",
            },
            "model": {"kind": "cnn", "channels": [16, 32, 64]},
            "optimizer": {"kind": "adam"},
            "schedule": {"kind": "constant"},
            "training": {"epochs": 3, "batch_size": 50},
            "neq": {"probe": {"kind": "split", "samples": 40}},
            "compute": {"device": "cpu"},
        }
    )
    events = list(train(config, Workplace(tiny_imagenet, threads=1)))
    accuracies = [event.test_accuracy for event in events if event.kind == "epoch_finished"]
    assert accuracies[-1] > 0.1  # twice chance among 20 classes
