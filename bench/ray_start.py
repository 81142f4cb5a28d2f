"""What Ray adds to the start of a run, and how soon a run whose node dies is queued again.

    python bench/ray_start.py [runs]

A head and two nodes on this machine. Each run (20 by default) is queued alone, once for a worker of the machine and
once for one of the cluster; its training process says one line and ends, without torch. Times are from the moment that
it is queued to that line in the store. Then a quarter as many are killed with their node. Needs the extra `ray`.
"""

import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
os.environ |= {"PYTHONPATH": str(ROOT), "RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"}

sys.path.insert(0, str(ROOT))

import psutil  # noqa: E402 (Ray reads the environment when it is imported)
from ray.cluster_utils import Cluster as LocalCluster  # noqa: E402

from bench.machine import machine  # noqa: E402
from contract.config import RunConfig  # noqa: E402
from contract.events import Event, Logged, RunFinished  # noqa: E402
from db import Store  # noqa: E402
from trainer.engines import Engine, ResumePoint  # noqa: E402
from trainer.engines.cluster import Cluster  # noqa: E402
from trainer.engines.environment import Workplace  # noqa: E402
from trainer.engines.on_ray.cluster import RayCluster  # noqa: E402
from trainer.engines.on_ray.connection import connect  # noqa: E402
from trainer.engines.process import process_engine  # noqa: E402
from trainer.worker import run_worker  # noqa: E402

TRAIN = "bench.ray_start:train"
NODE = {"object_store_memory": 80 << 20}


def train(config: RunConfig, workplace: Workplace, resume_point: ResumePoint) -> Generator[Event, None, None]:
    """One line; a run that is named so then waits for its end."""
    yield Logged(text="begun")
    while config.name == "waits":
        time.sleep(1)
    yield RunFinished(epochs=0, test_accuracy=None, frozen_fraction=None, seconds=0.0)


@contextmanager
def worker(store: Store, engine: Engine | Cluster) -> Iterator[None]:
    """One that trains a run at a time."""
    stop = threading.Event()
    how: dict[str, Any] = {"name": "bench", "device": "cpu", "slots": 1, "silence_limit_seconds": 60.0, "stop": stop}
    thread = threading.Thread(target=run_worker, args=(store,), kwargs={"engine": engine, **how})
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def queued(store: Store, name: str, **compute: Any) -> str:
    config = RunConfig.model_validate({"name": name, "compute": {"gpus": 0, **compute}})
    return store.create_run(name=name, config=config.model_dump(mode="json"), epochs_planned=1).id


def seconds_until(is_so: Callable[[], object]) -> float:
    began = time.perf_counter()
    while not is_so():
        time.sleep(0.002)
    return time.perf_counter() - began


def starts(store: Store, runs: int) -> list[float]:
    """Seconds from queued to the first line, of each run."""
    found = []
    for _ in range(runs):
        run_id = queued(store, "begins")
        found.append(seconds_until(lambda run_id=run_id: store.events_after(run_id, 0)))
        seconds_until(lambda run_id=run_id: store.run(run_id).state == "finished")
        time.sleep(0.5)  # a worker looks four times a second: each run meets it at another moment
    return found


def deaths(store: Store, nodes: LocalCluster, runs: int) -> list[float]:
    """Seconds from the end of a run's node to the run in the queue again."""
    found = []
    for _ in range(runs):
        node = nodes.add_node(num_cpus=3, **NODE)
        run_id = queued(store, "waits", cpus=3)
        seconds_until(lambda run_id=run_id: store.events_after(run_id, 0))
        raylet = psutil.Process(node.all_processes["raylet"][0].process.pid)
        for process in [raylet, *raylet.children(recursive=True)]:
            process.kill()
        found.append(seconds_until(lambda run_id=run_id: store.run(run_id).state == "queued"))
        store.request_stop(run_id)
    return found


def said(name: str, seconds: list[float]) -> str:
    return (
        f"{name}: median {statistics.median(seconds):.2f} s, {min(seconds):.2f} to {max(seconds):.2f}, n {len(seconds)}"
    )


def main() -> None:
    """Measures on stores and a cluster of its own."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    print(machine())
    with tempfile.TemporaryDirectory() as name, closing(Store.open(f"sqlite:///{name}/neq.db")) as store:
        folder = Path(name)
        with worker(store, process_engine(Workplace(folder, "cpu", 1), train=TRAIN)):
            alone = starts(store, runs)
        nodes = LocalCluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False, **NODE})
        nodes.add_node(num_cpus=2, **NODE)
        nodes.add_node(num_cpus=1, **NODE)
        head = connect(nodes.address, None)
        with (
            closing(RayCluster(head, Workplace(folder), folder, train=TRAIN)) as cluster,
            worker(store, cluster),
        ):
            on_ray = starts(store, runs)
            killed = deaths(store, nodes, max(1, runs // 4))
        nodes.shutdown()
    print(said("worker of the machine, queued to the first line", alone))
    print(said("worker of the cluster, the same", on_ray))
    print(f"Ray's part: {statistics.median(on_ray) - statistics.median(alone):.2f} s (limit 1 s)")
    print(said("node killed to queued again (limit 1 s)", killed))


if __name__ == "__main__":
    main()
