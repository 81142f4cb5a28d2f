"""Liveness, readiness and health: each says what is so, and none waits for what it asks about."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import SecretStr

from db import Condition, Store
from server.app import create_app
from server.settings import ServerSettings
from tests.postgres import postgres_server_url, postgres_url
from tests.server.conftest import BASE
from tests.server.recording import Recording
from tests.server.serving import serving

pytestmark = pytest.mark.slow

__all__ = ["postgres_server_url", "postgres_url"]

HEALTH = "/api/v1/health"


def file_of(settings: ServerSettings) -> Path:
    return Path(settings.database_url.removeprefix("sqlite:///"))


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another program holds the database's only right to write."""
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        yield


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_a_probe_needs_no_token_and_no_name(store: Store, settings: ServerSettings, path: str) -> None:
    app = create_app(store, settings.model_copy(update={"token": SecretStr("open-sesame")}))
    with TestClient(app, base_url="http://10.1.2.3:8000") as prober:
        assert prober.get(path).status_code == 200
        head = prober.head(path)
        assert (head.status_code, head.content) == (200, b"")
        assert prober.post(path).status_code in (400, 401, 405)
        assert prober.get(f"{path}/x").status_code == 400
        assert prober.get(HEALTH).status_code == 400


def test_a_server_that_works_is_alive_and_ready(client: TestClient) -> None:
    assert client.get("/livez").json() == {"status": "alive"}
    ready = {"status": "ready", "checks": {"store": "ok", "schema": "ok", "disk": "ok"}}
    assert client.get("/readyz").json() == ready


def test_health_can_be_asked_with_head(client: TestClient) -> None:
    assert client.head(HEALTH).status_code == 200


def test_health_says_that_no_worker_lives(client: TestClient) -> None:
    told = client.get(HEALTH).json()
    assert told["status"] == "degraded"
    assert "No worker is online" in told["problems"][0]
    assert told["store"]["reachable"] is True


def test_a_store_that_cannot_be_written_is_not_ready(
    client: TestClient, settings: ServerSettings, recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.readiness.LOOK_SECONDS", 0.05)
    with locked(file_of(settings)):
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()["status"]) == (503, "not ready")
        assert answer.json()["checks"]["store"] == "cannot be read and written"
        assert str(file_of(settings)) not in answer.text
        assert client.get("/livez").status_code == 200


def test_a_store_whose_pages_are_overwritten_is_not_ready(client: TestClient, settings: ServerSettings) -> None:
    with file_of(settings).open("r+b") as file:
        file.write(b"\xff" * 8192)
    for wal in file_of(settings).parent.glob("neq.db-*"):
        wal.unlink()
    assert client.get("/readyz").status_code == 503
    told = client.get(HEALTH).json()
    assert told["status"] == "degraded"
    assert told["problems"]


def test_a_store_of_another_schema_is_not_ready(client: TestClient, settings: ServerSettings) -> None:
    with closing(sqlite3.connect(file_of(settings), isolation_level=None)) as other:
        other.execute("UPDATE alembic_version SET version_num = '9999'")
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["checks"]["schema"]) == (503, "is not this program's")
    assert "9999" in client.get(HEALTH).json()["problems"][0]


def test_a_full_disk_is_not_ready_and_told_with_the_remedy(
    client: TestClient, recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db.condition.LEAST_FREE_BYTES", 2**62)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["checks"]["disk"]) == (503, "is full")
    told = client.get(HEALTH).json()
    assert told["status"] == "degraded"
    assert "Free space" in told["store"]["problem"]


def test_a_store_that_never_answers_is_not_ready(
    store: Store, settings: ServerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = threading.Event()

    class Hanging(Store):
        """A store on a disk that has gone."""

        def examine(self, seconds: float) -> Condition:
            released.wait()
            return super().examine(seconds)

    monkeypatch.setattr("server.readiness.LIMIT_SECONDS", 0.1)
    with TestClient(create_app(Hanging(store._database), settings), base_url=BASE) as client:
        assert client.get("/readyz").status_code == 503
        assert client.get("/livez").status_code == 200
        assert client.get(HEALTH).json()["status"] == "degraded"
        released.set()


def test_postgresql_is_examined_too(postgres_url: str) -> None:
    store = Store.open(postgres_url)
    assert store.examine(1.0) == Condition()
    with store._database.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE runs RENAME TO walked")
    assert store.examine(1.0).store is not None
    store.close()


def test_a_postgresql_that_is_not_there_is_told_without_its_password(postgres_url: str) -> None:
    store = Store.open(postgres_url)
    store._database.url = store._database.url.set(host="127.0.0.1", port=9, password="hush-hush")
    problem = store.examine(1.0).store
    assert problem is not None
    assert "hush-hush" not in problem
    store.close()


def test_probes_answer_behind_a_socket(app: FastAPI, settings: ServerSettings) -> None:
    with serving(app, settings) as address:
        assert httpx.head(f"{address}/livez").status_code == 200
        assert httpx.get(f"{address}/readyz").status_code == 200
