"""The container files say what they should; no engine is needed to see that."""

import json
import os
import re
import shlex
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from socket import gethostname
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from cli.main import app
from db import Store
from tests.system import running

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def stages() -> dict[str, list[str]]:
    """Instructions of each stage by its name, those of the stages that it builds on first."""
    found: dict[str, list[str]] = {}
    current: list[str] = []
    for line in DOCKERFILE.splitlines():
        if begins := re.match(r"FROM (\S+) AS (\S+)", line):
            current = found.setdefault(begins[2], list(found.get(begins[1], [])))
        elif line and not line.startswith("#"):
            current.append(line)
    return found


@pytest.mark.parametrize("service", ["server", "trainer"])
def test_a_service_builds_a_stage_that_exists(service: str) -> None:
    assert COMPOSE["services"][service]["build"]["target"] in stages()


@pytest.mark.parametrize("target", ["web", "worker"])
def test_a_container_does_not_run_as_root(target: str) -> None:
    users = [line.split()[1] for line in stages()[target] if line.startswith("USER ")]
    assert users == ["neq"]


@pytest.mark.parametrize(("target", "lock"), [("web", "web.lock"), ("worker", "trainer.lock")])
def test_a_container_installs_from_its_lock_by_hash(target: str, lock: str) -> None:
    installs = [line for line in stages()[target] if "pip install" in line]
    assert any(f"requirements/{lock}" in line for line in installs)
    assert all("--require-hashes" in line for line in installs)
    assert (ROOT / "requirements" / lock).exists()


@pytest.mark.parametrize("target", ["web", "worker"])
def test_a_container_s_command_is_one_of_ours(target: str) -> None:
    last = next(line for line in reversed(stages()[target]) if line.startswith("CMD "))
    arguments = [word.strip(",") for word in shlex.split(last.removeprefix("CMD ").strip("[]"))]
    result = CliRunner().invoke(app, [*arguments, "--help"])
    assert result.exit_code == 0, result.output


def test_the_web_process_is_published_on_this_machine_alone_and_asks_for_a_token() -> None:
    server = COMPOSE["services"]["server"]
    assert all(port.startswith("127.0.0.1:") for port in server["ports"])
    assert server["environment"]["NEQ_TOKEN_FILE"] == "/run/secrets/token" and "token" in server["secrets"]


def test_secrets_come_in_files_that_a_service_is_given_and_git_and_images_pass_over() -> None:
    secrets = {f"/run/secrets/{name}": each["file"] for name, each in COMPOSE["secrets"].items()}
    for name, service in COMPOSE["services"].items():
        files = {value for key, value in service["environment"].items() if key.endswith("_FILE")}
        assert files and files == {f"/run/secrets/{each}" for each in service["secrets"]}, name
        assert files <= set(secrets)
        bare = [key for key in service["environment"] if re.search("PASSWORD$|TOKEN$", key)]
        assert bare == [], f"{name} has a secret in its environment, where whoever inspects it reads it"
    assert {path.split("/")[1] for path in secrets.values()} == {"secrets"}
    assert "/secrets/" in (ROOT / ".gitignore").read_text().split()
    assert "secrets" in (ROOT / ".dockerignore").read_text().split()
    mentioned = (ROOT / "docs" / "configuration.md").read_text()
    assert [path for path in secrets.values() if path.removeprefix("./") not in mentioned] == []


def health_command(target: str, port: int = 8000) -> list[str]:
    """What a container's engine runs to see whether it is well, for a server at another port."""
    stage = DOCKERFILE.replace("\\\n", "").split(f" AS {target}\n")[1].split("\nFROM ")[0]
    (line,) = [line for line in stage.splitlines() if line.startswith("HEALTHCHECK")]
    python, *arguments = json.loads(line[line.index("[") :])
    assert python == "python"
    return [sys.executable, *(each.replace("8000", str(port)) for each in arguments)]


def test_a_web_container_is_healthy_while_its_store_can_be_used_and_not_longer(tmp_path: Path) -> None:
    environment = {**os.environ, "HTTP_PROXY": "http://127.0.0.1:9"}
    with running(tmp_path, worker=False) as system:
        command = health_command("web", system.port)
        assert subprocess.run(command, env=environment, timeout=60).returncode == 0
        with closing(sqlite3.connect(tmp_path / "neq.db", isolation_level=None)) as other:
            other.execute("UPDATE alembic_version SET version_num = '9999'")
        deadline = time.monotonic() + 20  # a finding is told again for a moment
        while subprocess.run(command, env=environment, timeout=60).returncode == 0:
            assert time.monotonic() < deadline
        assert system.ask("GET", "/health")["status"] == "degraded"
    assert subprocess.run(command, env=environment, timeout=60, capture_output=True).returncode != 0, "nobody answers"


def test_a_worker_s_container_is_healthy_while_the_store_hears_from_it_and_not_longer(tmp_path: Path) -> None:
    environment = {**os.environ, "NEQ_DATABASE_URL": f"sqlite:///{tmp_path / 'neq.db'}"}
    command = health_command("worker")
    with closing(Store.open(environment["NEQ_DATABASE_URL"])) as store:
        told = subprocess.run(command, env=environment, timeout=60, capture_output=True, text=True)
        assert told.returncode == 1 and "was heard at all" in told.stderr
        mine = {"host": gethostname(), "pid": 1, "device": "cpu", "slots": 1}
        worker = store.register_worker(name="w", **mine)
        assert subprocess.run(command, env=environment, timeout=60).returncode == 0
        with closing(sqlite3.connect(tmp_path / "neq.db", isolation_level=None)) as other:
            other.execute("UPDATE workers SET heard_at = datetime('now', '-40 seconds')")
        told = subprocess.run(command, env=environment, timeout=60, capture_output=True, text=True)
        assert told.returncode == 1 and re.search(r"was heard for 4\d s", told.stderr), told.stderr
        store.forget_worker(worker.id)
