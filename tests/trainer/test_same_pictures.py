"""Pictures that are in a set twice are found however their files were saved."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from contract.errors import RunError
from tests.trainer.pictures import class_folder, mask_folder, photograph, save
from tests.trainer.test_messy_folders import found, load, passed_over


def parted(root: Path) -> Path:
    for part in ("train", "val"):
        class_folder(root / "mine" / part, {"alpha": 6, "beta": 6})
    return root / "mine"


def less_compressed(image: Image.Image, path: Path) -> None:
    image.save(path.with_suffix(".png"), compress_level=1)


def as_bitmap(image: Image.Image, path: Path) -> None:
    image.save(path.with_suffix(".bmp"))


def as_tiff(image: Image.Image, path: Path) -> None:
    image.save(path.with_suffix(".tif"), compression="tiff_lzw")


def with_alpha(image: Image.Image, path: Path) -> None:
    image.convert("RGBA").save(path.with_suffix(".png"))


def turned_back(image: Image.Image, path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # stored turned left, to be turned right
    image.transpose(Image.Transpose.ROTATE_90).save(path.with_suffix(".png"), exif=exif)


@pytest.mark.parametrize("save_anew", [less_compressed, as_bitmap, as_tiff, with_alpha, turned_back])
def test_a_training_image_saved_anew_is_no_test_image(
    tmp_path: Path, save_anew: Callable[[Image.Image, Path], None]
) -> None:
    mine = parted(tmp_path)
    save_anew(Image.open(mine / "train" / "alpha" / "002.png"), mine / "val" / "beta" / "other")
    with pytest.raises(
        RunError,
        match=r"mine/val/beta/other\.\w+ is in the test set and, pixel for pixel, in the training set as "
        r"mine/train/alpha/002\.png",
    ):
        load(tmp_path)


def test_grey_pictures_of_16_bits_saved_anew_are_found(tmp_path: Path) -> None:
    for part in ("train", "val"):
        for name in ("alpha", "beta"):
            (tmp_path / "mine" / part / name).mkdir(parents=True)
            for index in range(6):
                deep = photograph(hash_of(part, name, index), 12, 12)[..., 0].astype(np.uint16) * 257
                Image.fromarray(deep).save(tmp_path / "mine" / part / name / f"{index}.png")
    assert len(load(tmp_path).test) == 12
    first = Image.open(tmp_path / "mine" / "train" / "alpha" / "3.png")
    first.save(tmp_path / "mine" / "val" / "alpha" / "copy.tif")
    with pytest.raises(RunError, match=r"val/alpha/copy\.tif is in the test set and, pixel for pixel"):
        load(tmp_path)


def hash_of(part: str, name: str, index: int) -> int:
    return 1000 * (part == "val") + 100 * (name == "beta") + index


def test_training_images_saved_anew_are_not_held_back_to_test_on(tmp_path: Path) -> None:
    mine = class_folder(tmp_path / "mine", {"alpha": 10, "beta": 10})
    for index in range(10):
        less_compressed(Image.open(mine / "alpha" / f"{index:03}.png"), mine / "alpha" / f"copy{index}")
    data = load(tmp_path)
    assert passed_over(data)["copies of training images, in the test set"] >= 1
    train = {batch.pixels.numpy().tobytes() for batch in data.train.in_order(1)}
    assert not train & {batch.pixels.numpy().tobytes() for batch in data.test.in_order(1)}


def test_a_scene_saved_anew_is_refused(tmp_path: Path) -> None:
    mine = mask_folder(tmp_path / "mine", {"train": 6, "val": 3})
    less_compressed(Image.open(mine / "train" / "002.png"), mine / "val" / "again")
    shutil.copy(mine / "trainannot" / "002.png", mine / "valannot" / "again.png")
    scenes = {"kind": "mask-folder", "folder": "mine", "classes": 3, "resize": 24, "crop": 24}
    with pytest.raises(RunError, match=r"mine/val/again\.png is in the test set and, pixel for pixel"):
        load_scenes(tmp_path, scenes)


def load_scenes(root: Path, data: dict[str, object]) -> None:
    import torch

    from contract.config import RunConfig
    from trainer.data import load_data
    from trainer.engines.environment import Workplace

    config = {"data": data, "model": {"kind": "torchvision-segmentation"}, "neq": {"probe": {"samples": 2}}}
    load_data(RunConfig.model_validate(config), Workplace(root), torch.device("cpu"))


def test_pictures_of_one_colour_are_no_copies_of_each_other(tmp_path: Path) -> None:
    mine = parted(tmp_path)
    save(mine / "train" / "alpha" / "blank.png", np.full((20, 24, 3), 255, np.uint8))
    save(mine / "val" / "alpha" / "blank.bmp", np.full((20, 24, 3), 255, np.uint8))
    assert len(load(tmp_path).test) == 13


def test_a_picture_in_the_folders_of_two_classes_is_warned_of(tmp_path: Path) -> None:
    mine = class_folder(tmp_path / "mine", {"alpha": 10, "beta": 10})
    for index in range(4):
        shutil.copy(mine / "alpha" / f"{index:03}.png", mine / "beta" / f"dup{index}.png")
    warnings = found(load(tmp_path)).warnings
    assert any(
        each.startswith(
            "4 pictures lie in the folders of several classes (mine/alpha/000.png and mine/beta/dup0.png; mine/alpha/"
        )
        for each in warnings
    ), warnings
    less_compressed(Image.open(mine / "alpha" / "004.png"), mine / "beta" / "again")
    assert any(each.startswith("5 pictures lie") for each in found(load(tmp_path)).warnings)


def test_a_contradiction_within_the_training_part_is_warned_of(tmp_path: Path) -> None:
    mine = parted(tmp_path)
    assert found(load(tmp_path)).warnings == ()
    shutil.copy(mine / "train" / "alpha" / "000.png", mine / "train" / "beta" / "dup.png")
    (warning,) = found(load(tmp_path)).warnings
    assert warning.startswith("1 picture lies in the folders of several classes (mine/train/alpha/000.png and ")


@pytest.mark.parametrize(("limit", "value", "looked_at"), [("MOST_HEADS", 12, 12), ("MOST_PIXELS", 12 * 22 * 24, 12)])
def test_it_is_said_where_not_all_pictures_are_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int, looked_at: int
) -> None:
    for part in ("train", "val"):
        class_folder(tmp_path / "mine" / part, {"alpha": 6, "beta": 6})
    assert not any("saved anew" in note for note in found(load(tmp_path)).notes)
    monkeypatch.setattr(f"trainer.data.inspection.duplicate_images.{limit}", value)
    (note,) = (note for note in found(load(tmp_path)).notes if "saved anew" in note)
    assert note == f"Pictures that were saved anew were looked for among {looked_at} of 24 images."
