"""A worker on a real Ray cluster, longer: GPUs in name, stops, failing processes, records after a node's death."""

import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest

from contract.config import RunConfig
from tests.ray_nodes import RayNodes, joined, ray_nodes, seen
from tests.system import Process
from tests.trainer.worker.conftest import Bench, bench, eventually, is_alive
from trainer.checkpoints.folder import CheckpointStore
from trainer.engines.cluster import Cluster
from trainer.engines.process import TRAIN

__all__ = ["bench"]
pytestmark = [
    pytest.mark.endurance,
    pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::ResourceWarning"),
]


@pytest.fixture(scope="module")
def nodes() -> Iterator[RayNodes]:
    with ray_nodes({"num_cpus": 2}, {"num_cpus": 1, "num_gpus": 2, "labels": {"zone": "b"}}) as nodes:
        yield nodes


@pytest.fixture
def cluster(nodes: RayNodes, bench: Bench) -> Iterator[Cluster]:
    with joined(nodes, bench) as cluster:
        yield cluster


def test_a_run_sees_the_gpus_that_it_reserved_and_a_run_on_the_cpu_none(bench: Bench, cluster: Cluster) -> None:
    gpu = bench.launch("sees", name="gpu", gpus=1)
    cpu = bench.launch("sees", name="cpu", gpus=0, cpus=2)
    vast = bench.launch("sees", name="vast", processes=4)
    bench.start_worker(engine=cluster, slots=4)
    assert seen(bench, "gpu")["CUDA_VISIBLE_DEVICES"] == "0"
    assert seen(bench, "cpu")["CUDA_VISIBLE_DEVICES"] == ""
    waiting = bench.launch("epochs", gpus=0, labels=["zone=b"])
    time.sleep(1)
    states = [bench.store.run(each).state for each in (gpu, cpu, vast, waiting)]
    assert states == ["running", "running", "queued", "queued"], "nothing runs that has no place"
    (bench.folder / "go").touch()
    assert [bench.end_of(each).state for each in (gpu, cpu, waiting)] == ["finished"] * 3
    assert bench.store.run(vast).state == "queued", "no node has four GPUs"


def test_a_stop_ends_the_process_on_the_node_with_all_that_it_started(bench: Bench, cluster: Cluster) -> None:
    run_id = bench.launch("slow", gpus=0)
    bench.start_worker(engine=cluster)
    processes = bench.processes_of("run")
    began = time.monotonic()
    bench.store.request_stop(run_id)
    run = bench.end_of(run_id)
    assert time.monotonic() - began < 5
    assert (run.state, run.reason, run.epochs_done) == ("stopped", "It was stopped on request.", 1)
    eventually(lambda: not any(map(is_alive, processes)))


def test_a_process_that_is_killed_or_ends_on_its_node_is_told_as_on_any_machine(bench: Bench, cluster: Cluster) -> None:
    killed, crashed = bench.launch("killed", gpus=0), bench.launch("crashes", gpus=0)
    bench.start_worker(engine=cluster, slots=2)
    run = bench.end_of(killed)
    assert run.state == "failed" and "signal 9 (SIGKILL)" in (run.reason or "")
    assert bench.kinds(killed).count("run_requeued") == 3
    assert "status 3" in (bench.end_of(crashed).reason or "")


def test_a_task_that_is_killed_takes_its_training_process_along_and_the_run_goes_on(
    bench: Bench, cluster: Cluster
) -> None:
    run_id = bench.launch("waits_once", epochs=4, gpus=0)
    bench.start_worker(engine=cluster)
    (process,) = bench.processes_of("waits")
    os.kill(parent_of(process), signal.SIGKILL)
    eventually(lambda: not is_alive(process))
    assert (bench.end_of(run_id).state, bench.kinds(run_id).count("run_requeued")) == ("finished", 1)


def parent_of(pid: int) -> int:
    import psutil

    return int(psutil.Process(pid).ppid())


def test_the_command_gives_its_run_back_when_it_is_ended_and_leaves_nothing(nodes: RayNodes, bench: Bench) -> None:
    run_id = tiny(bench, epochs=2000)
    places = {
        "NEQ_DATABASE_URL": f"sqlite:///{bench.folder / 'neq.db'}",
        "NEQ_CHECKPOINTS": str(bench.folder / "checkpoints"),
    }
    worker = Process("worker", "--engine", "ray", "--address", nodes.address, environment=places)
    try:
        eventually(lambda: bench.store.run(run_id).epochs_done >= 1)
        worker.interrupt(signal.SIGTERM)
        assert worker.wait() == 0
    finally:
        worker.stop()
    assert f"run {run_id}: The worker was shut down. It is queued now." in worker.said
    assert "***" not in worker.said, "Ray's own handler of signals ends the process"
    assert (bench.store.run(run_id).state, bench.store.workers()) == ("queued", [])
    assert not list((bench.folder / "checkpoints").glob(".*"))


def test_a_run_whose_node_dies_has_the_records_of_one_that_was_left_alone(nodes: RayNodes, bench: Bench) -> None:
    with joined(nodes, bench, train=TRAIN) as cluster:
        alone, disturbed = tiny(bench), tiny(bench)
        bench.start_worker(engine=cluster, checkpoint_store=CheckpointStore.at(bench.folder))
        assert bench.end_of(alone).state == "finished"
        eventually(lambda: bench.store.run(disturbed).epochs_done >= 3)
        began = time.monotonic()
        nodes.kill(0)
        eventually(lambda: bench.store.run(disturbed).state == "queued")
        assert time.monotonic() - began < 1
        nodes.add(num_cpus=2)
        assert bench.end_of(disturbed).state == "finished"
    assert bench.kinds(disturbed).count("run_requeued") == 1
    for field in ("divergence", "frozen", "velocity"):
        same, other = (bench.store.layer_history(each, 0, field).values for each in (alone, disturbed))
        assert same.tobytes() == other.tobytes()
    assert losses(bench, alone) == losses(bench, disturbed)


def tiny(bench: Bench, epochs: int = 20) -> str:
    config = RunConfig.model_validate(
        {
            "data": {"kind": "synthetic", "train_samples": 2000},
            "model": {"kind": "mlp", "hidden": [8]},
            "training": {"epochs": epochs, "batch_size": 10},
            "schedule": {"kind": "constant"},
            "compute": {"cpus": 2, "gpus": 0},
        }
    )
    return bench.store.create_run(name="tiny", config=config.model_dump(mode="json"), epochs_planned=epochs).id


def losses(bench: Bench, run_id: str) -> list[Any]:
    return [event.payload["train_loss"] for event in bench.store.epochs_after(run_id)]
