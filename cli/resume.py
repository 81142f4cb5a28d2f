"""`neq resume` and `neq fork`: runs that go on, as they were or with something changed."""

import sys
from difflib import get_close_matches
from typing import Any

import click

from cli.client import Client, run_path
from cli.exits import exits_plainly
from cli.flags import Flag, Json, known_flags, under_current_names, value_of
from cli.launch import follow_to_the_end
from cli.printing import say
from cli.settings import ClientSettings

follow_option = click.option("--follow", is_flag=True, help="Show progress until the run ends.")


@click.command()
@click.argument("run_id", metavar="RUN")
@follow_option
@exits_plainly
def resume(run_id: str, follow: bool) -> None:
    """Resume a stopped or failed run from its last checkpoint."""
    with Client(ClientSettings()) as client:
        before = client.ask("GET", run_path(run_id))["last_seq"]
        run = client.ask("POST", f"{run_path(run_id)}/resume")
        click.echo(f"{run['id']}: resumes at epoch {run['epochs_done']} as soon as a worker claims it")
        if follow:
            sys.exit(follow_to_the_end(client, run, after=before))


@click.command()
@click.argument("run_id", metavar="RUN")
@click.option(
    "--epoch", type=click.IntRange(0), help="Fork after this epoch.  [default: that of the latest checkpoint]"
)
@click.option("--set", "given", multiple=True, metavar="FIELD=VALUE", help="A config field to change; may be repeated.")
@click.option("--name", help="Name of the fork.")
@follow_option
@exits_plainly
def fork(run_id: str, epoch: int | None, given: tuple[str, ...], name: str | None, follow: bool) -> None:
    """Launch a run that starts from a checkpoint of another, with changed settings.

    Example: neq fork k3v9x0a2mq --epoch 12 --set neq.epsilon=0.003 --set training.epochs=60
    """
    part = part_of([*given, *([] if name is None else [f"name={name}"])])
    asked = {} if epoch is None else {"epoch": epoch}
    with Client(ClientSettings()) as client:
        run = client.ask("POST", f"{run_path(run_id)}/fork", params=asked, json=part)
        say(f"{run['id']}  {run['name']}  {client.url}{run['url']}")
        if follow:
            sys.exit(follow_to_the_end(client, run))


def part_of(given: list[str]) -> Json:
    """What `--set` names, as a part of a description."""
    known = {".".join(flag.path): flag for flag in known_flags()}
    said: dict[tuple[str, ...], Any] = {}
    for each in given:
        path, equals, text = each.partition("=")
        path = path.strip().replace("-", "_")
        if not equals:
            raise click.UsageError(f"--set {each}: write FIELD=VALUE, such as neq.epsilon=0.003")
        if path not in known:
            raise click.UsageError(f"--set {each}: unknown field {path}{_meant(path, known)}")
        said[known[path].path] = value_of(known[path], text)
    part: dict[str, Any] = {}
    for (*groups, field), value in under_current_names(said).items():
        node = part
        for group in groups:
            node = node.setdefault(group, {})
        node[field] = value
    return part


def _meant(path: str, known: dict[str, Flag]) -> str:
    close = get_close_matches(path, [name for name, flag in known.items() if not flag.renamed_to], n=1)
    return f"; did you mean {close[0]}?" if close else ""
