"""`neq export` and `neq replay`: a run into a file, and out of it again."""

import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import click
from pydantic import ValidationError
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from cli.client import Client, run_path
from cli.exits import REFUSED, RUN_FAILED, exits_plainly
from cli.opening import open_store, read_settings
from cli.paths import TypedPath
from cli.printing import say
from cli.settings import ClientSettings, WorkerSettings
from contract.events import EpochFinished, Event, RunFinished
from contract.runfile import RunFile, RunFileBroken
from db import RunLost, Store
from trainer.worker.replay import Replay, begin_replay


@click.command()
@click.argument("run_id", metavar="RUN")
@click.argument("file", type=TypedPath(dir_okay=False))
@click.option("--force", is_flag=True, help="Overwrite FILE if it exists.")
@exits_plainly
def export(run_id: str, file: Path, force: bool) -> None:
    """Write everything that RUN recorded to FILE, such as run.neq; of a running run, everything so far."""
    if file.exists() and not force:
        raise click.UsageError(f"{file} already exists: choose another file, or use --force")
    unfinished = file.with_name(f"{file.name}.part")
    try:
        with Client(ClientSettings()) as client, unfinished.open("wb") as target, _transfer() as progress:
            task = progress.add_task(run_id, total=None)
            for piece in client.download(f"{run_path(run_id)}/file"):
                target.write(piece)
                progress.advance(task, len(piece))
        unfinished.replace(file)
    except OSError as error:
        _refuse(f"{file} cannot be written: {error.strerror or error}")
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
    click.echo(f"{file}: {file.stat().st_size:,} bytes")


def _transfer() -> Progress:
    columns = (
        TextColumn("{task.description}", markup=False),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeElapsedColumn(),
    )
    return Progress(*columns, transient=True)


class Speed(click.ParamType[float | None]):
    """A number above 0, or `max`."""

    name = "speed"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float | None:
        """None for `max`."""
        if value == "max":
            return None
        try:
            speed = float(str(value))
        except ValueError:
            speed = 0.0
        if not 0 < speed < float("inf"):
            self.fail(f"{value!r} is not a speed: give a number above 0, such as 10, or max", param, ctx)
        return speed


@click.command()
@click.argument("file", type=TypedPath())
@click.option("--speed", type=Speed(), default="1", show_default=True, help="Speed-up factor; max: no waiting.")
@click.option("--name", help="Name of the run.  [default: as recorded]")
def replay(file: Path, speed: float | None, name: str | None) -> None:
    """Replay a recorded run from FILE into the store at NEQ_DATABASE_URL, as if it were being trained now.

    The dashboard shows it live. Ctrl-C, or Stop in the dashboard, stops it.
    """
    settings = read_settings(WorkerSettings)
    try:
        recording = RunFile.open(file)
    except (RunFileBroken, OSError) as error:
        _refuse(str(error))
    store = open_store(settings.database_url)
    try:
        with recording:
            end = _play(store, recording, speed, name)
    except (RunFileBroken, RunLost) as error:
        _refuse(str(error))
    finally:
        store.close()
    if not isinstance(end, RunFinished):
        say(f"{end.kind.removeprefix('run_')}: {getattr(end, 'reason', '')}", err=True)
        sys.exit(RUN_FAILED)


def _play(store: Store, recording: RunFile, speed: float | None, name: str | None) -> Event:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        replayed: Replay = begin_replay(store, recording.header, name)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        place = ".".join(map(str, problem["loc"]))
        raise RunFileBroken(f"Its description is not one of this version: {place}: {problem['msg']}.") from error
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    say(f"{replayed.run.id}  {replayed.run.name}  /runs/{replayed.run.id}")
    with Progress(*columns) as progress:
        task = progress.add_task("epochs", total=replayed.run.epochs_planned)

        def told(event: Event) -> None:
            if isinstance(event, EpochFinished):
                progress.update(task, completed=event.epoch + 1)

        return replayed.play(recording, speed=speed, stop=stop, told=told)


def _refuse(message: str) -> NoReturn:
    say(f"neq: {message}", err=True)
    sys.exit(REFUSED)
