"""The real sets, where they are: what the small made-up files of other tests stand for.

`NEQ_TEST_DATA` names the folder that holds them packed. A test whose set is not there is skipped by its name.
"""

from pathlib import Path
from typing import Any

import pytest
import torch

from contract.config import RunConfig
from contract.errors import DataDamaged
from contract.events import EpochFinished, RunStarted
from tests.trainer.pictures import restored
from trainer.data import ImageData, TensorImages, load_data
from trainer.engines.environment import Workplace
from trainer.training import train

pytestmark = pytest.mark.process

Epochs = list[EpochFinished]
DEEPLAB = {"kind": "torchvision-segmentation", "name": "deeplabv3_mobilenet_v3_large"}


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
    assert isinstance(data.train, TensorImages)
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
    with pytest.raises(
        DataDamaged, match=r"CIFAR-10 in the data folder .* cannot be read: data_batch_3 cut short or changed\."
    ):
        load(tmp_path, {"kind": "cifar10"})


@pytest.mark.parametrize("feed", ["memory", "stream"])
def test_a_part_of_imagenet_comes_in_both_ways(tiny_imagenet: Path, feed: str) -> None:
    data = load(
        tiny_imagenet,
        {"kind": "image-folder", "folder": "tiny-imagenet-20", "size": 64, "train_samples": 2000, "loading": feed},
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
            "ignore_index": 11,
            "resize": 90,
            "crop": 80,
            "train_samples": 60,
            "loading": feed,
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


LEARNS: dict[str, Any] = {
    "optimizer": {"kind": "adam", "learning_rate": 1e-3},
    "schedule": {"kind": "constant"},
    "compute": {"device": "cpu"},
}


def trained(root: Path, *, epochs: int, batch_size: int, probe: int, **config: Any) -> tuple[RunStarted, Epochs]:
    """The beginning of a run, and its epochs."""
    described = RunConfig.model_validate(
        {
            **LEARNS,
            **config,
            "training": {"epochs": epochs, "batch_size": batch_size},
            "neq": {"probe": {"kind": "split", "samples": probe}},
        }
    )
    events = list(train(described, Workplace(root, threads=1)))
    started = next(event for event in events if isinstance(event, RunStarted))
    assert events[-1].kind == "run_finished"
    return started, [event for event in events if isinstance(event, EpochFinished)]


@pytest.mark.endurance
def test_the_papers_network_learns_cifar_10_and_its_neurons_come_to_rest(cifar10: Path) -> None:
    data = {"kind": "cifar10", "train_samples": 320, "test_samples": 100}
    model = {"kind": "resnet-cifar", "depth": 32}
    started, epochs = trained(cifar10, data=data, model=model, epochs=3, batch_size=20, probe=20)
    assert (started.neurons, started.train_samples, started.test_samples) == (2282, 300, 100)
    assert epochs[-1].test_accuracy > 0.15  # chance is 0.1
    assert epochs[-1].train_loss < epochs[0].train_loss - 0.2
    assert [epoch.frozen_fraction > 0 for epoch in epochs] == [False, True, True]


@pytest.mark.endurance
def test_deeplabv3_learns_street_scenes(camvid: Path) -> None:
    data = {
        "kind": "mask-folder",
        "folder": "camvid12",
        "classes": 11,
        "ignore_index": 11,
        "resize": 64,
        "crop": 64,
        "train_samples": 56,
        "test_samples": 20,
    }
    started, epochs = trained(camvid, data=data, model=DEEPLAB, epochs=2, batch_size=8, probe=8)
    assert (started.task, started.train_samples, started.test_samples) == ("segmentation", 48, 20)
    assert epochs[-1].train_loss < epochs[0].train_loss - 0.2
    assert epochs[-1].test_accuracy > 0.35  # building, the most frequent class, is a quarter of the pixels
    assert 0.05 < epochs[-1].scores["miou"] < 1


@pytest.mark.endurance
def test_deeplabv3_learns_photographs_in_vocs_21_classes(coco128: Path) -> None:
    data = {"kind": "voc", "resize": 64, "crop": 64, "train_samples": 48, "test_samples": 20}
    started, epochs = trained(coco128, data=data, model=DEEPLAB, epochs=2, batch_size=8, probe=8)
    assert (started.task, started.train_samples, started.test_samples) == ("segmentation", 40, 20)
    assert epochs[-1].train_loss < epochs[0].train_loss - 0.2
    assert 0 < epochs[-1].scores["miou"] < 1


@pytest.mark.endurance
def test_a_torchvision_network_learns_from_photographs_read_as_it_trains(tiny_imagenet: Path) -> None:
    data = {"kind": "image-folder", "folder": "tiny-imagenet-20", "size": 32, "train_samples": 420, "loading": "stream"}
    started, epochs = trained(
        tiny_imagenet,
        data=data | {"test_samples": 200},
        model={"kind": "torchvision", "name": "resnet18"},
        epochs=2,
        batch_size=20,
        probe=20,
    )
    assert (started.train_samples, started.test_samples) == (400, 200)
    assert epochs[-1].train_loss < epochs[0].train_loss - 0.2
    assert epochs[-1].test_accuracy > 0.075  # chance among 20 classes is 0.05
