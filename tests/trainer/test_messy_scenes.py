"""Masks and outlines as people and exporters write them: what every pixel's class is, and what is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from contract.config import RunConfig
from contract.data_report import DataFound
from contract.errors import DataDamaged, DataMissing, RunError
from tests.trainer.pictures import mask_folder, photograph, save
from trainer.data import ImageData, load_data
from trainer.data.inspection.stray_files import Strays
from trainer.data.names import as_names
from trainer.data.sources.coco import coco_segmentation
from trainer.engines.environment import Workplace

pytestmark = pytest.mark.slow

BOX = [[10, 5, 40, 5, 40, 25, 10, 25]]
"""Columns 10 – 39, rows 5 – 24 of 30 × 60: 600 pixels."""
LARGE = [[2, 2, 58, 2, 58, 28, 2, 28]]


def load(root: Path, kind: str = "mask-folder", probe: int = 2, **data: Any) -> ImageData:
    mine = {"folder": "mine", "classes": 2} if kind == "mask-folder" else {}
    given = {"kind": kind, "resize": 16, "crop": 16, "augment": False, **mine} | data
    config = {
        "data": given,
        "model": {"kind": "torchvision-segmentation"},
        "neq": {"probe": {"kind": "split", "samples": probe}},
    }
    return load_data(RunConfig.model_validate(config), Workplace(root), torch.device("cpu"))


def found(data: ImageData) -> DataFound:
    assert data.found is not None
    return data.found


def passed_over(data: ImageData) -> dict[str, int]:
    return {each.reason: each.count for each in found(data).passed_over}


def classes(data: ImageData, part: str = "test") -> set[int]:
    return {int(each) for _, targets in data.batches(getattr(data, part), 1) for each in targets.unique()}


def masks(root: Path, *, low: int = 0, high: int = 1, mode: str = "L", name: str = "{}.png", **parts: int) -> Path:
    """Scenes of 16 × 16 whose object fills the left upper quarter, in masks of two values."""
    for number, (part, count) in enumerate((parts or {"train": 6, "val": 3}).items()):
        for index in range(count):
            save(root / "mine" / part / f"s{index}.png", photograph(100 * number + index, 16, 16))
            mask = np.full((16, 16), low, np.uint8)
            mask[:8, :8] = high
            image = Image.fromarray(mask)
            if mode == "1":
                image = Image.fromarray(mask > low)
            if mode == "I;16":
                image = Image.fromarray(mask.astype(np.uint16))
            file = root / "mine" / f"{part}annot" / name.format(f"s{index}")
            file.parent.mkdir(exist_ok=True)
            image.save(file)
    return root / "mine"


@pytest.mark.parametrize("mode", ["L", "1", "I;16"])
@pytest.mark.parametrize(("low", "high"), [(0, 1), (0, 255)])
def test_an_object_is_class_1_in_masks_of_two_values(tmp_path: Path, low: int, high: int, mode: str) -> None:
    masks(tmp_path, low=low, high=high, mode=mode)
    data = load(tmp_path)
    _, targets = next(data.batches(data.test, 1))
    assert targets[0].flatten().bincount(minlength=256)[[0, 1, 255]].tolist() == [192, 64, 0]
    assert [(each.name, each.train, each.test, each.probe) for each in found(data).classes] == [
        ("class 0", 4, 3, 2),
        ("class 1", 4, 3, 2),
    ]
    said = [note for note in found(data).notes if "255 is class 1" in note]
    assert len(said) == (high == 255 and mode != "1")


def deep(mask: np.ndarray) -> Image.Image:
    return Image.fromarray(mask.astype(np.uint16) * 257)


def three_alike(mask: np.ndarray) -> Image.Image:
    return Image.fromarray(np.stack([mask] * 3, axis=2))


def opaque(mask: np.ndarray) -> Image.Image:
    return Image.fromarray(np.stack([mask] * 3 + [np.full_like(mask, 255)], axis=2))


def opaque_grey(mask: np.ndarray) -> Image.Image:
    return Image.merge("LA", (Image.fromarray(mask), Image.new("L", mask.shape[::-1], 255)))


@pytest.mark.parametrize("save_as", [deep, three_alike, opaque, opaque_grey])
def test_white_objects_are_class_1_however_many_bits_and_channels_have_them(
    tmp_path: Path, save_as: Callable[[np.ndarray], Image.Image]
) -> None:
    folder = masks(tmp_path, high=255)
    for part in ("train", "val"):
        for file in (folder / f"{part}annot").iterdir():
            save_as(np.asarray(Image.open(file))).save(file)
    data = load(tmp_path)
    _, targets = next(data.batches(data.test, 1))
    assert targets[0].flatten().bincount(minlength=256)[[0, 1, 255]].tolist() == [192, 64, 0]


def test_values_of_16_bits_that_are_no_classes_are_named(tmp_path: Path) -> None:
    folder = masks(tmp_path)
    Image.fromarray(np.full((16, 16), 3000, np.uint16)).save(folder / "trainannot" / "s0.png")
    with pytest.raises(DataDamaged, match=r"s0\.png holds the value 3,000, and class numbers are 0 to 254"):
        load(tmp_path)


def test_a_mask_with_transparent_pixels_is_refused(tmp_path: Path) -> None:
    folder = masks(tmp_path)
    layers = np.ones((16, 16, 4), np.uint8)
    Image.fromarray(layers).save(folder / "trainannot" / "s0.png")
    with pytest.raises(DataDamaged, match=r"s0\.png is an image of mode RGBA"):
        load(tmp_path)


def test_a_mask_of_other_values_among_those_of_0_and_255_is_named(tmp_path: Path) -> None:
    folder = masks(tmp_path, high=255)
    save(folder / "trainannot" / "s3.png", np.full((16, 16), 7, np.uint8))
    with pytest.raises(DataDamaged, match=r"mine/trainannot/s3\.png holds the class number 7"):
        load(tmp_path)


def test_0_and_255_with_more_classes_are_refused(tmp_path: Path) -> None:
    masks(tmp_path, high=255)
    with pytest.raises(RunError, match="hold the values 0 and 255 alone, and the run asks for 3 classes") as error:
        load(tmp_path, classes=3)
    assert "Set data.classes to 2" in str(error.value.remedy)


def test_255_beside_other_classes_still_stands_for_none(tmp_path: Path) -> None:
    mask_folder(tmp_path / "mine", {"train": 8, "val": 3})
    data = load(tmp_path, classes=3)
    assert classes(data) == {0, 1, 2, 255}
    assert not any("255" in note for note in found(data).notes)


def test_masks_of_the_background_alone_are_refused(tmp_path: Path) -> None:
    masks(tmp_path, high=0)
    with pytest.raises(RunError, match="No training mask shows class 1, of the 4 that are left to train on\\."):
        load(tmp_path)


def test_a_test_set_of_one_class_is_refused(tmp_path: Path) -> None:
    folder = masks(tmp_path)
    for index in range(3):
        save(folder / "valannot" / f"s{index}.png", np.zeros((16, 16), np.uint8))
    with pytest.raises(RunError, match="The 3 test masks hold class 0 alone"):
        load(tmp_path)


def test_a_class_that_no_mask_holds_is_refused_and_one_that_no_test_mask_holds_is_said(tmp_path: Path) -> None:
    folder = mask_folder(tmp_path / "mine", {"train": 8, "val": 3})
    with pytest.raises(RunError, match="No training mask shows class 3, of") as error:
        load(tmp_path, classes=4)
    assert "data.classes" in str(error.value.remedy)
    for mask in (folder / "valannot").iterdir():
        pixels = np.array(Image.open(mask))
        save(mask, np.where(pixels == 2, 1, pixels).astype(np.uint8))
    told = found(load(tmp_path, classes=3))
    assert told.absent_test == ("class 2",)
    assert any(warning.startswith("No test mask holds class 2") for warning in told.warnings)


@pytest.mark.parametrize("name", ["{}_mask.png", "mask_{}.png", "{}.bmp"])
def test_masks_are_found_by_what_is_added_to_the_images_name(tmp_path: Path, name: str) -> None:
    masks(tmp_path, name=name)
    data = load(tmp_path)
    assert classes(data) == {0, 1}
    assert any("mask" in note for note in found(data).notes) == ("mask" in name)


def test_several_masks_of_an_image_are_refused(tmp_path: Path) -> None:
    masks(tmp_path, name="{}_a.png")
    masks(tmp_path, name="{}_b.png")
    with pytest.raises(RunError, match="'_a' and with '_b' added"):
        load(tmp_path)


def test_masks_without_an_image_are_counted(tmp_path: Path) -> None:
    folder = masks(tmp_path)
    save(folder / "trainannot" / "extra.png", np.zeros((16, 16), np.uint8))
    (folder / "trainannot" / "._s0.png").write_bytes(b"\0\5\x16\7")
    assert passed_over(load(tmp_path)) == {"masks without an image": 1, "left by macOS": 1}


def test_masks_as_jpeg_are_refused(tmp_path: Path) -> None:
    masks(tmp_path, high=255, name="{}.jpg")
    with pytest.raises(DataDamaged, match=r"s0\.jpg is a JPEG, whose compression changes class numbers"):
        load(tmp_path)


@pytest.mark.parametrize(("train", "test"), [("train", "valid"), ("training", "validation"), ("Train", "Test")])
def test_parts_are_known_by_their_names(tmp_path: Path, train: str, test: str) -> None:
    masks(tmp_path, **{train: 6, test: 3})
    data = load(tmp_path)
    assert [(part.images, part.source) for part in found(data).parts[:2]] == [(4, f"mine/{train}"), (3, f"mine/{test}")]


@pytest.mark.parametrize("orientation", [3, 6])
def test_masks_lie_on_the_upright_image(tmp_path: Path, orientation: int) -> None:
    """The object is bright in the upright image, and the mask, which has no tag, is drawn on that."""
    for part in ("train", "val"):
        for index in range(4):
            pixels = np.zeros((16, 24, 3), np.uint8)
            pixels[:8, :8] = 200 + index + 10 * (part == "val")
            exif = Image.Exif()
            exif[0x0112] = orientation
            file = save(tmp_path / "mine" / part / f"{index}.png", pixels)
            Image.fromarray(np.rot90(pixels, {3: 2, 6: 1}[orientation]).copy()).save(file, exif=exif)
            save(tmp_path / "mine" / f"{part}annot" / f"{index}.png", (pixels[..., 0] > 0).astype(np.uint8))
    data = load(tmp_path)
    for inputs, targets in data.batches(data.test, 1):
        bright = inputs[0, 0] > inputs[0, 0].mean()
        assert torch.equal(bright, targets[0] == 1)


def test_a_mask_of_the_image_as_stored_is_refused_with_its_tag(tmp_path: Path) -> None:
    folder = masks(tmp_path)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(photograph(7, 16, 24)).save(folder / "train" / "s2.png", exif=exif)
    save(folder / "trainannot" / "s2.png", np.eye(16, 24, dtype=np.uint8))
    with pytest.raises(
        DataDamaged, match=r"s2\.png is 24 × 16, its image 16 × 24 pixels once it is turned as its EXIF"
    ):
        load(tmp_path)


# ---------------------------------------------------------------- COCO


def write_coco(root: Path, annotations: list[dict[str, Any]], *, categories: Any = None, **image: Any) -> Path:
    """Four images a part, each with these annotations, by `image_id` where they have one."""
    for number, part in enumerate(("train2017", "val2017")):
        listed, notes = [], []
        for index in range(4):
            name = f"{index}.jpg"
            save(root / "coco" / part / name, photograph(10 * number + index, 30, 60))
            listed.append({"id": index, "file_name": name, "height": 30, "width": 60} | image)
            own = ({"image_id": index} | annotation for annotation in annotations)
            notes += [annotation for annotation in own if int(annotation["image_id"]) == index]
        content = {"images": listed, "annotations": notes}
        content["categories"] = [{"id": 17, "name": "cat"}] if categories is None else categories
        file = root / "coco" / "annotations" / f"instances_{part}.json"
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(content))
    return root


def note(outline: Any = LARGE, **more: Any) -> dict[str, Any]:
    return {"category_id": 17, "segmentation": outline, "area": 1400.0, "iscrowd": 0} | more


def test_categories_are_matched_by_their_names(tmp_path: Path) -> None:
    write_coco(tmp_path, [note(category_id=3)], categories=[{"id": 3, "name": "Cat"}, {"id": 1, "name": "crack"}])
    data = load(tmp_path, "coco")
    assert classes(data) == {0, 8}
    assert any("other categories count as background: crack" in text for text in found(data).notes)


def test_own_categories_are_not_taken_for_cocos(tmp_path: Path) -> None:
    write_coco(tmp_path, [note(category_id=1)], categories=[{"id": 1, "name": "crack"}])
    with pytest.raises(RunError, match="names the categories crack, none of VOC's 20 classes") as error:
        load(tmp_path, "coco")
    assert "mask-folder" in str(error.value.remedy)


def test_annotations_of_categories_that_are_not_named_teach_nothing(tmp_path: Path) -> None:
    write_coco(tmp_path, [note(category_id=5000)])
    with pytest.raises(DataDamaged, match="names no image on which the 20 classes") as error:
        load(tmp_path, "coco")
    assert "skipped: 4 annotations of category 5000, which the file does not name" in error.value.message
    assert "list every category_id of the annotations" in str(error.value.remedy)


def test_annotations_of_a_category_that_is_not_named_are_counted_beside_others(tmp_path: Path) -> None:
    write_coco(tmp_path, [note(), note(id=7, category_id=5000)])
    told = {each.reason: each for each in found(load(tmp_path, "coco")).passed_over}
    stray = told["annotations of category 5000, which the file does not name"]
    assert stray.count == 8
    assert stray.examples[0] == "instances_train2017.json: annotation 7"


def rle(text: bool) -> Any:
    from pycocotools import mask as tools

    mask = np.zeros((30, 60), np.uint8)
    mask[2:28, 2:58] = 1
    packed = tools.encode(np.asfortranarray(mask))["counts"].decode()
    flat = mask.T.ravel()
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flat, [1 - flat[-1]]])))
    runs = np.diff(np.concatenate([[0], edges])).tolist()
    return {"counts": packed if text else runs, "size": [30, 60]}


@pytest.mark.parametrize("text", [True, False])
@pytest.mark.parametrize("area", [True, False])
def test_run_lengths_are_read_as_text_and_as_numbers_with_area_and_without(
    tmp_path: Path, text: bool, area: bool
) -> None:
    annotation = note(rle(text))
    if not area:
        del annotation["area"]
    data = load(write_coco(tmp_path, [annotation]), "coco", resize=30)
    _, targets = next(data.batches(data.test, 1))
    assert int((targets == 8).sum()) == 26 * 56


def test_an_area_that_is_missing_is_taken_from_the_polygon(tmp_path: Path) -> None:
    small, large = note(BOX), note(LARGE)
    del small["area"], large["area"]
    write_coco(tmp_path, [small | {"image_id": 0}, large | {"image_id": 1}])
    strays = Strays()
    assert coco_segmentation(tmp_path, "train2017", training=True, strays=strays).names == ("coco/train2017/1.jpg",)
    assert {each.reason: each.count for each in strays.found()} == {
        "images on which the classes fill 1,000 pixels or fewer": 1,
        "training images that show none of the classes": 2,
    }


@pytest.mark.parametrize("points", [[], [1, 2], [1, 2, 6, 7]])
def test_polygons_without_an_area_are_passed_over_beside_others(tmp_path: Path, points: list[int]) -> None:
    data = load(write_coco(tmp_path, [note([points, *LARGE])]), "coco", probe=1)
    assert passed_over(data) == {"polygons of fewer than three corners": 8}
    assert classes(data) == {0, 8}


@pytest.mark.parametrize("outline", [[], None, [[1, 2, 3, 4]]])
def test_an_image_whose_object_nobody_outlined_is_left_out(tmp_path: Path, outline: Any) -> None:
    write_coco(tmp_path, [note(), note(outline, image_id=2)])
    data = load(tmp_path, "coco", probe=1)
    assert [part.images for part in found(data).parts] == [2, 3, 1]
    assert passed_over(data)["images with an object that has no outline"] == 2


def test_an_image_that_is_listed_and_not_there_is_counted(tmp_path: Path) -> None:
    write_coco(tmp_path, [note()])
    (tmp_path / "coco" / "train2017" / "2.jpg").unlink()
    assert passed_over(load(tmp_path, "coco", probe=1)) == {"images that are listed and not there": 1}
    for index in (0, 1, 3):
        (tmp_path / "coco" / "train2017" / f"{index}.jpg").unlink()
    with pytest.raises(DataMissing, match=r"Of 4 images that .* lists, none is in coco/train2017"):
        load(tmp_path, "coco", probe=1)


def test_ids_may_be_texts_and_a_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    write_coco(tmp_path, [note()])
    for file in (tmp_path / "coco" / "annotations").iterdir():
        content = json.loads(file.read_text())
        for image in content["images"]:
            image["id"] = str(image["id"])
        file.write_text(json.dumps(content), encoding="utf-8-sig")
    assert classes(load(tmp_path, "coco")) == {0, 8}


@pytest.mark.parametrize("named", ["a/0.jpg", "a\\0.jpg"])
def test_images_may_lie_in_folders(tmp_path: Path, named: str) -> None:
    write_coco(tmp_path, [note()])
    for part in ("train2017", "val2017"):
        folder = tmp_path / "coco" / part
        (folder / "a").mkdir()
        (folder / "0.jpg").rename(folder / "a" / "0.jpg")
        file = tmp_path / "coco" / "annotations" / f"instances_{part}.json"
        file.write_text(file.read_text().replace('"0.jpg"', json.dumps(named)))
    assert coco_segmentation(tmp_path, "val2017", training=False).names[0] == "coco/val2017/a/0.jpg"


def test_outlines_for_another_size_are_refused(tmp_path: Path) -> None:
    write_coco(tmp_path, [note()], height=60, width=120)
    with pytest.raises(DataDamaged, match=r"\d\.jpg are drawn for 120 × 60 pixels, and the image is 60 × 30"):
        load(tmp_path, "coco")


def test_outlines_lie_on_the_upright_image(tmp_path: Path) -> None:
    write_coco(tmp_path, [note()])
    for part in ("train2017", "val2017"):
        for index in range(4):
            pixels = np.zeros((30, 60, 3), np.uint8)
            pixels[2:28, 2:58] = 200 + index + 10 * (part == "val2017")
            exif = Image.Exif()
            exif[0x0112] = 6
            image = Image.fromarray(np.rot90(pixels, 1).copy())
            image.save(tmp_path / "coco" / part / f"{index}.jpg", exif=exif, quality=95)
    data = load(tmp_path, "coco", resize=30)
    for inputs, targets in data.batches(data.test, 1):
        assert torch.equal(inputs[0, 0] > inputs[0, 0].mean(), targets[0] == 8)


def test_a_scene_in_both_parts_is_refused(tmp_path: Path) -> None:
    write_coco(tmp_path, [note()])
    (tmp_path / "coco" / "val2017" / "1.jpg").write_bytes((tmp_path / "coco" / "train2017" / "3.jpg").read_bytes())
    with pytest.raises(RunError, match=r"coco/val2017/1\.jpg is in the test set and.*coco/train2017/3\.jpg"):
        load(tmp_path, "coco")


def test_names_survive_being_stored_as_bytes() -> None:
    assert as_names(["ä", "b"]).tolist() == ["ä".encode(), b"b"]
