"""A worker on a real Ray cluster: a head and two nodes on this machine, whose runs do as a stub says."""

from pathlib import Path

import pytest

from tests.ray_nodes import joined, ray_nodes
from tests.trainer.worker.conftest import Bench, eventually, is_alive
from trainer.engines.environment import Workplace
from trainer.engines.on_ray.connection import NoCluster, connect

pytestmark = [
    pytest.mark.process,
    pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::ResourceWarning"),
]


def test_a_run_whose_node_dies_is_queued_again_and_goes_on_elsewhere(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with ray_nodes({"num_cpus": 2}, {"num_cpus": 1}) as nodes:
        a_node_that_does_not_see_the_checkpoints_is_refused(nodes.address, tmp_path_factory.mktemp("own"), monkeypatch)
        with joined(nodes, bench) as cluster:
            run_id = bench.launch("waits_once", epochs=5, cpus=2)
            waiting = bench.launch("epochs", cpus=2)
            vast = bench.launch("epochs", cpus=64)
            bench.start_worker(engine=cluster, slots=3)
            (process,) = bench.processes_of("waits")
            assert [bench.store.run(each).state for each in (waiting, vast)] == ["queued"] * 2, "nothing has room"
            nodes.kill(0)
            eventually(lambda: bench.store.run(run_id).state == "queued")
            eventually(lambda: not is_alive(process))
            nodes.add(num_cpus=2)
            run = bench.end_of(run_id)
            assert (run.state, run.epochs_done) == ("finished", 5)
            kinds = bench.kinds(run_id)
            assert (kinds.count("epoch_finished"), kinds.count("run_requeued")) == (5, 1)
            told = [each.payload.get("reason") or "" for each in bench.store.events_after(run_id, 0)]
            assert any(reason.startswith("The node that trained the run died.") for reason in told)
            assert bench.end_of(waiting).state == "finished"
            assert bench.store.run(vast).state == "queued"


def a_node_that_does_not_see_the_checkpoints_is_refused(
    address: str, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trainer.engines.on_ray.cluster import RayCluster

    with monkeypatch.context() as patch:
        patch.chdir(own)  # the nodes were started elsewhere, and see a folder of their own at the path below
        head = connect(address, None)
        with pytest.raises(NoCluster, match=r"does not see the checkpoints .* NEQ_CHECKPOINTS"):
            RayCluster(head, Workplace(own), Path("/proc/self/cwd"))
    assert list(own.iterdir()) == []
