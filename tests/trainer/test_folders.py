"""People's own folders: what is found in them, and what is said of those that cannot be learnt from."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from contract.config import RunConfig
from contract.errors import DataDamaged, DataMissing, RunError
from tests.trainer.pictures import class_folder, mask_folder, photograph, save, scene
from trainer.data import ImageData, load_data
from trainer.data.sources.image_folders import folder_below
from trainer.engines.environment import Workplace

pytestmark = pytest.mark.slow

CPU = torch.device("cpu")


def load(root: Path, probe: int = 2, **data: Any) -> ImageData:
    model = {"kind": "cnn" if data["kind"] == "image-folder" else "torchvision-segmentation"}
    config = {"data": {"folder": "mine"} | data, "model": model, "neq": {"probe": {"kind": "split", "samples": probe}}}
    return load_data(RunConfig.model_validate(config), Workplace(root), CPU)


def images(root: Path, **data: Any) -> ImageData:
    return load(root, **{"kind": "image-folder", "size": 16} | data)


def scenes(root: Path, **data: Any) -> ImageData:
    return load(root, **{"kind": "mask-folder", "classes": 3, "resize": 20, "crop": 16} | data)


def classes_of(data: ImageData, part: str = "train") -> list[int]:
    targets = torch.cat([targets for _, targets in data.batches(getattr(data, part), 8)])
    return torch.bincount(targets, minlength=data.classes).tolist()


def test_training_and_validation_folders_are_used_as_they_are(tmp_path: Path) -> None:
    class_folder(tmp_path / "mine" / "train", {"b": 6, "a": 4, "c": 5})
    class_folder(tmp_path / "mine" / "val", {"c": 3, "a": 1})  # a class may be missing in testing
    data = images(tmp_path)
    assert data.classes == 3
    assert classes_of(data, "test") == [1, 0, 3]  # by name: a, b, c
    assert sum(classes_of(data)) == 13


def test_a_folder_without_a_test_set_is_parted_the_same_way_whatever_the_seed(tmp_path: Path) -> None:
    class_folder(tmp_path / "mine", {"a": 20, "b": 20})
    tested = []
    for seed in (0, 1):
        config = {
            "data": {"kind": "image-folder", "folder": "mine", "size": 16, "test_fraction": 0.25},
            "training": {"seed": seed},
            "neq": {"probe": {"samples": 2}},
        }
        data = load_data(RunConfig.model_validate(config), Workplace(tmp_path), CPU)
        assert (len(data.train), len(data.test), len(data.probe)) == (28, 10, 2)
        assert classes_of(data, "test") == [5, 5]
        tested.append(next(data.batches(data.test, 10))[0])
    assert torch.equal(*tested)


def test_fewer_training_images_stay_balanced(tmp_path: Path) -> None:
    class_folder(tmp_path / "mine" / "train", {"a": 30, "b": 15})
    class_folder(tmp_path / "mine" / "val", {"a": 1, "b": 1})
    assert classes_of(images(tmp_path, train_samples=20)) == [9, 9]


def test_fewer_test_images_stay_balanced_and_more_than_there_are_is_all(tmp_path: Path) -> None:
    class_folder(tmp_path / "mine" / "train", {"a": 9, "b": 9})
    class_folder(tmp_path / "mine" / "val", {"a": 30, "b": 15})
    assert classes_of(images(tmp_path, test_samples=20), "test") == [10, 10]
    assert classes_of(images(tmp_path, test_samples=99), "test") == [30, 15]
    assert classes_of(images(tmp_path), "test") == [30, 15]


@pytest.mark.parametrize("name", ["..", ".", ".hidden", "a/b", "/etc", "a\\b", "C:data", "a\x00b", "", "  "])
@pytest.mark.parametrize("kind", ["image-folder", "mask-folder"])
def test_a_folder_is_a_name_and_no_path(name: str, kind: str) -> None:
    with pytest.raises(ValidationError) as error:
        RunConfig.model_validate({"data": {"kind": kind, "folder": name, "classes": 3}})
    assert any(item["loc"][-1] == "folder" for item in error.value.errors())


@pytest.mark.parametrize("name", ["..", "../outside", "/", "a/../../outside", "mine/train"])
def test_a_name_that_slipped_through_is_refused_where_the_folder_is_opened(tmp_path: Path, name: str) -> None:
    class_folder(tmp_path / "data" / "mine" / "train", {"a": 1, "b": 1})
    class_folder(tmp_path / "outside", {"a": 1, "b": 1})
    with pytest.raises(RunError, match="leads out of the data folder"):
        folder_below(tmp_path / "data", name)


def test_a_link_out_of_the_data_folder_is_refused_wherever_it_is(tmp_path: Path) -> None:
    root, outside = tmp_path / "data", class_folder(tmp_path / "outside", {"a": 9, "b": 9})
    root.mkdir()
    (root / "mine").symlink_to(outside)
    with pytest.raises(RunError, match="'mine' leads out of the data folder"):
        images(root)
    (root / "mine").unlink()
    class_folder(root / "mine", {"a": 9, "b": 9})
    assert len(images(root).train) == 12
    (root / "mine" / "c").symlink_to(outside / "a")
    with pytest.raises(RunError, match=r"mine/c/\S+ is a link that leads out"):
        images(root)
    (root / "mine" / "c").unlink()
    (root / "mine" / "b" / "zz.png").symlink_to(outside / "a" / "000.png")
    with pytest.raises(RunError, match=r"mine/b/zz\.png is a link that leads out"):
        images(root)


def test_a_link_within_the_data_folder_is_followed(tmp_path: Path) -> None:
    class_folder(tmp_path / "stock", {"a": 9, "b": 9})
    (tmp_path / "mine").symlink_to("stock")
    assert len(images(tmp_path).train) == 12


def test_a_folder_that_is_not_there_is_said_with_those_that_are(tmp_path: Path) -> None:
    for name in ("cats", "birds"):
        (tmp_path / name).mkdir()
    with pytest.raises(DataMissing, match="no folder 'mine'") as error:
        images(tmp_path)
    assert "birds, cats" in str(error.value.remedy)


@pytest.mark.parametrize(
    ("counts", "words"),
    [({}, "holds no class folder"), ({"a": 3}, "holds one class folder, 'a'"), ({"a": 3, "b": 0}, "classes b")],
)
def test_a_folder_that_teaches_nothing_is_refused(tmp_path: Path, counts: dict[str, int], words: str) -> None:
    (tmp_path / "mine").mkdir()
    for name in counts:
        (tmp_path / "mine" / name).mkdir()
    class_folder(tmp_path / "mine", counts)
    with pytest.raises(RunError, match=words) as error:
        images(tmp_path)
    assert "mine" in error.value.message
    assert error.value.remedy


def test_a_class_that_is_tested_and_never_trained_on_is_refused(tmp_path: Path) -> None:
    class_folder(tmp_path / "mine" / "train", {"a": 5, "b": 5})
    class_folder(tmp_path / "mine" / "val", {"a": 2, "x": 2})
    with pytest.raises(RunError, match="mine/val has the class 'x', which mine/train has not"):
        images(tmp_path)


def test_a_part_of_imagenet_is_not_taken_for_the_whole(tmp_path: Path) -> None:
    for part in ("train", "val"):
        class_folder(tmp_path / "imagenet" / part, {"n01440764": 2, "n01443537": 2})
    with pytest.raises(RunError, match="2 class folders, and ImageNet has 1000") as error:
        load_data(RunConfig.model_validate({"data": {"kind": "imagenet"}}), Workplace(tmp_path), CPU)
    assert "image-folder" in str(error.value.remedy)


@pytest.mark.parametrize("feed", ["memory", "stream"])
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not an image",
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    ],
    ids=["empty", "text", "cut in its head", "PostScript"],
)
def test_a_file_that_is_no_image_is_named(tmp_path: Path, feed: str, content: bytes) -> None:
    class_folder(tmp_path / "mine", {"a": 12, "b": 12})
    (tmp_path / "mine" / "a" / "005.png").write_bytes(content)
    with pytest.raises(DataDamaged, match=r"The image mine/a/005\.png in the data folder cannot be decoded") as error:
        seen_once(images(tmp_path, loading=feed))
    assert error.value.remedy


@pytest.mark.parametrize("feed", ["memory", "stream"])
@pytest.mark.parametrize("ending", [".jpg", ".png"])
def test_an_image_cut_short_is_named(tmp_path: Path, feed: str, ending: str) -> None:
    class_folder(tmp_path / "mine", {"a": 12, "b": 12})
    file = save(tmp_path / "mine" / "b" / f"cut{ending}", photograph(1, 60, 60))
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(DataDamaged, match=rf"mine/b/cut\{ending} in the data folder cannot be decoded"):
        seen_once(images(tmp_path, loading=feed))


def test_a_loaders_process_says_which_file_it_cannot_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.data.loading.loader_processes", lambda *_: 2)
    class_folder(tmp_path / "mine", {"a": 12, "b": 12})
    data = images(tmp_path, loading="stream")
    (tmp_path / "mine" / "a" / "003.png").unlink()
    with pytest.raises(DataDamaged, match=r"The image mine/a/003\.png in the data folder is not there") as error:
        seen_once(data)
    assert error.value.remedy


def seen_once(data: ImageData) -> None:
    for part in (data.train, data.test, data.probe):
        for _ in data.batches(part, 4):
            pass


def test_masks_stay_with_their_images(tmp_path: Path) -> None:
    mask_folder(tmp_path / "mine", {"train": 8, "test": 4})
    data = scenes(tmp_path, loading="memory", train_samples=None)
    assert (data.task, data.classes, len(data.train), len(data.test)) == ("segmentation", 3, 6, 4)
    _, targets = next(data.batches(data.test, 1))
    # 30 columns in bands of 10 become 25: column x shows column ⌊1.2 x + 0.6⌋, so 0 – 7 show the first band,
    # 8 – 16 the second, 17 – 23 the third, and 24 the last column, which is of no class.
    assert targets[0, 0].bincount(minlength=256)[[0, 1, 2, 255]].tolist() == [8, 9, 7, 1]


def test_scenes_without_a_test_set_are_parted(tmp_path: Path) -> None:
    mask_folder(tmp_path / "mine", {"train": 10})
    data = scenes(tmp_path, test_fraction=0.3)
    assert (len(data.train), len(data.probe), len(data.test)) == (5, 2, 3)


def test_a_number_may_stand_for_no_class(tmp_path: Path) -> None:
    mask_folder(tmp_path / "mine", {"train": 8, "val": 2}, classes=4)
    with pytest.raises(DataDamaged, match="holds the class number 3, and there are 3 classes") as error:
        seen_once(scenes(tmp_path))
    assert "data.classes to at least 4" in str(error.value.remedy)
    data = scenes(tmp_path, ignore_index=3)
    assert {0, 1, 2, 255} == set(torch.cat([t.flatten() for _, t in data.batches(data.test, 1)]).tolist())


@pytest.mark.parametrize("feed", ["memory", "stream"])
def test_a_mask_of_another_size_is_named(tmp_path: Path, feed: str) -> None:
    mask_folder(tmp_path / "mine", {"train": 8, "val": 2})
    save(tmp_path / "mine" / "trainannot" / "004.png", scene(0, 24, 29, 3)[1])
    with pytest.raises(DataDamaged, match=r"mine/trainannot/004\.png is 29 × 24, its image 30 × 24 pixels"):
        seen_once(scenes(tmp_path, loading=feed))


def test_a_mask_in_colour_is_refused(tmp_path: Path) -> None:
    mask_folder(tmp_path / "mine", {"train": 8, "val": 2})
    save(tmp_path / "mine" / "valannot" / "001.png", np.full((24, 34, 3), (128, 0, 0), np.uint8))
    with pytest.raises(DataDamaged, match=r"mine/valannot/001\.png is an image of mode RGB") as error:
        seen_once(scenes(tmp_path))
    assert "class numbers" in str(error.value.remedy)


def test_an_image_without_a_mask_is_named(tmp_path: Path) -> None:
    mask_folder(tmp_path / "mine", {"train": 8, "val": 2})
    (tmp_path / "mine" / "trainannot" / "002.png").unlink()
    with pytest.raises(DataMissing, match=r"mine/train/002\.png has no mask in mine/trainannot\."):
        scenes(tmp_path)
    (tmp_path / "mine" / "trainannot" / "004.png").unlink()
    with pytest.raises(DataMissing, match=r"has no mask in mine/trainannot, nor has 1 other\."):
        scenes(tmp_path)
    (tmp_path / "mine" / "trainannot" / "006.png").unlink()
    with pytest.raises(DataMissing, match=r"has no mask in mine/trainannot, nor have 2 others\."):
        scenes(tmp_path)


def test_scenes_need_images_and_masks(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    with pytest.raises(DataMissing, match="There is no folder mine/train "):
        scenes(tmp_path)
    (tmp_path / "mine" / "train").mkdir()
    with pytest.raises(DataMissing, match="mine/train holds no images"):
        scenes(tmp_path)


def test_more_probe_images_than_half_are_refused(tmp_path: Path) -> None:
    class_folder(tmp_path / "mine" / "train", {"a": 5, "b": 5})
    class_folder(tmp_path / "mine" / "val", {"a": 2, "b": 2})
    with pytest.raises(RunError, match="6 probe images of 10"):
        images(tmp_path, probe=6)
