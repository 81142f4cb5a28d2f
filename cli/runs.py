"""`neq runs`, `neq health`: asking a running server."""

import sys
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from cli.client import Client
from cli.exits import RUN_FAILED, exits_plainly
from cli.printing import echo_json, one_line, say
from cli.settings import ClientSettings

STATES = ("queued", "running", "finished", "stopped", "failed")


@click.command()
@click.option("--state", type=click.Choice(STATES), help="Only runs in this state.")
@click.option("--tag", help="Only runs with this tag.")
@click.option("--search", help="Only runs whose name, notes, tags or id contain this.")
@click.option("--where", help="Only runs of which a filter holds: 'neq.epsilon <= 0.001 and state = finished'.")
@click.option("--sort", help="Fields between commas, instead of the newest first: '-metric.val/accuracy.best,created'.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 10_000), help="At most this many.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line, all fields.")
@exits_plainly
def runs(
    state: str | None,
    tag: str | None,
    search: str | None,
    where: str | None,
    sort: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List runs, newest first."""
    filters = {"state": state, "tag": tag, "search": search, "where": where}
    with Client(ClientSettings()) as client:
        found = list_runs(client, filters | {"sort": sort}, limit)
    if as_json:
        for run in found:
            echo_json(run)
    elif found:
        Console().print(_table(found))
    else:
        click.echo("No run matches." if any(filters.values()) else "No runs yet: launch one with `neq launch`.")


def list_runs(client: Client, filters: dict[str, str | None], limit: int) -> list[dict[str, Any]]:
    """Following the server's pages until `limit` runs are there: newest first, or as `sort` asks."""
    asked: dict[str, Any] = {name: value for name, value in filters.items() if value}
    found: list[dict[str, Any]] = []
    while len(found) < limit:
        size = min(200, limit - len(found))
        page = client.ask("GET", "/runs", params={**asked, "limit": size})
        found += page["runs"]
        if "sort" in asked:
            asked["offset"] = len(found)
            if len(page["runs"]) < size:
                break
        elif not page["next"]:
            break
        else:
            asked["cursor"] = page["next"]
    return found


def _table(found: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in ("id", "name", "state", "epochs", "accuracy", "frozen", "elapsed", "left"):
        table.add_column(title, justify="left" if title in ("id", "name", "state") else "right")
    for run in found:
        table.add_row(
            run["id"],
            one_line(run["name"]),
            run["state"],
            f"{run['epochs_done']}/{run['epochs_planned'] or '?'}",
            accuracy(run),
            percent(run["frozen_fraction"]),
            duration(run["timing"]["elapsed_seconds"]),
            estimate(run["timing"]["seconds_left"]),
        )
    return table


def accuracy(run: dict[str, Any]) -> str:
    """That of its epochs, else as its script logged it, which may be a percentage."""
    value, logged = run["test_accuracy"], run.get("logged_accuracy") or {}
    value = logged.get("last") if value is None else value
    return f"{value:.4g}" if value is not None and not 0 <= value <= 1 else percent(value)


def percent(value: float | None) -> str:
    """A fraction as a person reads it; a dash where it does not exist yet."""
    return "–" if value is None else f"{100 * value:.1f} %"


def duration(seconds: float | None) -> str:
    """Seconds as the pages write them: `4.1 s`, `45 s`, `2 min 05 s`, `1 h 02 min`; a dash where there are none."""
    if seconds is None:
        return "–"
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    whole = round(seconds)
    hours, minutes = whole // 3600, whole % 3600 // 60
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {whole % 60:02} s"


def estimate(seconds: float | None) -> str:
    """Seconds that are only reckoned, as the pages write them: `45 s`, `2 min 10 s`, `17 min`, `1 h 02 min`."""
    if seconds is None:
        return "–"
    if round(seconds) < 60:
        return f"{round(seconds)} s"
    step = 10 if round(seconds / 10) * 10 < 600 else 60
    return duration(round(seconds / step) * step).removesuffix(" 00 s")


@click.command()
@exits_plainly
def health() -> None:
    """Show the state of the server and its store, and each worker's last heartbeat."""
    with Client(ClientSettings()) as client:
        answer = client.ask("GET", "/health")
    click.echo(f"server {answer['status']}, version {answer['version']}, store {answer['store']['kind']}")
    for problem in answer.get("problems", ()):
        say(f"problem: {problem}")
    for heard in answer["workers"]:
        say(f"worker {heard['name']}: last heartbeat {heard['heard_seconds_ago']:.0f} s ago")
    sys.exit(0 if answer["status"] == "ok" else RUN_FAILED)
