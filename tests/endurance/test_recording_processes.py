"""Trainings that are killed while they are recorded, and two that want one run."""

import random
import time
from pathlib import Path

import pytest

from contract.parts import read_part
from db import Store
from neq.recording.sync import sync
from tests.endurance.recordings import (
    Script,
    Seen,
    assert_arrays,
    assert_finished,
    epochs_stored,
    finish_sending,
    kill_server,
    parts,
    start_again,
    wait_for_loss,
)
from tests.endurance.records import standing, store_of
from tests.system import System

pytestmark = [pytest.mark.endurance, pytest.mark.timeout(900)]

KILLS = 20


class KilledTraining:
    """One run, whose process is killed and taken up again by another; all go on from the checkpoint of the one before.

    Attributes:
        seen: what the epochs' ends of all processes saw.
        last: the script that was killed last.
    """

    def __init__(self, system: System, folder: Path, seed: int) -> None:
        self.system, self.folder, self.draw = system, folder, random.Random(seed)
        self.checkpoints = folder / "checkpoints"
        self.checkpoints.mkdir()
        self.seen, self.moves = Seen(), 0
        self.last: Script | None = None

    @property
    def spool(self) -> Path:
        """Where the parts lie; another folder after each move."""
        return self.folder / f"runs{self.moves}"

    @property
    def run(self) -> str:
        assert self.last is not None
        return self.last.run

    def process(self, *more: str) -> Script:
        """A process that starts the run, or resumes it from the last epoch seen, which may not have been recorded."""
        options = ["--checkpoints", str(self.checkpoints), "--pace", "0.03", *more]
        if self.last is not None:
            options += ["--resume", self.run, "--start", str(max(self.seen.epochs))]
        return Script(self.system.url, self.spool, *options)

    def strike(self, *, without_server: bool = False) -> None:
        """Trains some epochs and kills the process; on request it has had no server for the last of them."""
        with self.process("--epochs", "1000000") as script:
            script.wait_for_epochs(self.draw.randint(2, 9))
            if without_server:
                kill_server(self.system)
                script.wait_for_epochs(5)
            time.sleep(self.draw.uniform(0.0, 0.05))
            script.kill()
        if without_server:
            start_again(self.system)
        assert self.last is None or script.run == self.run, script.without_arrays()
        self.seen.add(script.epochs)
        self.last = script

    def held(self) -> list[int]:
        """The epochs that lie in the folder."""
        lines = [line for path in parts(self.spool) for line in read_part(path.read_bytes()).lines]
        return [line.event["epoch"] for line in lines if line.event["kind"] == "epoch_finished"]

    def send(self) -> None:
        """Sends what the process left; the store then has all that it saw, but perhaps for the last one."""
        held = self.held()
        for sent in sync(self.spool, self.system.url):
            assert sent.done, sent.what
        stored, seen = epochs_stored(self.system, self.run), max(self.seen.epochs)
        assert set(held) <= set(stored)
        # One that ended may have been recorded although the process died before it could say so.
        assert stored == list(range(len(stored))) and seen <= len(stored) <= seen + 2


@pytest.mark.parametrize("seed", [1])
def test_a_process_killed_twenty_times_leaves_every_epoch_once(tmp_path: Path, seed: int) -> None:
    with standing(tmp_path) as system:
        training = KilledTraining(system, tmp_path, seed)
        for kill in range(KILLS):
            training.strike(without_server=kill % 4 == 2)
            if kill % 2 == 1:  # the resuming process finds the folder as it is
                continue
            training.send()  # it is known as the same writer no more
            wait_for_loss(system, training.run)
            training.moves += kill % 4 == 0
        with training.process("--epochs", str(max(training.seen.epochs) + 10)) as script:
            script.end()
        training.seen.add(script.epochs)
        finish_sending(system, training.spool)
        with store_of(system) as store:
            assert_arrays(store, script.run, training.seen)
            assert_told_once(store, training)


def assert_told_once(store: Store, training: KilledTraining) -> None:
    """One run, begun once; what each epoch's end was given once, and every number that was logged."""
    run, seen = training.run, training.seen
    kinds = [event.kind for event in store.events_after(run, 0, limit=100_000)]
    assert kinds.count("run_started") == kinds.count("watch_started") == kinds.count("run_finished") == 1
    assert kinds.count("run_failed") >= KILLS / 2 and training.moves == KILLS // 4
    assert kinds[-1] == "run_finished" and store.run(run).state == "finished"
    accuracy = store.metric_points(run, "accuracy")
    assert accuracy.epochs.tolist() == sorted(seen.epochs)
    assert accuracy.values.tolist() == seen.column("accuracy")
    loss = store.metric_points(run, "train/loss")
    # An epoch that is trained again logs again.
    assert sorted(set(zip(loss.steps.tolist(), loss.values.tolist(), strict=True))) == list(
        enumerate(seen.column("losses"))
    )
    assert [each.id for each in store.runs().items] == [run], "nobody began a run of its own"


@pytest.mark.parametrize("folders", ["same", "different"])
def test_of_processes_that_resume_one_run_one_does_and_the_others_say_so(tmp_path: Path, folders: str) -> None:
    with standing(tmp_path) as system:
        training = KilledTraining(system, tmp_path, 1)
        training.strike()
        first = Seen(training.seen.epochs.values())
        if folders == "different":
            training.send()
            wait_for_loss(system, training.run)
        start = max(first.epochs)
        scripts = compete(system, training, folders == "same")
        winners = [script for script in scripts if script.run == training.run]
        losers = [script for script in scripts if script.run != training.run]
        assert (len(winners), len(losers)) == (1, 2)
        assert not winners[0].told("Warning")
        for script in losers:
            (said,) = script.told("could not be resumed")
            assert training.run in said and "recorded as a new run" in said
        with store_of(system) as store:
            recorded_first = first_of(store, training.run)
            both = Seen([each for number, each in first.epochs.items() if number < recorded_first])
            both.add([each for each in winners[0].epochs if each["epoch"] >= recorded_first])
            assert_arrays(store, training.run, both)
            assert store.run(training.run).state == "finished"
            for script in losers:
                assert script.epochs[0]["epoch"] == start
                assert_finished(store, script.run, Seen(script.epochs))


def compete(system: System, training: KilledTraining, one_folder: bool) -> list[Script]:
    """Two processes that resume the run at one time, a third while the winner trains; all trained to their ends.

    Their data differ, so that no epoch of one could be taken for another's.
    """
    end, scripts = training.folder / "end", list[Script]()
    try:
        for number in range(3):
            spool = training.spool if one_folder else training.folder / f"other{number}"
            options = ["--checkpoints", str(training.checkpoints), "--resume", training.run, "--end", str(end)]
            options += ["--start", str(max(training.seen.epochs)), "--seed", str(number + 1), "--pace", "0.1"]
            scripts.append(Script(system.url, spool, *options))
            if number == 1:
                for script in scripts:
                    script.wait_for_epochs(5)
        scripts[2].wait_for_epochs(5)
        end.touch()
        for script in scripts:
            script.end()
    finally:
        for script in scripts:
            script.process.stop()
    return scripts


def first_of(store: Store, run: str) -> int:
    """The epoch from which on the run was recorded by the process that took it up."""
    events = store.events_after(run, 0, 100_000, ["run_continued"])
    (epoch,) = [each.payload["epoch"] for each in events if each.payload["versions"]]  # the store's own have none
    return int(epoch)
