"""`neq up`, `demo`, `serve`: the commands that start a web process."""

import os
import signal
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, closing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from pydantic import SecretStr

from cli.client import Client, Refused, Unreachable
from cli.companion import Companion
from cli.opening import end_with, need_torch, open_store, read_settings
from cli.paths import TypedPath, at_home
from cli.printing import say
from cli.settings import (
    DEFAULT_DATA,
    ClientSettings,
    checkpoints_folder,
    database_url,
    datasets_folder,
)
from server.run import CannotListen, address_of, bind, link_of
from server.run import serve as serve_on
from server.security.tokens import OpenAddressRefused
from server.settings import ServerSettings

if TYPE_CHECKING:
    pass

DEMO_PRESETS = ("demo-sgd", "demo-adam")

port_option = click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on.  [default: 8000]")
host_option = click.option(
    "--host", help="Address to listen on; any but this machine's own needs NEQ_TOKEN.  [default: 127.0.0.1]"
)
data_option = click.option(
    "--data",
    type=TypedPath(file_okay=False),
    default=DEFAULT_DATA,
    show_default=True,
    help="Folder for the store and the data sets.",
)


@click.command()
@port_option
@host_option
@data_option
def up(port: int | None, host: str | None, data: Path) -> None:
    """Start the dashboard, the API and one worker on this machine."""
    need_torch()
    _stand(port, host, data)


@click.command()
@port_option
@host_option
@data_option
def demo(port: int | None, host: str | None, data: Path) -> None:
    """Like `up`, and launch two demo runs: NEq with SGD and with Adam, on real images."""
    need_torch()
    _stand(port, host, data, presets=DEMO_PRESETS)


@click.command()
@port_option
@host_option
def serve(port: int | None, host: str | None) -> None:
    """Start only the web process, on the store at NEQ_DATABASE_URL."""
    settings = read_settings(ServerSettings, port=port, host=host)
    _serve(settings, nullcontext(), lambda address, link: click.echo(f"Listening on {link}"))


def _stand(port: int | None, host: str | None, data: Path, presets: tuple[str, ...] = ()) -> None:
    places = _places(data)
    _make_folder(Path(places["NEQ_DATA_ROOT"]))
    settings = read_settings(ServerSettings, port=port, host=host, database_url=places["NEQ_DATABASE_URL"])
    companion = Companion(places)

    def announce(address: str, link: str) -> None:
        click.echo(f"\n  NEq is up:  {link}\n  Ctrl-C stops it; runs stay in {data}\n")
        if presets:
            threading.Thread(target=_launch, args=(settings.token, address, presets), daemon=True).start()

    _serve(settings, companion, announce)


def _places(data: Path) -> dict[str, str]:
    """Store, data sets and checkpoints: inside the data folder, but where the environment names another place."""
    usual = {
        "NEQ_DATABASE_URL": database_url(data),
        "NEQ_DATA_ROOT": str(datasets_folder(data)),
        "NEQ_CHECKPOINTS": str(checkpoints_folder(data)),
    }
    places = {name: os.environ.get(name) or place for name, place in usual.items()}
    try:
        folders = {name: str(at_home(places[name])) for name in ("NEQ_DATA_ROOT", "NEQ_CHECKPOINTS")}
    except ValueError as error:
        end_with(str(error))
    return places | folders


def _serve(settings: ServerSettings, beside: AbstractContextManager[Any], announce: Callable[[str, str], None]) -> None:
    from cli.assemble import assemble  # while nothing is open, a signal ends the process at once

    # An exception out of a handler can come up where Python ignores it, and the signal would be lost: a note is not.
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with ExitStack() as open_things:
        try:
            listener = open_things.enter_context(closing(bind(settings)))
        except (OpenAddressRefused, CannotListen) as error:
            end_with(str(error))
        store = open_things.enter_context(closing(open_store(settings.database_url)))
        store.keep_reserve(settings.disk_reserve_bytes)
        app = assemble(store, settings)
        if ended.is_set():
            return
        open_things.enter_context(beside)
        announce(address_of(listener), link_of(listener, settings))
        serve_on(app, settings, listener, ended)


def _launch(token: SecretStr | None, address: str, presets: tuple[str, ...]) -> None:
    """Launches runs as anybody would, over the API; the listening socket holds the request until it is answered."""
    try:
        with Client(ClientSettings(url=address, token=token)) as client:
            configs = {preset["name"]: preset["config"] for preset in client.ask("GET", "/presets")["presets"]}
            launched = [client.ask("POST", "/runs", json=configs[name]) for name in presets]
    except (Refused, Unreachable, KeyError) as error:
        say(f"neq: the demo runs could not be launched: {error}", err=True)
        return
    for run in launched:
        say(f"  {run['name']}:  {address}{run['url']}")
    click.echo(f"  Side by side:  {address}/compare?runs={','.join(run['id'] for run in launched)}\n")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        end_with(f"the data folder cannot be created: {error}; choose another with DATA= or --data")
