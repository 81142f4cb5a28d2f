"""The probe set: where its images come from, that they stay the same, and that none is trained on."""

from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from contract.config import RunConfig
from contract.errors import RunError
from tests.trainer.pictures import class_folder
from trainer.data import ImageData, load_data
from trainer.engines.environment import Workplace

pytestmark = pytest.mark.slow

CPU = torch.device("cpu")
PATTERNS: dict[str, Any] = {"kind": "synthetic", "classes": 4, "train_samples": 200, "test_samples": 40}


def config(probe: dict[str, Any], *, seed: int = 0, data: dict[str, Any] = PATTERNS) -> RunConfig:
    return RunConfig.model_validate({"data": data, "neq": {"probe": probe}, "training": {"seed": seed}})


def load(probe: dict[str, Any], root: Path = Path(), **rest: Any) -> ImageData:
    return load_data(config(probe, **rest), Workplace(root), CPU)


def keys(data: ImageData, part: str) -> list[float]:
    """A number an image, which tells these noisy ones apart."""
    return [image.sum().item() for image in getattr(data, part).pixels.double()]


EVERY = [
    {"kind": "split", "samples": 20},
    {"kind": "fraction", "fraction": 0.1},
    {"kind": "test", "samples": 20},
    {"kind": "noise", "samples": 20},
    {"kind": "single"},
]


@pytest.mark.parametrize("probe", EVERY, ids=lambda probe: probe["kind"])
def test_the_seed_draws_the_same_images_again_and_another_one_others(probe: dict[str, Any]) -> None:
    first, again, other = (load(probe, seed=seed) for seed in (3, 3, 4))
    assert torch.equal(first.probe.pixels, again.probe.pixels)
    assert keys(first, "train") == keys(again, "train")
    assert keys(first, "probe") != keys(other, "probe")


@pytest.mark.parametrize("probe", EVERY, ids=lambda probe: probe["kind"])
def test_no_probe_image_is_trained_on(probe: dict[str, Any]) -> None:
    data = load(probe)
    assert not set(keys(data, "train")) & set(keys(data, "probe"))
    assert len(data.train) == 200 - {"split": 20, "fraction": 20, "single": 1}.get(probe["kind"], 0)


@pytest.mark.parametrize("probe", EVERY[:3], ids=lambda probe: probe["kind"])
def test_images_are_balanced_by_class(probe: dict[str, Any]) -> None:
    assert torch.bincount(load(probe).probe.labels).tolist() == [5, 5, 5, 5]


@pytest.mark.parametrize(("fraction", "images"), [(0.001, 1), (0.01, 2), (0.123, 25), (0.5, 100)])
def test_a_share_is_rounded_and_holds_at_least_one_image(fraction: float, images: int) -> None:
    data = load({"kind": "fraction", "fraction": fraction})
    assert (len(data.probe), len(data.train)) == (images, 200 - images)


def test_images_of_the_test_set_stay_in_it() -> None:
    data = load({"kind": "test", "samples": 12})
    assert len(data.test) == 40
    assert set(keys(data, "probe")) < set(keys(data, "test"))


def test_more_images_than_the_test_set_has_are_refused() -> None:
    with pytest.raises(RunError, match="41 probe images cannot be taken from 40 test images") as error:
        load({"kind": "test", "samples": 41})
    assert "at most 40" in str(error.value.remedy)


def test_noise_has_the_images_mean_and_deviation_and_their_shape() -> None:
    data = load({"kind": "noise", "samples": 500}, data={"kind": "fashion-mnist-mini", "train_samples": 1000})
    assert (len(data.probe), data.probe.shape, len(data.train)) == (500, data.train.shape, 1000)
    seen = torch.cat([inputs for inputs, _ in data.batches(data.probe, 100)])
    # 500 · 28 · 28 values: the mean within 5 / sqrt(392,000), the deviation within 5 / sqrt(2 · 392,000)
    assert seen.mean().item() == pytest.approx(0, abs=0.008)
    assert seen.std().item() == pytest.approx(1, abs=0.006)
    pixels = data.train.pixels.double()
    assert data.probe.pixels.mean().item() == pytest.approx(pixels.mean().item(), rel=0.02)
    assert data.probe.pixels.std().item() == pytest.approx(pixels.std().item(), rel=0.02)


def test_a_single_image_is_the_one_that_is_named() -> None:
    whole = load({"kind": "noise", "samples": 1})
    data = load({"kind": "single", "index": 7})
    assert torch.equal(data.probe.pixels[0], whole.train.pixels[7])
    assert len(data.train) == 199
    assert keys(data, "train") == [key for index, key in enumerate(keys(whole, "train")) if index != 7]


def test_an_image_beyond_the_last_is_refused_at_its_field(tmp_path: Path) -> None:
    with pytest.raises(ValidationError) as refused:
        config({"kind": "single", "index": 200})
    assert refused.value.errors()[0]["ctx"]["field"] == "neq.probe.index"
    class_folder(tmp_path / "mine", {"a": 10, "b": 10})
    own = {"kind": "image-folder", "folder": "mine", "size": 16}
    with pytest.raises(RunError, match="no training image 16: there are 16") as error:
        load({"kind": "single", "index": 16}, tmp_path, data=own)
    assert "at most 15" in str(error.value.remedy)


@pytest.mark.parametrize("feed", ["memory", "stream"])
@pytest.mark.parametrize("probe", EVERY, ids=lambda probe: probe["kind"])
def test_every_kind_of_probe_goes_with_images_from_files(tmp_path: Path, probe: dict[str, Any], feed: str) -> None:
    class_folder(tmp_path / "mine", {"a": 60, "b": 60})
    data = load(probe, tmp_path, data={"kind": "image-folder", "folder": "mine", "size": 16, "loading": feed})
    one, other = (torch.cat([inputs for inputs, _ in data.batches(data.probe, 7)]) for _ in range(2))
    assert torch.equal(one, other)
    assert one.shape == (len(data.probe), 3, 16, 16)
    held_back = len(data.probe) if probe["kind"] in ("split", "fraction", "single") else 0
    assert len(data.train) + held_back == 96  # of 120, a fifth is tested on


def test_a_probe_set_without_a_kind_is_held_back() -> None:
    assert config({"samples": 9}).neq.probe == config({"kind": "split", "samples": 9}).neq.probe
