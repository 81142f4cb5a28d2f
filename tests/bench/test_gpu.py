"""The script for the first minutes on a GPU, as small as can be on a CPU: whole, and where something goes wrong."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from bench import gpu
from bench.gpu_sections import stage
from bench.gpu_sections.__main__ import LOST, RUNS, run_sections
from bench.gpu_sections.experiment import DeviceLost, Experiment
from bench.gpu_sections.record import Range, Record, is_surprise, rule
from bench.gpu_sections.schedule import SECTIONS, share

pytestmark = pytest.mark.process


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Two wait for each other in networks so small."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def record(tmp_path: Path) -> Record:
    return Record(tmp_path / "gpu.json", dry=True)


def soon() -> float:
    return time.time() + 300


def test_a_dry_run_goes_through_every_section_without_a_failure_or_a_broken_rule(
    record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Record.keep
    counts: list[tuple[int, int]] = []

    def keep(self: Record) -> None:
        kept(self)
        found = json.loads(self.path.read_text())
        counts.append((len(found["lines"]), len(self.lines)))

    monkeypatch.setattr(Record, "keep", keep)
    switches = torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark
    assert run_sections(record, list(SECTIONS), soon()) == 0
    assert (torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark) == switches
    found = Record.read(record.path)
    assert found.failures == []
    assert [line for line in found.lines if line["surprise"]] == []
    assert list(found.seconds) == list(SECTIONS) == list(RUNS)
    told = {line["section"] for line in found.lines}
    assert told == set(SECTIONS) - {"graph"}  # only CUDA has graphs
    assert {one["section"] for one in found.left_out} == {"machine", "graph", "run"}
    assert all(written == told for written, told in counts)
    assert {written for written, _ in counts} == set(range(len(found.lines) + 1))  # anew after every line
    assert sum(line["source"] == "rule" and line["value"] is not None for line in found.lines) > 20
    assert found.running is None


@pytest.mark.parametrize(
    ("value", "low", "high", "surprises"),
    [
        (1.0, 1, 2, False),
        (2, 1, 2, False),
        (0.99, 1, 2, True),
        (2.01, 1, 2, True),
        (-5.0, None, 2, False),
        (5.0, 1, None, False),
        (float("nan"), 1, 2, True),
        (float("nan"), None, None, True),
        (None, 1, 2, False),
        ("text", 1, 2, False),
    ],
)
def test_a_figure_outside_its_range_is_a_surprise(value: Any, low: Any, high: Any, surprises: bool) -> None:
    assert is_surprise(value, Range(low, high), dry=False) is surprises
    assert is_surprise(value, rule(low, high), dry=True) is surprises


def test_a_dry_run_is_surprised_by_broken_rules_alone() -> None:
    assert not is_surprise(9.0, Range(1, 2), dry=True)
    assert not is_surprise(9.0, Range(1, 2, "measured"), dry=True)
    assert is_surprise(9.0, rule(1, 2), dry=True)
    assert not is_surprise(9.0, None, dry=False)


def test_a_surprise_is_marked_on_the_screen_and_in_the_file(record: Record, capsys: pytest.CaptureFixture[str]) -> None:
    record.say("right", "a case", "rows that moved", 3, "", rule(0, 0), "")
    record.say("right", "a case", "rows that moved", 0, "", rule(0, 0), "")
    marked, plain = capsys.readouterr().out.splitlines()
    assert marked.startswith("! right") and "(rule 0..0)" in marked
    assert plain.startswith("  right")
    lines = json.loads(record.path.read_text())["lines"]
    assert [line["surprise"] for line in lines] == [True, False]
    assert (lines[0]["low"], lines[0]["high"], lines[0]["source"]) == (0, 0, "rule")


def saying(here: Experiment) -> None:
    here.say("a case", "a figure", 1)


def raising(here: Experiment) -> None:
    here.attempt("first", lambda case: 1 / 0)
    here.attempt("second", lambda case: here.say(case, "a figure", 2))


def falling(here: Experiment) -> None:
    raise ValueError("the section itself")


def losing(here: Experiment) -> None:
    here.say("a case", "a figure", 3)
    raise DeviceLost("CUDA error: device-side assert triggered")


def missing(here: Experiment) -> None:
    def needs(case: str) -> None:
        raise ModuleNotFoundError("No module named 'pydantic'", name="pydantic")

    here.attempt("a case", needs)


def runs(**sections: Callable[[Experiment], None]) -> dict[str, Callable[[Experiment], None]]:
    return {**RUNS, **sections}


def test_a_failure_is_told_and_stops_neither_its_section_nor_the_others(record: Record) -> None:
    found = runs(machine=raising, right=falling, sync=saying)
    assert run_sections(record, ["machine", "right", "sync"], soon(), found) == 0
    read = Record.read(record.path)
    assert [(line["section"], line["value"]) for line in read.lines] == [("machine", 2), ("sync", 1)]
    assert [(one["section"], one["case"]) for one in read.failures] == [("machine", "first"), ("right", "")]
    assert "ZeroDivisionError" in read.failures[0]["error"] and "1 / 0" in read.failures[0]["trace"]
    assert list(read.seconds) == ["machine", "right", "sync"]


def test_what_needs_pydantic_is_left_out_with_a_word_where_there_is_none(record: Record) -> None:
    assert run_sections(record, ["machine"], soon(), runs(machine=missing)) == 0
    assert record.failures == []
    assert record.left_out == [
        {"section": "machine", "case": "a case", "why": "it needs pydantic, which is not installed here"}
    ]


def test_a_gpu_that_answers_no_more_ends_the_process_in_its_section(record: Record) -> None:
    assert run_sections(record, ["machine", "right"], soon(), runs(machine=losing, right=saying)) == LOST == gpu.STICKS
    read = Record.read(record.path)
    assert [line["value"] for line in read.lines] == [3]
    assert read.running is not None and read.running["section"] == "machine"


def test_without_time_sections_and_cases_are_left_out_with_a_word(record: Record) -> None:
    assert run_sections(record, ["machine", "right"], time.time() - 1, runs(machine=saying, right=saying)) == 0
    assert [(one["section"], one["why"]) for one in record.left_out] == [
        ("machine", "no time is left"),
        ("right", "no time is left"),
    ]
    here = Experiment(record, soon())
    here.begin("step", -1)
    here.attempt("a case", lambda case: pytest.fail("it has no time"))
    assert record.left_out[-1]["section"] == "step" and "s are left" in record.left_out[-1]["why"]
    assert record.failures == []


def test_without_a_gpu_all_but_a_dry_run_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    record = Record(tmp_path / "gpu.json")
    run_sections(record, ["machine"], soon())
    assert "--dry" in record.failures[0]["error"]


def test_shares_leave_to_the_later_what_the_earlier_did_not_need() -> None:
    sections = list(SECTIONS)
    assert sum(SECTIONS.values()) == 400
    assert share("machine", sections, 400) == SECTIONS["machine"]
    assert share("run", ["run"], 123) == 123
    assert share("right", sections[1:], 400) > SECTIONS["right"]


CHILD = """
import sys, os, time
from pathlib import Path
sys.path.insert(0, {root!r})
from bench.gpu_sections.record import Record
given = dict(zip(sys.argv[1::2], sys.argv[2::2]))
record = Record.read(Path(given["--out"]) / "gpu.json")
for section in given["--only"].split(","):
    record.running = {{"section": section, "since": time.time(), "until": time.time() + 60}}
    record.say(section, "a case", "pid", os.getpid(), "", None, "")
    {does}
    record.running = None
    record.seconds[section] = 1.0
    record.keep()
"""


def supervised(folder: Path, does: str, *arguments: str) -> tuple[int, Record]:
    """The script with a child that does this in each section."""
    child = [sys.executable, "-c", CHILD.format(root=str(gpu.ROOT), does=does)]
    status = gpu.main(["--out", str(folder), *arguments], child)
    return status, Record.read(folder / "gpu.json")


def test_all_sections_run_in_one_process_in_the_order_of_their_worth(tmp_path: Path) -> None:
    status, found = supervised(tmp_path, "pass", "--only", "run,machine,sync")
    assert status == 0
    assert list(found.seconds) == ["machine", "sync", "run"]
    assert len({line["value"] for line in found.lines}) == 1
    assert found.ended == "in order"


@pytest.mark.parametrize(
    ("does", "why"),
    [
        ("if section == 'right': sys.exit(3)", "does not answer any more"),
        ("if section == 'right': os.kill(os.getpid(), 9)", "ended with status -9"),
        (
            "if section == 'right': record.running['until'] = 0; record.keep(); time.sleep(60)",
            "did not end in its time",
        ),
    ],
)
def test_a_section_that_takes_its_process_with_it_is_told_and_the_others_run_in_another(
    tmp_path: Path, does: str, why: str
) -> None:
    status, found = supervised(tmp_path, does, "--only", "machine,right,sync,run")
    assert status == 1
    (failure,) = found.failures
    assert failure["section"] == "right" and why in failure["error"]
    assert [line["section"] for line in found.lines] == ["machine", "right", "sync", "run"]
    first, second, third, fourth = (line["value"] for line in found.lines)
    assert first == second != third == fourth
    assert found.ended == "in order" and found.running is None


def test_a_process_that_dies_after_its_last_section_is_told_and_nothing_is_run_again(tmp_path: Path) -> None:
    status, found = supervised(tmp_path, "import atexit; atexit.register(os._exit, 7)", "--only", "machine,right")
    assert status == 1
    assert [one["section"] for one in found.failures] == ["all"]
    assert [line["section"] for line in found.lines] == ["machine", "right"]
    assert (found.left_out, found.ended) == ([], "in order")


def test_a_process_that_cannot_begin_ends_the_script(tmp_path: Path) -> None:
    assert (
        gpu.main(["--out", str(tmp_path), "--only", "machine,right"], [sys.executable, "-c", "import sys; sys.exit(9)"])
        == 1
    )
    found = Record.read(tmp_path / "gpu.json")
    assert found.ended == "could not begin"
    assert [one["section"] for one in found.left_out] == ["machine", "right"]


def test_time_that_is_over_ends_the_script(tmp_path: Path) -> None:
    began = time.monotonic()
    status, found = supervised(tmp_path, "time.sleep(60)", "--only", "machine,right", "--seconds", "1.5")
    assert time.monotonic() - began < 20
    assert status == 1
    assert [one["section"] for one in found.failures] == ["machine"]
    assert found.left_out == [{"section": "right", "case": "", "why": "no time is left"}]


def test_the_command_runs_a_section_in_a_process_of_its_own(tmp_path: Path) -> None:
    assert gpu.main(["--dry", "--only", "machine", "--out", str(tmp_path / "made")]) == 0
    found = Record.read(tmp_path / "made" / "gpu.json")
    assert found.machine["torch"] == torch.__version__ and found.machine["threads"] == 1
    assert {line["section"] for line in found.lines} == set(found.seconds) == {"machine"}


@pytest.mark.parametrize("given", [["--only", "machine,speed"], ["--seconds", "0"], ["--seconds", "401"]])
def test_a_wrong_command_is_refused_with_the_remedy(
    tmp_path: Path, given: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refused:
        gpu.main(["--out", str(tmp_path), *given])
    assert refused.value.code == 2
    assert "choose among machine" in (said := capsys.readouterr().err) or "at most 400" in said


@pytest.mark.parametrize("name", stage.SIZES)
def test_the_networks_of_a_gpu_can_be_made(name: str) -> None:
    with torch.device("meta"):
        made = stage.network(name)
    assert sum(parameter.numel() for parameter in made.parameters()) > 400_000
    assert any(isinstance(module, nn.Conv2d) for module in made.modules())
