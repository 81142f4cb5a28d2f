"""Commands where people run them: proxies in the environment, `~` left by a shell, terminals and editors."""

import http.server
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import httpx
import pytest
import torch
from click.testing import CliRunner
from pydantic import SecretStr

from cli.client import Client, Refused, run_path
from cli.described import CONVERT
from cli.main import app
from cli.paths import TypedPath
from cli.server_address import AddressWrong, ServerAddress
from cli.settings import ClientSettings, WorkerSettings, database_url
from cli.start import up
from contract.config.discovery import VARIABLE
from db import Store
from server.run import bind, link_of
from server.settings import ServerSettings
from tests.system import STARTED, Process, System, running
from trainer.processors import usable_processors
from trainer.training.resource_monitor import ResourceMonitor

pytestmark = pytest.mark.process

PLUGIN = """
from typing import ClassVar, Literal
from contract.plugins import ModelPlugin
class {name}(ModelPlugin):
    kind: Literal["{kind}"] = "{kind}"
    builder: ClassVar[str] = "nowhere:build"
"""
PROXY = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A web process without a worker, with a run that few terminals can show."""
    with running(tmp_path_factory.mktemp("surroundings"), worker=False) as system:
        system.ask("POST", "/runs", json={"name": "🐈 東京 Prüfung"})
        yield system


def neq(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """A command as a person types it, in an environment without ours."""
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("NEQ_", "PYTHON", "LC_", "LANG"))
    }
    return subprocess.run([sys.executable, "-m", "cli", *arguments], env=clean | environment, capture_output=True)


# ---------------------------------------------------------------- proxies of the environment


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_a_proxy_is_passed_over_for_a_server_on_this_machine(system: System, variable: str) -> None:
    answer = neq("runs", NEQ_URL=system.url, **{variable: PROXY})
    assert answer.returncode == 0, answer.stderr


def test_a_proxy_that_cannot_be_used_is_no_matter_for_a_server_here_and_said_for_one_elsewhere(system: System) -> None:
    assert neq("health", NEQ_URL=system.url, ALL_PROXY="ftp://u:secret@x:1").stdout.startswith(
        b"server degraded, version"
    )
    answer = neq("health", NEQ_URL="http://neq.invalid", ALL_PROXY="ftp://u:secret@x:1")
    assert answer.returncode == 2
    assert b"NO_PROXY" in answer.stderr and b"secret" not in answer.stderr and b"Traceback" not in answer.stderr


def test_a_proxy_is_used_for_a_server_elsewhere() -> None:
    asked: list[str] = []

    class Proxy(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>not ours</html>")

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Proxy) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        address = f"http://127.0.0.1:{server.server_address[1]}"
        answer = neq("runs", NEQ_URL="http://neq.invalid/prefix/", HTTP_PROXY=address)
        server.shutdown()
        thread.join()
    assert asked == ["http://neq.invalid/prefix/api/v1/runs?limit=20"]
    assert answer.returncode == 2
    assert (
        b"another program responds at http://neq.invalid/prefix (with 200)" in answer.stderr
        and b"Traceback" not in answer.stderr
    )


# ---------------------------------------------------------------- NEQ_URL


@pytest.mark.parametrize(
    ("written", "url", "here"),
    [
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000", True),
        ("http://localhost:8000//", "http://localhost:8000", True),
        ("http://[::1]:8000", "http://[::1]:8000", True),
        ("http://0.0.0.0:8000", "http://0.0.0.0:8000", True),
        (" https://hub.example/user/ana/proxy/8300/ ", "https://hub.example/user/ana/proxy/8300", False),
        ("https://ana:p%40ss@hub.example/neq", "https://hub.example/neq", False),
        ("http://127.0.0.1:8000/?token=open%26sesame", "http://127.0.0.1:8000", True),
    ],
)
def test_an_address_is_read_as_people_write_it(written: str, url: str, here: bool) -> None:
    address = ServerAddress.read(ClientSettings(url=written, token=None))
    assert (address.url, address.is_here) == (url, here)
    assert "p@ss" not in repr(address) and "sesame" not in repr(address)
    assert address.login == (("ana", "p@ss") if "ana:" in written else None)
    assert address.token == ("open&sesame" if "token" in written else None)


@pytest.mark.parametrize(
    "wrong", ["127.0.0.1:8000", "hub.example", "ftp://h", "http://", "http://h:port", "http://[::1", ""]
)
def test_what_is_no_address_is_refused_with_an_example(wrong: str) -> None:
    with pytest.raises(AddressWrong, match=r"http://127\.0\.0\.1:8000"):
        ServerAddress.read(ClientSettings(url=wrong))
    with pytest.raises(Refused):
        Client(ClientSettings(url=wrong))


def test_a_user_and_a_token_do_not_go_together() -> None:
    with pytest.raises(AddressWrong, match="remove one") as caught:
        ServerAddress.read(ClientSettings(url="http://ana:secret@h", token=SecretStr("open-sesame")))
    assert "secret" not in str(caught.value) and "open" not in str(caught.value)


@pytest.mark.parametrize("typed", ["../presets", "a/b", "a?x=1", "a#b", "%2e%2e", "é"])
def test_what_is_typed_as_a_run_s_id_leads_nowhere_else(system: System, typed: str) -> None:
    with Client(ClientSettings(url=system.url)) as client, pytest.raises(Refused, match=r"no run|There is no /api"):
        client.ask("GET", run_path(typed))


def test_a_token_stands_in_the_printed_link_so_that_it_is_read_again() -> None:
    token = "a&b#c%d+e?/=@"
    settings = ServerSettings(port=0, token=SecretStr(token), root_path="/neq")
    with bind(settings) as listener:
        link = link_of(listener, settings)
    assert ServerAddress.read(ClientSettings(url=link, token=None)).token == token
    assert link.partition("?")[0].endswith("/neq/")


# ---------------------------------------------------------------- homes


def test_a_home_that_the_shell_left_is_found_wherever_a_path_is_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for option in (*up.params, *app.get_command(click.Context(app), "launch").params):  # type: ignore[union-attr]
        if option.name in ("data", "config"):
            assert isinstance(option.type, TypedPath), option.name
    assert TypedPath().convert("~/a b/run.neq", None, None) == tmp_path / "a b" / "run.neq"
    assert TypedPath().convert("./~", None, None) == Path("~")
    settings = WorkerSettings(data_root=Path("~/sets"), checkpoints=Path("~/kept"))
    assert (settings.data_root, settings.checkpoints) == (tmp_path / "sets", tmp_path / "kept")


@pytest.mark.parametrize("name", ["~/neq home", "~/a%20b", "~/what?#"])
def test_make_s_data_folder_is_the_one_that_was_typed(tmp_path: Path, name: str) -> None:
    """`dash -c 'make up DATA=~/neq'` hands the tilde on."""
    process = Process("up", "--port", "0", "--data", name, environment={"HOME": str(tmp_path), "NEQ_DEVICE": "cpu"})
    try:
        process.wait_for(STARTED)
        assert (tmp_path / name[2:] / "neq.db").is_file()
        assert [each.name for each in tmp_path.iterdir()] == [name[2:]]
    finally:
        process.stop()
    assert not Path("~").exists()


def test_no_such_home_is_said(tmp_path: Path) -> None:
    answer = neq("up", "--data", "~nobody-of-this-name/x")
    assert answer.returncode == 2
    assert b"no such user's home" in answer.stderr and b"Traceback" not in answer.stderr


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("file:///srv/neq", "is an address"),
        ("file:neq", "is an address"),
        ("sqlite:///neq.db", "is an address"),
        ("s3://bucket/neq", "is an address"),
        ("C:\\Users\\ana\\neq", "is a path of Windows"),
        ("d:/neq", "is a path of Windows"),
    ],
)
def test_an_address_and_another_system_s_path_are_refused_wherever_a_path_is_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: str, told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for arguments in (["export", "abc", typed], ["replay", typed], ["launch", "--config", typed]):
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 2
        assert f"{typed} {told}" in " ".join(result.output.split())
    for variable in ("data_root", "checkpoints"):
        with pytest.raises(ValueError, match=told):
            WorkerSettings(**{variable: typed})  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []
    assert TypedPath().convert(f"./{typed}", None, None) == Path(typed)


@pytest.mark.parametrize(
    "written", ["{0}/plug in, b/my_net.py", "~/plug in, b/my_net.py", "{0}/other.py, ~/plug in, b/my_net.py,"]
)
def test_a_plugin_s_path_may_hold_commas_spaces_and_a_home(tmp_path: Path, written: str) -> None:
    (tmp_path / "plug in, b").mkdir()
    (tmp_path / "plug in, b" / "my_net.py").write_text(PLUGIN.format(name="MyNet", kind="my-net"))
    (tmp_path / "other.py").write_text(PLUGIN.format(name="Other", kind="other-net"))
    answer = neq(
        "launch", "--dry-run", "--model.kind", "my-net", HOME=str(tmp_path), **{VARIABLE: written.format(tmp_path)}
    )
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)["model"]["kind"] == "my-net"


def test_a_plugin_that_is_not_there_is_named_by_its_whole_path(tmp_path: Path) -> None:
    answer = neq("launch", "--dry-run", HOME=str(tmp_path), **{VARIABLE: "~/x.py"})
    assert answer.returncode == 2
    assert f"there is no file {tmp_path}/x.py".encode() in answer.stderr


# ---------------------------------------------------------------- terminals


TERMINALS = [
    {"PYTHONIOENCODING": "cp1252"},
    {"PYTHONIOENCODING": "ascii"},
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
]


@pytest.mark.parametrize("terminal", TERMINALS, ids=["cp1252", "ascii", "C"])
def test_a_name_that_a_terminal_cannot_show_is_shown_in_part(system: System, terminal: dict[str, str]) -> None:
    answer = neq("runs", NEQ_URL=system.url, **terminal)
    assert answer.returncode == 0, answer.stderr
    assert b"? ?? Pr" in answer.stdout


@pytest.mark.parametrize("terminal", TERMINALS, ids=["cp1252", "ascii", "C"])
def test_json_is_exact_in_every_terminal(system: System, terminal: dict[str, str]) -> None:
    answer = neq("runs", "--json", NEQ_URL=system.url, **terminal)
    assert json.loads(answer.stdout)["name"] == "🐈 東京 Prüfung"
    dry = neq("launch", "--dry-run", "--name", "🐈", **({} if "LC_ALL" in terminal else terminal), LC_CTYPE="C.UTF-8")
    assert json.loads(dry.stdout)["name"] == "🐈"


def test_every_command_s_help_can_be_printed_in_ascii() -> None:
    names = app.list_commands(click.Context(app))
    printing = f"from cli.main import app\nfor name in {names}: app([name, '--help'], standalone_mode=False)"
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, "-c", printing], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Usage:") == len(names)


# ---------------------------------------------------------------- files as editors save them


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_a_description_is_read_however_its_editor_saved_it(tmp_path: Path, encoding: str, ends: str) -> None:
    file = tmp_path / "saved.json"
    text = '{\n"name": "Prüfung 🐈",\n"data": {"kind": "synthetic"}\n}\n'.replace("\n", ends)
    file.write_bytes(text.encode(encoding))
    result = CliRunner().invoke(app, ["launch", "--dry-run", "--config", str(file)])
    assert result.exit_code == 0, result.output
    assert json.loads(result.output)["name"] == "Prüfung 🐈"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("run.yaml", b"name: x\n", "expected JSON, not YAML; convert it with"),
        ("run.yml", b"a: [1", "expected JSON, not YAML"),
        ("run.json", '{"name": "ü"}'.encode("latin-1"), "save it as UTF-8"),
        ("run.json", b"{", "it is not valid JSON"),
        ("run.json", b"[" * 100_000, "nested too deeply"),
        ("run.json", b"[]", "holds no JSON object"),
        ("run.json", b"", "it is not valid JSON"),
    ],
)
def test_a_file_that_is_no_description_is_said_with_the_remedy(
    tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    (tmp_path / name).write_bytes(content)
    result = CliRunner().invoke(app, ["launch", "--dry-run", "--config", str(tmp_path / name)])
    assert result.exit_code == 2
    assert words in result.output.replace("\n", " ")


def test_yaml_s_own_conversion_is_one_that_runs(tmp_path: Path) -> None:
    (tmp_path / "IN.yaml").write_text("name: from yaml\n")
    command = CONVERT.replace("python", sys.executable, 1)
    subprocess.run(["sh", "-c", command], cwd=tmp_path, check=True)
    result = CliRunner().invoke(app, ["launch", "--dry-run", "--config", str(tmp_path / "OUT.json")])
    assert json.loads(result.output)["name"] == "from yaml"


# ---------------------------------------------------------------- other systems


def test_processors_are_counted_where_the_system_tells_no_affinity(monkeypatch: pytest.MonkeyPatch) -> None:
    assert usable_processors() == len(os.sched_getaffinity(0))
    monkeypatch.delattr(os, "sched_getaffinity")
    assert usable_processors() == os.cpu_count()


def test_memory_is_left_out_where_the_system_does_not_tell_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monitor = ResourceMonitor(torch.device("cpu"), None, None)
    measured = monitor.epoch().peak_memory_bytes
    assert measured is not None and measured > 10_000_000
    monkeypatch.setitem(sys.modules, "resource", None)  # as on Windows
    assert monitor.epoch().peak_memory_bytes is None


def test_a_system_that_cannot_end_a_group_of_processes_is_said_by_the_worker(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import os\ndel os.killpg\n")
    answer = neq("worker", PYTHONPATH=str(tmp_path), NEQ_DATABASE_URL=f"sqlite:///{tmp_path / 'neq.db'}")
    assert answer.returncode == 2
    assert b"WSL" in answer.stderr and b"Traceback" not in answer.stderr


@pytest.mark.parametrize("command", ["serve", "worker"])
@pytest.mark.parametrize(
    "address",
    ["postgresql://ana:pa@ss@nowhere.invalid/neq", "postgresql://ana:ss%w:rd/#1?@/own?host=/tmp", "sqlite:////"],
)
def test_a_wrong_address_of_the_store_is_one_line_and_an_exit_code(command: str, address: str, tmp_path: Path) -> None:
    answer = neq(
        command,
        *(["--port", "0"] if command == "serve" else []),
        NEQ_DATABASE_URL=address,
        NEQ_CHECKPOINTS=str(tmp_path),
    )
    assert answer.returncode == 2
    assert answer.stderr.startswith(b"neq: ") and answer.stderr.count(b"\n") == 1
    assert b"ss%w" not in answer.stderr and b"ss@" not in answer.stderr and b"pa@" not in answer.stderr


def test_a_data_folder_with_a_name_that_addresses_give_a_meaning_is_one_place(tmp_path: Path) -> None:
    folder = tmp_path / "a%20b?"
    Store.open(database_url(folder)).close()
    assert (folder / "neq.db").is_file()


def test_a_server_on_all_addresses_prints_a_link_that_opens() -> None:
    for host in ("0.0.0.0", "::"):
        if host == "::" and not socket.has_ipv6:
            continue
        settings = ServerSettings(host=host, port=0, token=SecretStr("open-sesame"))
        with bind(settings) as listener:
            link = link_of(listener, settings)
        assert httpx.URL(link).host in ("127.0.0.1", "::1")
