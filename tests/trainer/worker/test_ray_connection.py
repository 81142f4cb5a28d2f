"""A cluster that a worker cannot join is told in one line with the remedy, before anything runs. No Ray is needed."""

import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import pytest

from trainer.engines.on_ray import connection
from trainer.engines.on_ray.connection import OWN, SETTINGS, NoCluster, connect


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SETTINGS:
        monkeypatch.setenv(name, "")  # so that what the code sets is taken back
        monkeypatch.delenv(name)


@pytest.fixture
def answering() -> Iterator[Callable[[bytes], str]]:
    """Listens, and answers with these bytes whatever it is told; returns the address."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"

        def listen(answer: bytes) -> str:
            def serve() -> None:
                link, _ = server.accept()
                with link:
                    link.recv(4096)
                    link.sendall(answer)

            threading.Thread(target=serve, daemon=True).start()
            return address

        yield listen


def with_ray(monkeypatch: pytest.MonkeyPatch, init: Callable[..., Any]) -> None:
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(init=init))


def failing(error: BaseException) -> Callable[..., Any]:
    def init(**_: Any) -> Any:
        raise error

    return init


def refused(address: str) -> str:
    with pytest.raises(NoCluster) as told:
        connect(address, None)
    assert "\n" not in str(told.value)
    return str(told.value)


@pytest.mark.parametrize("address", ["nonsense", "host:", "host:port", "", "ray://127.0.0.1:10001", "https://a:1"])
def test_what_is_no_address_is_told_so(address: str) -> None:
    assert "give host:port" in refused(address)


@pytest.mark.parametrize("address", ["127.0.0.1:99999", "no.such.host.invalid:6379"])
def test_an_address_that_cannot_be_reached_is_named(address: str) -> None:
    assert f"nothing answers at {address}" in refused(address)


def test_a_port_that_nothing_listens_on_is_told_at_once() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
    assert f"start the cluster with `ray start --head --port {port}`" in refused(f"127.0.0.1:{port}")


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"-ERR unknown command\r\n", b"\0\0"])
def test_a_foreign_program_is_told_from_a_cluster(answering: Callable[[bytes], str], answer: bytes) -> None:
    assert "is no Ray cluster" in refused(answering(answer))


def test_a_port_that_keeps_silent_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "CONNECT_SECONDS", 0.2)
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        assert "nothing answers" in refused(f"127.0.0.1:{server.getsockname()[1]}")


def test_without_ray_what_to_install_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    assert "pip install 'neq-dashboard[trainer,ray]'" in refused(OWN)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            RuntimeError("Version mismatch: The cluster was started with:\n    Ray: 2.59.0\n    Python: 3.12.1"),
            "another Python or ray than this worker: install the same on both. Ray says: Version mismatch: The cluster "
            "was started with: Ray: 2.59.0 Python: 3.12.1",
        ),
        (
            RuntimeError("Token authentication is enabled but no authentication token was found."),
            "copy ~/.ray/auth_token",
        ),
        (ConnectionError("Failed to connect to Ray cluster at 10.0.0.1:6379"), "RAY_AUTH_MODE=token"),
        (SystemExit(15), "RAY_AUTH_MODE=token"),
        (RuntimeError("This node has an IP address of 10.0.0.7, and found no raylet"), "`ray start --address="),
    ],
)
def test_what_ray_refuses_is_told_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch, answering: Callable[[bytes], str], error: BaseException, words: str
) -> None:
    with_ray(monkeypatch, failing(error))
    assert words in refused(answering(b"\0\0\0\4\0\0\0\0\0"))


def test_a_machine_that_belongs_to_no_cluster_is_told_how_to_start_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with_ray(monkeypatch, failing(ConnectionError("Could not find any running Ray instance.")))
    assert "`ray start --head`" in refused(OWN)


def test_nobody_is_told_of_the_cluster_and_its_nodes_load_the_same_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {}

    def init(**how: Any) -> Any:
        given.update(how, told=os.environ["RAY_USAGE_STATS_ENABLED"])
        return SimpleNamespace(address_info={"gcs_address": "10.0.0.1:6379"})

    with_ray(monkeypatch, init)
    assert connect(OWN, "mine.models") == "10.0.0.1:6379"
    assert (given["told"], given["runtime_env"]) == ("0", {"env_vars": {"NEQ_PLUGINS": "mine.models"}})
    connect(OWN, None)
    assert given["runtime_env"] is None
