"""Parts on disk, in memory where the disk takes nothing, and one writer of a folder."""

import errno
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import neq
from neq.recording import lock as lock_module
from neq.recording import recorder
from neq.recording import spool as spool_module
from neq.recording.lock import FolderLock, InUse
from neq.recording.part import unpack_part
from neq.recording.spool import Spool
from neq.recording.sync import sync
from tests.neq.recording.stub_server import Store, until
from tests.neq.recording.test_run import SMALL_PROBE, small_model, train

DESCRIPTION: dict[str, Any] = {"id": "a" * 10, "writer": "b" * 32}


class Disk:
    """A disk that can be full."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.full = False
        self.takes = 1_000
        self._write = spool_module._write
        monkeypatch.setattr(spool_module, "_write", self.write)

    def write(self, path: Path, data: bytes, *, durable: bool) -> None:
        self.takes -= 1
        if self.full or self.takes < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._write(path, data, durable=durable)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    monkeypatch.setattr(recorder, "PART_SECONDS", 0.02)
    monkeypatch.setattr(recorder, "POLL_SECONDS", 0.01)
    return Disk(monkeypatch)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.part*"))


def test_a_part_has_its_name_only_once_it_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Spool.create(tmp_path / "run", DESCRIPTION)

    def dies(descriptor: int) -> None:
        assert names(tmp_path / "run") == ["000000000001.part.unfinished"]
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", dies)
    with pytest.raises(KeyboardInterrupt):
        folder.add(1, 2, b"data", durable=True)
    assert names(tmp_path / "run") == ["000000000001.part.unfinished"]
    folder._lock.release()  # type: ignore[union-attr]
    monkeypatch.undo()
    assert Spool.open(tmp_path / "run").parts() == []
    assert names(tmp_path / "run") == []


def test_parts_in_memory_reach_the_disk_in_their_order(tmp_path: Path, disk: Disk) -> None:
    folder = Spool.create(tmp_path / "run", DESCRIPTION)
    disk.full = True
    for number in (1, 2, 3):
        folder.add(number, number, b"data", durable=False)
    disk.full, disk.takes = False, 2
    folder.add(4, 4, b"data", durable=False)
    assert names(tmp_path / "run") == ["000000000001.part", "000000000002.part"]
    folder.close()


def test_acknowledged_parts_go_and_the_others_stay(tmp_path: Path) -> None:
    folder = Spool.create(tmp_path / "run", DESCRIPTION)
    for first, last in ((1, 2), (3, 3), (4, 9)):
        folder.add(first, last, b"data", durable=False)
    folder.acknowledge(3)
    assert names(tmp_path / "run") == ["000000000004.part"]
    folder.close()
    assert names(tmp_path / "run") == ["000000000004.part"]


def test_a_full_disk_costs_nothing_that_fits_into_memory(nowhere: str, disk: Disk, spool: Path, store: Store) -> None:
    run = neq.init(mode="offline")
    until(lambda: names(spool / str(run.id)) != [])
    disk.full = True
    with pytest.warns(neq.NEqRecordingWarning, match=r"cannot be written .*No space left"):
        for number in range(5):
            run.log({"number": number})
            until(lambda: run._recording is not None and run._recording._spool.bytes_in_memory > 0)
    disk.full = False
    until(lambda: run._recording is not None and run._recording._spool.bytes_in_memory == 0)
    run.finish()
    check_sent(spool, store, [0.0, 1.0, 2.0, 3.0, 4.0])


def test_what_is_lost_and_what_can_be_sent_are_told_apart(
    nowhere: str, disk: Disk, spool: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = neq.init(mode="offline")
    until(lambda: names(spool / str(run.id)) != [])
    disk.full = True
    run.log({"number": 1})
    with pytest.warns(neq.NEqRecordingWarning, match="cannot be written"):
        until(lambda: held_in_memory(run) > 0)
        run.finish()  # its end is another part that the disk does not take
    said = capsys.readouterr().err
    assert "2 parts of the run are lost" in said and "No space left" in said
    assert f"To send it: neq sync {spool / str(run.id)}" in said


def check_sent(folder: Path, store: Store, numbers: list[float]) -> None:
    from tests.neq.recording.stub_server import serving

    with serving(store) as url:
        (run,) = sync(folder, url)
    assert run.done
    assert [value for *_, value in store.run.points("number")] == numbers
    assert store.run.kinds[-1] == "run_finished"


def test_where_memory_ends_numbers_go_first_and_epochs_stay(
    nowhere: str, disk: Disk, spool: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "MOST_IN_MEMORY", 4_000)
    model, optimizer = small_model()
    run = neq.init(mode="offline")
    watch = run.watch(model, optimizer, SMALL_PROBE)
    until(lambda: names(spool / str(run.id)) != [])
    disk.full = True
    with pytest.warns(neq.NEqRecordingWarning, match="cannot be written"):
        train(model, optimizer)
        watch.end_epoch()
        until(lambda: held_in_memory(run) > 0)
        while held_in_memory(run) < 2_000:
            run.log({f"filling/{number}": number for number in range(50)})
            until(lambda: run._recording is not None and run._recording._recorder.queued == 0)
        run.log({"number": 1})
        train(model, optimizer)
        watch.end_epoch()
        until(lambda: run._recording is not None and run._recording._recorder.queued == 0)
    disk.full = False
    until(lambda: held_in_memory(run) == 0)
    run.log({"number": 2})
    run.finish()
    watch.close()
    check_sent(spool, store, [2.0])
    assert [event["epoch"] for event in store.run.events("epoch_finished")] == [0, 1]
    assert any("were left out" in event["text"] for event in store.run.events("logged"))


def held_in_memory(run: neq.Run) -> int:
    return run._recording._spool.bytes_in_memory if run._recording is not None else 0


def test_a_folder_that_cannot_be_made_does_not_stop_a_run_that_is_sent(
    server: str, store: Store, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.warns(neq.NEqRecordingWarning, match="cannot be written"):
        run = neq.init(folder=tmp_path / "file")
        run.log({"number": 1})
        run.finish()
    assert store.run.kinds == ["run_started", "metrics_logged", "run_finished"]


def test_a_folder_has_one_writer(tmp_path: Path) -> None:
    lock = FolderLock.take(tmp_path)
    with pytest.raises(InUse, match=f"process {os.getpid()}"):
        FolderLock.take(tmp_path)
    lock.release()
    FolderLock.take(tmp_path).release()


def test_a_folder_is_free_at_once_though_a_child_just_forked_has_the_file_open(tmp_path: Path) -> None:
    lock = FolderLock.take(tmp_path)
    assert lock._descriptor is not None
    childs = FolderLock(os.dup(lock._descriptor))  # what a fork copies
    lock.release()
    FolderLock.take(tmp_path).release()
    childs.forget()


def test_a_child_that_forgets_the_folder_leaves_it_to_its_parent(tmp_path: Path) -> None:
    lock = FolderLock.take(tmp_path)
    assert lock._descriptor is not None
    FolderLock(os.dup(lock._descriptor)).forget()
    with pytest.raises(InUse):
        FolderLock.take(tmp_path)
    lock.release()


def test_a_lock_on_a_file_that_was_cleared_away_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock, flock = lock_module._fcntl, lock_module._fcntl.flock  # type: ignore[union-attr]
    files = [tmp_path / "lock"]

    def cleared_first(descriptor: int, how: int) -> None:
        for file in files:
            file.unlink()  # as who held it does at its end, between our opening it and locking it
        files.clear()
        flock(descriptor, how)

    monkeypatch.setattr(lock, "flock", cleared_first)
    mine = FolderLock.take(tmp_path)
    with pytest.raises(InUse):
        FolderLock.take(tmp_path)
    mine.release()


def epochs_held(folder: Path) -> list[int]:
    """The epochs that a folder's parts have."""
    lines = [line for path in sorted(folder.glob("*.part")) for line in unpack_part(path.read_bytes()).lines]
    return [line["event"]["epoch"] for line in lines if line["event"]["kind"] == "epoch_finished"]


def test_an_epoch_waits_for_the_one_before_it_to_be_on_disk(spool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that is killed loses no more than its last epoch, however long its disk takes for one."""
    write = spool_module._write

    def slow(path: Path, data: bytes, *, durable: bool) -> None:
        time.sleep(0.05)
        write(path, data, durable=durable)

    monkeypatch.setattr(spool_module, "_write", slow)
    model, optimizer = small_model()
    run = neq.init(mode="offline")
    watch = run.watch(model, optimizer, SMALL_PROBE)
    for epoch in range(6):
        train(model, optimizer)
        watch.end_epoch()
        assert epochs_held(spool / str(run.id))[:epoch] == list(range(epoch))
    run.finish()
    watch.close()


def test_a_disk_that_hangs_is_waited_for_once(spool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write, answers = spool_module._write, threading.Event()

    def hangs(path: Path, data: bytes, *, durable: bool) -> None:
        assert answers.wait(60)
        write(path, data, durable=durable)

    run = neq.init(mode="offline")
    monkeypatch.setattr(spool_module, "_write", hangs)
    monkeypatch.setattr(recorder, "LONGEST_EPOCH_WAIT", 0.2)
    model, optimizer = small_model()
    watch = run.watch(model, optimizer, SMALL_PROBE)
    began = time.monotonic()
    for _ in range(41):
        train(model, optimizer)
        watch.end_epoch()
    assert time.monotonic() - began < 40 * 0.2, "it waited for each of them"
    answers.set()
    run.finish()
    watch.close()
    assert epochs_held(spool / str(run.id)) == list(range(41))
