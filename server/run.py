"""Serving the application: bind first, so that the address can be told, then hand the socket to uvicorn."""

import errno
import socket
import threading
from urllib.parse import quote

import uvicorn
from fastapi import FastAPI

from server.client_noise import quieten
from server.security.limits import bounded_protocol
from server.security.tokens import refuse_open_address
from server.settings import ServerSettings

SHUTDOWN_SECONDS = 2
LARGEST_MESSAGE_BYTES = 1_000_000
BACKLOG = 512


class CannotListen(Exception):
    """The address cannot be listened on; the message says what to do."""


def bind(settings: ServerSettings) -> socket.socket:
    """A listening socket on the address of the settings; port 0 takes any free one.

    Raises:
        OpenAddressRefused: other machines can reach the address, and no token is set.
        CannotListen: the port is in use or not allowed, or the address is not one of this machine's.
    """
    refuse_open_address(settings)
    host = settings.host.strip("[]")
    listener: socket.socket | None = None
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, settings.port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        if listener is not None:
            listener.close()
        raise CannotListen(_why(settings, error)) from error
    return listener


def address_of(listener: socket.socket) -> str:
    """The address for a browser, such as `http://127.0.0.1:8000`."""
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104  (not bound here, only spoken of)
        host = "127.0.0.1" if host == "0.0.0.0" else "::1"  # noqa: S104
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def link_of(listener: socket.socket, settings: ServerSettings) -> str:
    """The link to print: below the path prefix, and with the token, where one is asked for."""
    token = "" if settings.token is None else f"?token={quote(settings.token.get_secret_value(), safe='')}"
    return f"{address_of(listener)}{settings.root_path}/{token}"


def serve(
    app: FastAPI, settings: ServerSettings, listener: socket.socket, ended: threading.Event | None = None
) -> None:
    """Serve until the process is told to end (SIGINT, SIGTERM); open sockets and streams are closed within seconds.

    Args:
        ended: set by the caller's own handlers, which have the signals until the server installs its own.
    """
    refuse_open_address(settings)  # also for a socket that somebody else has bound
    server_of(app, ended).run(sockets=[listener])


def server_of(app: FastAPI, ended: threading.Event | None = None) -> uvicorn.Server:
    """The server, for whoever runs it in an event loop of their own."""
    settings: ServerSettings = app.state.settings
    config = uvicorn.Config(
        app,
        http=bounded_protocol(settings),
        h11_max_incomplete_event_size=settings.largest_headers_bytes,
        timeout_keep_alive=settings.keep_alive_seconds,
        lifespan="on",
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        ws_max_size=LARGEST_MESSAGE_BYTES,
    )
    quieten()
    return _Server(config, ended or threading.Event())


class _Server(uvicorn.Server):
    """Ends event streams as soon as it is asked to stop, which uvicorn alone would wait for."""

    def __init__(self, config: uvicorn.Config, ended: threading.Event) -> None:
        super().__init__(config)
        self._ended = ended

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.should_exit = self.should_exit or self._ended.is_set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.config.app.state.live.end_streams()  # type: ignore[union-attr]
        await super().shutdown(sockets)


def _why(settings: ServerSettings, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {settings.port} is in use: end the program that has it, or choose another, "
            f"such as PORT={settings.port + 1 if settings.port < 65_535 else 8000}"
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"Port {settings.port} is not allowed for this user: choose one above 1023, such as PORT=8000"
    return f"{settings.host} cannot be listened on: {error.strerror or error}; is it an address of this machine?"
