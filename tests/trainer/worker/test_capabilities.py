"""What a worker says of its machine, by looking at names alone."""

import json
import os
from pathlib import Path

import pytest

from contract.checks.capabilities import Folder
from contract.checks.sets import NAMED
from trainer.data.inspection.stray_files import Strays
from trainer.data.sources.image_folders import class_folders
from trainer.engines.environment import Workplace
from trainer.worker import capabilities as module
from trainer.worker.capabilities import capabilities, folders, memory, weights


def put(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


@pytest.mark.parametrize("kind", NAMED)
def test_a_set_is_there_once_all_its_files_are(tmp_path: Path, kind: str) -> None:
    *most, last = NAMED[kind].files
    put(tmp_path, *most)
    assert kind not in capabilities(Workplace(tmp_path), None).sets
    put(tmp_path, last)
    assert capabilities(Workplace(tmp_path), None).sets == (kind,)


def test_folders_are_counted_by_class_and_part(tmp_path: Path) -> None:
    put(tmp_path, "pets/train/cat/a.jpg", "pets/train/cat/b.PNG", "pets/train/dog/c.jpeg", "pets/train/dog/notes.txt")
    put(tmp_path, "pets/val/cat/a.jpg", "flat/one/a.png", "flat/two/b.png", "flat/.hidden/c.png")
    put(tmp_path, "scenes/train/a.jpg", "scenes/trainannot/a.png", "scenes/test/b.jpg", "scenes/testannot/b.png")
    put(tmp_path, "weights/resnet18-f37072fd.pth")
    assert folders(tmp_path) == (
        Folder(name="flat", masks=False, classes=2, train=2),
        Folder(name="pets", masks=False, classes=2, train=3, test=1),
        Folder(name="scenes"),  # perhaps masks: for a dry pass to tell
    )
    assert "resnet18-f37072fd.pth" in weights(tmp_path)


def twice(*parts: str, classes: tuple[str, ...] = ("cat", "dog")) -> list[str]:
    """Two images of each class in each part."""
    return [f"mine/{part}{name}/{number}.png" for part in parts for name in classes for number in range(2)]


LAYOUTS = {
    "training-validation": twice("training/", "validation/"),
    "numbered": twice("train2017/", "val2017/"),
    "capital": twice("Train/", "Valid/"),
    "val-before-test": [*twice("train/", "test/", "val/"), "mine/val/cat/one-more.png"],
    "folder-beside": [*twice("train/", "val/"), "mine/scripts/read.py"],
    "no-parts": twice(""),
    "a-class-called-train": twice("", classes=("bus", "train")),
    "other-kinds": [
        *twice(""),
        "mine/cat/a.jfif",
        "mine/cat/b.jpe",
        "mine/dog/c.GIF",
        "mine/dog/d.tiff",
        "mine/dog/e.heic",
    ],
    "strays": [
        *twice("train/", "val/"),
        "mine/__MACOSX/train/cat/._0.png",
        "mine/train/cat/._0.png",
        "mine/train/@eaDir/x.png",
    ],
    "checkpoints": [*twice(""), "mine/cat/.ipynb_checkpoints/0-checkpoint.png", "mine/.ipynb_checkpoints/x.png"],
    "decomposed-in-one-part": [*twice("train/", classes=("e\u0301", "o")), *twice("val/", classes=("\u00e9", "o"))],
}


@pytest.mark.parametrize("names", LAYOUTS.values(), ids=LAYOUTS)
def test_a_folder_is_counted_as_a_run_takes_it(tmp_path: Path, names: list[str]) -> None:
    put(tmp_path, *names)
    (said,) = folders(tmp_path)
    taken = class_folders(tmp_path, tmp_path / "mine", 0.25, Strays())
    assert (said.classes, said.masks) == (len(taken.classes), False)
    assert (said.train or 0) + (said.test or 0) == len(taken.train) + len(taken.test)
    assert said.test in (None, len(taken.test))


@pytest.mark.parametrize(
    "names",
    [
        twice("Train/", "training/"),
        ["mine/train/a.png", "mine/val/a.png"],
        ["mine/images/a.png", "mine/image_masks/a.png"],
    ],
    ids=["two-to-train-on", "parts-without-classes", "perhaps-masks"],
)
def test_of_what_names_alone_do_not_tell_nothing_is_claimed(tmp_path: Path, names: list[str]) -> None:
    put(tmp_path, *names)
    assert folders(tmp_path) == (Folder(name="mine"),)


def test_a_folder_with_links_is_not_counted(tmp_path: Path) -> None:
    put(tmp_path, *twice(""))
    (tmp_path / "mine/cat/again.png").symlink_to("0.png")
    assert folders(tmp_path) == (Folder(name="mine", masks=False, classes=2),)


def test_names_that_no_description_can_hold_are_left_out(tmp_path: Path) -> None:
    put(tmp_path, "good/one/a.png")
    (tmp_path / os.fsdecode(b"caf\xe9")).mkdir()
    put(tmp_path, os.fsdecode(b"weights/caf\xe9.pth"))
    said = capabilities(Workplace(tmp_path), None)
    assert [each.name for each in said.folders] == ["good"]
    assert not any("caf" in each for each in said.weights)
    assert json.loads(said.model_dump_json())["folders"][0]["name"] == "good"


def test_what_lies_deeper_or_is_too_much_is_not_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "deep/one/a.png", "deep/two/more/b.png", "many/one/a.png", "many/one/b.png", "many/two/c.png")
    assert folders(tmp_path)[0] == Folder(name="deep", masks=False, classes=2, train=None)
    monkeypatch.setattr(module, "MOST_FILES", 3)
    assert folders(tmp_path)[1] == Folder(name="many", masks=False, classes=2, train=None)


def test_a_list_that_is_cut_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_FOLDERS", 3)
    for name in "abc":
        (tmp_path / name).mkdir()
    assert capabilities(Workplace(tmp_path), None).folders_complete
    (tmp_path / "d").mkdir()
    said = capabilities(Workplace(tmp_path), None)
    assert ([each.name for each in said.folders], said.folders_complete) == (["a", "b", "c"], False)


def test_no_data_folder_is_an_empty_one(tmp_path: Path) -> None:
    assert folders(tmp_path / "nowhere") == ()


def test_memory_is_that_of_the_machine() -> None:
    total, free = memory()
    assert total is not None and free is not None and 0 < free <= total


def test_a_worker_that_may_use_the_cpu_alone_has_no_gpu(tmp_path: Path) -> None:
    assert capabilities(Workplace(tmp_path, "cpu"), None).gpus == ()
    assert capabilities(Workplace(tmp_path, "auto"), None).gpus is None
