"""Recordings whose disk is full while no server answers: what could be kept is kept, what could not is said."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.endurance.recordings import (
    Script,
    Seen,
    assert_arrays,
    assert_finished,
    epochs_stored,
    finish_sending,
    kill_server,
    parts,
    recorded,
    start_again,
    wait_for_loss,
    wait_for_more,
)
from tests.endurance.records import eventually, standing, store_of
from tests.endurance.small_disk import LimitedDisk, SmallDisk, mounted
from tests.system import System

pytestmark = [pytest.mark.endurance, pytest.mark.timeout(600)]


@pytest.fixture(params=["mounted", "limited"])
def small_disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SmallDisk]:
    """The folder of the runs, on a disk that can be full."""
    folder = tmp_path / "runs"
    folder.mkdir()
    if request.param == "limited":
        yield LimitedDisk(folder)
    else:
        with mounted(folder) as disk:
            yield disk


def test_a_full_disk_costs_nothing_that_memory_holds(tmp_path: Path, small_disk: SmallDisk) -> None:
    with standing(tmp_path) as system:
        with full_disk(system, tmp_path, small_disk) as script:
            (warning,) = script.told("cannot be written")
            assert "make room there" in warning and str(tmp_path / "runs") in warning
            start_again(system)  # what memory holds is sent from there
            eventually(lambda: len(script.epochs) - len(epochs_stored(system, script.run)) < 5, 120)
            small_disk.clear()
            script.wait_for_epochs(20)
        finish_sending(system, small_disk.folder)
        with store_of(system) as store:
            assert_finished(store, script.run, Seen(script.epochs))


def test_epochs_that_neither_disk_nor_memory_took_are_missing_and_said_to_be(
    tmp_path: Path, small_disk: SmallDisk
) -> None:
    with standing(tmp_path) as system:
        with full_disk(system, tmp_path, small_disk, "--memory", "20000") as script:
            small_disk.clear()
            script.wait_for_epochs(20)
            start_again(system)
            wait_for_more(system, script)
        finish_sending(system, small_disk.folder)
        with store_of(system) as store:
            kept = {epoch for epoch, _ in store.epoch_seqs(script.run)}
            missing = set(range(len(script.epochs))) - kept
            assert 5 <= len(missing) == max(missing) - min(missing) + 1 <= 60, "those between, and no others"
            seen = Seen([each for each in script.epochs if each["epoch"] in kept])
            assert_arrays(store, script.run, seen)
            said = " ".join(each.payload["text"] for each in store.events_after(script.run, 0, 100_000, ["logged"]))
            assert "were left out of the recording: its disk took nothing" in said
            run = store.run(script.run)
            assert (run.state, run.epochs_done) == ("finished", len(script.epochs))


def test_what_is_lost_where_disk_and_server_stay_away_is_said_and_the_rest_is_sent(
    tmp_path: Path, small_disk: SmallDisk
) -> None:
    with standing(tmp_path) as system:
        with full_disk(system, tmp_path, small_disk, "--finish", "2") as script:
            pass
        (lost,), (left,) = script.told("parts of the run are lost"), script.told("parts of the run are not sent")
        assert "cannot be written" in lost
        assert f"NEq: {len(parts(small_disk.folder))} parts of the run" in left and "To send it: neq sync" in left
        small_disk.clear()
        start_again(system)
        finish_sending(system, small_disk.folder)
        with store_of(system) as store:
            kept = [epoch for epoch, _ in store.epoch_seqs(script.run)]
            assert 10 <= len(kept) < len(script.epochs) and kept == list(range(len(kept)))
            seen = Seen(script.epochs[: len(kept)])
            assert_arrays(store, script.run, seen)
        wait_for_loss(system, script.run)


@contextmanager
def full_disk(system: System, tmp_path: Path, disk: SmallDisk, *options: str) -> Iterator[Script]:
    """A training some epochs after its server was killed and then its disk was filled; it goes on meanwhile."""
    with recorded(system, tmp_path, "--pace", "0.05", *options) as script:
        script.wait_for_epochs(5)
        wait_for_more(system, script)
        kill_server(system)
        script.wait_for_epochs(10)
        disk.fill(script.process.pid)
        script.wait_for_epochs(40)
        yield script
