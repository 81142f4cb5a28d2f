"""Dry passes: the real network on one small batch, in a process that waits with torch imported."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contract.config import RunConfig
from contract.events import EpochFinished
from db import Check, Store
from tests.trainer.worker.conftest import Bench, eventually, is_alive
from trainer.engines.dry import DryPasses
from trainer.engines.environment import Workplace
from trainer.training import train
from trainer.worker import run_worker
from trainer.worker.checking import Checker

pytestmark = pytest.mark.process

QUICK: dict[str, Any] = {
    "data": {"kind": "synthetic", "train_samples": 200, "test_samples": 20},
    "model": {"kind": "cnn", "channels": [4, 8]},
    "neq": {"probe": {"kind": "split", "samples": 20}},
}


@pytest.fixture(scope="module")
def passes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DryPasses]:
    """Those of a worker of one thread, with an empty data folder."""
    passes = DryPasses(Workplace(tmp_path_factory.mktemp("data"), "cpu", 1))
    yield passes
    passes.close()


def made(passes: DryPasses, **changed: Any) -> dict[str, Any]:
    return passes.make(RunConfig.model_validate(QUICK | changed))


def only_error(passes: DryPasses, **changed: Any) -> tuple[str, str]:
    said = made(passes, **changed)
    assert said["state"] == "failed"
    (error,) = said["errors"]
    return error["field"], error["message"]


def test_a_run_that_would_go_through_says_what_it_is_made_of(passes: DryPasses) -> None:
    said = made(passes)
    assert (said["state"], said["errors"], said["reason"]) == ("ok", [], None)
    # Convolutions 1 → 4 → 8 of 3 × 3 without bias, their norms, and a head of ten classes with bias.
    assert said["parameters"] == 9 * 4 + 9 * 4 * 8 + 2 * (4 + 8) + 8 * 10 + 10
    assert said["neurons"] == 2 * (4 + 8) + 10
    assert 0 < said["seconds"] < 120 and said["peak_memory_bytes"] > 10_000_000


@pytest.mark.parametrize("measure", ["auto", "streaming"])
def test_what_freezing_keeps_at_most_is_what_the_run_then_keeps_at_most(
    passes: DryPasses, tmp_path: Path, measure: str
) -> None:
    config = RunConfig.model_validate(
        QUICK | {"neq": {**QUICK["neq"], "measure": measure}, "training": {"epochs": 1}, "compute": {"device": "cpu"}}
    )
    said = passes.make(config)["neq_memory_bytes"]
    (epoch,) = [event for event in train(config, Workplace(tmp_path, "cpu", 1)) if isinstance(event, EpochFinished)]
    assert epoch.resources and epoch.resources.neq_memory
    assert said == epoch.resources.neq_memory.at_most


def test_the_demo_goes_through(passes: DryPasses) -> None:
    assert passes.make(RunConfig())["state"] == "ok"


@pytest.mark.parametrize("field", ["only", "never", "never_freeze"])
def test_a_pattern_that_names_no_layer_is_told_at_its_field(passes: DryPasses, field: str) -> None:
    neq = {"probe": {"kind": "split", "samples": 20}, "layers": {field: ["nosuch*"]}}
    where, words = only_error(passes, neq=neq)
    assert where == f"neq.layers.{field}"
    assert "'nosuch*' names no layer with neurons; the first are conv1, norm1" in words


@pytest.mark.parametrize(
    ("layers", "field", "words"),
    [
        ({"always_freeze": ["nosuch*"]}, "always_freeze", "'nosuch*' names no watched layer; the first are conv1"),
        ({"always_freeze": ["*"]}, "always_freeze", "names every watched layer"),
        ({"always_freeze": ["conv1"], "never_freeze": ["conv*"]}, "always_freeze", "never_freeze names it"),
        ({"always_freeze_first": 5}, "always_freeze_first", "5 layers are watched: nothing would be left to train"),
    ],
)
def test_layers_that_cannot_always_be_frozen_are_told_at_their_field(
    passes: DryPasses, layers: dict[str, Any], field: str, words: str
) -> None:
    where, said = only_error(passes, neq={"probe": {"kind": "split", "samples": 20}, "layers": layers})
    assert where == f"neq.layers.{field}" and words in said


def test_a_network_that_cannot_take_the_images_is_told_at_its_name(passes: DryPasses) -> None:
    where, words = only_error(passes, model={"kind": "torchvision", "name": "maxvit_t"})
    assert where in ("model.name", "model.input_size")
    assert "maxvit_t cannot take images of 16 × 16 px" in words


def test_a_network_that_takes_small_images_is_not_refused(passes: DryPasses) -> None:
    # ResNet-18 halves 8 px three times before its last stage, whose mean takes what is left: 1 × 1.
    small = {"kind": "synthetic", "size": 8, "classes": 10, "train_samples": 1000}
    assert made(passes, data=small, model={"kind": "torchvision", "name": "resnet18"})["state"] == "ok"


def test_batch_norm_on_one_image_is_told_at_the_batch_size(passes: DryPasses) -> None:
    where, words = only_error(passes, model={"kind": "torchvision", "name": "resnet18"}, training={"batch_size": 1})
    assert (where, "batches of one image" in words) == ("training.batch_size", True)


def test_images_without_number_are_told_as_a_lack_of_memory(passes: DryPasses) -> None:
    data = {"kind": "synthetic", "train_samples": 1_000_000, "size": 256, "channels": 16}
    _, words = only_error(passes, data=data)
    assert "memory" in words


def test_data_that_are_not_there_are_told_at_their_kind(passes: DryPasses) -> None:
    where, words = only_error(passes, data={"kind": "cifar10"})
    assert (where, "CIFAR-10 is not in the data folder" in words) == ("data.kind", True)


def test_what_would_be_downloaded_is_not_and_nothing_is_claimed(tmp_path: Path) -> None:
    passes = DryPasses(Workplace(tmp_path, "cpu", 1, may_download=True))
    try:
        said = made(passes, data={"kind": "cifar10"})
    finally:
        passes.close()
    assert (said["state"], said["errors"]) == ("unknown", [])
    assert "downloaded when the run starts" in said["reason"]
    assert list(tmp_path.iterdir()) == []


CRASHING = """
from typing import Literal, ClassVar
from contract.plugins import ModelPlugin
class Fragile(ModelPlugin):
    kind: Literal["fragile"] = "fragile"
    builder: ClassVar[str] = "fragile_net:build"
"""
ASKING = """
import json, sys
from pathlib import Path
from contract.config import RunConfig
from trainer.engines.dry import DryPasses
from trainer.engines.environment import Workplace
passes = DryPasses(Workplace(Path(sys.argv[1]), "cpu", 1))
quick = json.loads(sys.argv[2])
for model in ({"kind": "fragile"}, quick["model"]):
    print(json.dumps(passes.make(RunConfig.model_validate(quick | {"model": model}))))
passes.close()
"""


def test_a_crash_of_the_network_is_an_answer_and_the_next_dry_pass_goes_on(tmp_path: Path) -> None:
    (tmp_path / "fragile_net.py").write_text(
        "import os, signal\ndef build(*_):\n    os.kill(os.getpid(), signal.SIGSEGV)\n"
    )
    (tmp_path / "fragile.py").write_text(CRASHING)
    environment = {**os.environ, "NEQ_PLUGINS": str(tmp_path / "fragile.py"), "PYTHONPATH": str(tmp_path)}
    asked = [sys.executable, "-c", ASKING, str(tmp_path), json.dumps(QUICK)]
    done = subprocess.run(asked, env=environment, capture_output=True, text=True, check=True)
    crashed, fine = (json.loads(line) for line in done.stdout.splitlines())
    assert crashed["state"] == "failed"
    assert "crashed with SIGSEGV" in crashed["errors"][0]["message"]
    assert fine["state"] == "ok"


def test_a_killed_process_is_replaced(passes: DryPasses) -> None:
    assert made(passes)["state"] == "ok"
    process = passes.warm()
    process.kill()
    process.wait()
    assert made(passes)["state"] == "ok"
    assert not is_alive(process.pid)


def test_a_process_that_is_not_ready_in_time_is_no_answer_and_gets_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes = DryPasses(Workplace(tmp_path, "cpu", 1))
    try:
        with monkeypatch.context() as hurried:
            hurried.setattr("trainer.engines.dry.START_SECONDS", 0.2)
            early = made(passes)
            process = passes.warm()
            assert passes.gpus() is None
        assert (early["state"], early["errors"]) == ("unknown", [])
        assert "still importing torch after 0 s" in early["reason"]
        late = made(passes)
        assert (late["state"], late["neurons"]) == ("ok", 34)
        assert passes.gpus() == []
        assert passes.warm() is process
    finally:
        passes.close()


@pytest.fixture
def checking(bench: Bench) -> Iterator[Store]:
    """The store of a worker that checks, in a folder of its own."""
    stop = threading.Event()
    options: dict[str, Any] = {"engine": bench.engine(), "name": "w", "device": "cpu", "slots": 1, "stop": stop}
    (bench.folder / "pets" / "train" / "cat").mkdir(parents=True)
    checker = Checker(Workplace(bench.folder, "cpu", 1))
    thread = threading.Thread(
        target=run_worker, args=(bench.store,), kwargs=options | {"silence_limit_seconds": 60, "checker": checker}
    )
    thread.start()
    yield bench.store
    stop.set()
    thread.join(60)
    assert not thread.is_alive()


def test_a_worker_says_what_it_has_and_answers_a_check(checking: Store) -> None:
    worker = eventually(lambda: next((each for each in checking.workers() if each.capabilities), None))
    assert worker.capabilities["gpus"] == [] and "cnn" in worker.capabilities["models"]
    assert [folder["name"] for folder in worker.capabilities["folders"]] == ["pets"]
    config = RunConfig.model_validate(QUICK).model_dump(mode="json")
    checking.ask_check("a" * 64, config=config, workers=[worker.id])
    check = eventually(lambda: (found := checking.check("a" * 64)).state not in ("pending", "running") and found)
    assert (check.state, check.answer["neurons"]) == ("ok", 34)


def ask(store: Store, letter: str) -> None:
    worker = eventually(lambda: next((each for each in store.workers() if each.capabilities), None))
    config = RunConfig.model_validate(QUICK).model_dump(mode="json")
    store.ask_check(letter * 64, config=config, workers=[worker.id])


def answered(store: Store, letter: str) -> Check:
    found: Check = eventually(lambda: (it := store.check(letter * 64)).state not in ("pending", "running") and it)
    return found


def test_whatever_a_dry_pass_raises_is_an_answer_and_the_next_one_is_made(
    checking: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(DryPasses, "make", lambda *_: {}["state"])
        ask(checking, "a")
        assert answered(checking, "a").answer["reason"] == "The worker could not run the check: KeyError."
    monkeypatch.setattr(DryPasses, "make", lambda *_: {"state": "ok", "neurons": 7})
    ask(checking, "b")
    assert answered(checking, "b").answer["neurons"] == 7


def test_checks_go_on_after_an_error_that_nobody_foresaw(checking: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.worker.checking.RETRY_SECONDS", 0.1)
    failed = threading.Event()

    def claim(*_: Any) -> None:
        failed.set()
        raise RuntimeError("nobody foresaw it")

    with monkeypatch.context() as broken:
        broken.setattr(Store, "claim_check", claim)
        assert failed.wait(60)
    monkeypatch.setattr(DryPasses, "make", lambda *_: {"state": "ok"})
    ask(checking, "c")
    assert answered(checking, "c").state == "ok"


def described(store: Store) -> list[str]:
    return [each["name"] for worker in store.workers() for each in (worker.capabilities or {}).get("folders", ())]


def test_folders_are_looked_at_while_torch_is_imported(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """And a worker that is ended meanwhile claims nothing about torch."""
    asked, ended = threading.Event(), threading.Event()

    def gpus(_: DryPasses) -> None:
        asked.set()
        ended.wait(60)

    monkeypatch.setattr(DryPasses, "warm", lambda _: None)
    monkeypatch.setattr(DryPasses, "gpus", gpus)
    monkeypatch.setattr(DryPasses, "close", lambda _: ended.set())
    monkeypatch.setattr("trainer.worker.checking.IDLE_SECONDS", 0)
    monkeypatch.setattr("trainer.worker.checking.DESCRIBE_SECONDS", 0.1)
    worker = bench.store.register_worker(name="w", host="h", pid=1, device="auto", slots=1)
    checker = Checker(Workplace(bench.folder, "cpu", 1))
    checker.start(bench.store, lambda: worker.id, lambda: False)
    try:
        assert asked.wait(60)
        (bench.folder / "late" / "cat").mkdir(parents=True)
        eventually(lambda: "late" in described(bench.store))
        first = bench.store.workers()[0].capabilities["looked_at"]
        eventually(lambda: bench.store.workers()[0].capabilities["looked_at"] > first)
        assert not ended.is_set()
    finally:
        checker.close()
    assert "torch" not in caplog.text
