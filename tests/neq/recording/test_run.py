"""A run in somebody's own script: what it takes, what it refuses, what reaches the server."""

import math
import os
import shlex
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import SGD
from torch.utils.data import DataLoader, Dataset

import neq
from neq.recording.environment import commit
from neq.recording.lock import FolderLock, InUse
from neq.recording.sync import sync
from tests.neq.recording.stub_server import Store, serving, until
from tests.neq.training_loop import PROBE, Loop, network


def small_model() -> tuple[nn.Module, SGD]:
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    return model, SGD(model.parameters(), lr=0.1)


SMALL_PROBE = [torch.randn(6, 4, generator=torch.Generator().manual_seed(1))]


def train(model: nn.Module, optimizer: SGD) -> torch.Tensor:
    optimizer.zero_grad()
    loss = model(SMALL_PROBE[0]).square().mean()
    loss.backward()
    optimizer.step()
    return loss


def example(epochs: int = 3) -> neq.Run:
    """The issue's, as it stands."""
    model, optimizer = small_model()
    run = neq.init("my vit", config={"lr": 0.1, "depth": 2}, tags=["flowers"])
    watch = run.watch(model, optimizer, SMALL_PROBE, epsilon=1e-3)
    for _ in range(epochs):
        loss = train(model, optimizer)
        watch.end_epoch(loss=loss, accuracy=0.5)
    run.finish()
    watch.close()
    return run


def test_the_example_is_on_the_server_when_it_is_over(
    server: str, store: Store, spool: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = example()
    assert capsys.readouterr().err == f"NEq: recording at {server}/runs/{run.id}\n"
    assert run.url == f"{server}/runs/{run.id}"
    stored = store.run
    assert stored.described["name"] == "my vit" and stored.described["tags"] == ["flowers"]
    assert stored.described["config"] == {"lr": 0.1, "depth": 2}
    assert stored.kinds[0] == "run_started" and stored.kinds[-1] == "run_finished"
    assert [event["epoch"] for event in stored.events("epoch_finished")] == [0, 1, 2]
    assert [(step, epoch) for step, epoch, _ in stored.points("loss")] == [(0, 0), (1, 1), (2, 2)]
    assert stored.points("accuracy") == [(0, 0, 0.5), (1, 1, 0.5), (2, 2, 0.5)]
    assert not spool.exists() or not list(spool.iterdir())


def test_without_a_server_the_example_is_recorded_all_the_same(
    nowhere: str, spool: Path, capsys: pytest.CaptureFixture[str], store: Store
) -> None:
    run = example()
    said = capsys.readouterr().err
    assert f"no server takes the run at {nowhere}" in said and f"neq sync {spool / str(run.id)}" in said
    assert run.url is None
    assert list(spool.glob("*/*.part"))


def test_where_the_server_takes_no_more_runs_the_reason_is_said_and_the_run_is_sent_once_there_is_room(
    server: str, store: Store, spool: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store.most_runs = 0
    run = neq.init("late")
    said = capsys.readouterr().err
    assert f"{server} does not take the run now (0 runs are recorded now): recording offline into {spool}" in said
    assert "no server" not in said and run.url is None
    run.log({"a": 1.0})
    store.most_runs = 1
    until(lambda: run.url is not None)
    run.finish()
    assert store.run.points("a") == [(0, None, 1.0)]


def test_what_was_recorded_without_a_server_is_the_same_after_sync(nowhere: str, spool: Path, store: Store) -> None:
    run = example()
    with serving(store) as url:
        (synced,) = sync(spool, url)
    assert synced.done and synced.url == f"{url}/runs/{run.id}"
    assert store.run.kinds[-1] == "run_finished"
    assert [event["epoch"] for event in store.run.events("epoch_finished")] == [0, 1, 2]


def test_a_server_that_comes_later_gets_the_run_while_it_goes_on(nowhere: str, store: Store) -> None:
    run = neq.init("early")
    run.log({"loss": 1.0})
    with serving(store, int(nowhere.rpartition(":")[2])):
        until(lambda: run.url is not None)
        run.finish()
    assert store.run.points("loss") == [(0, None, 1.0)]


def test_a_watch_is_an_neq_that_freezes(server: str, store: Store) -> None:
    loop = Loop()
    loop.neq.close()
    with neq.init() as run:
        watch = run.watch(loop.model, loop.optimizer, PROBE, epsilon=0.05)
        assert isinstance(watch, neq.NEq)
        for _ in range(3):
            loop.train()
            equilibrium = watch.end_epoch()
        assert equilibrium.frozen_fraction > 0
        watch.close()
    told = store.run.events("epoch_finished")[-1]
    assert told["frozen_fraction"] == equilibrium.frozen_fraction
    assert told["learning_rate"] == 0.05


def test_one_that_does_not_freeze_only_looks(server: str, store: Store) -> None:
    loop = Loop()
    loop.neq.close()
    with neq.init() as run:
        watch = run.watch(loop.model, loop.optimizer, PROBE, epsilon=100.0, freeze=False)
        for _ in range(3):
            loop.train()
            assert watch.end_epoch().frozen_fraction == 0
        with pytest.raises(ValueError, match="freeze is False"):
            run.watch(loop.model, loop.optimizer, PROBE, freeze=False, select="prefix", fraction=0.5)
    (announced,) = store.run.events("watch_started")
    assert announced["freeze"] is False and announced["first_freezing_epoch"] is None
    assert announced["probe_samples"] == 40 and announced["epsilon"] == 100.0


def test_layers_that_are_always_frozen_are_announced_as_that_and_the_others_as_ever(server: str, store: Store) -> None:
    model, optimizer = small_model()
    with neq.init() as run:
        run.watch(model, optimizer, SMALL_PROBE, always_freeze=1).close()
    (announced,) = store.run.events("watch_started")
    assert [layer.get("always_frozen") for layer in announced["layers"]] == [
        True,
        *[None] * (len(announced["layers"]) - 1),
    ]


def test_two_watches_are_one_epoch_and_their_layers_lie_behind_each_other(server: str, store: Store) -> None:
    (one, first), (other, second) = small_model(), small_model()
    with neq.init() as run:
        generator = run.watch(one, first, SMALL_PROBE, name="generator")
        with pytest.raises(ValueError, match="called 'generator' goes on"):
            run.watch(other, second, SMALL_PROBE, name="generator")
        discriminator = run.watch(other, second, SMALL_PROBE, name="discriminator")
        for _ in range(2):
            train(one, first)
            train(other, second)
            generator.end_epoch(loss=1.0)
            discriminator.end_epoch(loss=2.0)
        generator.close()
        train(other, second)
        discriminator.end_epoch()
        discriminator.close()
    names = [layer["name"] for event in store.run.events("watch_started") for layer in event["layers"]]
    assert names == ["generator/0", "generator/2", "discriminator/0", "discriminator/2"]
    assert [event["epoch"] for event in store.run.events("epoch_finished")] == [0, 1, 2]
    assert store.run.points("generator/loss")[0] == (0, 0, 1.0)
    tables = [line["snapshots"] for line in store.run.lines if "snapshots" in line]
    assert [[row[0] for row in table] for table in tables] == [[0, 1, 2, 3], [0, 1, 2, 3], [2, 3]]


def test_a_watch_that_misses_an_epoch_does_not_hold_up_the_others(server: str, store: Store) -> None:
    (one, first), (other, second) = small_model(), small_model()
    with neq.init() as run:
        often = run.watch(one, first, SMALL_PROBE, name="often", freeze=False)
        _rarely = run.watch(other, second, SMALL_PROBE, name="rarely", freeze=False)
        for _ in range(3):
            train(one, first)
            often.end_epoch()
    assert [event["epoch"] for event in store.run.events("epoch_finished")] == [0, 1, 2]


def test_a_notebooks_cell_that_watches_again_goes_on_with_the_runs_epochs(server: str, store: Store) -> None:
    model, optimizer = small_model()
    with neq.init() as run:
        for _ in range(2):
            watch = run.watch(model, optimizer, SMALL_PROBE, checks="off")
            for _ in range(2):
                train(model, optimizer)
                watch.end_epoch()
        watch.close()
    assert len(store.run.events("watch_started")) == 1
    assert [event["epoch"] for event in store.run.events("epoch_finished")] == [0, 1, 2, 3]


def test_a_run_lets_go_of_a_watch_that_nobody_has_any_more(server: str) -> None:
    model, optimizer = small_model()
    with neq.init() as run:
        watch = run.watch(model, optimizer, SMALL_PROBE)
        freezer = watch._freezer
        del watch
        assert freezer.closed is not None


def test_numbers_of_all_kinds_are_logged_under_nested_names(server: str, store: Store) -> None:
    with neq.init() as run:
        run.log({"val": {"loss": torch.tensor(0.5), "top": {"5": 1}}, "flag": True, "nan": math.nan})
        run.log({"val/loss": -math.inf}, step=100, epoch=3)
        run.log({"val/loss": torch.tensor(2, dtype=torch.bfloat16)})
    assert store.run.points("val/loss") == [(0, None, 0.5), (100, 3, "-Infinity"), (101, None, 2.0)]
    assert store.run.points("val/top/5") == [(0, None, 1.0)]
    assert store.run.points("flag") == [(0, None, 1.0)]
    assert store.run.points("nan") == [(0, None, "NaN")]


@pytest.mark.parametrize(
    ("values", "error", "says"),
    [
        ({"val": {"loss": "low"}}, TypeError, "'val/loss' is a str"),
        ({"loss": torch.zeros(2)}, TypeError, r"'loss' is a tensor of shape \(2,\)"),
        ({"loss": [1.0]}, TypeError, "'loss' is a list"),
        ({"loss": 1j}, TypeError, "'loss' is a complex"),
        ({"loss": 10**400}, ValueError, "'loss' is larger than any float"),
        ({"": 1.0}, ValueError, "1 to 200 characters"),
        ([1.0], TypeError, "takes a mapping"),
    ],
)
def test_what_is_no_single_number_is_named(offline: neq.Run, values: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        offline.log(values)


def test_a_bad_metric_is_told_before_the_epoch_is_measured(offline: neq.Run) -> None:
    model, optimizer = small_model()
    watch = offline.watch(model, optimizer, SMALL_PROBE)
    train(model, optimizer)
    with pytest.raises(TypeError, match="'loss' is a str"):
        watch.end_epoch(loss="low")
    assert watch.end_epoch(loss=0.1).epoch == 0
    watch.close()


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"name": "x" * 121}, ValueError, "name has 121 characters"),
        ({"name": 5}, TypeError, "name is a int"),
        ({"config": {"a": {"b": object()}}}, TypeError, r"config\['a'\]\['b'\] is a builtins.object"),
        ({"config": {"a": "x" * 1_000_001}}, ValueError, "config has 1,000,0.. bytes"),
        ({"config": [1]}, TypeError, "config is a list"),
        ({"tags": ["a,b"]}, ValueError, "has a comma"),
        ({"tags": [str(number) for number in range(21)]}, ValueError, "tags are 21"),
        ({"tags": "flowers"}, TypeError, "give a list"),
        ({"group": "x" * 101}, ValueError, "group has 101"),
        ({"epochs": 0}, ValueError, "epochs is 0"),
        ({"mode": "on"}, ValueError, "choose online, offline or disabled"),
        ({"url": "localhost:8000"}, ValueError, "whole address"),
        ({"token": "schlüssel"}, ValueError, "printable ASCII"),
        ({"resume": "../../etc"}, ValueError, "give the id of a run"),
    ],
)
def test_what_init_does_not_take_is_named(arguments: dict[str, Any], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        neq.init(**arguments)


def test_a_config_of_argparse_is_taken_as_it_is(server: str, store: Store) -> None:
    config = {"out": Path("/tmp/x"), "device": torch.device("cpu"), "sizes": (1, 2), "most": math.inf, "net": nn.Linear}
    neq.init(config=config).finish()
    net = "torch.nn.modules.linear.Linear"
    assert store.run.described["config"] == {
        "out": "/tmp/x", "device": "cpu", "sizes": [1, 2], "most": "Infinity", "net": net,
    }  # fmt: skip


def test_a_disabled_run_does_nothing_and_its_watch_works(spool: Path) -> None:
    threads = threading.active_count()
    run = neq.init("x", mode="disabled")
    model, optimizer = small_model()
    watch = run.watch(model, optimizer, SMALL_PROBE)
    train(model, optimizer)
    assert watch.end_epoch(loss=1.0).epoch == 0
    watch.close()
    run.progress(1, 2)
    began = time.perf_counter()
    for _ in range(10_000):
        run.log({"loss": 1.0})
    assert (time.perf_counter() - began) / 10_000 < 5e-6
    run.finish()
    assert (run.id, run.url, run.should_stop) == (None, None, False)
    assert threading.active_count() == threads
    assert not spool.exists()


def test_only_the_first_of_several_processes_records(
    server: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RANK", "1")
    run = neq.init()
    run.log({"loss": 1.0})
    run.finish()
    assert run.id is None and not store.runs


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ValueError("no such thing"), "run_failed"),
        (KeyboardInterrupt(), "run_stopped"),
        (SystemExit(0), "run_finished"),
    ],
)
def test_an_exception_ends_the_run_as_what_it_is(server: str, store: Store, error: BaseException, kind: str) -> None:
    with pytest.raises(type(error)), neq.init():
        raise error
    (ended,) = store.run.events(kind)
    if kind == "run_failed":
        assert ended["reason"] == "ValueError: no such thing"
        assert "test_an_exception_ends_the_run_as_what_it_is" in ended["details"]


def test_stop_on_the_page_reaches_the_training_and_ends_the_run_as_stopped(server: str, store: Store) -> None:
    run = neq.init()
    assert not run.should_stop
    store.run.stop_requested = True
    run.log({"loss": 1.0})
    until(lambda: run.should_stop)
    run.finish()
    assert store.run.kinds[-1] == "run_stopped"


def test_finish_says_so_where_there_is_no_such_state(offline: neq.Run) -> None:
    with pytest.raises(ValueError, match="choose from finished"):
        offline.finish("done")  # type: ignore[arg-type]


def test_of_progress_the_newest_counts(server: str, store: Store) -> None:
    with neq.init() as run:
        for batch in range(1, 51):
            run.progress(batch, 50)
    told = store.run.events("epoch_progressed")
    assert 1 <= len(told) < 5 and told[-1]["batch"] == 50


def test_nothing_is_recorded_behind_the_end(server: str, store: Store) -> None:
    model, optimizer = small_model()
    run = neq.init()
    watch = run.watch(model, optimizer, SMALL_PROBE)
    run.finish()
    run.finish()
    run.log({"loss": 1.0})
    train(model, optimizer)
    assert watch.end_epoch(loss=1.0).epoch == 0
    watch.close()
    assert store.run.kinds[-1] == "run_finished" and store.run.points("loss") == []


class _Logging(Dataset[int]):
    def __init__(self, run: neq.Run) -> None:
        self.run = run

    def __len__(self) -> int:
        return 8

    def __getitem__(self, place: int) -> int:
        self.run.log({"from a worker": float(place)})
        assert self.run.id is None
        return place


def test_workers_that_are_forked_do_not_record(server: str, store: Store) -> None:
    with neq.init() as run:
        loader = DataLoader(_Logging(run), batch_size=2, num_workers=2, multiprocessing_context="fork")
        assert len(list(loader)) == 4
        run.log({"loss": 1.0})
    assert store.run.points("from a worker") == []
    assert store.run.points("loss") == [(0, None, 1.0)]


def test_git_is_asked_without_pipes_that_a_child_forked_meanwhile_would_hold_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse() -> tuple[int, int]:
        raise AssertionError("a pipe was made")

    monkeypatch.setattr(os, "pipe", refuse)
    found = commit(Path(__file__).parent)
    assert found is not None and len(found.removesuffix("-dirty")) == 40


def test_a_forked_child_neither_ends_the_run_nor_holds_its_folder(nowhere: str, spool: Path) -> None:
    run = neq.init(mode="offline")
    reading, writing = os.pipe()
    said, saying = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writing)
        run.finish()  # as its atexit would
        os.write(saying, b".")
        os.read(reading, 1)
        os._exit(0)
    try:
        os.read(said, 1)
        with pytest.raises(InUse):
            FolderLock.take(spool / str(run.id))
        run.log({"loss": 1.0})
        run.finish()
        FolderLock.take(spool / str(run.id)).release()
    finally:
        for descriptor in (writing, reading, said, saying):
            os.close(descriptor)
        os.waitpid(child, 0)


def test_streams_are_logged_with_their_bars_folded_and_put_back(
    server: str, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sys.stdout, sys.stderr
    run = neq.init(capture=True)
    sys.stdout.write("hello\n")
    for done in range(0, 101, 10):
        sys.stderr.write(f"\r{done}%|####|")
    sys.stderr.write("\n")
    sys.stdout.write("no end")
    run.finish()
    assert (sys.stdout, sys.stderr) == before
    told = "\n".join(event["text"] for event in store.run.events("logged")).split("\n")
    assert told == ["hello", "100%|####|", "no end"]
    out, err = capsys.readouterr()
    assert out == "hello\nno end" and "\r50%|####|" in err


def test_the_machine_is_sampled(server: str, store: Store) -> None:
    run = neq.init(system=True)
    until(lambda: store.run.points("system/cpu_cores") != [])
    run.finish()
    ((_, _, gib),) = store.run.points("system/memory_gib")
    assert 0.05 < gib < 100


def test_what_it_was_started_with_is_told(server: str, store: Store) -> None:
    neq.init(epochs=7).finish()
    started = store.run.lines[0]["event"]
    assert started["versions"]["torch"] == torch.__version__
    assert (started["pid"], started["command"]) == (os.getpid(), shlex.join(sys.orig_argv))
    assert started["epochs"] == 7 and started["layers"] == []
    assert started["commit"] is None or len(started["commit"].removesuffix("-dirty")) == 40


def test_a_network_of_other_layers_than_before_is_announced_anew(server: str, store: Store) -> None:
    model = network()
    model[0].requires_grad_(False)
    optimizer = SGD(model.parameters(), lr=0.05)
    with neq.init() as run:
        watch = run.watch(model, optimizer, PROBE, checks="off")
        watch.end_epoch()
        model[0].requires_grad_(True)
        for _ in range(2):
            watch.end_epoch()
        watch.close()
    first, second = store.run.events("watch_started")
    assert [layer["name"] for layer in first["layers"]] == ["1", "4", "6"]
    assert [layer["name"] for layer in second["layers"]] == ["0", "1", "4", "6"] and second["first"] == 3
    tables = [[row[0] for row in line["snapshots"]] for line in store.run.lines if "snapshots" in line]
    assert tables == [[0, 1, 2], [3, 4, 5, 6], [3, 4, 5, 6]]
