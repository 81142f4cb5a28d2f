"""What a worker says of its machine, by looking at names alone."""

from pathlib import Path

import pytest

from trainer.checks.capabilities import Folder
from trainer.checks.sets import NAMED
from trainer.engines.workplace import Workplace
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
        Folder(name="scenes"),  # several parts: for a dry pass to tell
    )
    assert "resnet18-f37072fd.pth" in weights(tmp_path)


def test_what_lies_deeper_or_is_too_much_is_not_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "deep/one/a.png", "deep/two/more/b.png", "many/one/a.png", "many/one/b.png", "many/two/c.png")
    assert folders(tmp_path)[0] == Folder(name="deep", masks=False, classes=2, train=None)
    monkeypatch.setattr(module, "MOST_FILES", 3)
    assert folders(tmp_path)[1] == Folder(name="many", masks=False, classes=2, train=None)


def test_no_data_folder_is_an_empty_one(tmp_path: Path) -> None:
    assert folders(tmp_path / "nowhere") == ()


def test_memory_is_that_of_the_machine() -> None:
    total, free = memory()
    assert total is not None and free is not None and 0 < free <= total


def test_a_worker_that_may_use_the_cpu_alone_has_no_gpu(tmp_path: Path) -> None:
    assert capabilities(Workplace(tmp_path, "cpu"), None).gpus == ()
    assert capabilities(Workplace(tmp_path, "auto"), None).gpus is None
