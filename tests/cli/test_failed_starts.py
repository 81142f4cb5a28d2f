"""Whatever keeps a command from starting is one line that names it, and an exit code: never a traceback."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli.main import app
from db import Store
from tests.system import Process

pytestmark = pytest.mark.process

Case = tuple[tuple[str, ...], dict[str, str], str]


def store_file(folder: Path, *statements: str) -> str:
    """A store's address, with its file changed."""
    path = folder / "neq.db"
    Store.open(f"sqlite:///{path}").close()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)
    return f"sqlite:///{path}"


def a_file(folder: Path, content: bytes = b"x" * 5000, name: str = "file") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def plugin(folder: Path, code: str) -> dict[str, str]:
    return {"NEQ_PLUGINS": str(a_file(folder, code.encode(), "broken_plugin.py"))}


SERVE = ("serve", "--port", "0")
CASES: dict[str, Callable[[Path], Case]] = {
    "a port that is no number": lambda folder: (("serve",), {"NEQ_PORT": "abc"}, "NEQ_PORT"),
    "a port out of range": lambda folder: (("serve",), {"NEQ_PORT": "70000"}, "NEQ_PORT"),
    "a short token": lambda folder: (SERVE, {"NEQ_TOKEN": "short"}, "NEQ_TOKEN: a token needs at least 8"),
    "a token with a space": lambda folder: (SERVE, {"NEQ_TOKEN": "with a space in it"}, "NEQ_TOKEN: a token needs"),
    "an open address": lambda folder: (("serve", "--host", "0.0.0.0"), {}, "NEQ_TOKEN"),
    "an unknown host name": lambda folder: (
        ("serve", "--host", "no.such.host.invalid"),
        {"NEQ_TOKEN": "open-sesame"},
        "cannot be listened on",
    ),
    "a limit that is none": lambda folder: (SERVE, {"NEQ_MOST_CONNECTIONS": "0"}, "NEQ_MOST_CONNECTIONS"),
    "slots that are none": lambda folder: (("worker",), {"NEQ_SLOTS": "none"}, "NEQ_SLOTS"),
    "a device that is none": lambda folder: (("worker",), {"NEQ_DEVICE": "tpu"}, "NEQ_DEVICE"),
    "a Ray cluster that is not there": lambda folder: (
        ("worker", "--engine", "ray", "--address", "127.0.0.1:9"),
        {"NEQ_CHECKPOINTS": str(folder / "kept")},
        "nothing answers at 127.0.0.1:9",
    ),
    "an address without its engine": lambda folder: (("worker", "--address", "127.0.0.1:9"), {}, "add --engine ray"),
    "GPUs of this machine for a cluster": lambda folder: (
        ("worker", "--engine", "ray"),
        {"NEQ_DEVICE": "cuda:1"},
        "NEQ_DEVICE names this machine's GPUs",
    ),
    "a GPU that is not there": lambda folder: (
        ("worker",),
        {"NEQ_DEVICE": "cuda:3", "CUDA_VISIBLE_DEVICES": "", "NEQ_CHECKPOINTS": str(folder / "kept")},
        "there is no cuda:3",
    ),
    "a country that is none": lambda folder: (("worker",), {"NEQ_COUNTRY": "Germany"}, "NEQ_COUNTRY"),
    "two wrong variables": lambda folder: (("worker",), {"NEQ_SLOTS": "x", "NEQ_THREADS": "y"}, "NEQ_THREADS"),
    "a database address that is none": lambda folder: (SERVE, {"NEQ_DATABASE_URL": "nonsense"}, "sqlite:///"),
    "a database of another kind": lambda folder: (SERVE, {"NEQ_DATABASE_URL": "mysql://a/b"}, "not supported"),
    "a file that is no database": lambda folder: (
        SERVE,
        {"NEQ_DATABASE_URL": f"sqlite:///{a_file(folder)}"},
        "not a database",
    ),
    "a database in a file's place": lambda folder: (
        SERVE,
        {"NEQ_DATABASE_URL": f"sqlite:///{a_file(folder)}/neq.db"},
        "folder",
    ),
    "a damaged schema": lambda folder: (
        SERVE,
        {
            "NEQ_DATABASE_URL": store_file(
                folder,
                "PRAGMA writable_schema=ON",
                "UPDATE sqlite_master SET name = CAST(x'fffefd' AS TEXT) WHERE name = 'runs'",
            )
        },
        "damaged",
    ),
    "a newer store": lambda folder: (
        SERVE,
        {"NEQ_DATABASE_URL": store_file(folder, "UPDATE alembic_version SET version_num = '9999'")},
        "9999",
    ),
    "a data folder that is a file": lambda folder: (("up", "--port", "0", "--data", str(a_file(folder))), {}, "file"),
    "a data folder below a file": lambda folder: (
        ("up", "--port", "0", "--data", f"{a_file(folder)}/data"),
        {},
        "--data",
    ),
    "checkpoints in a file's place": lambda folder: (
        ("worker",),
        {"NEQ_CHECKPOINTS": str(a_file(folder)), "NEQ_DATABASE_URL": f"sqlite:///{folder / 'neq.db'}"},
        "NEQ_CHECKPOINTS",
    ),
    "a plug-in that is not there": lambda folder: (SERVE, {"NEQ_PLUGINS": "no_such_module"}, "no_such_module"),
    "a plug-in that exits": lambda folder: (SERVE, plugin(folder, "raise SystemExit(0)"), "broken_plugin.py"),
    "a plug-in that calls exit": lambda folder: (("worker",), plugin(folder, "import sys; sys.exit('bye')"), "bye"),
    "a plug-in that breaks off": lambda folder: (SERVE, plugin(folder, "raise GeneratorExit"), "broken_plugin.py"),
    "a plug-in that is no Python": lambda folder: (SERVE, plugin(folder, "def ("), "SyntaxError"),
    "a recording that is not there": lambda folder: (("replay", str(folder / "none.neq")), {}, "none.neq"),
    "a recording that is a folder": lambda folder: (("replay", str(folder)), {}, str(folder)),
    "a recording that is none": lambda folder: (("replay", str(a_file(folder))), {}, "not a run file"),
    "a recording of an odd zip": lambda folder: (
        ("replay", str(a_file(folder, b"PK\x01\x02" + b"\xff" * 42 + b"PK\x05\x06" + b"\xff" * 18))),
        {},
        "not a run file",
    ),
    "a server's address that is none": lambda folder: (("runs",), {"NEQ_URL": "http://[::1"}, "NEQ_URL"),
    "a server's address without a scheme": lambda folder: (("runs",), {"NEQ_URL": "nowhere"}, "NEQ_URL"),
    "a token that no header holds": lambda folder: (("runs",), {"NEQ_TOKEN": "gehe\u00efm-geheim"}, "NEQ_TOKEN"),
    "no server": lambda folder: (("health",), {"NEQ_URL": "http://127.0.0.1:9"}, "no server responds"),
}


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize("name", CASES)
def test_a_start_that_fails_is_one_line_and_a_code(tmp_path: Path, name: str) -> None:
    arguments, environment, told = CASES[name](tmp_path)
    usual = {"NEQ_DATABASE_URL": f"sqlite:///{tmp_path / 'usual.db'}"} if "NEQ_DATABASE_URL" not in environment else {}
    if "NEQ_PLUGINS" in environment:  # found while modules are imported, so a process of its own is needed
        process = Process(*arguments, environment={**usual, **environment})
        try:
            status, said = process.wait(120), process.said
        finally:
            process.stop()
        said = process.said
    else:
        result = CliRunner().invoke(app, arguments, env={**usual, **environment})
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        status, said = result.exit_code, result.output
    assert status in (2, 3), said
    assert told in said
    assert "Traceback" not in said
    lines = [line for line in said.splitlines() if line and not line.startswith(("Usage:", "Try "))]
    assert len(lines) == 1, said
    assert "Value error" not in said


@contextmanager
def another_program(status: int, body: bytes) -> Iterator[str]:
    """Somebody else's web server; yields its address."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("command", "status", "body"),
    [
        (("stop", "abc"), 200, b""),  # this server knows no POST: 501
        (("runs",), 200, b"<html>hello</html>"),
        (("runs",), 404, b"nothing here"),
        (("runs",), 500, b"[1]"),
        (("health",), 418, b"{}"),
        (("runs",), 200, b"{}"),
        (("runs",), 200, b"[]"),
        (("runs",), 200, b'"ok"'),
        (("health",), 200, b'{"status": "ok"}'),
        (("export", "abc", "{}/abc.neq"), 200, b"<html>hello</html>"),
        (("launch", "--check"), 200, b"{}"),
    ],
)
def test_another_program_at_the_address_is_told_as_that(
    tmp_path: Path, command: tuple[str, ...], status: int, body: bytes
) -> None:
    arguments = [each.format(tmp_path) for each in command]
    with another_program(status, body) as address:
        process = Process(*arguments, environment={"NEQ_URL": address})
        assert process.wait(60) == 2, process.said
        process.stop()
    assert f"responds at {address}" in process.said
    assert "NEQ_URL" in process.said
    assert "Traceback" not in process.said
    assert list(tmp_path.iterdir()) == []
