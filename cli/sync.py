"""`neq sync`: sends runs that scripts recorded while no server answered."""

import sys
from pathlib import Path

import click

from cli.exits import RUN_FAILED, exits_plainly
from cli.paths import TypedPath
from cli.settings import ClientSettings


@click.command()
@click.argument("folder", type=TypedPath(file_okay=False), required=False)
@exits_plainly
def sync(folder: Path | None) -> None:
    """Send the runs in FOLDER that scripts recorded offline; by default those in NEQ_DIR, else in ./neq-runs.

    What is sent goes from the folder. Sending twice changes nothing.
    """
    try:
        from neq.recording.sync import sync as synced  # the application is installed without the library too
    except ModuleNotFoundError as error:
        raise click.UsageError(f"{error.name} is not installed, which sending needs: pip install neq") from error
    settings = ClientSettings()
    token = settings.token.get_secret_value() if settings.token else None
    found = False
    whole = True
    try:
        for run in synced(folder, str(settings.url).rstrip("/"), token):
            found, whole = True, whole and run.done
            parts = "1 part" if run.sent == 1 else f"{run.sent} parts"
            said = f"sent, {parts}: {run.url}" if run.done else f"{parts} sent, {run.left} left; {run.what}"
            click.echo(f"{run.folder}: {said}")
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    if not found:
        click.echo("There is nothing to send.")
    if not whole:
        sys.exit(RUN_FAILED)
