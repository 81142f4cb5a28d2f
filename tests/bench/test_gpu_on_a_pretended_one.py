"""The script on a pretended GPU: what it asks of CUDA alone runs too, before a real one's minutes are spent on it."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import pytest
import torch

from bench.gpu_sections import graph, plans, right, step, sync
from bench.gpu_sections.__main__ import RUNS
from bench.gpu_sections.experiment import DeviceLost, Experiment
from bench.gpu_sections.record import Record
from bench.gpu_sections.stage import Stage
from tests.pretended.counts import capturing, counted
from tests.pretended.device import pretending


class _Noted(Stage):
    """The one that a pretended graph makes a step of when it is replayed."""

    last: "_Noted"

    def __init__(self, name: str, device: torch.device, *, dry: bool) -> None:
        super().__init__(name, device, dry=dry)
        _Noted.last = self


def _launched(here: Experiment, run: Callable[[], object]) -> sync.Launches:
    counts = counted(run)
    return sync.Launches(counts.kernels, counts.waits, counts.copies, 0)


def _capturing(graph: object) -> AbstractContextManager[None]:
    return capturing()


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Experiment]:
    stream = SimpleNamespace(wait_stream=lambda other: None)
    replayed = SimpleNamespace(replay=lambda: _Noted.last.step())
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with ExitStack() as stack:
        stack.callback(torch.set_num_threads, threads)
        stack.enter_context(pretending())
        for name, one in {
            "Stream": lambda: stream,
            "current_stream": lambda: stream,
            "stream": lambda stream: nullcontext(),
            "CUDAGraph": lambda: replayed,
            "graph": _capturing,
        }.items():
            stack.enter_context(mock.patch.object(torch.cuda, name, one))
        stack.enter_context(mock.patch.object(sync, "launched", _launched))
        stack.enter_context(mock.patch.object(sync, "waits", lambda here, run: counted(run).waits))
        stack.enter_context(mock.patch.object(graph, "Stage", _Noted))
        stack.enter_context(mock.patch.object(plans, "_CACHE", 16))
        # The others differ in the network alone, or were tried on the CPU; each operation takes long here.
        stack.enter_context(mock.patch.object(right, "_DRY_KINDS", right._DRY_KINDS[-1:]))
        one = "resnet32", "float32", True, (*step.ARMS[:3], *step.SWITCHED)
        stack.enter_context(mock.patch.object(step, "_CASES", [one]))
        record = Record(tmp_path / "gpu.json", dry=True)
        yield Experiment(record, time.time() + 300, torch.device("cuda", 0))


def _found(here: Experiment, section: str) -> Record:
    here.begin(section, 300)
    RUNS[section](here)
    here.end()
    record = here._record
    assert record.failures == []
    assert [line for line in record.lines if line["surprise"]] == []
    return record


@pytest.mark.parametrize("section", ["machine", "right", "step", "probe", "memory"])
def test_a_section_runs_there_without_a_failure_or_a_broken_rule(here: Experiment, section: str) -> None:
    assert _found(here, section).left_out == []


def test_no_step_with_frozen_neurons_waits_or_launches_much_more(here: Experiment) -> None:
    lines = _found(here, "sync").lines
    assert [line["value"] for line in lines if "host waits" in line["name"]] == [0] * 8
    more = [line["value"] for line in lines if "more kernels" in line["name"]]
    assert len(more) == 6 and max(more) <= 12


def test_the_planner_is_timed_with_a_cold_cache_in_its_own_step(here: Experiment) -> None:
    lines = _found(here, "plans").lines
    assert sum(line["name"].startswith("cold ") for line in lines) >= 4
    assert all(line["value"] > 0 for line in lines if line["name"] == "layers that were timed")


def test_a_captured_step_holds_frozen_rows_whenever_it_is_replayed(here: Experiment) -> None:
    found = {(line["case"], line["name"]): line["value"] for line in _found(here, "graph").lines}
    assert found["resnet32 random 50", "frozen rows that moved"] == 0
    assert found["resnet32 random 50", "other rows moved"] == 1


def test_a_gpu_that_answers_no_more_after_a_failure_is_noticed(here: Experiment) -> None:
    def fail(case: str) -> None:
        raise RuntimeError("CUDA error: device-side assert triggered")

    here.begin("right", 300)
    here.attempt("it still answers", fail)
    with (
        mock.patch.object(torch.cuda, "synchronize", side_effect=RuntimeError("CUDA error: device-side assert")),
        pytest.raises(DeviceLost, match="device-side assert"),
    ):
        here.attempt("it does not", fail)
    assert [one["case"] for one in here._record.failures] == ["it still answers", "it does not"]
