"""`neq launch`: a run from a file, from flags, or from both; followed to its end if asked."""

import sys
from pathlib import Path
from typing import Any

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from cli.checking import look_over, tell_warnings
from cli.client import Client, SaidEvent
from cli.described import read_description
from cli.exits import REFUSED, RUN_FAILED, exits_plainly
from cli.flags import check, click_options, overlay, under_current_names
from cli.paths import TypedPath
from cli.printing import echo_json, one_line, say
from cli.runs import percent
from cli.settings import ClientSettings
from cli.studies import SCALES, sweep_of
from cli.sweep import grid_of, preview_sweep, queue_sweep
from contract.data_report import DataFound, summary
from contract.sweeps import MOST_RUNS

_ONE_RUN: dict[str, Any] = {"base": {}, "grid": {}, "seeds": 1, "group": None}
"""What a study would ask for, where none is named."""
_ONE_RUN_AT_ONCE: dict[str, Any] = {"grid": {}, "seeds": 1, "group": None, "priority": 0}


class LaunchCommand(click.Command):
    """A command whose help sorts the drawn flags by the group they belong to."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes one section a group of the run's description."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record:
                name = parameter.name or ""
                groups.setdefault(name.split("__")[0] if "__" in name else "Options", []).append(record)
        for title, records in groups.items():
            with formatter.section(title):
                formatter.write_dl(records)


@exits_plainly
def _launch(
    config: Path | None,
    preset: str | None,
    study: str | None,
    scale: str | None,
    follow: bool,
    dry_run: bool,
    check_only: bool,
    sweep: tuple[str, ...],
    seeds: int | None,
    group: str | None,
    priority: int,
    **given: Any,
) -> None:
    said = {tuple(path.split("__")): value for path, value in given.items() if value is not None}
    grid = grid_of(sweep)
    _refuse_two_bases(config, preset, study, scale)
    with Client(ClientSettings()) as client:
        asked = sweep_of(client, study, scale or SCALES[0]) if study else _ONE_RUN
        base = read_description(config) if config else _from_preset(client, preset) if preset else asked["base"]
        described = overlay(base, under_current_names(said))
        many = {
            "grid": asked["grid"] | grid,
            "seeds": seeds or asked["seeds"],
            "group": group or asked["group"],
            "priority": priority,
        }
        if many != _ONE_RUN_AT_ONCE:
            _launch_sweep(
                client, {"base": described, **many}, follow=follow, look=dry_run or check_only, tried=check_only
            )
            return
        checked = check(described)
        if dry_run:
            echo_json(checked.model_dump(mode="json"), indent=2)
            return
        if check_only:
            sys.exit(look_over(client, checked.model_dump(mode="json")))
        run = client.ask("POST", "/runs", json=checked.model_dump(mode="json"))
        say(f"{run['id']}  {run['name']}  {client.url}{run['url']}")
        tell_warnings(run)
        if follow:
            sys.exit(follow_to_the_end(client, run))


def _refuse_two_bases(config: Path | None, preset: str | None, study: str | None, scale: str | None) -> None:
    if study and (config or preset):
        raise click.UsageError("--study brings its own config: leave --config and --preset out, and use flags")
    if scale and not study:
        raise click.UsageError("--scale is of a study: name one with --study")


def _launch_sweep(client: Client, body: dict[str, Any], *, follow: bool, look: bool, tried: bool) -> None:
    if follow:
        raise click.UsageError("--follow shows one run: leave it out, and look at the group in the dashboard")
    if not look:
        queue_sweep(client, body)
    elif not preview_sweep(client, body, tried=tried):
        sys.exit(REFUSED)


def _from_preset(client: Client, name: str) -> dict[str, Any]:
    presets = {preset["name"]: preset["config"] for preset in client.ask("GET", "/presets")["presets"]}
    if name not in presets:
        raise click.UsageError(f"--preset {name}: not one of {', '.join(presets)}")
    config: dict[str, Any] = presets[name]
    return config


def follow_to_the_end(client: Client, run: dict[str, Any], after: int = 0) -> int:
    """Shows the run's progress, from its event of this number on, until it ends; returns the exit code."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[now]}"),
    )
    with Progress(*columns) as progress:
        done = run["epochs_done"]
        task = progress.add_task(str(one_line(run["name"])), total=run["epochs_planned"], completed=done, now="queued")
        for event in client.events(run["id"], after):
            if event.kind == "run_started" and event.payload.get("data"):
                found = DataFound.model_validate(event.payload["data"])
                progress.console.print(one_line(f"data: {summary(found)}"))
            elif event.kind == "epoch_finished":
                progress.update(task, completed=event.payload["epoch"] + 1, now=_now(event))
            elif event.kind in ("run_finished", "run_stopped", "run_failed"):
                return _ended(event, progress)
    return RUN_FAILED


def _now(event: SaidEvent) -> str:
    payload = event.payload
    return f"accuracy {percent(payload['test_accuracy'])} · frozen {percent(payload['frozen_fraction'])}"


def _ended(event: SaidEvent, progress: Progress) -> int:
    if event.kind == "run_finished":
        progress.console.print(f"finished: {_now(event)}")
        return 0
    word = "stopped" if event.kind == "run_stopped" else "failed"
    why = f"{event.payload['reason']} {event.payload.get('remedy') or ''}".rstrip()
    progress.console.print(one_line(f"{word}: {why}"))
    return RUN_FAILED


launch = LaunchCommand(
    "launch",
    callback=_launch,
    help=(
        "Launch a run. Without flags: all defaults. Flags override --config and --preset.\n\n"
        "Example: neq launch --optimizer.kind adam --training.epochs 40 --follow\n\n"
        "Many at once: neq launch --sweep neq.epsilon=1e-4,1e-3 --sweep optimizer.kind=sgd,adam --seeds 3"
    ),
    params=[
        click.Option(["--config"], type=TypedPath(), help="JSON file with a run config, or a part of one."),
        click.Option(["--preset"], help="Start from one of the server's presets, such as demo-sgd."),
        click.Option(
            ["--study"],
            help="Launch a study from the paper, such as epsilon; `neq studies` lists them. Flags override.",
        ),
        click.Option(
            ["--scale"], type=click.Choice(SCALES), help="here (default): small runs for a CPU. paper: as published."
        ),
        click.Option(["--follow"], is_flag=True, help="Show progress until the run ends."),
        click.Option(["--dry-run"], is_flag=True, help="Print the full config without launching."),
        click.Option(
            ["--check", "check_only"],
            is_flag=True,
            help="Report errors and warnings without launching, after a worker has trained one small batch.",
        ),
        click.Option(
            ["--sweep"],
            multiple=True,
            metavar="FIELD=A,B,…",
            help="Launch a run for each of these values, and for each combination where given again. 0..4 stands for "
            "0,1,2,3,4; where a value is a list, | stands between them.",
        ),
        click.Option(
            ["--seeds"],
            type=click.IntRange(1, MOST_RUNS),
            help="Runs of each combination, with consecutive seeds. Default: 1, or the study's.",
        ),
        click.Option(
            ["--group"], help="Name that the runs have in common; with --sweep it is made where none is given."
        ),
        click.Option(
            ["--priority"], type=click.IntRange(-10, 10), default=0, help="Runs of a higher one are trained first."
        ),
        *click_options(),
    ],
)
