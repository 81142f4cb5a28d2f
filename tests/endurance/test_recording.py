"""Recordings whose server comes and goes: afterwards the store has what the training saw, to the bit, and once."""

import random
import shutil
import time
from pathlib import Path

import numpy as np
import pytest

from tests.endurance.chaos_proxy import FATES, chaos
from tests.endurance.recordings import (
    Script,
    Seen,
    assert_finished,
    finish_sending,
    kill_server,
    neq_sync,
    parts,
    recorded,
    start_again,
    wait_for_more,
)
from tests.endurance.records import eventually, kill, standing, store_of
from tests.system import Process, System

pytestmark = [pytest.mark.endurance, pytest.mark.timeout(900)]

KILLS = 20


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_server_killed_twenty_times_has_the_whole_run(
    tmp_path: Path, request: pytest.FixtureRequest, kind: str
) -> None:
    url = None if kind == "sqlite" else str(request.getfixturevalue("postgres_url"))
    draw = random.Random(1)
    with standing(tmp_path, url) as system:
        with recorded(system, tmp_path, "--epochs", "100", "--pace", "0.1") as script:
            for _ in range(KILLS):
                wait_for_more(system, script, draw.randint(1, 40))
                time.sleep(draw.uniform(0.0, 0.1))
                kill_server(system)
                script.wait_for_epochs(draw.randint(1, 5))
                start_again(system)
        finish_sending(system, tmp_path / "runs")
        (warning,) = script.told("Warning")
        assert "the server does not answer" in warning and str(tmp_path / "runs") in warning
        with store_of(system) as store:
            assert_finished(store, script.run, Seen(script.epochs))


@pytest.mark.parametrize("seed", [1, 2])
def test_a_run_through_a_proxy_that_drops_delays_refuses_and_repeats_is_whole(tmp_path: Path, seed: int) -> None:
    with standing(tmp_path) as system:
        with chaos(system.port, seed) as (port, fates):
            url, end = f"http://127.0.0.1:{port}", tmp_path / "end"
            options = ("--epochs", "150", "--pace", "0.1", "--end", str(end), "--longest-pause", "0.5")
            with Script(url, tmp_path / "runs", *options) as script:
                end.touch()
                script.end()
        finish_sending(system, tmp_path / "runs")
        with store_of(system) as store:
            assert_finished(store, script.run, Seen(script.epochs))
        assert set(fates) == set(FATES), "it was as bad as it can be"


def test_a_clock_that_is_set_back_changes_no_order(tmp_path: Path) -> None:
    with standing(tmp_path) as system:
        with recorded(system, tmp_path, "--epochs", "60", "--clock-back", "25") as script:
            script.wait_for_epochs(60)
        assert not script.told("Warning")
        with store_of(system) as store:
            assert_finished(store, script.run, Seen(script.epochs))
            times = store.metric_points(script.run, "accuracy").times
            (back,) = np.flatnonzero(np.diff(times) < 0)
            assert back == 24 and times[24] - times[25] > 3500


def test_a_script_whose_token_is_withdrawn_goes_on_and_says_so_once(tmp_path: Path) -> None:
    first, second = "the-first-token", "the-second-token"
    with standing(tmp_path) as system:
        start_with_token(system, first)
        with recorded(system, tmp_path, "--pace", "0.1", environment={"NEQ_TOKEN": first}) as script:
            wait_for_more(system, script, 20)
            start_with_token(system, second)
            script.wait(lambda: script.told("the server asks for another token: set NEQ_TOKEN"))
            script.wait_for_epochs(20)
        (warning,) = script.told("no longer sent")
        assert "set NEQ_TOKEN" in warning and f"neq sync {tmp_path / 'runs'}" in warning
        status, said = neq_sync(tmp_path / "runs", system.url, first)
        assert status != 0 and "the server asks for another token: set NEQ_TOKEN" in said
        finish_sending(system, tmp_path / "runs", second)
        with store_of(system) as store:
            assert_finished(store, script.run, Seen(script.epochs))


def start_with_token(system: System, token: str) -> None:
    """Starts the server anew, as asking for this token."""
    system.stop_server()
    system.environment["NEQ_TOKEN"] = token
    start_again(system)


def test_a_run_that_met_no_server_is_sent_later_and_twice_is_once(tmp_path: Path) -> None:
    folder, copy = tmp_path / "runs", tmp_path / "copy"
    with standing(tmp_path) as system:
        kill_server(system)
        with recorded(system, tmp_path, "--epochs", "100", "--pace", "0.02") as script:
            script.wait_for_epochs(100)
        assert len(script.told("recording offline into")) == 1
        shutil.copytree(folder, copy)
        start_again(system)
        kill_while_sending(system, folder)
        finish_sending(system, folder)
        with store_of(system) as store:
            assert_finished(store, script.run, Seen(script.epochs))
            before = store.events_after(script.run, 0, limit=100_000)
            finish_sending(system, copy)
            assert store.events_after(script.run, 0, limit=100_000) == before


def kill_while_sending(system: System, folder: Path) -> None:
    """`neq sync`, killed when it has sent a part of what is there."""
    all_parts = len(parts(folder))
    process = Process("sync", str(folder), environment={"NEQ_URL": system.url})
    eventually(lambda: len(parts(folder)) < 0.7 * all_parts)
    kill(process.pid)
    process.stop()
    assert 0 < len(parts(folder)) < all_parts
