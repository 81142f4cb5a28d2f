"""A checkpoint's file: whole or not there, the same as it was written, and never executed."""

import errno
import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch

from contract.errors import RunError
from contract.retention import Retained, kept
from trainer.checkpoints import files
from trainer.checkpoints.folder import CheckpointStore, Name

CONTENT: dict[str, Any] = {"tensor": torch.arange(1000.0), "words": ["a", 1, None, (True, 2.5)], "nested": {"x": {}}}


def written(folder: Path, epoch: int = 3) -> str:
    return str(files.write(folder, "run1", epoch, CONTENT)[0])


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    name, size = files.write(tmp_path, "run1", 3, CONTENT)
    assert (tmp_path / str(name)).stat().st_size == size
    content = files.read(tmp_path, str(name))
    assert torch.equal(content.pop("tensor"), CONTENT["tensor"]) and content.pop("nonce")
    assert content == {name: value for name, value in CONTENT.items() if name != "tensor"}
    assert [file.name for file in (tmp_path / "run1").iterdir()] == [name_of(str(name))], "nothing else is left"


def name_of(path: str) -> str:
    return path.partition("/")[2]


def test_the_same_content_written_twice_gets_two_names(tmp_path: Path) -> None:
    assert written(tmp_path) != written(tmp_path)


@pytest.mark.parametrize("place", [0, 300, -40])
def test_one_changed_byte_anywhere_is_damage(tmp_path: Path, place: int) -> None:
    path = written(tmp_path)
    file = tmp_path / path
    data = bytearray(file.read_bytes())
    data[place] ^= 1
    file.write_bytes(data)
    with pytest.raises(RunError, match="checkpoint of epoch 3 is damaged: its bytes") as error:
        files.read(tmp_path, path)
    assert "earlier checkpoint" in str(error.value.remedy)


def test_a_shortened_file_is_damage(tmp_path: Path) -> None:
    path = written(tmp_path)
    os.truncate(tmp_path / path, 100)
    with pytest.raises(RunError, match="is damaged"):
        files.read(tmp_path, path)


def test_a_missing_file_is_named_with_the_setting_that_places_it(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is not there") as error:
        files.read(tmp_path, "run1/epoch-000003-0123456789abcdef.pt")
    assert "NEQ_CHECKPOINTS" in str(error.value.remedy)


class _Trap:
    def __reduce__(self) -> Any:
        return (os.mkdir, ("executed",))


def test_nothing_in_a_file_is_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where its name fits its bytes: a file that somebody put there."""
    monkeypatch.chdir(tmp_path)
    new = tmp_path / "run1" / "new"
    new.parent.mkdir()
    torch.save({"trap": _Trap()}, new)
    path = f"run1/epoch-000003-{files._digest(new)}.pt"
    new.rename(tmp_path / path)
    with pytest.raises(RunError, match="is damaged"):
        files.read(tmp_path, path)
    assert not (tmp_path / "executed").exists()
    pickle.loads(pickle.dumps(_Trap()))
    assert (tmp_path / "executed").exists(), "the trap works where it is let"


@pytest.mark.parametrize("path", ["../etc/passwd", "run1/../x.pt", "/abs.pt", "run1/epoch-000003-zz.pt", "run1/x.pt"])
def test_a_path_that_is_no_checkpoints_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(ValueError, match="names no checkpoint"):
        files.read(tmp_path, path)
    with pytest.raises(ValueError, match="names no checkpoint"):
        CheckpointStore.at(tmp_path).delete([path])


def test_a_full_disk_is_said_and_leaves_the_former_checkpoint(tmp_path: Path) -> None:
    """/dev/full in place of the new file: a disk that is full says the same."""
    former = written(tmp_path, epoch=2)

    def full(self: Path, *given: Any, **options: Any) -> Any:
        return (
            real(Path("/dev/full"), *given, **options) if self.name.endswith(".part") else real(self, *given, **options)
        )

    real = Path.open
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Path, "open", full)
        with pytest.raises(RunError, match="disk is full: the checkpoint of epoch 3") as error:
            files.write(tmp_path, "run1", 3, CONTENT | {"large": torch.zeros(1_000_000)})
    assert "its last good checkpoint is kept" in str(error.value.remedy)
    assert CheckpointStore.at(tmp_path).paths("run1") == [former] and files.read(tmp_path, former)


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "run1").write_text("a file where the folder should be")
    with pytest.raises(RunError, match="could not be written") as error:
        written(tmp_path)
    assert "NEQ_CHECKPOINTS" in str(error.value.remedy)


def test_the_disk_is_told_before_the_name_appears(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    def fsync(handle: int) -> None:
        there = CheckpointStore.at(tmp_path).paths("run1")
        told.append(f"{Path(f'/proc/self/fd/{handle}').readlink().suffix or 'folder'}, {len(there)} named")

    monkeypatch.setattr(os, "fsync", fsync)
    written(tmp_path)
    assert told == ["folder, 0 named", ".part, 0 named", "folder, 1 named"]


def test_all_who_reach_a_shelf_know_it_by_the_same_name(tmp_path: Path) -> None:
    one = CheckpointStore.at(tmp_path / "a")
    assert one == CheckpointStore.at(tmp_path / "a") and len(one.id) == 16
    assert CheckpointStore.at(tmp_path / "b").id != one.id
    assert sorted(file.name for file in one.folder.iterdir()) == ["shelf.id"]


def test_a_shelf_deletes_what_it_is_told_and_empty_folders(tmp_path: Path) -> None:
    checkpoint_store = CheckpointStore.at(tmp_path)
    one, two = written(tmp_path, 1), written(tmp_path, 2)
    (tmp_path / "run1" / "epoch-000003-rest.part").write_text("the rest of an unfinished write")
    assert checkpoint_store.paths("run1") == [one, two]
    assert checkpoint_store.delete([one, "gone/epoch-000001-0123456789abcdef.pt"]) == [
        one,
        "gone/epoch-000001-0123456789abcdef.pt",
    ]
    checkpoint_store.clear("run1")
    assert checkpoint_store.paths("run1") == [two] and len(list((tmp_path / "run1").iterdir())) == 1
    checkpoint_store.delete([two])
    checkpoint_store.clear("run1")
    assert not (tmp_path / "run1").exists()


def test_a_name_and_its_parts_are_one(tmp_path: Path) -> None:
    path = written(tmp_path, 1_234_567)
    assert (Name.of(path).run_id, Name.of(path).epoch, str(Name.of(path))) == ("run1", 1_234_567, path)


def held(epoch: int, accuracy: float | None) -> Retained:
    return Retained(epoch, f"e{epoch}", 1, accuracy)


@pytest.mark.parametrize(
    ("accuracies", "every", "stay"),
    [
        ([0.1, 0.2, 0.3], None, [2]),
        ([0.1, 0.9, 0.3], None, [1, 2]),
        ([0.9, 0.9, 0.9], None, [0, 2]),  # of equals the earliest
        ([None, None, None], None, [2]),
        ([None, 0.1, None], None, [1, 2]),
        ([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], 2, [1, 3, 5]),
        ([0.1, 0.9, 0.3, 0.4, 0.5], 3, [1, 2, 4]),
        ([0.1, 0.2], 1, [0, 1]),
    ],
)
def test_the_last_the_best_and_each_nth_stay(
    accuracies: list[float | None], every: int | None, stay: list[int]
) -> None:
    now: tuple[Retained, ...] = ()
    for epoch, accuracy in enumerate(accuracies):
        now = kept(now, held(epoch, accuracy), every)
    assert [each.epoch for each in now] == stay


def test_quota_counts_as_a_full_disk() -> None:
    assert "full" in files._not_written(OSError(errno.EDQUOT, "over quota"), 1, Path("x")).message
