"""Parts changed anywhere: each is stored whole or refused, never a failure of ours, and what is stored can be read."""

import json
import random
import zlib
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from db import Store
from neq.recording.part import encoded, pack_part
from server.app import create_app
from server.settings import ServerSettings
from tests.postgres import postgres_server_url, postgres_url
from tests.server.test_recording import RUNS, Recorder, metrics
from tests.stores import empty_store

__all__ = ["postgres_server_url", "postgres_url"]

pytestmark = pytest.mark.slow

ODD: tuple[Any, ...] = (
    None,
    True,
    "",
    "NaN",
    "\x00",
    "\ud800",
    "x" * 100_000,
    -1,
    0,
    0.5,
    2**31,
    2**63,
    10**400,
    -(2**63) - 1,
    1e308,
    [],
    {},
    [None],
    [[]] * 50,
    "0001-01-01T00:00:00+00:00",
    "9999-12-31T23:59:59-14:00",
)
"""Values that one of the layers below might take for something else: of the column, the reader, the language."""
READ = (
    "",
    "/layers",
    "/layers/0/divergence",
    "/metrics",
    "/metrics/points?name=a",
    "/epochs",
    "/log",
    "/coverage",
    "/frozen",
    "/plans",
    "/file",
)
"""What pages and `neq.Client` ask for."""


class Changer:
    """Changes a part, the same way for the same seed."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)

    def changed(self, part: bytes) -> bytes:
        """The part with its bytes, its lines' bytes or its lines' values changed."""
        head, _, packed = part.partition(b"\n")
        kind = self.draw.choice(("bytes", "lines", "values", "values", "values"))
        if kind == "bytes":
            return self._some_bytes(part)
        header = json.loads(head)
        content = zlib.decompress(packed)
        lines, arrays = content[: header["events"]], content[header["events"] :]
        if kind == "lines":
            content = self._some_bytes(content)
        else:
            events = [json.loads(line) for line in lines.splitlines()]
            for _ in range(self.draw.randint(1, 2)):
                self._some_value(self.draw.choice(events))
            text = b"".join(json.dumps(event).encode() + b"\n" for event in events)
            header["events"] = len(text)
            content = text + arrays
        return json.dumps(header).encode() + b"\n" + zlib.compress(content, 1)

    def _some_bytes(self, data: bytes) -> bytes:
        changed = bytearray(data)
        for _ in range(self.draw.randint(1, 3)):
            changed[self.draw.randrange(len(changed))] = self.draw.randrange(256)
        return bytes(changed)

    def _some_value(self, value: dict[str, Any] | list[Any]) -> None:
        """Goes down anywhere and puts something odd there, or takes away what is there."""
        while True:
            key: Any = self.draw.choice(list(value) if isinstance(value, dict) else range(len(value)))
            below = value[key]
            if not (isinstance(below, dict | list) and below) or self.draw.random() < 0.1:
                break
            value = below
        if self.draw.random() < 0.1:
            del value[key]
        elif self.draw.random() < 0.1:
            if isinstance(value, dict):
                value[self.draw.choice(("x", "\x00", "\ud800", "kind"))] = self.draw.choice(ODD)
            else:
                value.append(self.draw.choice(ODD))
        else:
            value[key] = self.draw.choice(ODD)


def changed_parts(client: TestClient, store: Store, rounds: int, seed: int) -> None:
    """Sends so many; where one is taken as it is, the run goes on behind it, and where it ends, a new one begins."""
    changer, recorder = Changer(seed), Recorder(client)
    recorder.make()
    recorder.say(*recorder.started())
    taken = 0
    for number in range(rounds):
        run = store.run(recorder.run)
        whole = recorder.epoch(run.epochs_done) if number % 3 else recorder.part(metrics("a", 1.0), metrics("b", 2.0))
        lines = recorder.next - run.writer_seq - 1
        answer = recorder.send(changer.changed(whole))
        assert answer.status_code < 500, answer.text
        after = store.run(recorder.run).writer_seq
        assert after == run.writer_seq + (lines if answer.status_code == 200 else 0), answer.text
        recorder.next = after + 1
        if answer.status_code == 200:
            taken += 1
            check_readable(client, recorder.run)
        if store.run(recorder.run).epochs_done > 1_000 or store.run(recorder.run).state != "running":
            recorder = another(client, number)
    assert taken > rounds / 50, "some changes do no harm"


def another(client: TestClient, number: int) -> Recorder:
    recorder = Recorder(client, run=f"run{number:07d}")
    recorder.make()
    recorder.say(*recorder.started())
    return recorder


def check_readable(client: TestClient, run: str) -> None:
    assert client.get(RUNS).status_code == 200
    for page in READ:
        answer = client.get(f"{RUNS}/{run}{page}")
        assert answer.status_code < 500, (page, answer.text)


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00", "2026-01-31T12:00:00", "x"])
def test_a_time_that_no_database_holds_is_refused(client: TestClient, store: Store, at: str) -> None:
    recorder = Recorder(client)
    recorder.make()
    line = {"seq": 1, "at": at, "event": {"kind": "logged", "text": "x"}}
    answer = recorder.send(pack_part(recorder.run, recorder.writer, 1, [encoded(line)]))
    assert answer.status_code == 422 and "A line of events, at: " in answer.text
    assert store.run(recorder.run).writer_seq == 0


def test_changed_parts_are_stored_whole_or_refused(client: TestClient, store: Store) -> None:
    changed_parts(client, store, 300, seed=7)


@pytest.mark.endurance
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("kind", "rounds", "seed"), [("sqlite", 5_000, 1), ("sqlite", 5_000, 2), ("postgresql", 1_500, 3)]
)
def test_thousands_of_changed_parts(
    settings: ServerSettings, request: pytest.FixtureRequest, tmp_path: Path, kind: str, rounds: int, seed: int
) -> None:
    url = f"sqlite:///{tmp_path / 'long.db'}" if kind == "sqlite" else str(request.getfixturevalue("postgres_url"))
    with closing(empty_store(url)) as store:
        app = create_app(store, settings.model_copy(update={"database_url": url}))
        with TestClient(app, base_url="http://127.0.0.1:8000") as client:
            changed_parts(client, store, rounds, seed)
