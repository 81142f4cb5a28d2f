"""A worker's GPUs: which it may use, and which one each run's process sees."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from cli import start
from cli.settings import WorkerSettings
from cli.start import shared_out
from tests.worker.conftest import Bench, eventually
from tests.worker.stub import TRAIN
from trainer.config import Compute, RunConfig
from trainer.engines import warm_jobs
from trainer.engines.device_choice import DeviceChoice
from trainer.engines.dry import DryPasses
from trainer.engines.gpus import Gpu, GpuPool, NoSuchGpu, find_gpus, may_have_gpus
from trainer.engines.process import environment_of_child, process_engine
from trainer.engines.torch_gpus import torch_gpus
from trainer.engines.workplace import Workplace
from trainer.loop.dry_pass import DryPass

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
    assert taken == [TWO[0], TWO[1], TWO[0]]
    assert pool.free() == TWO[1]
    pool.give_back(TWO[0])
    pool.give_back(TWO[0])
    assert pool.take() == TWO[0]


@pytest.mark.parametrize("gpus", [None, ()])
def test_where_there_is_no_gpu_none_is_lent(gpus: tuple[Gpu, ...] | None) -> None:
    pool = GpuPool(gpus)
    assert pool.take() is None
    pool.give_back(None)


def seen_by(bench: Bench, name: str) -> dict[str, Any]:
    path = bench.folder / f"{name}.sees"
    eventually(path.exists)
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def queued(bench: Bench, name: str, **compute: Any) -> str:
    config = RunConfig(name=name, notes="sees", compute=Compute(**compute)).model_dump(mode="json")
    return bench.store.create_run(name=name, config=config, epochs_planned=1).id


def test_runs_at_once_see_a_gpu_each_and_a_run_on_the_cpu_none(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,7")
    pool = GpuPool(TWO)
    names = ["one", "two", "cpu", "next"]
    ids = [queued(bench, name, device="cpu" if name == "cpu" else "auto") for name in names]
    bench.start_worker(slots=3, engine=process_engine(Workplace(bench.folder), train=TRAIN, gpus=pool))
    seen = [seen_by(bench, name) for name in names[:3]]
    assert sorted(each["CUDA_VISIBLE_DEVICES"] for each in seen[:2]) == ["5", "7"]
    assert {(each["gpu"], each["CUDA_VISIBLE_DEVICES"]) for each in seen[:2]} == {
        ("GPU 0 (H200)", "5"),
        ("GPU 1 (H200)", "7"),
    }
    assert (seen[2]["gpu"], seen[2]["CUDA_VISIBLE_DEVICES"]) == (None, "5,7")
    (bench.folder / "go").touch()
    assert all(bench.end_of(run_id).state == "finished" for run_id in ids)
    assert seen_by(bench, "next")["CUDA_VISIBLE_DEVICES"] in ("5", "7")
    eventually(lambda: [pool.take() for _ in range(2)] == [TWO[0], TWO[1]])  # all have been given back


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

    def settings(gpu: Gpu | None) -> dict[str, str]:
        return {name: value for name, value in environment_of_child(gpu).items() if name in names}

    grows = replace(TWO[0], segments_grow=True)
    assert settings(grows) == (own or {"PYTORCH_ALLOC_CONF": "expandable_segments:True"})
    assert settings(TWO[0]) == own, "its driver does not bear it"
    assert settings(None) == own, "a run on the CPU has no such allocator"


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


def test_torch_is_asked_in_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    with pytest.raises(NoSuchGpu, match="there is no cuda:3 that torch can use here; it finds none"):
        find_gpus(environment_of_child(), DeviceChoice("cuda", (3,)))


def answers(monkeypatch: pytest.MonkeyPatch, said: bytes) -> None:
    done = subprocess.CompletedProcess([], 0, said)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)


def test_of_the_gpus_that_torch_finds_those_are_used_that_the_choice_names(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [{"kind": "cuda", "number": number, "name": "H200", "memory_bytes": 5} for number in range(3)]
    answers(monkeypatch, b"a word of a library\n" + json.dumps(found).encode() + b"\n")
    assert [gpu.number for gpu in find_gpus({}, DeviceChoice("auto")) or ()] == [0, 1, 2]
    assert [gpu.number for gpu in find_gpus({}, DeviceChoice("cuda", (2, 0))) or ()] == [2, 0]
    with pytest.raises(NoSuchGpu, match=r"no cuda:4 .* it finds cuda:0 \(H200\), cuda:1 \(H200\), cuda:2 \(H200\)"):
        find_gpus({}, DeviceChoice("cuda", (0, 4)))


def test_every_part_of_a_gpu_is_found_though_a_process_sees_one_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def one(command: list[str], *, env: dict[str, str], **_: object) -> subprocess.CompletedProcess[bytes]:
        asked.append(env["CUDA_VISIBLE_DEVICES"])
        said = json.dumps([{"kind": "cuda", "number": 0, "name": "H200 MIG 1g.18gb", "memory_bytes": 5}])
        return subprocess.CompletedProcess(command, 0, said.encode())

    monkeypatch.setattr(subprocess, "run", one)
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


def test_an_empty_variable_is_one_that_nobody_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEQ_SLOTS", "")
    assert WorkerSettings().slots is None


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
        ("cuda", (), (), ""),
        ("cuda", None, None, "torch could not be asked for GPUs: slots are those of a CPU"),
    ],
)
def test_a_worker_that_starts_finds_its_gpus(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], device: str, found: Any, gpus: Any, words: str
) -> None:
    monkeypatch.setattr("trainer.engines.gpus.find_gpus", lambda *_: found)
    assert start._find_gpus(WorkerSettings(device=device)) == gpus
    said = "".join(capsys.readouterr())
    assert said.startswith(words) and bool(said) == bool(words)
