"""A worker's GPUs: which it may use, and which one each run's process sees."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
import torch

from cli import worker as command
from cli.settings import WorkerSettings
from cli.worker import shared_out
from contract.config import Compute, RunConfig
from tests.trainer.worker.conftest import Bench, eventually
from tests.trainer.worker.stub import TRAIN
from trainer.engines import ResumePoint, gpus, warm_jobs
from trainer.engines.device_choice import DeviceChoice
from trainer.engines.dry import DryPasses
from trainer.engines.environment import Workplace
from trainer.engines.gpus import Gpu, GpuPool, NoSuchGpu, find_gpus, may_have_gpus, shown
from trainer.engines.process import environment_of_child, process_engine
from trainer.engines.torch_gpus import torch_gpus
from trainer.training.dry_pass import DryPass
from trainer.worker.checking import Checker

TWO = (Gpu("cuda", 0, "H200", 1), Gpu("cuda", 1, "H200", 1))
UUIDS = "GPU-8932f937-d72c-4106-c12f-20bd9faed9f6, MIG-2bf1c0f3-8c1d-5b5c-a6a1-0d5e3c1f8a10"


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("auto", DeviceChoice("auto")),
        ("cpu", DeviceChoice("cpu")),
        ("mps", DeviceChoice("mps")),
        ("cuda", DeviceChoice("cuda")),
        ("cuda:1", DeviceChoice("cuda", (1,))),
        ("cuda:0, cuda:2", DeviceChoice("cuda", (0, 2))),
        ("xpu:3", DeviceChoice("xpu", (3,))),
    ],
)
def test_a_device_is_read_as_it_is_written(text: str, choice: DeviceChoice) -> None:
    assert DeviceChoice.parse(text) == choice


@pytest.mark.parametrize(
    "text", ["", "tpu", "cuda:", "cuda:-1", "cuda:x", "cuda:0,xpu:1", "cuda:0,cuda:0", "cpu:1", "0"]
)
def test_what_names_no_device_is_refused_with_examples(text: str) -> None:
    with pytest.raises(ValueError, match="such as cuda:1 or cuda:0,cuda:2"):
        DeviceChoice.parse(text)


@pytest.mark.parametrize(
    ("gpu", "environment", "change"),
    [
        (TWO[1], {}, {"CUDA_VISIBLE_DEVICES": "1"}),
        (TWO[1], {"CUDA_VISIBLE_DEVICES": ""}, {"CUDA_VISIBLE_DEVICES": "1"}),
        (TWO[0], {"CUDA_VISIBLE_DEVICES": "2,3"}, {"CUDA_VISIBLE_DEVICES": "2"}),
        (TWO[1], {"CUDA_VISIBLE_DEVICES": "2,3"}, {"CUDA_VISIBLE_DEVICES": "3"}),
        (TWO[0], {"CUDA_VISIBLE_DEVICES": UUIDS}, {"CUDA_VISIBLE_DEVICES": UUIDS[:40]}),
        (TWO[1], {"CUDA_VISIBLE_DEVICES": UUIDS}, {"CUDA_VISIBLE_DEVICES": UUIDS[42:]}),
        (TWO[1], {"HIP_VISIBLE_DEVICES": "4,6"}, {"HIP_VISIBLE_DEVICES": "6"}),
        (Gpu("xpu", 1, "Max", 1), {"ZE_AFFINITY_MASK": "0.0,0.1"}, {"ZE_AFFINITY_MASK": "0.1"}),
        (Gpu("mps", 0, "Apple GPU", 1), {}, {}),
    ],
)
def test_a_process_sees_its_gpu_alone_as_the_worker_s_own_environment_names_it(
    gpu: Gpu, environment: dict[str, str], change: dict[str, str]
) -> None:
    assert gpu.alone(environment) == change


def test_the_gpu_that_fewest_runs_have_is_lent_next() -> None:
    pool = GpuPool(TWO)
    taken = [pool.take() for _ in range(3)]
    assert taken == [(TWO[0],), (TWO[1],), (TWO[0],)]
    assert pool.free() == TWO[1]
    pool.release(taken[0])
    pool.release(taken[2])
    assert pool.take() == (TWO[0],)


def test_a_run_on_several_processes_gets_a_gpu_for_each_and_as_many_as_there_are() -> None:
    pool = GpuPool(TWO)
    pool.take()
    both = pool.take(2)
    assert both == (TWO[1], TWO[0]) and pool.free() == TWO[1]
    assert shown(both, {"CUDA_VISIBLE_DEVICES": "5,7"}) == {"CUDA_VISIBLE_DEVICES": "7,5"}
    assert shown((), {}) == {}
    pool.release(both)
    assert pool.take(3) == (TWO[1], TWO[0])


@pytest.mark.parametrize("gpus", [None, ()])
def test_where_there_is_no_gpu_none_is_lent(gpus: tuple[Gpu, ...] | None) -> None:
    pool = GpuPool(gpus)
    assert pool.take() == pool.take(2) == () and pool.free() is None
    pool.release(())


def seen_by(bench: Bench, name: str) -> dict[str, Any]:
    path = bench.folder / f"{name}.sees"
    eventually(path.exists)
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def queued(bench: Bench, name: str, **compute: Any) -> str:
    config = RunConfig(name=name, notes="sees", compute=Compute(**compute)).model_dump(mode="json")
    return bench.store.create_run(name=name, config=config, epochs_planned=1).id


@pytest.mark.process
def test_runs_at_once_see_a_gpu_each_and_a_run_on_the_cpu_none(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,7")
    pool = GpuPool(TWO)
    names = ["one", "two", "cpu", "none", "next"]
    asked: dict[str, Any] = {"cpu": {"device": "cpu"}, "none": {"gpus": 0}}
    ids = [queued(bench, name, **asked.get(name, {})) for name in names]
    bench.start_worker(slots=4, engine=process_engine(Workplace(bench.folder), train=TRAIN, gpus=pool))
    seen = [seen_by(bench, name) for name in names[:4]]
    assert sorted(each["CUDA_VISIBLE_DEVICES"] for each in seen[:2]) == ["5", "7"]
    assert {(each["gpu"], each["CUDA_VISIBLE_DEVICES"]) for each in seen[:2]} == {
        ("GPU 0 (H200)", "5"),
        ("GPU 1 (H200)", "7"),
    }
    assert [(each["gpu"], each["CUDA_VISIBLE_DEVICES"]) for each in seen[2:]] == [(None, "5,7")] * 2
    (bench.folder / "go").touch()
    assert all(bench.end_of(run_id).state == "finished" for run_id in ids)
    assert seen_by(bench, "next")["CUDA_VISIBLE_DEVICES"] in ("5", "7")
    eventually(lambda: [pool.take() for _ in range(2)] == [(TWO[0],), (TWO[1],)])  # all have been given back


@pytest.mark.parametrize(
    "own", [{}, {"PYTORCH_ALLOC_CONF": "max_split_size_mb:64"}, {"PYTORCH_CUDA_ALLOC_CONF": "x:y"}]
)
def test_the_allocator_s_segments_can_grow_unless_its_settings_are_the_user_s_own(
    own: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PYTORCH_ALLOC_CONF", "PYTORCH_CUDA_ALLOC_CONF"):
        monkeypatch.delenv(name, raising=False)
    for name, value in own.items():
        monkeypatch.setenv(name, value)
    names = ("PYTORCH_ALLOC_CONF", "PYTORCH_CUDA_ALLOC_CONF")

    def settings(*gpus: Gpu) -> dict[str, str]:
        return {name: value for name, value in environment_of_child(gpus).items() if name in names}

    grows = replace(TWO[0], segments_grow=True)
    assert settings(grows) == (own or {"PYTORCH_ALLOC_CONF": "expandable_segments:True"})
    assert settings(TWO[0]) == own, "its driver does not bear it"
    assert settings(grows, TWO[1]) == own, "nor does that of one of several"
    assert settings() == own, "a run on the CPU has no such allocator"


@pytest.mark.parametrize("bears_it", [True, False])
def test_whether_segments_can_grow_is_tried_where_torch_is_asked_for_gpus(
    monkeypatch: pytest.MonkeyPatch, bears_it: bool
) -> None:
    def empty(*_: object, **__: object) -> None:
        if not bears_it:
            raise RuntimeError("CUDA driver error: operation not supported")

    gpu = SimpleNamespace(name="A40-48C", total_memory=48)
    cuda = SimpleNamespace(is_available=lambda: True, device_count=lambda: 1, get_device_properties=lambda _: gpu)
    monkeypatch.setattr(torch, "get_device_module", lambda kind: cuda)
    monkeypatch.setattr(torch, "empty", empty)
    monkeypatch.delenv("PYTORCH_ALLOC_CONF", raising=False)
    assert [Gpu(**each).segments_grow for each in torch_gpus("cuda")] == [False], "nobody asks for it"
    monkeypatch.setenv("PYTORCH_ALLOC_CONF", "expandable_segments:True")
    assert [Gpu(**each).segments_grow for each in torch_gpus("cuda")] == [bears_it]


@pytest.mark.process
def test_torch_is_asked_in_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    with pytest.raises(NoSuchGpu, match="there is no cuda:3 that torch can use here; it finds none"):
        find_gpus(environment_of_child(), DeviceChoice("cuda", (3,)))


def answers(monkeypatch: pytest.MonkeyPatch, said: bytes) -> None:
    monkeypatch.setattr("trainer.engines.gpus._output", lambda *_: said)


def test_of_the_gpus_that_torch_finds_those_are_used_that_the_choice_names(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [{"kind": "cuda", "number": number, "name": "H200", "memory_bytes": 5} for number in range(3)]
    answers(monkeypatch, b"a word of a library\n" + json.dumps(found).encode() + b"\n")
    assert [gpu.number for gpu in find_gpus({}, DeviceChoice("auto")) or ()] == [0, 1, 2]
    assert [gpu.number for gpu in find_gpus({}, DeviceChoice("cuda", (2, 0))) or ()] == [2, 0]
    with pytest.raises(NoSuchGpu, match=r"no cuda:4 .* it finds cuda:0 \(H200\), cuda:1 \(H200\), cuda:2 \(H200\)"):
        find_gpus({}, DeviceChoice("cuda", (0, 4)))


def test_a_kind_of_gpu_that_is_asked_for_and_not_there_is_refused_and_auto_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers(monkeypatch, b"[]")
    with pytest.raises(NoSuchGpu, match="torch finds no xpu device that it can use here"):
        find_gpus({}, DeviceChoice("xpu"))
    assert find_gpus({}, DeviceChoice("auto")) == ()
    with pytest.raises(SystemExit):
        command._find_gpus(WorkerSettings(device="cuda"))
    assert "NEQ_DEVICE: torch finds no cuda device" in capsys.readouterr().err


@pytest.mark.process
def test_what_is_asked_of_torch_is_given_up_once_the_worker_ends() -> None:
    began = time.monotonic()
    with pytest.raises(subprocess.TimeoutExpired):
        gpus._output([sys.executable, "-S", "-c", "import time; time.sleep(60)"], os.environ, lambda: True)
    assert time.monotonic() - began < 2
    with pytest.raises(subprocess.CalledProcessError):
        gpus._output([sys.executable, "-S", "-c", "raise SystemExit(3)"], os.environ, lambda: False)
    assert gpus._output([sys.executable, "-S", "-c", "print(5)"], os.environ, lambda: False) == b"5\n"


def test_a_worker_that_is_ended_while_torch_is_asked_does_not_begin(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stop = threading.Event()

    def given_up(_environment: Any, _choice: Any, ended: Callable[[], bool]) -> None:
        assert not ended()
        stop.set()
        assert ended()

    monkeypatch.setattr("trainer.engines.gpus.find_gpus", given_up)
    monkeypatch.setattr(command, "open_store", lambda _: pytest.fail("it took runs"))
    command._work(WorkerSettings(device="cuda", checkpoints=tmp_path / "kept"), stop, None, command._on_this_machine)
    assert "".join(capsys.readouterr()) == "", "torch was not unable to answer"


@pytest.mark.parametrize("learned", [None, (), TWO[:1], TWO])
def test_a_worker_that_is_told_a_gpu_s_number_lends_no_other_whenever_torch_is_asked(
    learned: tuple[Gpu, ...] | None, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pool = GpuPool(None, DeviceChoice("cuda", (1,)))
    checker = Checker(Workplace(tmp_path, "cuda"), pool)
    told = None if learned is None else [asdict(gpu) for gpu in learned]
    monkeypatch.setattr(DryPasses, "gpus", lambda _: told)
    checker._ask_for_gpus()
    (taken,) = pool.take()
    assert taken.alone({}) == {"CUDA_VISIBLE_DEVICES": "1"}
    assert taken.title == ("GPU 1 (H200)" if learned == TWO else "GPU 1")
    assert pool.gpus == (TWO[1:] if learned == TWO else None if learned is None else ())
    assert ("NEQ_DEVICE names GPUs that torch cannot find: 1" in caplog.text) == (learned in ((), TWO[:1]))


def test_a_worker_says_which_other_kinds_of_gpus_torch_can_use(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(torch.xpu, "is_available", lambda: True)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(DryPasses, "_ask", lambda _self, job, _seconds: warm_jobs.answer(job))
    checker = Checker(Workplace(tmp_path), GpuPool(TWO))
    store = Mock()
    checker._look.set()
    monkeypatch.setattr("trainer.worker.checking.DESCRIBE_SECONDS", 0)
    checker._describe(store, "w")
    assert store.describe_worker.call_args.args[1]["others"] is None, "nobody asked yet"
    checker._ask_for_gpus()
    checker._describe(store, "w")
    assert store.describe_worker.call_args.args[1]["others"] == ["xpu"]


def test_slots_are_those_of_the_gpus_that_are_named_where_torch_cannot_be_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    began: dict[str, Any] = {}
    monkeypatch.setattr("trainer.engines.gpus.find_gpus", lambda *_: None)
    monkeypatch.setattr(command, "open_store", lambda _: Mock())
    monkeypatch.setattr("trainer.worker.run_worker", lambda *_, **how: began.update(how))
    settings = WorkerSettings(device="cuda:1,cuda:2,cuda:3", checkpoints=tmp_path / "kept")
    command._work(settings, threading.Event(), None, command._on_this_machine)
    assert began["slots"] == 3
    assert "3 runs at once on cuda:1,cuda:2,cuda:3 alone (NEQ_DEVICE)" in capsys.readouterr().err


@pytest.mark.process
@pytest.mark.parametrize(
    ("what", "error"),
    [
        ("os.pipe", OSError(24, "Too many open files")),
        ("subprocess.Popen", OSError(24, "Too many open files")),
        ("threading.Thread.start", RuntimeError("can't start new thread")),
    ],
)
def test_a_gpu_is_given_back_where_its_run_cannot_be_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, what: str, error: Exception
) -> None:
    pool = GpuPool(TWO[:1])
    started: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def start_one(*how: Any, **more: Any) -> subprocess.Popen[bytes]:
        started.append(popen(*how, **more))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", start_one)
    monkeypatch.setattr(what, Mock(side_effect=error))
    with pytest.raises(type(error), match=str(error.args[-1])):
        process_engine(Workplace(tmp_path), train=TRAIN, gpus=pool)(RunConfig(), ResumePoint())
    assert pool._runs[0] == 0
    for process in started:
        assert process.returncode is not None and process.stdin and process.stdout
        assert process.stdin.closed and process.stdout.closed


def test_every_part_of_a_gpu_is_found_though_a_process_sees_one_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def one(_command: list[str], environment: dict[str, str], _ended: Callable[[], bool]) -> bytes:
        asked.append(environment["CUDA_VISIBLE_DEVICES"])
        said = json.dumps([{"kind": "cuda", "number": 0, "name": "H200 MIG 1g.18gb", "memory_bytes": 5}])
        return said.encode()

    monkeypatch.setattr("trainer.engines.gpus._output", one)
    environment = {"CUDA_VISIBLE_DEVICES": "MIG-a, MIG-b,MIG-c"}
    gpus = find_gpus(environment, DeviceChoice("auto")) or ()
    assert asked == ["MIG-a", "MIG-b", "MIG-c"]
    assert [gpu.alone(environment)["CUDA_VISIBLE_DEVICES"] for gpu in gpus] == ["MIG-a", "MIG-b", "MIG-c"]
    asked.clear()
    find_gpus({"CUDA_VISIBLE_DEVICES": "GPU-a,GPU-b"}, DeviceChoice("auto"))
    assert asked == ["GPU-a,GPU-b"]


def test_a_dry_pass_sees_the_gpu_that_fewest_runs_have(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pool = GpuPool(TWO)
    pool.take()
    jobs: list[dict[str, Any]] = []
    passes = DryPasses(Workplace(tmp_path), pool)

    def ask(job: dict[str, Any], seconds: float) -> dict[str, Any]:
        jobs.append(json.loads(json.dumps(job)))
        return {"state": "ok"}

    monkeypatch.setattr(passes, "_ask", ask)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,7")
    passes.make(RunConfig())
    assert jobs[0]["environment"] == {"CUDA_VISIBLE_DEVICES": "7"}
    assert jobs[0]["workplace"]["gpu"] == "GPU 1 (H200)", "so that it says where that GPU does not answer"
    passes.make(RunConfig(compute=Compute(device="cpu")))
    assert (jobs[1]["environment"], jobs[1]["workplace"]["gpu"]) == ({}, None)

    seen: list[str] = []

    def look(config: RunConfig, workplace: Workplace) -> DryPass:
        seen.append(os.environ["CUDA_VISIBLE_DEVICES"])
        return DryPass()

    monkeypatch.setattr(warm_jobs, "dry_pass", look)
    assert warm_jobs.answer(jobs[0])["state"] == "ok"
    assert seen == ["7"], "set before CUDA is first used"


def test_a_torch_that_gives_no_answer_is_none_known(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, b"")
    assert find_gpus({}, DeviceChoice("auto")) is None
    monkeypatch.undo()
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    assert find_gpus({}, DeviceChoice("auto")) is None


def test_torch_is_asked_only_where_a_gpu_is_wanted_or_a_driver_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert not may_have_gpus(DeviceChoice("auto"), tmp_path)
    assert may_have_gpus(DeviceChoice("cuda"), tmp_path) and may_have_gpus(DeviceChoice("mps"), tmp_path)
    (tmp_path / "nvidia0").touch()
    (tmp_path / "nvme0").touch()
    assert may_have_gpus(DeviceChoice("auto"), tmp_path)
    assert not may_have_gpus(DeviceChoice("cpu"), tmp_path)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert not may_have_gpus(DeviceChoice("auto"), tmp_path), "the worker itself is shown none"


def test_slots_are_one_on_each_gpu_unless_they_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 64)
    monkeypatch.setattr("cli.settings.usable_processors", lambda: 64)
    usual = WorkerSettings()
    assert (usual.slots_on(0), usual.slots_on(1), usual.slots_on(8)) == (2, 1, 8)
    assert (WorkerSettings(cpu_slots=1).slots_on(0), WorkerSettings(slots=3).slots_on(8)) == (1, 3)
    assert (usual.threads_per_run(2), usual.threads_per_run(8), WorkerSettings(threads=3).threads_per_run(8)) == (
        32,
        8,
        3,
    )


def test_loader_processes_beside_a_gpu_follow_the_processors_and_not_torch_s_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("cli.settings.usable_processors", lambda: 64)
    one_thread = WorkerSettings(threads=1)
    assert [one_thread.loaders_per_run(slots, slots) for slots in (1, 4, 8)] == [32, 16, 8]
    assert one_thread.loaders_per_run(2, 0) is None, "on a CPU the data choose, as before"
    assert WorkerSettings(loaders=0).loaders_per_run(1, 1) == 0


def test_an_empty_variable_for_gpus_is_one_that_nobody_set_and_no_other_is(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NEQ_SLOTS", "NEQ_CPU_SLOTS", "NEQ_LOADERS", "NEQ_DEVICE"):
        monkeypatch.setenv(name, "")
    usual = WorkerSettings()
    assert (usual.slots, usual.cpu_slots, usual.loaders, usual.device) == (None, 2, None, "auto")
    monkeypatch.setenv("NEQ_DATABASE_URL", "")
    assert WorkerSettings().database_url == "", "which no store is at; not the usual one in silence"
    monkeypatch.setenv("NEQ_THREADS", "")
    with pytest.raises(ValueError, match="threads"):
        WorkerSettings()


def test_a_worker_says_in_a_line_how_its_runs_share_its_gpus() -> None:
    titles = "GPU 0 (H200), GPU 1 (H200)"
    assert shared_out(TWO, 2) == f"Training 2 runs at once, each with a GPU of its own: {titles}"
    assert shared_out(TWO, 4) == f"Training 4 runs at once, 2 on each GPU, which share its memory: {titles}"
    assert "3 runs at once, 1 to 2 on each GPU" in shared_out(TWO, 3)


@pytest.mark.parametrize(
    ("device", "found", "gpus", "words"),
    [
        ("cpu", TWO, (), ""),
        ("cuda", TWO, TWO, "Training 2 runs at once, each with a GPU of its own"),
        ("cuda", None, None, "torch could not list the GPUs: slots are those of a CPU (2)"),
    ],
)
def test_a_worker_that_starts_finds_its_gpus(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], device: str, found: Any, gpus: Any, words: str
) -> None:
    monkeypatch.setattr("trainer.engines.gpus.find_gpus", lambda *_: found)
    assert command._find_gpus(WorkerSettings(device=device)) == gpus
    said = "".join(capsys.readouterr())
    assert said.startswith(words) and bool(said) == bool(words)
