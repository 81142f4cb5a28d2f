"""The container files say what they should; no engine is needed to see that."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from cli.main import app

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
    assert server["environment"]["NEQ_TOKEN"].startswith("${NEQ_TOKEN:?")


def test_every_variable_that_compose_asks_for_is_in_the_example() -> None:
    wanted = set(re.findall(r"\$\{(\w+):\?", (ROOT / "docker-compose.yml").read_text()))
    example = (ROOT / ".env.example").read_text()
    assert wanted
    assert [name for name in wanted if f"{name}=" not in example] == []


def test_the_compose_file_holds_no_secret() -> None:
    assert not re.search(r"PASSWORD: (?!\$\{)", (ROOT / "docker-compose.yml").read_text())
