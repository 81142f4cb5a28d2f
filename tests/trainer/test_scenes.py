"""COCO and VOC: which scenes are used, and what class every pixel is of."""

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from contract.config import RunConfig
from contract.errors import DataDamaged, DataMissing
from tests.trainer.pictures import photograph, save, scene
from trainer.data import ImageData, load_data
from trainer.data.sources.coco import CATEGORIES, class_mask, coco_segmentation
from trainer.engines.environment import Workplace

PERSON, BICYCLE, DOG, GIRAFFE = 1, 2, 18, 25
BOX = [[10, 5, 30, 5, 30, 25, 10, 25]]
"""A square: columns 10 – 29, rows 5 – 24."""


def load(root: Path, kind: str) -> ImageData:
    config = {
        "data": {"kind": kind, "resize": 24, "crop": 16},
        "model": {"kind": "torchvision-segmentation"},
        "neq": {"probe": {"kind": "split", "samples": 2}},
    }
    return load_data(RunConfig.model_validate(config), Workplace(root), torch.device("cpu"))


def annotation(image: int, category: int, outline: Any = BOX, area: float = 2000) -> dict[str, Any]:
    return {"image_id": image, "category_id": category, "segmentation": outline, "area": area, "iscrowd": 0}


def write_coco(root: Path, annotations: list[dict[str, Any]], images: int = 6) -> Path:
    (root / "coco" / "annotations").mkdir(parents=True)
    for part in ("train2017", "val2017"):
        listed = [{"id": 10 + index, "file_name": f"{index}.jpg"} for index in range(images)]
        for index, image in enumerate(listed):
            save(root / "coco" / part / image["file_name"], photograph(index + 10 * (part == "val2017"), 30, 40))
        content = {"images": listed, "annotations": annotations}
        (root / "coco" / "annotations" / f"instances_{part}.json").write_text(json.dumps(content))
    return root


def test_a_polygon_fills_its_pixels_with_its_class() -> None:
    mask = class_mask([(15, BOX)], 30, 40)
    wanted = np.zeros((30, 40), np.uint8)
    wanted[5:25, 10:30] = 15
    assert (mask == wanted).all()


def test_where_instances_overlap_there_is_no_class() -> None:
    mask = class_mask(
        [(15, BOX), (12, [[20, 5, 40, 5, 40, 25, 20, 25]]), (15, [[25, 20, 35, 20, 35, 30, 25, 30]])], 30, 40
    )
    assert mask[10, [9, 10, 19, 20, 29, 30, 39]].tolist() == [0, 15, 15, 255, 255, 12, 12]
    assert mask[22, [26, 32]].tolist() == [255, 255]  # three lie upon another at 26
    assert mask[27, [24, 25, 34, 35]].tolist() == [0, 15, 15, 0]


def test_several_polygons_are_one_instance_and_run_lengths_are_read() -> None:
    parts = [[0, 0, 5, 0, 5, 5, 0, 5], [3, 0, 10, 0, 10, 5, 3, 5]]
    assert class_mask([(3, parts)], 10, 12)[2].tolist() == [3] * 10 + [0] * 2  # no overlap within an instance
    crowd = {"counts": [3, 2, 95], "size": [10, 10]}  # column by column: rows 3 and 4 of the first
    assert class_mask([(7, crowd)], 10, 10)[:, 0].tolist() == [0, 0, 0, 7, 7, 0, 0, 0, 0, 0]


def test_polygons_of_any_shape_are_drawn_as_cocos_own_tools_draw_them() -> None:
    from pycocotools import mask as coco

    random = np.random.default_rng(0)
    for _ in range(60):
        polygons = [random.uniform(-3, 75, 2 * corners).tolist() for corners in random.integers(3, 12, 2)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of numpy, about their tools
            theirs = coco.decode(coco.frPyObjects(polygons, 50, 70)).any(axis=2)
        assert ((class_mask([(1, polygons)], 50, 70) == 1) == theirs).all()


def test_cocos_categories_stand_where_voc_has_them() -> None:
    voc = [
        "ground", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable",
        "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
    ]  # fmt: skip
    coco = {
        1: "person", 2: "bicycle", 3: "car", 4: "motorcycle", 5: "airplane", 6: "bus", 7: "train", 9: "boat",
        16: "bird", 17: "cat", 18: "dog", 19: "horse", 20: "sheep", 21: "cow", 44: "bottle", 62: "chair", 63: "couch",
        64: "potted plant", 67: "dining table", 72: "tv",
    }  # fmt: skip
    other = {"airplane": "aeroplane", "motorcycle": "motorbike", "couch": "sofa", "tv": "tvmonitor"}
    names = [other.get(coco.get(category, "ground"), coco.get(category, "ground")) for category in CATEGORIES]
    assert [name.replace(" ", "") for name in names] == voc


def test_training_takes_images_that_show_enough_and_testing_all(tmp_path: Path) -> None:
    write_coco(
        tmp_path,
        [
            annotation(10, PERSON),
            annotation(11, PERSON, area=600),
            annotation(11, DOG, area=500),  # 1,100 pixels together
            annotation(12, PERSON, area=1000),  # not above 1,000
            annotation(13, GIRAFFE, area=9000),  # no class of VOC's
            annotation(14, PERSON, area=900),
            annotation(14, GIRAFFE, area=900),
        ],
    )
    assert coco_segmentation(tmp_path, "train2017", training=True).names == (
        "coco/train2017/0.jpg",
        "coco/train2017/1.jpg",
    )
    assert len(coco_segmentation(tmp_path, "val2017", training=False)) == 6


def test_a_coco_scene_comes_out_with_its_mask(tmp_path: Path) -> None:
    write_coco(tmp_path, [annotation(10 + image, BICYCLE) for image in range(6)])
    data = load(tmp_path, "coco")
    assert (data.classes, len(data.train), len(data.test), data.task) == (21, 4, 6, "segmentation")
    inputs, targets = next(data.batches(data.test, 1))
    # 30 × 40 at a shorter side of 24: 24 × 32; the square's rows 5 – 24 become 4 – 19, its columns 10 – 29 8 – 23
    assert inputs.shape == (1, 3, 24, 32)
    wanted = torch.zeros(24, 32, dtype=torch.int64)
    wanted[4:20, 8:24] = 2
    assert torch.equal(targets[0], wanted)


@pytest.mark.parametrize(
    "content", ["", "{}", '{"images": []}', '{"images": [{}], "annotations": []}', "[1]", '{"images": 3']
)
def test_annotations_that_are_not_cocos_are_named(tmp_path: Path, content: str) -> None:
    write_coco(tmp_path, [annotation(10, PERSON)])
    (tmp_path / "coco" / "annotations" / "instances_train2017.json").write_text(content)
    with pytest.raises(DataDamaged, match=r"coco/annotations/instances_train2017\.json"):
        load(tmp_path, "coco")


@pytest.mark.parametrize(
    "outline",
    [
        [],
        [[1, 2]],
        [[1, 2, 3, 4, 5, 6, 7]],
        [[1, 2, 3, 4, 5, 1e300]],
        [["x"] * 6],
        "abc",
        None,
        {"counts": [9], "size": [3, 3]},
        {"counts": [1], "size": [30, 40]},
        {"counts": [-5, 1205], "size": [30, 40]},
        {"counts": [1200]},
    ],
    ids=repr,
)
def test_an_outline_that_cannot_be_drawn_is_named(tmp_path: Path, outline: Any) -> None:
    write_coco(tmp_path, [annotation(10 + image, PERSON, outline) for image in range(6)])
    with pytest.raises(DataDamaged, match=r"The outlines of coco/\w+/\d\.jpg cannot be drawn"):
        load(tmp_path, "coco")


def test_annotations_reach_no_file_outside_their_folder(tmp_path: Path) -> None:
    write_coco(tmp_path, [annotation(10, PERSON)])
    file = tmp_path / "coco" / "annotations" / "instances_train2017.json"
    file.write_text(file.read_text().replace('"0.jpg"', '"../../../secret/0.jpg"'))
    assert coco_segmentation(tmp_path, "train2017", training=True).names == ("coco/train2017/0.jpg",)


@pytest.mark.parametrize(("kind", "words"), [("coco", "instances_train2017"), ("voc", "VOCdevkit/VOC2012 not found")])
def test_scenes_that_are_not_there_are_said_with_where_they_are_looked_for(
    tmp_path: Path, kind: str, words: str
) -> None:
    with pytest.raises(DataMissing, match=words) as error:
        load(tmp_path, kind)
    assert error.value.remedy


def write_voc(root: Path, scenes: int = 8) -> Path:
    base = root / "VOCdevkit" / "VOC2012"
    names = [f"2012_{index:06}" for index in range(scenes)]
    for index, name in enumerate(names):
        image, mask = scene(index, 30, 40, 21)
        save(base / "JPEGImages" / f"{name}.jpg", image)
        palette = Image.fromarray(mask).convert("P")
        palette.putdata(mask.flatten().tolist())
        (base / "SegmentationClass").mkdir(exist_ok=True)
        palette.save(base / "SegmentationClass" / f"{name}.png")
    lists = base / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("\n".join(names[:6]))
    (lists / "val.txt").write_text("\n".join(names[6:]))
    return base


def test_vocs_lists_say_what_is_trained_and_tested_on(tmp_path: Path) -> None:
    write_voc(tmp_path)
    data = load(tmp_path, "voc")
    assert (data.classes, len(data.train), len(data.probe), len(data.test)) == (21, 4, 2, 2)
    targets = torch.cat([targets for _, targets in data.batches(data.test, 2)])
    assert set(targets.unique().tolist()) == {*range(20), 255}  # the last band is one column, which is of no class


def copies_told(data: ImageData) -> list[str]:
    assert data.found is not None
    return [warning for warning in data.found.warnings if "byte for byte" in warning]


def test_a_voc_scene_in_both_parts_is_told(tmp_path: Path) -> None:
    images = write_voc(tmp_path) / "JPEGImages"
    assert copies_told(load(tmp_path, "voc")) == []
    (images / "2012_000007.jpg").write_bytes((images / "2012_000001.jpg").read_bytes())
    assert copies_told(load(tmp_path, "voc")) == [
        "VOCdevkit/VOC2012/JPEGImages/2012_000007.jpg is in the test set and, byte for byte, in the training set as "
        "VOCdevkit/VOC2012/JPEGImages/2012_000001.jpg: the test score counts images that were trained on."
    ]


def test_voc_without_its_lists_is_said_to_be_damaged(tmp_path: Path) -> None:
    base = write_voc(tmp_path)
    (base / "ImageSets" / "Segmentation" / "val.txt").unlink()
    with pytest.raises(DataDamaged, match=r"Segmentation/val\.txt cannot be read"):
        load(tmp_path, "voc")
    (base / "ImageSets" / "Segmentation" / "val.txt").write_text("")
    with pytest.raises(DataDamaged, match=r"val\.txt names no image"):
        load(tmp_path, "voc")
