"""Databases, folders and ports that cannot be used, by the commands people start: one line and a code."""

import os
import re
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import httpx
import psycopg
import pytest
from click.testing import CliRunner

from cli.main import app
from db import Store
from tests.postgres import postgres_server_url, postgres_url
from tests.system import running

pytestmark = pytest.mark.process

__all__ = ["postgres_server_url", "postgres_url"]

PASSWORD = "s3cret@word"
ROOT = Path(__file__).parents[2]
COMMANDS = {"serve": ("serve", "--port", "0"), "worker": ("worker",), "up": ("up", "--port", "0")}


class Postgres:
    """What a test changes in its own database, as the superuser."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.name = re.search(r"/([^/?]+)\?", url)[1]  # type: ignore[index]

    def run(self, *statements: str, database: str | None = None) -> None:
        with psycopg.connect(self.at(database or self.name), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)  # type: ignore[call-overload]

    def at(self, database: str) -> str:
        """The address of another database of this server."""
        return re.sub(r"/[^/?]+\?", f"/{database}?", self.url)

    def by(self, user: str, password: str = PASSWORD) -> str:
        """The address for another user."""
        return re.sub("//[^@]*@", f"//{user}:{quote(password, safe='')}@", self.url)


def wrong_password(postgres: Postgres) -> str:
    """The server trusts whoever comes, but for this user, whom it asks."""
    user = f"asked_{postgres.name}"
    postgres.run(f"CREATE ROLE {user} LOGIN PASSWORD 'another one'")
    with psycopg.connect(postgres.url) as connection:
        (file,) = connection.execute("SHOW hba_file").fetchone() or ("",)
    rules = Path(file)
    rules.write_text(f"local all {user} scram-sha-256\n{rules.read_text()}")
    postgres.run("SELECT pg_reload_conf()")
    return postgres.by(user)


def without_create(postgres: Postgres) -> str:
    postgres.run(f"CREATE ROLE guest_{postgres.name} LOGIN", "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    return postgres.by(f"guest_{postgres.name}")


def without_rights(postgres: Postgres) -> str:
    """Tables that somebody else made, in which this user may not even read."""
    Store.open(postgres.url).close()
    postgres.run(f"CREATE ROLE guest_{postgres.name} LOGIN")
    return postgres.by(f"guest_{postgres.name}")


def reading_only(postgres: Postgres) -> str:
    postgres.run(f"ALTER DATABASE {postgres.name} SET default_transaction_read_only = on")
    return postgres.url


def latin1(postgres: Postgres) -> str:
    name = f"latin1_{postgres.name}"
    postgres.run(f"CREATE DATABASE {name} ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    return postgres.at(name)


def closed(postgres: Postgres) -> str:
    postgres.run(f"ALTER DATABASE {postgres.name} ALLOW_CONNECTIONS false", database="postgres")
    return postgres.url


BAD_DATABASES: dict[str, tuple[Callable[[Postgres], str], str]] = {
    "wrong password": (wrong_password, "Check the user and the password"),
    "no right to create": (without_create, "GRANT CREATE"),
    "no right to read": (without_rights, "GRANT"),
    "read-only": (reading_only, "Name the primary server"),
    "LATIN1": (latin1, "ENCODING 'UTF8'"),
    "closed": (closed, "not currently accepting connections"),
    "not there": (lambda postgres: postgres.at("nowhere"), "CREATE DATABASE"),
    "no server": (lambda _: f"postgresql://ana:{quote(PASSWORD)}@127.0.0.1:9/neq", "Check that it is running"),
    "unknown host": (lambda _: f"postgresql://ana:{quote(PASSWORD)}@nowhere.invalid/neq", "correct the host"),
}


def is_one_line(said: str, told: str) -> None:
    assert told in said
    assert said.startswith("neq: ") and said.count("\n") == 1, said
    assert PASSWORD not in said and quote(PASSWORD, safe="") not in said


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("case", BAD_DATABASES)
def test_a_database_that_will_not_do_is_one_line_by_whatever_command(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch, case: str, command: str
) -> None:
    make, told = BAD_DATABASES[case]
    monkeypatch.chdir(tmp_path)
    environment = {"NEQ_DATABASE_URL": make(Postgres(postgres_url)), "NEQ_CHECKPOINTS": str(tmp_path / "kept")}
    result = CliRunner().invoke(app, COMMANDS[command], env=environment)
    assert result.exit_code == 2, result.exception
    is_one_line(result.output, told)


# ---------------------------------------------------------------- the database goes while the server runs


def test_a_database_that_goes_while_the_server_runs_is_said_and_it_goes_on_when_it_is_back(
    tmp_path: Path, postgres_url: str
) -> None:
    postgres = Postgres(postgres_url)
    with running(tmp_path, worker=False, database_url=postgres_url) as system:
        made = system.ask("POST", "/runs", json={"name": "before"})["id"]
        postgres.run(
            f"ALTER DATABASE {postgres.name} ALLOW_CONNECTIONS false",
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{postgres.name}'",
            database="postgres",
        )
        assert httpx.get(f"{system.url}/livez", trust_env=False).status_code == 200
        assert httpx.get(f"{system.url}/readyz", trust_env=False, timeout=30).status_code == 503
        result = CliRunner().invoke(app, ["runs"], env={"NEQ_URL": system.url})
        assert result.exit_code == 2
        is_one_line(result.output, "not currently accepting connections")
        postgres.run(f"ALTER DATABASE {postgres.name} ALLOW_CONNECTIONS true", database="postgres")
        assert system.wait_until(made, lambda run: True)["name"] == "before"
        assert system.server is not None
        assert "Traceback" not in system.server.said


# ---------------------------------------------------------------- what this user may not do


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that is gone afterwards, whatever rights were taken from what is in it."""
    with tempfile.TemporaryDirectory(prefix="neq-rights-") as folder:
        yield Path(folder)
        for each in Path(folder).rglob("*"):
            each.chmod(0o700)


def plainly(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command as a user without privileges; root gives them up, and is then bound by rights as everybody is."""
    drop = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
    clean = {name: value for name, value in os.environ.items() if not name.startswith("NEQ_")}
    command = [*drop, sys.executable, "-m", "cli", *arguments]
    return subprocess.run(command, env=clean | environment, capture_output=True, text=True, timeout=120, cwd=ROOT)


def file_without(place: Path, mode: int) -> tuple[tuple[str, ...], dict[str, str]]:
    Store.open(f"sqlite:///{place / 'neq.db'}").close()
    (place / "neq.db").chmod(mode)
    return COMMANDS["serve"], {"NEQ_DATABASE_URL": f"sqlite:///{place / 'neq.db'}"}


def folder_without(place: Path, mode: int, *below: str) -> Path:
    folder = place / "closed"
    folder.mkdir()
    Store.open(f"sqlite:///{folder / 'neq.db'}").close()
    folder.chmod(mode)
    return folder.joinpath(*below)


Told = tuple[tuple[str, ...], dict[str, str]]
FORBIDDEN: dict[str, tuple[Callable[[Path], Told], str]] = {
    "a file that cannot be written": (lambda place: file_without(place, 0o444), "is read-only"),
    "a file that cannot be read": (lambda place: file_without(place, 0o000), "Let this user"),
    "a folder that cannot be written": (
        lambda place: (COMMANDS["serve"], {"NEQ_DATABASE_URL": f"sqlite:///{folder_without(place, 0o555)}/neq.db"}),
        "is read-only",
    ),
    "a folder that cannot be entered": (
        lambda place: (COMMANDS["serve"], {"NEQ_DATABASE_URL": f"sqlite:///{folder_without(place, 0o000)}/neq.db"}),
        "Let this user",
    ),
    "a data folder that cannot be written": (
        lambda place: (("up", "--port", "0", "--data", str(folder_without(place, 0o555))), {}),
        "--data",
    ),
    "a data folder that cannot be made": (
        lambda place: (("up", "--port", "0", "--data", str(folder_without(place, 0o555, "new"))), {}),
        "--data",
    ),
    "checkpoints that cannot be written": (
        lambda place: (
            ("worker",),
            {
                "NEQ_CHECKPOINTS": str(folder_without(place, 0o555, "kept")),
                "NEQ_DATABASE_URL": f"sqlite:///{place / 'neq.db'}",
            },
        ),
        "NEQ_CHECKPOINTS",
    ),
}


@pytest.mark.parametrize("case", FORBIDDEN)
def test_what_this_user_may_not_use_is_one_line(place: Path, case: str) -> None:
    make, told = FORBIDDEN[case]
    arguments, environment = make(place)
    answer = plainly(*arguments, **environment)
    assert answer.returncode == 2, answer.stderr
    is_one_line(answer.stderr, told)
    assert answer.stdout == ""


@pytest.mark.usefixtures("handlers")
def test_a_port_that_this_user_may_not_take_is_one_line(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which ports those are is a setting of the system, in containers often none; so the answer is put in."""

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", refuse)
    for command in ("serve", "up"):
        extra = ("--data", str(place)) if command == "up" else ()
        result = CliRunner().invoke(
            app, [command, "--port", "80", *extra], env={"NEQ_DATABASE_URL": f"sqlite:///{place}/x.db"}
        )
        assert result.exit_code == 2
        is_one_line(result.output, "Port 80 is not allowed for this user: choose one above 1023")


@pytest.mark.usefixtures("handlers")
def test_a_port_that_another_program_has_is_one_line(place: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = str(other.getsockname()[1])
        for command in ("serve", "up", "demo"):
            extra = () if command == "serve" else ("--data", str(place / "data"))
            environment = {"NEQ_DATABASE_URL": f"sqlite:///{place}/x.db"}
            result = CliRunner().invoke(app, [command, "--port", port, *extra], env=environment)
            assert result.exit_code == 2
            is_one_line(result.output, f"Port {port} is in use")
    assert not (place / "x.db").exists(), "no store is made before the port is had"
