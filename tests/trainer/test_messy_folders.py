"""Folders as people have them: strays, copies, parts of other names, deep and turned images."""

import os
import shutil
import tempfile
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from contract.config import RunConfig
from contract.data_report import DataFound, summary
from contract.errors import DataDamaged, DataMissing, RunError
from tests.trainer.pictures import class_folder, photograph, save
from trainer.data import ImageData, load_data
from trainer.engines.environment import Workplace

pytestmark = pytest.mark.slow

APPLE_DOUBLE = b"\0\5\x16\7\0\2\0\0Mac OS X" + b"\0" * 100


def load(root: Path, folder: str = "mine", probe: int = 2, **data: Any) -> ImageData:
    given = {"kind": "image-folder", "folder": folder, "size": 16, "augment": False} | data
    config = {"data": given, "neq": {"probe": {"kind": "split", "samples": probe}}}
    return load_data(RunConfig.model_validate(config), Workplace(root), torch.device("cpu"))


def found(data: ImageData) -> DataFound:
    assert data.found is not None
    return data.found


def passed_over(data: ImageData) -> dict[str, int]:
    return {each.reason: each.count for each in found(data).passed_over}


def table(data: ImageData) -> dict[str, tuple[int, int, int]]:
    return {each.name: (each.train, each.test, each.probe) for each in found(data).classes}


def levels(data: ImageData, name: str) -> list[int]:
    """The distinct values, as the network's 0 – 255, of the training and test images of a class."""
    number = [each.name for each in found(data).classes].index(name)
    pixels = []
    for part in (data.train, data.test, data.probe):
        pixels += [batch.pixels[batch.labels == number].flatten() for batch in part.in_order(8)]
    return torch.cat(pixels).unique().tolist()


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    return class_folder(tmp_path / "mine", {"alpha": 10, "beta": 10})


def test_what_was_found_is_told_with_its_classes_sizes_and_values(tmp_path: Path) -> None:
    class_folder(tmp_path / "mine" / "train", {"alpha": 10, "beta": 6})
    class_folder(tmp_path / "mine" / "val", {"alpha": 3, "beta": 2})
    data = load(tmp_path)
    told = found(data)
    assert table(data) == {"alpha": (9, 3, 1), "beta": (5, 2, 1)}
    assert [(part.part, part.images, part.source) for part in told.parts] == [
        ("train", 14, "mine/train"),
        ("test", 5, "mine/val"),
        ("probe", 2, "held back from training images"),
    ]
    assert told.sizes is not None
    assert (told.sizes.height, told.sizes.width, told.sizes.looked_at) == ((20, 22), (24, 24), 19)
    assert told.values is not None
    assert (told.values.white, told.values.looked_at) == (255, 19)
    assert 0 <= told.values.low < told.values.high <= 255
    assert (told.passed_over, told.notes, told.warnings, told.more_classes) == ((), (), (), None)
    assert summary(told).startswith("2 classes; 14 train, 5 test, 2 probe images; 24 × 20–22 pixels; values ")


def test_many_classes_are_folded(tmp_path: Path) -> None:
    class_folder(tmp_path / "mine", {f"c{number:03}": 2 + number % 2 for number in range(130)}, size=(8, 8))
    told = found(load(tmp_path))
    assert (told.class_count, len(told.classes)) == (130, 100)
    assert told.more_classes is not None
    assert (told.more_classes.count, told.more_classes.test) == (30, (1, 1))
    assert len(told.model_dump_json()) < 20_000


# ---------------------------------------------------------------- strays


def test_what_macos_and_windows_leave_is_passed_over_and_counted(mine: Path) -> None:
    (mine / "__MACOSX" / "alpha").mkdir(parents=True)
    for index in range(3):
        (mine / "__MACOSX" / "alpha" / f"._{index}.png").write_bytes(APPLE_DOUBLE)
        (mine / "alpha" / f"._{index:03}.png").write_bytes(APPLE_DOUBLE)
    (mine / ".DS_Store").write_bytes(b"\0" * 9)
    (mine / "alpha" / "Thumbs.db").write_bytes(b"\0" * 9)
    (mine / "beta" / "desktop.ini").write_bytes(b"[x]")
    data = load(mine.parent)
    assert passed_over(data) == {"left by macOS": 7, "left by Windows": 2}
    assert table(data) == {"alpha": (7, 2, 1), "beta": (7, 2, 1)}
    assert found(data).passed_over[0].examples


def test_jupyters_copies_are_in_neither_part(mine: Path) -> None:
    for name in ("alpha", "beta"):
        (mine / name / ".ipynb_checkpoints").mkdir()
        for index in range(5):
            target = mine / name / ".ipynb_checkpoints" / f"{index:03}-checkpoint.png"
            shutil.copy(mine / name / f"{index:03}.png", target)
    data = load(mine.parent)
    assert sum(part.images for part in found(data).parts) == 20
    assert passed_over(data) == {"in the hidden folder .ipynb_checkpoints": 10}


@pytest.mark.parametrize(("name", "target"), [("again", "../alpha"), ("up", ".."), ("self", ".")])
def test_a_link_that_leads_round_shows_nothing_twice(mine: Path, name: str, target: str) -> None:
    (mine / "alpha" / name).symlink_to(target)
    data = load(mine.parent)
    assert sum(part.images for part in found(data).parts) == 20
    assert len(passed_over(data)) == 1
    assert "link" in next(iter(passed_over(data)))


def test_links_that_lead_nowhere_and_pipes_are_passed_over(mine: Path) -> None:
    (mine / "alpha" / "gone.png").symlink_to("nowhere.png")
    os.mkfifo(mine / "beta" / "pipe.png")
    data = load(mine.parent)
    assert passed_over(data) == {"a link that leads nowhere": 1, "no regular file": 1}


def test_files_of_other_kinds_are_counted_by_their_ending(mine: Path) -> None:
    for name in ("alpha/a.heic", "alpha/b.HEIC", "beta/notes.txt", "beta/README"):
        (mine / name).write_bytes(b"x")
    save(mine / "loose.png", photograph(7, 20, 20))
    assert passed_over(load(mine.parent)) == {
        ".heic files are not read": 2,
        ".txt files are not read": 1,
        "files without an ending are not read": 1,
        "beside the class folders": 1,
    }


@pytest.mark.parametrize("ending", [".jfif", ".jpe", ".gif", ".JPG", ".Png", ".TIF", ".webp", ".bmp", ".ppm"])
def test_images_of_every_usual_ending_are_read(mine: Path, ending: str) -> None:
    kind = {".jfif": "JPEG", ".jpe": "JPEG"}.get(ending)
    for name, seed in (("alpha", 501), ("beta", 502)):
        Image.fromarray(photograph(seed, 20, 24)).save(mine / name / f"x{ending}", format=kind)
    data = load(mine.parent)
    assert sum(part.images for part in found(data).parts) == 22
    assert passed_over(data) == {}


def test_of_an_animation_the_first_picture_is_used_and_said(tmp_path: Path) -> None:
    for name, first in (("dark", 10), ("light", 200)):
        (tmp_path / "mine" / name).mkdir(parents=True)
        for index in range(4):
            frames = [Image.new("L", (8, 8), value) for value in (first + index, 90 + index)]
            frames[0].save(tmp_path / "mine" / name / f"{index}.gif", save_all=True, append_images=frames[1:])
    data = load(tmp_path)
    assert set(levels(data, "dark")) <= {10, 11, 12, 13}
    assert any("hold several pictures: the first is used" in note for note in found(data).notes)


# ---------------------------------------------------------------- copies


def test_an_image_in_both_parts_is_refused_whatever_its_name(tmp_path: Path) -> None:
    class_folder(tmp_path / "mine" / "train", {"alpha": 6, "beta": 6})
    class_folder(tmp_path / "mine" / "val", {"alpha": 3, "beta": 3})
    shutil.copy(tmp_path / "mine" / "train" / "alpha" / "004.png", tmp_path / "mine" / "val" / "beta" / "other.png")
    with pytest.raises(RunError, match=r"mine/val/beta/other\.png is in the test set and.*mine/train/alpha/004\.png"):
        load(tmp_path)


def test_files_of_one_size_and_other_content_are_no_copies(tmp_path: Path) -> None:
    for part, level in (("train", 0), ("val", 100)):
        for name in ("alpha", "beta"):
            for index in range(6):
                pixels = np.full((8, 8, 3), level + index + 20 * (name == "beta"), np.uint8)
                save(tmp_path / "mine" / part / name / f"{index}.bmp", pixels)
    assert len(load(tmp_path).test) == 12


def test_copies_within_a_folder_are_not_tested_on(mine: Path) -> None:
    for index in range(10):
        shutil.copy(mine / "alpha" / f"{index:03}.png", mine / "alpha" / f"copy{index}.png")
    data = load(mine.parent)
    train = {batch.pixels[index].numpy().tobytes() for batch in data.train.in_order(1) for index in range(1)}
    test = {batch.pixels[index].numpy().tobytes() for batch in data.test.in_order(1) for index in range(1)}
    assert not train & test
    assert passed_over(data)["copies of training images, in the test set"] >= 1


# ---------------------------------------------------------------- parts and classes


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("train", "valid"), ("training", "validation"), ("Train", "Val"), ("train", "eval"), ("train", "dev"),
        ("TRAIN", "TEST"), ("train2017", "val2017"), ("train_set", "testing"),
    ],
)  # fmt: skip
def test_parts_are_known_by_their_names(tmp_path: Path, train: str, test: str) -> None:
    class_folder(tmp_path / "mine" / train, {"alpha": 8, "beta": 8})
    class_folder(tmp_path / "mine" / test, {"alpha": 3, "beta": 3})
    data = load(tmp_path)
    assert table(data) == {"alpha": (7, 3, 1), "beta": (7, 3, 1)}
    assert [part.source for part in found(data).parts[:2]] == [f"mine/{train}", f"mine/{test}"]


def test_what_is_not_used_beside_the_parts_is_said(tmp_path: Path) -> None:
    for part in ("train", "val", "test"):
        class_folder(tmp_path / "mine" / part, {"alpha": 6, "beta": 6})
    assert found(load(tmp_path)).notes == ("Not used of mine: test.",)


@pytest.mark.parametrize("names", [("fold1", "fold2"), ("train", "holdout"), ("a", "b", "c")])
def test_parts_that_nobody_knows_are_not_taken_for_classes(tmp_path: Path, names: tuple[str, ...]) -> None:
    for part in names:
        class_folder(tmp_path / "mine" / part, {"alpha": 4, "beta": 4})
    with pytest.raises(RunError, match=r"have the same sub-folders \(alpha, beta\)") as error:
        load(tmp_path)
    assert "name them train and val" in str(error.value.remedy)


def test_parts_below_the_classes_are_not_mixed(tmp_path: Path) -> None:
    for name in ("alpha", "beta"):
        class_folder(tmp_path / "mine" / name, {"train": 4, "val": 4})
    with pytest.raises(RunError, match=r"have the same sub-folders \(train, val\)"):
        load(tmp_path)


def test_parts_without_class_folders_are_no_classes(tmp_path: Path) -> None:
    class_folder(tmp_path / "mine", {"train": 6, "val": 6})
    with pytest.raises(RunError, match="holds the parts train, val, without class folders"):
        load(tmp_path)


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    class_folder(tmp_path / "mine", {"bus": 6, "car": 6, "train": 6})
    assert list(table(load(tmp_path))) == ["bus", "car", "train"]


def test_folders_within_a_class_belong_to_it(tmp_path: Path) -> None:
    class_folder(tmp_path / "mine" / "alpha", {"images": 6, "more": 6})
    class_folder(tmp_path / "mine" / "beta", {"images": 6})
    assert sum(sum(counts) for counts in table(load(tmp_path)).values()) == 18


def test_each_class_keeps_images_to_train_on_however_unequal_they_are(tmp_path: Path) -> None:
    class_folder(tmp_path / "mine", {"common": 60, "rare": 3, "single": 1}, size=(8, 8))
    data = load(tmp_path)
    assert {name: sum(counts) for name, counts in table(data).items()} == {"common": 60, "rare": 3, "single": 1}
    assert [counts[1] for counts in table(data).values()] == [12, 1, 0]  # a fifth of each, of no class all
    assert found(data).warnings == (
        "No test image shows single: the accuracy says nothing of it.",
        "A single training image shows single, and no probe image: it is hardly learnt.",
    )


def test_a_class_with_one_image_keeps_it_to_be_trained_on(tmp_path: Path) -> None:
    class_folder(tmp_path / "mine" / "train", {"alpha": 6, "beta": 1})
    class_folder(tmp_path / "mine" / "val", {"alpha": 3, "beta": 3})
    assert table(load(tmp_path)) == {"alpha": (4, 3, 2), "beta": (1, 3, 0)}


def test_a_class_whose_images_are_all_in_the_probe_set_is_refused(tmp_path: Path) -> None:
    class_folder(tmp_path / "mine" / "train", {"alpha": 6, "beta": 2})
    class_folder(tmp_path / "mine" / "val", {"alpha": 3, "beta": 3})
    with pytest.raises(RunError, match=r"No training image shows the class 1 \(beta\)") as error:
        load(tmp_path, probe=4)
    assert "neq.probe.samples" in str(error.value.remedy)


def test_an_empty_class_is_named_with_what_was_passed_over(mine: Path) -> None:
    (mine / "gamma").mkdir()
    (mine / "gamma" / "a.heic").write_bytes(b"x")
    with pytest.raises(DataMissing, match=r"no image of the classes gamma; passed over were: 1 × \.heic files"):
        load(mine.parent)


def test_classes_that_look_the_same_are_refused_and_those_that_differ_in_case_are_said(tmp_path: Path) -> None:
    names = [unicodedata.normalize(form, "é") for form in ("NFC", "NFD")]
    class_folder(tmp_path / "mine", {names[0]: 5, names[1]: 5})
    with pytest.raises(RunError, match="two class folders called 'é'"):
        load(tmp_path)
    class_folder(tmp_path / "other", {"a": 5, "A": 5})
    assert found(load(tmp_path, "other")).warnings == ("The classes 'A' and 'a' differ in upper and lower case alone.",)


# ---------------------------------------------------------------- names


def test_names_that_are_not_utf_8_are_found_and_legible(mine: Path) -> None:
    (mine / "alpha" / "000.png").rename(mine / "alpha" / os.fsdecode(b"caf\xe9.png"))
    (mine / "beta").rename(mine / os.fsdecode(b"caf\xe9"))
    data = load(mine.parent)
    assert list(table(data)) == ["alpha", "caf\\xe9"]
    assert sum(part.images for part in found(data).parts) == 20
    found(data).model_dump_json()
    with (mine / "alpha" / os.fsdecode(b"caf\xe9.png")).open("wb"):
        pass
    with pytest.raises(
        DataDamaged, match=r"mine/alpha/caf\\xe9\.png in the data folder cannot be decoded: it is empty"
    ):
        load(mine.parent)


def test_a_folder_with_a_decomposed_name_is_found(tmp_path: Path) -> None:
    class_folder(tmp_path / unicodedata.normalize("NFD", "élevés"), {"a": 6, "b": 6})
    data = load(tmp_path, unicodedata.normalize("NFC", "élevés"))
    assert found(data).parts[0].source == unicodedata.normalize("NFC", "élevés")


def test_names_with_signs_of_every_kind_are_found_and_told_in_one_line(tmp_path: Path) -> None:
    class_folder(tmp_path / "صور 🐈 #1 100%", {"a\nb": 6, "c'\"<b>d": 6})
    assert list(table(load(tmp_path, "صور 🐈 #1 100%"))) == ["a\\nb", "c'\"<b>d"]


# ---------------------------------------------------------------- pixels


def deep_folder(root: Path, save_: Callable[[int, Path], None], values: tuple[int, int]) -> None:
    for name, value in zip(("dark", "light"), values, strict=True):
        (root / "mine" / name).mkdir(parents=True)
        for index in range(6):
            save_(value - index, root / "mine" / name / str(index))


def sixteen(value: int, path: Path) -> None:
    Image.fromarray(np.full((8, 8), value, np.uint16)).save(path.with_suffix(".png"))


def test_sixteen_bits_are_scaled_and_not_cut_off(tmp_path: Path) -> None:
    deep_folder(tmp_path, sixteen, (20_000, 60_000))
    data = load(tmp_path)
    assert levels(data, "dark") == [78]  # 20,000 of 65,535
    assert levels(data, "light") == [233]
    assert found(data).values is not None
    assert (found(data).values.high, found(data).values.white) == (60_000, 65_535)


def test_twelve_bits_in_sixteen_are_not_dark(tmp_path: Path) -> None:
    deep_folder(tmp_path, sixteen, (1000, 4000))
    data = load(tmp_path)
    assert levels(data, "light") == [249]  # 4,000 of 4,095
    assert any("4,095 is scaled to white" in note for note in found(data).notes)


@pytest.mark.parametrize(
    ("dtype", "values", "light"), [(np.float32, (0.25, 0.75), 191), (np.int32, (20_000, 60_000), 233)]
)
def test_tiffs_of_32_bits_are_scaled(tmp_path: Path, dtype: Any, values: tuple[float, float], light: int) -> None:
    for name, value in zip(("dark", "light"), values, strict=True):
        (tmp_path / "mine" / name).mkdir(parents=True)
        for index in range(6):
            pixels = np.full((8, 8), value, dtype)
            pixels[0, 0] = value * (1 - index / 1000)
            Image.fromarray(pixels).save(tmp_path / "mine" / name / f"{index}.tif")
    assert levels(load(tmp_path), "light")[-1] == light


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_that_are_not_finite_are_named(tmp_path: Path, value: float) -> None:
    for part in ("train", "val"):
        class_folder(tmp_path / "mine" / part, {"a": 6, "b": 6})
    Image.fromarray(np.full((8, 8), value, np.float32)).save(tmp_path / "mine" / "val" / "a" / "x.tif")
    with pytest.raises(DataDamaged, match=r"mine/val/a/x\.tif holds values that are not numbers, or infinite"):
        load(tmp_path, loading="stream")


def test_values_below_black_are_refused(tmp_path: Path) -> None:
    class_folder(tmp_path / "mine", {"a": 6, "b": 6})
    Image.fromarray(np.full((8, 8), -0.5, np.float32)).save(tmp_path / "mine" / "a" / "x.tif")
    with pytest.raises(DataDamaged, match=r"mine/a/x\.tif holds values from -0\.5 to -0\.5"):
        load(tmp_path)


@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp", ".tif"])
@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_images_are_seen_upright(tmp_path: Path, ending: str, orientation: int) -> None:
    turned = {3: 2, 6: 1, 8: 3}[orientation]  # quarter turns anticlockwise, by which the file is stored
    for name, bright in (("above", slice(0, 8)), ("below", slice(8, 16))):
        (tmp_path / "mine" / name).mkdir(parents=True)
        for index in range(6):
            pixels = np.zeros((16, 12, 3), np.uint8)
            pixels[bright] = 200 + index
            exif = Image.Exif()
            exif[0x0112] = orientation
            stored = Image.fromarray(np.rot90(pixels, turned).copy())
            stored.save(tmp_path / "mine" / name / f"{index}{ending}", exif=exif)
    data = load(tmp_path, size=12)
    for batch in data.test.in_order(1):
        rows = batch.pixels[0].float().mean(dim=(0, 2))
        assert (rows[0] > rows[-1]) == (int(batch.labels[0]) == 0)
    assert found(data).sizes is not None
    assert (found(data).sizes.height, found(data).sizes.width) == ((16, 16), (12, 12))


@pytest.mark.parametrize("mode", ["CMYK", "LA", "1", "P", "YCbCr", "RGBA", "L", "LAB"])
def test_images_of_every_mode_are_seen_in_their_colours(mine: Path, mode: str) -> None:
    source = Image.new("RGB", (16, 16), (200, 200, 200))
    image = source if mode == "LAB" else source.convert(mode)
    ending = {"CMYK": ".jpg", "YCbCr": ".jpg", "LAB": ".tif"}.get(mode, ".png")
    for number in (0, 1):
        image.save(mine / "alpha" / f"odd{number}{ending}", **({"comment": b"x" * number} if ending == ".jpg" else {}))
    assert sum(part.images for part in found(load(mine.parent)).parts) >= 20


def test_a_palette_with_transparency_keeps_its_colours(tmp_path: Path) -> None:
    for name, value in (("dark", 30), ("light", 220)):
        (tmp_path / "mine" / name).mkdir(parents=True)
        for index in range(6):
            image = Image.new("P", (8, 8), index)
            image.putpalette([value] * 768)
            image.save(tmp_path / "mine" / name / f"{index}.png", transparency=index)
    assert levels(load(tmp_path), "light") == [220]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "it is empty (0 bytes)"),
        (b"<!DOCTYPE html><title>403 Forbidden</title>", "it is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "it is a pointer of Git LFS"),
        (b"PK\3\4 is an archive", "it is not an image (JPEG, PNG, "),
        (b"\xff\xd8\xff and nothing that makes sense", "it is damaged"),
    ],
    ids=["empty", "web page", "Git LFS", "archive", "JPEG in name"],
)
def test_a_file_that_is_no_image_is_named_with_what_it_is(mine: Path, content: bytes, words: str) -> None:
    (mine / "alpha" / "bad.jpg").write_bytes(content)
    with pytest.raises(DataDamaged) as error:
        load(mine.parent)
    assert "mine/alpha/bad.jpg in the data folder cannot be decoded: " + words in error.value.message
    assert error.value.remedy == "Replace the file, or remove it from its set."


@pytest.mark.parametrize("ending", [".jpg", ".png", ".bmp", ".tif", ".gif", ".webp"])
def test_a_file_that_is_cut_off_or_damaged_is_said_to_be(mine: Path, ending: str) -> None:
    for number in range(3):
        file = save(mine / "alpha" / f"cut{number}{ending}", photograph(number, 64, 64))
        file.write_bytes(file.read_bytes()[: file.stat().st_size * (number + 1) // 4])
    with pytest.raises(DataDamaged) as error:
        load(mine.parent)
    assert "it is cut off" in error.value.message or "it is damaged" in error.value.message
    assert "Error" not in error.value.message
    if ending in (".jpg", ".png"):
        assert "cannot be decoded: it is cut off: its end is missing" in error.value.message


def test_a_class_of_a_single_training_image_is_warned_of(tmp_path: Path) -> None:
    class_folder(tmp_path / "mine" / "train", {"alpha": 10, "beta": 10, "rare": 1})
    class_folder(tmp_path / "mine" / "val", {"alpha": 3, "beta": 3, "rare": 1})
    assert "A single training image shows rare, and no probe image: it is hardly learnt." in (
        found(load(tmp_path)).warnings
    )


def test_files_that_are_no_images_are_named_together(tmp_path: Path) -> None:
    # More than the 500 whose heads are read of a set that is in order: broken ones are looked for among all.
    class_folder(tmp_path / "mine" / "train", {"alpha": 2, "beta": 2})
    class_folder(tmp_path / "mine" / "val", {"alpha": 2, "beta": 2})
    sound = (tmp_path / "mine/train/alpha/000.png").read_bytes()
    for number in range(1200):
        (tmp_path / f"mine/train/beta/b{number:04}.png").write_bytes(b"" if 700 <= number < 718 else sound)
    (tmp_path / "mine/val/beta/page.png").write_text("<html>")
    with pytest.raises(DataDamaged) as error:
        load(tmp_path)
    empty = "it is empty (0 bytes)"
    named = ", ".join(f"mine/train/beta/b{number:04}.png ({empty})" for number in range(701, 706))
    assert error.value.message == (
        f"The image mine/train/beta/b0700.png in the data folder cannot be decoded: {empty}. 18 others cannot be read "
        f"either: {named} and 13 more."
    )
    assert error.value.remedy == "Replace the files, or remove them from their set."


def test_two_files_whose_pixels_are_cut_short_are_both_named(tmp_path: Path) -> None:
    class_folder(tmp_path / "mine", {"alpha": 50, "beta": 50})
    for number in (3, 44):
        file = tmp_path / f"mine/alpha/{number:03}.png"
        file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(DataDamaged) as error:
        load(tmp_path)
    assert "mine/alpha/003.png in the data folder cannot be decoded" in error.value.message
    assert "Another cannot be read either: mine/alpha/044.png (" in error.value.message


def test_copies_that_are_looked_for_by_sample_are_said_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for part in ("train", "val"):
        class_folder(tmp_path / "mine" / part, {"alpha": 5, "beta": 5})
    assert not any("by sample" in note for note in found(load(tmp_path)).notes)
    monkeypatch.setattr("trainer.data.inspection.copies.MOST_COMPARED", 4)
    monkeypatch.setattr("trainer.data.inspection.copies.MOST_SEARCHED", 8)
    assert found(load(tmp_path)).notes[-1] == (
        "Images that are in both parts were looked for by sample: 4 of 10 test images among 8 of 10 training images."
    )


@pytest.fixture
def somebody() -> Iterator[Path]:
    """A folder that everybody may enter; the test runs as a user who owns nothing in it."""
    place = Path(tempfile.mkdtemp())
    place.chmod(0o755)
    class_folder(place / "mine", {"alpha": 6, "beta": 6})
    yield place
    os.seteuid(os.getuid())
    (place / "mine" / "alpha").chmod(0o755)
    shutil.rmtree(place)


def as_nobody() -> None:
    if os.getuid() == 0:
        os.seteuid(65534)


def test_a_file_that_may_not_be_read_is_named(somebody: Path) -> None:
    (somebody / "mine" / "alpha" / "003.png").chmod(0)
    as_nobody()
    with pytest.raises(
        DataDamaged, match=r"mine/alpha/003\.png .* cannot be decoded: the worker's user may not read it"
    ):
        load(somebody)


def test_a_folder_that_may_not_be_read_is_named(somebody: Path) -> None:
    (somebody / "mine" / "alpha").chmod(0)
    as_nobody()
    with pytest.raises(RunError, match="The folder mine/alpha in the data folder may not be read by the worker"):
        load(somebody)


def test_a_folder_without_two_images_of_a_class_cannot_be_parted(tmp_path: Path) -> None:
    class_folder(tmp_path / "mine", {"a": 1, "b": 1})
    with pytest.raises(RunError, match="No class has two images"):
        load(tmp_path)
