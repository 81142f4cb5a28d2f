"""What a node of a Ray cluster executes: our own child, whose frames it yields. No Ray is needed here."""

import io
import json
import os
import time
from collections.abc import Generator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from contract.config import Compute, RunConfig, Training
from contract.events import Event
from contract.version import VERSION
from tests.trainer.worker.conftest import eventually, is_alive
from tests.trainer.worker.stub import TRAIN
from trainer.engines import ResumePoint
from trainer.engines.environment import Workplace
from trainer.engines.frames import read_frame
from trainer.engines.on_ray import node
from trainer.engines.on_ray.shared_folder import LEFT_SECONDS, Marker

pytestmark = pytest.mark.process


@pytest.fixture(autouse=True)
def two_gpus_in_name(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES"):
        monkeypatch.setenv(name, "0,1")


def pieces(
    folder: Path, what: str, *, train: str = TRAIN, reserved: float = 0, masks: bytes | None = None, **compute: Any
) -> Generator[bytes, None, None]:
    config = RunConfig(name="run", notes=what, training=Training(epochs=3), compute=Compute(**compute))
    job = {
        "train": train,
        "config": config.model_dump(mode="json"),
        "workplace": Workplace(folder).to_json(),
        "resume_point": asdict(ResumePoint("run")),
        "gpus": reserved,
    }
    return node.train(job, masks)


def event(piece: bytes) -> Event:
    assert piece[:1] == node.EVENT
    found = read_frame(io.BytesIO(piece[1:]))
    assert found is not None
    return found  # type: ignore[return-value]


def test_a_run_on_a_node_says_what_it_says_anywhere(tmp_path: Path) -> None:
    said = [event(piece).kind for piece in pieces(tmp_path, "epochs")]
    assert said == ["run_started", *["epoch_finished"] * 3, "run_finished"]


@pytest.mark.parametrize(
    ("reserved", "compute", "seen"), [(0, {}, ""), (1, {"device": "cpu"}, ""), (0, {"gpus": 0}, ""), (1, {}, "0,1")]
)
def test_a_run_without_a_gpu_sees_none_whatever_ray_leaves_in_the_environment(
    tmp_path: Path, reserved: float, compute: dict[str, Any], seen: str
) -> None:
    (tmp_path / "go").touch()
    list(pieces(tmp_path, "sees", reserved=reserved, **compute))
    assert json.loads((tmp_path / "run.sees").read_text())["CUDA_VISIBLE_DEVICES"] == seen
    assert os.environ["HIP_VISIBLE_DEVICES"] == seen


def test_masks_to_replay_lie_on_the_node_while_it_trains(tmp_path: Path) -> None:
    said = list(pieces(tmp_path, "", train="tests.trainer.worker.stub:tells_masks", masks=b"the masks"))
    assert getattr(event(said[0]), "text", None) == "the masks"


def test_a_run_that_is_interrupted_on_its_node_says_why(tmp_path: Path) -> None:
    *_, last = pieces(tmp_path, "killed")
    assert last[:1] == node.INTERRUPTED
    reason, _, details = json.loads(last[1:])
    assert "signal 9 (SIGKILL)" in reason and "the last words" in details


def test_whoever_takes_no_more_ends_the_process_and_all_that_it_started(tmp_path: Path) -> None:
    run = pieces(tmp_path, "slow")
    ids = tmp_path / "run.ids"
    for _ in range(3):  # the run has started, an epoch is finished, and the next one is under way
        next(run)
    processes = [int(number) for number in ids.read_text().split()]
    run.close()
    eventually(lambda: not any(map(is_alive, processes)))


def test_a_node_says_what_it_has_in_common_with_its_worker(tmp_path: Path) -> None:
    (tmp_path / "marker").touch()
    said = node.describe(str(tmp_path / "marker"))
    assert (said["version"], said["reaches"]) == (VERSION, True)
    assert not node.describe(str(tmp_path / "other"))["reaches"]


def test_a_file_in_the_shared_folder_is_removed_and_one_that_was_left_by_the_next_worker(tmp_path: Path) -> None:
    killed, working = Marker(tmp_path), Marker(tmp_path)
    long_ago = time.time() - LEFT_SECONDS - 1
    os.utime(killed.path, (long_ago, long_ago))
    mine = Marker(tmp_path)
    assert {each.name for each in tmp_path.iterdir()} == {working.path.name, mine.path.name}
    mine.remove()
    mine.remove()
    assert [each.name for each in tmp_path.iterdir()] == [working.path.name]
