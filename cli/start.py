"""`neq up`, `demo`, `serve`, `worker`: the commands that start processes."""

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, nullcontext
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from socket import gethostname
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click
from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings

from cli.client import Client, Refused, Unreachable
from cli.companion import Companion
from cli.exits import REFUSED
from cli.paths import TypedPath, at_home
from cli.printing import say
from cli.settings import (
    DEFAULT_DATA,
    ClientSettings,
    WorkerSettings,
    checkpoints_folder,
    database_url,
    datasets_folder,
)
from db import Store, StoreUnreachable
from server.run import CannotListen, address_of, bind, link_of
from server.run import serve as serve_on
from server.security.tokens import OpenAddressRefused
from server.settings import ServerSettings
from trainer.checkpoints.folder import CheckpointStore

if TYPE_CHECKING:
    from trainer.engines.device_choice import DeviceChoice
    from trainer.engines.environment import Workplace
    from trainer.engines.gpus import Gpu

SILENT_WORKER = timedelta(seconds=30)
"""One that was not heard for longer is not at work; it is heard more than once a second."""
DEMO_PRESETS = ("demo-sgd", "demo-adam")
Settings = TypeVar("Settings", bound=BaseSettings)

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


def _need_torch() -> None:
    """The application installs without torch, for machines that only serve."""
    missing = [name for name in ("torch", "neq") if find_spec(name) is None]
    if missing:
        raise click.ClickException(
            f"Training needs {' and '.join(missing)}, not installed here: pip install 'neq-dashboard[trainer]', or "
            "start only the web process with `neq serve`."
        )


@click.command()
@port_option
@host_option
@data_option
def up(port: int | None, host: str | None, data: Path) -> None:
    """Start the dashboard, the API and one worker on this machine."""
    _need_torch()
    _stand(port, host, data)


@click.command()
@port_option
@host_option
@data_option
def demo(port: int | None, host: str | None, data: Path) -> None:
    """Like `up`, and launch two demo runs: NEq with SGD and with Adam, on real images."""
    _need_torch()
    _stand(port, host, data, presets=DEMO_PRESETS)


@click.command()
@port_option
@host_option
def serve(port: int | None, host: str | None) -> None:
    """Start only the web process, on the store at NEQ_DATABASE_URL."""
    settings = read_settings(ServerSettings, port=port, host=host)
    _serve(settings, nullcontext(), lambda address, link: click.echo(f"Listening on {link}"))


def _check_worker(context: click.Context, _: click.Parameter, asked: bool) -> None:
    """Exits with 1 where no worker of this machine was heard of late."""
    if not asked:
        return
    with closing(open_store(read_settings(WorkerSettings).database_url)) as store:
        silences = [datetime.now(UTC) - each.heard_at for each in store.workers() if each.host == gethostname()]
    if not silences or min(silences) > SILENT_WORKER:
        since = f"for {min(silences).total_seconds():.0f} s" if silences else "at all"
        click.echo(f"no worker of {gethostname()} was heard {since}", err=True)
        context.exit(1)
    context.exit()


@click.command()
@click.option("--name", help="Name of the worker in the dashboard.  [default: this machine's name]")
@click.option("--slots", type=click.IntRange(1, 64), help="Runs trained at once.  [default: one per GPU; on a CPU 2]")
@click.option("--device", help="What runs may use: auto, cpu, cuda, xpu, mps, or cuda:0,cuda:2.  [default: auto]")
@click.option(
    "--until-idle",
    type=click.FloatRange(min=0, max=1e9),
    metavar="SECONDS",
    help="End once no run was queued for so long.  [default: wait for runs]",
)
@click.option(
    "--check",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_check_worker,
    help="Start nothing: exit with 0 if the store hears from a worker of this machine, otherwise with 1.",
)
@click.option("--end-with-input", is_flag=True, hidden=True)
def worker(
    name: str | None,
    slots: int | None,
    device: str | None,
    until_idle: float | None,
    end_with_input: bool,
) -> None:
    """Train queued runs from the store at NEQ_DATABASE_URL until Ctrl-C; another worker then resumes them.

    In a SLURM job it ends by itself shortly before the job does.
    """
    _need_torch()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    settings = read_settings(WorkerSettings, worker_name=name, slots=slots, device=device)
    if end_with_input:
        threading.Thread(target=_set_at_end_of_input, args=(stop,), daemon=True).start()
    else:  # beside a web process that one speaks
        _report()
    _work(settings, stop, until_idle)


def _report() -> None:
    """Prints what the worker does, with times: a batch job's log is all that is left of it."""
    logging.basicConfig(format="%(asctime)s  %(message)s", datefmt="%Y-%m-%d %H:%M:%S")
    logging.getLogger("neq").setLevel(logging.INFO)


def _work(settings: WorkerSettings, stop: threading.Event, until_idle: float | None = None) -> None:
    if not hasattr(os, "killpg"):  # a training process is ended with all that it started, which Windows cannot
        _exit("training needs Linux or macOS; on Windows start the worker in WSL")
    from trainer.engines.device_choice import DeviceChoice
    from trainer.engines.gpus import GpuPool
    from trainer.engines.process import process_engine
    from trainer.worker import run_worker
    from trainer.worker.checking import Checker
    from trainer.worker.closing_time import ClosingTime

    checkpoint_store = _open_checkpoint_store(settings.checkpoints)
    gpus = _find_gpus(settings, stop.is_set)
    if stop.is_set():
        return
    choice = DeviceChoice.parse(settings.device)
    count = len(choice.numbers if gpus is None else gpus)
    slots = settings.slots_on(count)
    workplace = _workplace(settings, checkpoint_store, slots, count)
    pool = GpuPool(gpus, choice)
    store = open_store(settings.database_url)
    store.keep_reserve(settings.disk_reserve_bytes)
    try:
        run_worker(
            store,
            engine=process_engine(workplace, gpus=pool),
            name=settings.worker_name,
            device=settings.device,
            slots=slots,
            silence_limit_seconds=settings.silence_limit_seconds,
            stop=stop,
            checkpoint_store=checkpoint_store,
            checker=Checker(workplace, pool),
            closing_time=ClosingTime.of(until_idle, os.environ),
        )
    finally:
        store.close()


def _workplace(settings: WorkerSettings, checkpoint_store: CheckpointStore, slots: int, gpus: int) -> "Workplace":
    from trainer.engines.device_choice import DeviceChoice
    from trainer.engines.environment import Workplace

    return Workplace(
        settings.data_root,
        DeviceChoice.parse(settings.device).kind,
        settings.threads_per_run(slots),
        settings.download,
        checkpoints=checkpoint_store.folder,
        country=settings.country,
        loaders=settings.loaders_per_run(slots, gpus),
    )


def _find_gpus(settings: WorkerSettings, ended: Callable[[], bool] = lambda: False) -> "tuple[Gpu, ...] | None":
    """The GPUs to share out among runs, said in a line; None: it is not known, because no sign of one was seen, torch
    could not be asked, or the worker was ended meanwhile."""
    from trainer.engines.device_choice import DeviceChoice
    from trainer.engines.gpus import NoSuchGpu, find_gpus, may_have_gpus
    from trainer.engines.process import environment_of_child

    choice = DeviceChoice.parse(settings.device)
    if choice.kind == "cpu":
        return ()
    if not may_have_gpus(choice):
        return None
    try:
        gpus = find_gpus(environment_of_child(), choice, ended)
    except NoSuchGpu as error:
        _exit(f"NEQ_DEVICE: {error}")
    if gpus:
        say(shared_out(gpus, settings.slots_on(len(gpus))))
    elif gpus is None and not ended():
        say(f"torch could not list the GPUs: {_until_known(settings, choice)}", err=True)
    return gpus


def _until_known(settings: WorkerSettings, choice: "DeviceChoice") -> str:
    """How runs are shared out among GPUs that torch has said nothing of."""
    slots = settings.slots_on(len(choice.numbers))
    if choice.numbers:
        return f"{slots} run{'' if slots == 1 else 's'} at once on {settings.device} alone (NEQ_DEVICE)"
    return (
        f"slots are those of a CPU ({slots}), and runs take the first GPU until it answers; set NEQ_SLOTS where that "
        "is wrong"
    )


def shared_out(gpus: "Sequence[Gpu]", slots: int) -> str:
    """One line: how many runs train at once, on which GPUs."""
    runs = f"{slots} run{'' if slots == 1 else 's'} at once"
    if slots <= len(gpus):
        return f"Training {runs}, each with a GPU of its own: {', '.join(gpu.title for gpu in gpus)}"
    each = f"{slots // len(gpus)} to {-(-slots // len(gpus))}" if slots % len(gpus) else f"{slots // len(gpus)}"
    return f"Training {runs}, {each} on each GPU, which share its memory: {', '.join(gpu.title for gpu in gpus)}"


def _set_at_end_of_input(stop: threading.Event) -> None:
    # Unbuffered: a thread that waits inside Python's own reader would hold its lock when the interpreter ends.
    while os.read(sys.stdin.fileno(), 4096):
        pass
    stop.set()


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
        _exit(str(error))
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
            _exit(str(error))
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
        _exit(f"the data folder cannot be created: {error}; choose another with DATA= or --data")


def read_settings(kind: type[Settings], **given: Any) -> Settings:
    """The settings of a process: what was given wins over the environment."""
    try:
        return kind(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        _exit("; ".join(_wrong_setting(item) for item in error.errors(include_url=False)))


def _wrong_setting(item: Mapping[str, Any]) -> str:
    """The variable that is wrong, and why; the parts of a list are not variables."""
    name = "_".join(part for part in item["loc"] if isinstance(part, str)).upper()
    reason = str(item.get("ctx", {}).get("error") or item["msg"])
    return f"NEQ_{name}: {reason}" if name else reason


def open_store(url: str) -> Store:
    """The store at an address; where it cannot be opened the process ends and says why."""
    try:
        return Store.open(url)
    except StoreUnreachable as error:
        _exit(str(error))


def _open_checkpoint_store(folder: Path) -> CheckpointStore:
    try:
        return CheckpointStore.at(folder)
    except OSError as error:
        _exit(f"the folder of checkpoints cannot be used: {error}; name another in NEQ_CHECKPOINTS")


def _exit(message: str) -> NoReturn:
    say(f"neq: {message}", err=True)
    sys.exit(REFUSED)
