"""What is done to many runs at once, such as `neq hold` and `neq archive`; the queue, and groups of runs."""

import sys
from collections.abc import Callable
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from cli.client import Client, run_path
from cli.exits import REFUSED, exits_plainly
from cli.printing import echo_json, one_line, say
from cli.runs import estimate
from cli.settings import ClientSettings
from contract.counted import counted

Command = Callable[..., Any]


def of_runs(command: Command) -> Command:
    """Gives a command runs by their ids, or a group of them."""
    command = click.option("--group", help="All runs of this group.")(command)
    return click.argument("run_ids", nargs=-1, metavar="[RUN]...")(command)


def chosen(run_ids: tuple[str, ...], group: str | None) -> dict[str, Any]:
    """The runs that a command is for, as the API is told.

    Raises:
        click.UsageError: there are neither runs nor a group, or both.
    """
    if bool(run_ids) == (group is not None):
        raise click.UsageError("give the ids of runs, or --group NAME")
    return {"ids": run_ids} if group is None else {"group": group}


def act(action: str, run_ids: tuple[str, ...], group: str | None, **more: Any) -> None:
    """Does it, and says to how many; what was refused is said run by run, and the command ends as refused.

    Raises:
        click.UsageError: there are neither runs nor a group, or both.
    """
    runs = chosen(run_ids, group)
    with Client(ClientSettings()) as client:
        told = client.ask("POST", "/runs/actions", json={"action": action, **runs, **more})
        for run in told["made"]:
            say(f"{run['id']}  {run['name']}  {client.url}{run['url']}")
    for each in told["refused"]:
        say(each["message"], err=True)
    say(f"{action}: {counted(len(told['done']), 'run')}")
    if group is not None and not told["done"] and not told["refused"]:
        say(f"There is no run in the group {group!r}: `neq groups` lists them.", err=True)
        sys.exit(REFUSED)
    if told["refused"]:
        sys.exit(REFUSED)


@click.command()
@of_runs
@exits_plainly
def stop(run_ids: tuple[str, ...], group: str | None) -> None:
    """Stop runs. Everything they recorded is kept."""
    if len(run_ids) != 1 or group is not None:
        act("stop", run_ids, group)
        return
    with Client(ClientSettings()) as client:
        run = client.ask("POST", f"{run_path(run_ids[0])}/stop")
    click.echo(f"{run['id']}: {'stopped' if run['state'] == 'stopped' else 'will stop within seconds'}")


@click.command()
@of_runs
@exits_plainly
def hold(run_ids: tuple[str, ...], group: str | None) -> None:
    """Have workers pass queued runs over until they are released."""
    act("hold", run_ids, group)


@click.command()
@of_runs
@exits_plainly
def release(run_ids: tuple[str, ...], group: str | None) -> None:
    """Have workers take held runs again."""
    act("release", run_ids, group)


@click.command()
@of_runs
@click.option("--priority", required=True, type=click.IntRange(-10, 10), help="Higher ones are trained first.")
@exits_plainly
def prioritise(run_ids: tuple[str, ...], group: str | None, priority: int) -> None:
    """Give queued runs another priority."""
    act("prioritise", run_ids, group, priority=priority)


@click.command()
@of_runs
@click.option("--before", metavar="RUN", help="The queued run that they are put in front of.")
@click.option("--last", is_flag=True, help="Put them at the end of the queue.")
@exits_plainly
def move(run_ids: tuple[str, ...], group: str | None, before: str | None, last: bool) -> None:
    """Put queued runs elsewhere in the queue, in the order given."""
    if (before is None) != last:
        raise click.UsageError("give --before RUN, or --last")
    act("move", run_ids, group, before=before)


@click.command()
@of_runs
@click.option("--epochs", required=True, type=click.IntRange(1, 100_000), help="In all, with those already trained.")
@exits_plainly
def extend(run_ids: tuple[str, ...], group: str | None, epochs: int) -> None:
    """Train runs that have ended on to more epochs.

    Each goes on from its latest checkpoint, as another run of its group. From there on its schedule is that of a
    training of so many epochs.
    """
    act("extend", run_ids, group, epochs=epochs)


@click.command()
@of_runs
@exits_plainly
def archive(run_ids: tuple[str, ...], group: str | None) -> None:
    """Leave runs out of lists; nothing of them is deleted."""
    act("archive", run_ids, group)


@click.command()
@of_runs
@exits_plainly
def restore(run_ids: tuple[str, ...], group: str | None) -> None:
    """Put archived runs back into lists."""
    act("restore", run_ids, group)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object a run.")
@exits_plainly
def queue(as_json: bool) -> None:
    """Show the queued runs in the order in which workers take them; those that are held keep their place."""
    with Client(ClientSettings()) as client:
        told = client.ask("GET", "/queue?held=true")
    if as_json:
        for run in told["queue"]:
            echo_json(run)
        return
    if not told["queue"]:
        click.echo("No run is waiting.")
        return
    table = Table(box=None, pad_edge=False)
    for title in ("place", "id", "name", "group", "priority", "starts in"):
        table.add_column(title, justify="right" if title in ("place", "priority", "starts in") else "left")
    for place, run in enumerate(told["queue"], start=1):
        name, group = one_line(run["name"]), one_line(run["group"] or "")
        starts = "held" if run["held"] else estimate(run["starts_in_seconds"])
        table.add_row(str(place), run["id"], name, group, str(run["priority"]), starts)
    Console().print(table)
    if told["length"] > len(told["queue"]):
        say(f"… and {counted(told['length'] - len(told['queue']), 'more run')}")
    if not told["slots"]:
        say("No worker is running: start one with `neq worker`.", err=True)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object a group.")
@exits_plainly
def groups(as_json: bool) -> None:
    """List groups of runs, the newest first."""
    with Client(ClientSettings()) as client:
        found = client.ask("GET", "/groups")["groups"]
    for group in found:
        if as_json:
            echo_json(group)
            continue
        states = ", ".join(f"{count} {state}" for state, count in group["states"].items() if count)
        say(f"{group['name']}: {counted(group['runs'], 'run')} ({states})")
    if not found and not as_json:
        click.echo("No groups yet: `neq launch --sweep` or --group makes one.")
