"""Processes that train a run together: what each says of its failure, and that all of them end."""

import io
import os
import re
import signal
import time
from pathlib import Path
from threading import Thread

import pytest
import torch

from contract.config import Compute, RunConfig, Training
from contract.errors import RunError
from tests.trainer.worker.conftest import Bench, eventually, is_alive
from tests.trainer.worker.together_stub import TRAIN
from trainer.engines.environment import Workplace
from trainer.engines.process import process_engine
from trainer.engines.rank import own_workplace
from trainer.engines.together import checked_device, print_log

pytestmark = pytest.mark.process


def launched(bench: Bench, what: str, *, processes: int = 2, device: str = "cpu") -> str:
    """Queues a run whose processes do what the stub's function of this name does, and starts a worker."""
    config = RunConfig(
        name="run",
        notes=what,
        training=Training(epochs=1),
        compute=Compute(device=device, processes=processes),  # type: ignore[arg-type]
    )
    run = bench.store.create_run(name="run", config=config.model_dump(mode="json"), epochs_planned=1)
    bench.start_worker(engine=process_engine(Workplace(bench.folder, "auto", 4), train=TRAIN))
    return run.id


def ranks(bench: Bench) -> list[int]:
    """Their process ids."""
    paths = [bench.folder / f"run.{rank}" for rank in range(2)]
    eventually(lambda: all(path.exists() for path in paths))
    return [int(path.read_text()) for path in paths]


def log_of(bench: Bench, run_id: str) -> str:
    return "\n".join(event.payload["text"] for event in bench.store.events_after(run_id, 0, kinds=("logged",)))


def test_a_process_that_fails_says_why_for_all_and_they_end(bench: Bench) -> None:
    run_id = launched(bench, "refuses")
    run = bench.end_of(run_id)
    assert (run.state, run.reason) == ("failed", "The second process has no images. Give it some.")
    assert "\n[rank 1] rank 1 of 2 has 2 threads\n" in f"\n{log_of(bench, run_id)}\n"
    assert "\nrank 0 of 2 has 2 threads\n" in f"\n{log_of(bench, run_id)}\n"
    eventually(lambda: not any(map(is_alive, ranks(bench))))


def test_what_processes_print_is_passed_on_in_whole_lines(capfd: pytest.CaptureFixture[str]) -> None:
    class Parts(io.RawIOBase):
        """A socket as it is read: a part of a line at a time."""

        def __init__(self, *parts: bytes) -> None:
            self.parts = list(parts)

        def read1(self, _: int) -> bytes:
            time.sleep(0.01)  # so that the two take turns
            return self.parts.pop(0) if self.parts else b""

    first = Parts(b"in ", b"parts", b"\n12 %\r", b"13 %", b"\r\n", b"the end")
    second = Parts(b"and ", b"the ", b"other\nas", b" well\n")
    threads = [Thread(target=print_log, args=each) for each in ((first, 0), (second, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    said = capfd.readouterr().out
    assert (
        said.replace("[rank 1] and the other\n", "").replace("[rank 1] as well\n", "")
        == "in parts\n12 %\r13 %\r\nthe end"
    )
    assert said.count("[rank 1] ") == 2


@pytest.mark.endurance
@pytest.mark.parametrize(
    ("what", "reason", "said"),
    [
        ("raises", "Training raised ZeroDivisionError: by nothing", "[rank 1] ZeroDivisionError"),
        ("exits", "Process 1 of the 2 that train this run ended with status 3", "rank 0 of 2"),
    ],
)
def test_what_became_of_one_process_is_told_and_not_what_it_did_to_the_others(
    bench: Bench, what: str, reason: str, said: str
) -> None:
    run_id = launched(bench, what)
    run = bench.end_of(run_id)
    assert run.state == "failed" and reason in (run.reason or "")
    assert said in log_of(bench, run_id)
    eventually(lambda: not any(map(is_alive, ranks(bench))))


@pytest.mark.endurance
def test_a_run_one_of_whose_processes_is_killed_is_interrupted(bench: Bench) -> None:
    run_id = launched(bench, "killed")
    run = bench.end_of(run_id)  # it has an epoch and no checkpoint, so that it cannot go on
    assert "killed by signal 9 (SIGKILL)" in (run.reason or "")
    assert "Process 1 of the 2 that train this run was killed by signal 9" in log_of(bench, run_id)
    eventually(lambda: not any(map(is_alive, ranks(bench))))


@pytest.mark.endurance
@pytest.mark.parametrize("by", ["the worker", "a kill of the training process"])
def test_all_processes_end_with_their_run_and_leave_nothing(
    bench: Bench, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(bench.folder))
    run_id = launched(bench, "sleeps")
    mine = ranks(bench)
    semaphores = set(re.findall(r"/dev/shm/sem\S+", Path(f"/proc/{mine[0]}/maps").read_text()))
    assert semaphores and list(bench.folder.glob("neq-*/socket"))
    eventually(lambda: "epoch_finished" in bench.kinds(run_id))  # without an epoch the run would begin once more
    time.sleep(0.5)  # they go to sleep
    training_process = int(Path(f"/proc/{mine[0]}/stat").read_text().rpartition(")")[2].split()[1])
    if by == "the worker":
        os.kill(training_process, signal.SIGUSR1)  # as where nothing is heard of a run: each says where it is
        places = r"^%s  File .*together_stub.py.* in sleeps$"
        for prefix in ("", r"\[rank 1\] "):
            eventually(lambda prefix=prefix: re.search(places % prefix, log_of(bench, run_id), re.MULTILINE))
        bench.store.request_stop(run_id)
        assert bench.end_of(run_id).state == "stopped"
        assert not any(Path(name).exists() for name in semaphores) and not list(bench.folder.glob("neq-*"))
    else:
        os.kill(training_process, signal.SIGKILL)
        assert "SIGKILL" in (bench.end_of(run_id).reason or "")
    eventually(lambda: not any(map(is_alive, mine)))


@pytest.mark.parametrize(
    ("device", "there", "words"),
    [
        ("auto", 3, "needs 4 GPUs, one for each of its processes, and this worker has 3 GPUs"),
        ("cuda", 1, "this worker has 1 GPU"),
    ],
)
def test_a_run_with_more_processes_than_gpus_is_told_how_many_there_are(
    device: str, there: int, words: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: there)
    config = RunConfig(compute=Compute(device=device, processes=4))  # type: ignore[arg-type]
    with pytest.raises(RunError, match=words) as told:
        checked_device(config, Workplace(tmp_path))
    assert f"compute.processes to at most {there}" in (told.value.remedy or "")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    assert checked_device(config, Workplace(tmp_path)) == "cuda"


def test_each_process_gets_its_part_of_the_machine(tmp_path: Path) -> None:
    job = {"workplace": Workplace(tmp_path, threads=5, loaders=3, country="FRA").to_json()}
    first, last = own_workplace(job, 0, 2), own_workplace(job, 1, 2)
    assert (first.threads, first.loaders, first.country, first.rank, first.processes) == (2, 2, "FRA", 0, 2)
    assert (last.threads, last.loaders, last.country, last.rank, last.processes) == (2, 2, None, 1, 2)
    assert own_workplace(job, 7, 8).threads == 1


@pytest.mark.endurance
def test_several_runs_of_several_processes_do_not_meet_each_other(bench: Bench) -> None:
    config = RunConfig(name="run", notes="nothing", training=Training(epochs=1), compute=Compute(processes=2))
    ids = [
        bench.store.create_run(name=name, config=config.model_dump(mode="json"), epochs_planned=1).id
        for name in ("one", "other")
    ]
    bench.start_worker(slots=2, engine=process_engine(Workplace(bench.folder, "cpu", 2), train=TRAIN))
    assert [bench.end_of(run_id).state for run_id in ids] == ["finished", "finished"]
