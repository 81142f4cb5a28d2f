"""The library's recorder and this server: what a training saw is what the store holds, whatever lay between them."""

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import neq
from contract.parts import read_part
from db import Store
from neq.recording.part import encoded, pack_part
from neq.recording.sync import sync
from server.settings import ServerSettings

pytestmark = pytest.mark.slow


def train(run: Any, epochs: int = 4) -> list[dict[str, Any]]:
    """A small training; returns what each epoch's end found, layer by layer."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 12), nn.ReLU(), nn.Linear(12, 4))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    inputs, targets = torch.randn(64, 6), torch.randint(0, 4, (64,))
    watch = run.watch(model, optimizer, [torch.randn(16, 6)], epsilon=0.05)
    seen = []
    for epoch in range(epochs):
        for _ in range(3):
            loss = nn.functional.cross_entropy(model(inputs), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            run.log({"train": {"loss": loss}}, epoch=epoch)
        seen.append(watch.end_epoch(accuracy=0.25 * epoch).layers)
    return seen


def assert_stored(store: Store, run_id: str, seen: list[dict[str, Any]]) -> None:
    """Every epoch once, its arrays to the bit."""
    run = store.run(run_id)
    assert (run.state, run.epochs_done, run.source) == ("finished", len(seen), "external")
    assert [epoch for epoch, _ in store.epoch_seqs(run_id)] == list(range(len(seen)))
    for index, name in enumerate(seen[0]):
        divergence = np.stack([layers[name].divergence.numpy() for layers in seen])
        frozen = np.stack([layers[name].frozen.numpy() for layers in seen])
        assert store.layer_history(run_id, index, "divergence").values.tobytes() == divergence.tobytes()
        assert (store.layer_history(run_id, index, "frozen").values == frozen).all()
        velocity = store.layer_history(run_id, index, "velocity").values
        assert velocity[1:].tobytes() == np.stack([layers[name].velocity.numpy() for layers in seen[1:]]).tobytes()
    assert store.metric_points(run_id, "train/loss").steps.size == 3 * len(seen)
    assert store.metric_points(run_id, "accuracy").values.tolist() == [0.25 * epoch for epoch in range(len(seen))]


def test_a_training_is_recorded_live(address: str, store: Store, tmp_path: Path) -> None:
    run = neq.init("mine", config={"lr": 0.1}, url=address, folder=tmp_path, capture=False, system=False)
    seen = train(run)
    run.finish()
    assert run.url == f"{address}/runs/{run.id}"
    assert_stored(store, run.id, seen)
    assert store.run(run.id).config == {"lr": 0.1}
    assert not list(tmp_path.glob("*/*.part")), "what was sent is gone from the folder"


def test_a_training_without_a_server_is_sent_later_and_twice_is_once(
    address: str, store: Store, tmp_path: Path
) -> None:
    run = neq.init("mine", mode="offline", folder=tmp_path, capture=False, system=False)
    seen = train(run)
    run.finish()
    kept = {path: path.read_bytes() for path in tmp_path.glob("*/*") if path.suffix in (".part", ".json")}
    assert any(path.suffix == ".part" for path in kept)
    (sent,) = sync(tmp_path, address)
    assert (sent.done, sent.run) == (True, run.id)
    assert_stored(store, run.id, seen)
    before = store.events_after(run.id, 0)
    for path, content in kept.items():  # somebody sends a copy of the folder
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    (again,) = sync(tmp_path, address)
    assert again.done
    assert store.events_after(run.id, 0) == before


def test_a_training_that_goes_on_offline_is_sent_as_one_run(address: str, store: Store, tmp_path: Path) -> None:
    first = neq.init("mine", mode="offline", folder=tmp_path, capture=False, system=False)
    train(first, epochs=2)
    first.finish("stopped")
    again = neq.init(resume=first.id, mode="offline", folder=tmp_path, capture=False, system=False)
    train(again, epochs=4)  # from the start: its first two epochs stand recorded
    again.finish()
    (sent,) = sync(tmp_path, address)
    assert (sent.done, sent.run) == (True, first.id), sent.what
    run = store.run(first.id)
    assert (run.state, run.epochs_done) == ("finished", 4)
    assert [epoch for epoch, _ in store.epoch_seqs(first.id)] == [0, 1, 2, 3]


def test_what_lies_there_of_a_run_that_was_lost_again_and_again_is_sent_whole(
    address: str, store: Store, tmp_path: Path
) -> None:
    run = neq.init("mine", mode="offline", folder=tmp_path, capture=False, system=False)
    seen = train(run)
    run.finish()
    kept = {path: path.read_bytes() for path in sorted(tmp_path.glob("*/*")) if path.suffix in (".part", ".json")}
    first, *rest = [path for path in kept if path.suffix == ".part"]
    for path in rest:
        path.unlink()
    assert [sent.done for sent in sync(tmp_path, address)] == [True]
    for _ in range(10):  # each time the store tells of the run two events of its own
        assert store.requeue_silent(-1) == {run.id: "failed"}
        store.append_part(str(run.id), read_part(kept[first]).header.writer, store.run(str(run.id)).writer_seq + 1, [])
    for path, content in kept.items():
        if path != first:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
    assert [sent.done for sent in sync(tmp_path, address)] == [True]
    assert_stored(store, str(run.id), seen)


def test_a_run_is_taken_up_again_without_doubled_epochs(address: str, store: Store, tmp_path: Path) -> None:
    first = neq.init("mine", url=address, folder=tmp_path / "a", capture=False, system=False)
    train(first, epochs=2)
    first.finish()
    again = neq.init(resume=first.id, url=address, folder=tmp_path / "b", capture=False, system=False)
    assert again.id == first.id
    train(again, epochs=4)  # from the start: its first two epochs stand recorded
    again.finish()
    run = store.run(first.id)
    assert (run.state, run.epochs_done) == ("finished", 4)
    assert [epoch for epoch, _ in store.epoch_seqs(first.id)] == [0, 1, 2, 3]
    points = store.metric_points(first.id, "train/loss")
    assert points.epochs.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    steps = points.steps.tolist()
    assert sorted(set(steps)) == steps, "the steps of the second part go on behind those of the first"


@pytest.fixture
def impatient(settings: ServerSettings) -> None:
    """The server gives recorders up after two seconds."""
    settings.silence_limit_seconds = 2.0


def killed(address: str, store: Store, folder: Path) -> str:
    """A run whose process died after two epochs, with nothing left in its folder; its id."""
    run = neq.init("mine", mode="offline", folder=folder, capture=False, system=False)
    train(run, epochs=2)
    run.finish()
    max(folder.glob("*/*.part")).unlink()  # as though it had died before its end
    (sent,) = sync(folder, address)
    assert sent.done and not list(folder.glob("*/run.json"))
    assert store.run(str(run.id)).state == "running"
    return str(run.id)


@pytest.mark.usefixtures("impatient")
def test_a_run_that_was_sent_after_its_process_died_is_taken_up_once_the_server_gives_the_process_up(
    address: str, store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_id = killed(address, store, tmp_path)
    again = neq.init(resume=run_id, url=address, folder=tmp_path, capture=False, system=False)
    assert again.id == run_id
    assert "waiting up to 3 s for the server to give that one up" in capsys.readouterr().err
    train(again, epochs=3)
    again.finish()
    run = store.run(run_id)
    assert (run.state, run.epochs_done) == ("finished", 3)
    assert [each.id for each in store.runs().items] == [run_id]


@pytest.mark.usefixtures("impatient")
def test_a_run_whose_process_is_alive_is_never_taken(address: str, store: Store, tmp_path: Path) -> None:
    alive = neq.init("mine", url=address, folder=tmp_path / "a", capture=False, system=False)
    writer = store.run(str(alive.id)).writer_id
    with pytest.warns(neq.NEqRecordingWarning, match=r"could not be resumed: Another recorder holds run"):
        other = neq.init(resume=alive.id, url=address, folder=tmp_path / "b", capture=False, system=False)
    assert other.id != alive.id
    train(alive)
    alive.finish()
    other.finish()
    run = store.run(str(alive.id))
    assert (run.writer_id, run.state, run.epochs_done) == (writer, "finished", 4)


def test_the_stop_button_reaches_the_script(address: str, store: Store, tmp_path: Path) -> None:
    run = neq.init("mine", url=address, folder=tmp_path, capture=False, system=False)
    train(run, epochs=1)
    assert not run.should_stop
    store.request_stop(run.id)
    for _ in range(200):
        if run.should_stop:
            break
        run.log({"x": 1.0})
        time.sleep(0.05)
    assert run.should_stop
    run.finish()
    assert store.run(run.id).state == "stopped"


def test_both_codecs_read_one_fixture() -> None:
    event = {"kind": "logged", "text": "é"}
    lines = [encoded({"seq": seq, "at": "2026-01-31T12:00:00+00:00", "event": event}) for seq in (7, 8)]
    part = read_part(pack_part("abcdefgh12", "0" * 32, 7, lines))
    assert [line.seq for line in part.lines] == [7, 8] and part.packed == b""
    assert [json.loads(line)["event"] for line in lines] == [line.event for line in part.lines]
