"""`neq launch --check` with a real worker: everything is said, nothing is launched."""

from collections.abc import Iterator

import pytest

from tests.system import Process, System, running

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A server and a worker."""
    with running(tmp_path_factory.mktemp("system")) as system:
        system.wait_for_worker()
        yield system


def launched(system: System, *flags: str) -> tuple[int, str]:
    process = Process("launch", *flags, environment={"NEQ_URL": system.url})
    try:
        return process.wait(120), process.said
    finally:
        process.stop()


def test_a_run_that_would_go_through_is_checked_and_not_launched(system: System) -> None:
    code, said = launched(system, "--check", "--preset", "quick-look")
    assert code == 0, said
    assert "neurons watched; one small batch trained on" in said
    assert system.ask("GET", "/runs")["runs"] == []


def test_what_a_worker_finds_is_printed_at_its_field_and_refused(system: System) -> None:
    code, said = launched(system, "--check", "--neq.layers.only", "nosuch*", "--training.batch-size", "60000")
    assert code == 2, said
    assert "error: neq.layers.only: " in said and "'nosuch*' names no layer" in said
    assert "warning: training.batch_size: All 5,800 training images are a single batch" in said


def test_what_is_known_at_once_is_printed_without_waiting(system: System) -> None:
    code, said = launched(system, "--check", "--model.kind", "torchvision", "--model.name", "inception_v3")
    assert (code, "error: model.name: inception_v3 needs at least 75 × 75 px" in said) == (2, True)


def test_a_launch_prints_its_warnings_and_goes_on(system: System) -> None:
    code, said = launched(system, "--preset", "quick-look", "--training.epochs", "1")
    assert code == 0, said
    assert "warning: training.epochs: Nothing will freeze" in said
    (run,) = system.ask("GET", "/runs")["runs"]
    assert "training.epochs" in [each["field"] for each in run["warnings"]]


def test_numbers_that_no_person_writes_are_refused(system: System) -> None:
    for given, words in (("1_0", "Write it without separators: 10"), ("1,000", "Write it without separators: 1000")):
        code, said = launched(system, "--training.epochs", given)
        assert (code, words in said) == (2, True), said
    code, said = launched(system, "--optimizer.learning-rate", "0,05")
    assert (code, "Use a point: 0.05" in said) == (2, True), said
