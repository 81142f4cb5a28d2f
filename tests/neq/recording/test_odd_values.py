"""What scripts log and are called that is out of the ordinary: nothing of it may cost what was recorded beside it."""

import argparse
import os
import subprocess
import sys
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import neq
from contract.events import RunStarted
from contract.metrics import MetricsLogged
from contract.parts import LARGEST_PART
from neq.recording.draft import Draft
from neq.recording.facts import Points
from neq.recording.part import MOST_LINES, encoded
from neq.recording.scalars import MOST_VALUES
from neq.recording.telling import Warner
from neq.recording.tensorboard import TensorBoardMirror
from tests.neq.recording.stub_server import Store
from tests.neq.recording.test_run import SMALL_PROBE, small_model, train

ROOT = Path(__file__).parents[3]
CAFE = os.fsdecode(b"caf\xe9.png")


def test_what_is_no_character_is_written_out_and_costs_nothing_beside_it(
    server: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "orig_argv", ["python", "train.py", CAFE])
    config = {"data": CAFE, "\ud800": ["a\0b", Path(CAFE)]}
    run = neq.init(f"on {CAFE}", config=config, tags=[CAFE], capture=True)
    model, optimizer = small_model()
    watch = run.watch(model, optimizer, SMALL_PROBE)
    for _ in range(3):
        train(model, optimizer)
        print("loading", CAFE)  # noqa: T201 - as scripts do
        run.log({"a\ud800": 1, "b": 2})
        watch.end_epoch(loss=1.0)
    run.finish()
    stored = store.run
    assert stored.described["name"] == "on caf\\xe9.png" and stored.described["tags"] == ["caf\\xe9.png"]
    assert stored.described["config"] == {"data": "caf\\xe9.png", "\\ud800": ["a\\0b", "caf\\xe9.png"]}
    assert len(stored.events("epoch_finished")) == 3 and stored.state == "run_finished"
    assert "caf\\xe9.png" in stored.events("run_started")[0]["command"]
    assert "loading caf\\xe9.png" in "".join(event["text"] for event in stored.events("logged"))
    assert [value for *_, value in stored.points("b")] == [2.0] * 3 == [2 * value for *_, value in stored.points("a?")]
    RunStarted.model_validate(stored.events("run_started")[0])


def test_a_line_with_half_a_character_is_json_that_everybody_reads() -> None:
    assert encoded({"text": f'\\ " é {CAFE} \ud800'}) == b'{"text":"\\\\ \\" \xc3\xa9 caf\\\\xe9.png \\\\ud800"}\n'


def test_single_numbers_of_all_kinds_are_taken_and_none_is_left_out(server: str, store: Store) -> None:
    run = neq.init("odd")
    run.log({"tensor": torch.ones(1, 1), "array": np.array([2]), "decimal": Decimal("3.5"), "nothing": None})
    run.log({"here": 4.0, "nowhere": torch.ones((), device="meta")})
    run.progress(1, None)  # type: ignore[arg-type]
    run.progress(float("nan"), 2)  # type: ignore[arg-type]
    run.progress(2**70, 2**71)
    run.finish()
    values = {name: [value for *_, value in store.run.points(name)] for name in ("tensor", "array", "decimal", "here")}
    assert values == {"tensor": [1.0], "array": [2.0], "decimal": [3.5], "here": [4.0]}
    assert store.run.points("nothing") == [] and store.run.points("nowhere") == []
    (progress,) = store.run.events("epoch_progressed")
    assert (progress["batch"], progress["batches"]) == (2**53 - 1, 2**53 - 1)


def test_a_number_that_its_device_cannot_give_ends_no_mirror(tmp_path: Path) -> None:
    mirror = TensorBoardMirror(tmp_path / "mirror", Warner())
    mirror.take(Points({"nowhere": lambda: float(torch.ones((), device="meta")), "here": 1.0}, 0, None, 0.0))
    mirror.take(Points({"here": 2.0}, 1, None, 0.0))
    mirror.close()
    written = EventAccumulator(str(tmp_path / "mirror")).Reload()
    assert [each.value for each in written.Scalars("here")] == [1.0, 2.0]


@pytest.mark.parametrize(
    ("keywords", "says"), [({"step": 2**53}, "step is 9007199254740992"), ({"epoch": 10**9}, "epoch is 1000000000")]
)
def test_a_step_that_no_server_takes_is_named_at_once(offline: neq.Run, keywords: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        offline.log({"a": 1.0}, **keywords)
    offline.log({"a": 1.0}, step=2**53 - 1, epoch=10_000_000)


@pytest.mark.parametrize("names", [1_500, MOST_VALUES])
def test_many_metrics_of_one_call_are_lines_that_a_server_takes(names: int) -> None:
    draft = Draft()
    while not draft.is_full:
        draft.add(Points({f"norm/{number}": 1.0 for number in range(names)}, 0, None, 0.0), 0.0)
    lines, _ = draft.lines(1, None)
    assert len(lines) <= MOST_LINES - 2 and sum(map(len, lines)) < LARGEST_PART
    told = [MetricsLogged.model_validate_json(line[line.index(b'"event":') + 8 : -2]) for line in lines]
    assert sum(len(event.series) for event in told) >= names
    assert sum(len(series.values) for event in told for series in event.series) % names == 0


def test_a_network_that_is_trained_now_and_then_keeps_its_epochs(server: str, store: Store) -> None:
    run = neq.init("gan")
    (generator, first), (discriminator, second) = small_model(), small_model()
    often = run.watch(generator, first, SMALL_PROBE)
    seldom = run.watch(discriminator, second, SMALL_PROBE, name="D")
    for epoch in range(6):
        train(generator, first)
        often.end_epoch(loss=float(epoch))
        if epoch % 2 == 1:
            train(discriminator, second)
            seldom.end_epoch(loss=10.0 + epoch)
    run.finish()
    stored = store.run
    assert [event["epoch"] for event in stored.events("epoch_finished")] == [0, 1, 2, 3, 4, 5]
    tables = [[row[0] for row in line["snapshots"]] for line in stored.lines if "snapshots" in line]
    assert tables == [[0, 1], [0, 1, 2, 3]] * 3
    assert [(epoch, value) for _, epoch, value in stored.points("D/loss")] == [(1, 11.0), (3, 13.0), (5, 15.0)]
    assert not stored.events("logged"), "nothing was left out"


@dataclass
class Schedule:
    steps: tuple[int, ...] = (10, 20)
    gamma: float = 0.1


def test_settings_as_scripts_hold_them_are_taken(server: str, store: Store) -> None:
    arguments = argparse.Namespace(func=train, schedule=Schedule(), mean=np.array([0.5, 0.25]), raw=b"caf\xe9")
    config = vars(arguments) | {"inner": argparse.Namespace(lr=0.1), None: len, "bound": store.make}
    neq.init("odd", config=config).finish()
    assert store.run.described["config"] == {
        "func": "tests.neq.recording.test_run.train",
        "schedule": {"steps": [10, 20], "gamma": 0.1},
        "mean": [0.5, 0.25],
        "raw": "caf\\xe9",
        "inner": {"lr": 0.1},
        "None": "builtins.len",
        "bound": "tests.neq.recording.stub_server.Store.make",
    }
    with pytest.raises(TypeError, match="weights"):
        neq.init("odd", config={"weights": torch.zeros(10_000)})


@pytest.mark.process
@pytest.mark.parametrize(("status", "kind"), [("3", "run_failed"), ("'no data'", "run_failed"), ("0", "run_finished")])
def test_a_script_that_exits_by_itself_ended_as_it_says(
    server: str, store: Store, spool: Path, status: str, kind: str
) -> None:
    program = f"import sys, neq; run = neq.init('exits'); run.log({{'a': 1}}); sys.exit({status})"
    environment = os.environ | {"NEQ_URL": server, "NEQ_DIR": str(spool), "PYTHONPATH": str(ROOT)}
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, timeout=60)
    assert (ended.returncode != 0) == (kind == "run_failed")
    assert store.run.kinds[-1] == kind
    if kind == "run_failed":
        assert status.strip("'") in store.run.events("run_failed")[0]["reason"]
