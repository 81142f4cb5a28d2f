"""A training that records itself in a process of its own, and what it saw, to be held against the store to the bit."""

import base64
import io
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from db import Store, UnknownRun
from tests.endurance.recording_script import FIELDS, STEPS
from tests.endurance.records import SILENCE_SECONDS, eventually, kill, store_of
from tests.system import Process, System

LAYERS = 3
Json = dict[str, Any]


class Script:
    """A training, told of line by line.

    Args:
        url: of the server that it records to.
        folder: of its spool.
        options: of the script's command line.
        environment: besides.
    """

    def __init__(self, url: str, folder: Path, *options: str, environment: dict[str, str] | None = None) -> None:
        told = {"NEQ_URL": url, "NEQ_DIR": str(folder), "OMP_NUM_THREADS": "1", **(environment or {})}
        self.process = Process(*options, environment=told, module="tests.endurance.recording_script")
        self._read, self._said = 0, list[Json]()
        self.plain: list[str] = []

    def __enter__(self) -> "Script":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stop()

    def _look(self) -> None:
        for line in self.process.lines[self._read :]:
            self._read += 1
            if not line.endswith("\n"):
                continue  # it was killed over it
            if line.startswith("{"):
                self._said.append(json.loads(line))
            else:
                self.plain.append(line)

    @property
    def epochs(self) -> list[Json]:
        """What the ends of its epochs saw, in order."""
        self._look()
        return [each for each in self._said if "epoch" in each]

    @property
    def run(self) -> str:
        """The run's id."""
        return str(self.wait(lambda: next((each["run"] for each in self._said if "run" in each), None)))

    def told(self, words: str) -> list[str]:
        """The lines that it printed for a person in which these words are."""
        self._look()
        return [line for line in self.plain if words in line]

    def wait(self, condition: Callable[[], Any], seconds: float = 120) -> Any:
        """What the condition gives, once it holds."""
        until = time.monotonic() + seconds
        while True:
            self._look()
            if found := condition():
                return found
            assert time.monotonic() < until, f"it did not come about:\n{self.without_arrays()}"
            assert self.process.status is None or condition(), f"the script has ended:\n{self.without_arrays()}"
            time.sleep(0.02)

    def wait_for_epochs(self, more: int) -> None:
        """Returns once that many more are trained."""
        wanted = len(self.epochs) + more
        self.wait(lambda: len(self.epochs) >= wanted)

    def kill(self) -> None:
        """SIGKILL, now; and everything that it had said is read."""
        self.process.interrupt(9)
        self.process.stop()

    def end(self, seconds: float = 120) -> None:
        """Waits for its end, which must be a good one."""
        assert self.process.wait(seconds) == 0, self.without_arrays()
        self.process.stop()
        self._look()
        assert "finished" in self._said[-1]
        assert not self.told("Traceback"), self.without_arrays()

    def without_arrays(self) -> str:
        """What it printed, for a person."""
        return "".join(self.plain[-60:])


class Seen:
    """What is to stand in the store: epochs by number, each from the process that recorded it."""

    def __init__(self, epochs: Sequence[Json] = ()) -> None:
        self.epochs: dict[int, Json] = {}
        self.add(epochs)

    def add(self, epochs: Sequence[Json]) -> None:
        """Those of one process. What is trained again behind its checkpoint must come out as before."""
        for each in epochs:
            assert self.epochs.setdefault(each["epoch"], each) == each

    def arrays(self, epoch: int) -> dict[str, np.ndarray[Any, Any]]:
        """By field and layer."""
        with np.load(io.BytesIO(base64.b64decode(self.epochs[epoch]["arrays"]))) as file:
            return dict(file)

    def column(self, name: str) -> list[float]:
        """A metric of every epoch, in order."""
        found = [self.epochs[epoch][name] for epoch in sorted(self.epochs)]
        return [value for each in found for value in (each if isinstance(each, list) else [each])]


def assert_arrays(store: Store, run: str, seen: Seen) -> None:
    """The store has these epochs, each once and no others, and every neuron of them to the bit."""
    numbers = sorted(seen.epochs)
    assert [epoch for epoch, _ in store.epoch_seqs(run)] == numbers
    assert [event.payload["epoch"] for event in store.epochs_after(run)] == numbers
    histories = {
        f"{field}{layer}": store.layer_history(run, layer, field)  # type: ignore[arg-type]
        for field in FIELDS
        for layer in range(LAYERS)
    }
    for history in histories.values():
        assert history.epochs.tolist() == numbers
    for place, epoch in enumerate(numbers):
        expected = seen.arrays(epoch)
        for name, history in histories.items():
            found = history.values[place]
            if name not in expected:
                assert name.startswith("velocity") and np.isnan(found).all(), (epoch, name)
            else:
                assert found.dtype == expected[name].dtype, name
                assert found.tobytes() == expected[name].tobytes(), (epoch, name)


def assert_metrics(store: Store, run: str, seen: Seen) -> None:
    """Every point of every epoch once, in order."""
    numbers = sorted(seen.epochs)
    loss, accuracy = store.metric_points(run, "train/loss"), store.metric_points(run, "accuracy")
    assert loss.epochs.tolist() == [epoch for epoch in numbers for _ in range(STEPS)]
    assert loss.steps.tolist() == [epoch * STEPS + step for epoch in numbers for step in range(STEPS)]
    assert loss.values.tolist() == seen.column("losses")
    assert accuracy.epochs.tolist() == numbers
    assert accuracy.values.tolist() == seen.column("accuracy")


def assert_finished(store: Store, run: str, seen: Seen) -> None:
    """All of it: every epoch, every point, its beginning and its end once."""
    assert_arrays(store, run, seen)
    assert_metrics(store, run, seen)
    kinds = [event.kind for event in store.events_after(run, 0, limit=100_000)]
    assert kinds.count("run_started") == kinds.count("watch_started") == kinds.count("run_finished") == 1
    assert kinds[-1] == "run_finished"
    found = store.run(run)
    assert (found.state, found.source, found.epochs_done) == ("finished", "external", max(seen.epochs) + 1)


def parts(folder: Path) -> list[Path]:
    """What is not sent of the runs in a spool."""
    return sorted(folder.glob("*/*.part"))


def neq_sync(folder: Path, url: str, token: str = "") -> tuple[int, str]:
    """`neq sync FOLDER` as a person types it: exit status, and all that was printed."""
    process = Process("sync", str(folder), environment={"NEQ_URL": url, "NEQ_TOKEN": token})
    try:
        return process.wait(120), process.said
    finally:
        process.stop()


def events_stored(system: System, run: str) -> int:
    """Up to which of the recorder's events the store has the run; 0 before there is one."""
    with store_of(system) as store, suppress(UnknownRun):
        return store.run(run).writer_seq
    return 0


def wait_for_more(system: System, script: Script, more: int = 1) -> None:
    """Returns once that many events more than now are stored."""
    before = events_stored(system, script.run)
    eventually(lambda: events_stored(system, script.run) >= before + more, 120)


def kill_server(system: System) -> None:
    """SIGKILL."""
    assert system.server is not None
    kill(system.server.pid)
    system.server.stop()


def start_again(system: System) -> None:
    """The server, at the same port; it is as quick as the first one to take a run for lost."""
    system.environment["NEQ_SILENCE_LIMIT_SECONDS"] = str(SILENCE_SECONDS)
    system.start_server()


@contextmanager
def recorded(
    system: System, tmp_path: Path, *options: str, environment: dict[str, str] | None = None
) -> Iterator[Script]:
    """A training that goes on until the block ends, and then finishes its run."""
    end = tmp_path / "end"
    options = ("--end", str(end), "--longest-pause", "0.5", *options)
    with Script(system.url, tmp_path / "runs", *options, environment=environment) as script:
        yield script
        end.touch()
        script.end()


def finish_sending(system: System, folder: Path, token: str = "") -> None:
    """Sends what is left, and once more what is not."""
    if parts(folder):
        status, said = neq_sync(folder, system.url, token)
        assert status == 0, said
    assert neq_sync(folder, system.url, token) == (0, "There is nothing to send.\n")


def epochs_stored(system: System, run: str) -> list[int]:
    """The numbers of those that the store has."""
    with store_of(system) as store:
        return [epoch for epoch, _ in store.epoch_seqs(run)]


def wait_for_loss(system: System, run: str) -> None:
    """Returns once the run, of which nobody tells any more, is shown as lost."""
    found = system.wait_until(run, lambda run: run["state"] == "failed", 60)
    assert found["reason"].startswith("The recorder is lost"), found["reason"]
