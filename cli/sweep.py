"""`neq launch --sweep`: many runs at once."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

import click

from cli.checking import said, try_example
from cli.client import Client, of_cells
from cli.flags import Flag, known_flags, value_of
from cli.printing import say
from contract.counted import counted
from contract.ranges import RangeWrong, in_range

Json = dict[str, Any]


def grid_of(given: Iterable[str]) -> Json:
    """What `--sweep neq.epsilon=1e-4,1e-3` says, by path.

    Values stand between commas; `0..4` stands for 0, 1, 2, 3, 4. Where a value is a list itself, `|` stands between
    them.

    Raises:
        click.UsageError: there is no such field, or a value is none of its kind.
    """
    known = {".".join(flag.path): flag for flag in known_flags()}
    grid: Json = {}
    for text in given:
        name, equals, values = text.partition("=")
        path = name.strip().lstrip("-").replace("-", "_")
        if not equals:
            raise click.UsageError(f"--sweep {text}: write FIELD=VALUE,VALUE such as neq.epsilon=1e-4,1e-3")
        if path not in known:
            near = get_close_matches(path, known, n=3)
            meant = f"; did you mean {', '.join(near)}?" if near else ""
            raise click.UsageError(f"--sweep {path}: there is no such field{meant}")
        if path in grid:
            raise click.UsageError(f"--sweep {path} is given twice: give all its values at once")
        flag = known[path]
        todays = ".".join((*flag.path[:-1], flag.renamed_to)) if flag.renamed_to else path
        grid[todays] = [value_of(flag, one) for one in _several(flag, values)]
    return grid


def _several(flag: Flag, text: str) -> list[str]:
    parts = [part.strip() for part in text.split("|" if flag.many else ",")]
    if flag.many or not flag.types & {"integer", "number"}:
        return parts
    return [one for part in parts for one in _range(part)]


def _range(text: str) -> list[str]:
    """`0..4` as what it stands for; anything else as it is."""
    try:
        numbers = in_range(text)
    except RangeWrong as error:
        raise click.UsageError(f"{text}: {error}") from error
    return [text] if numbers is None else [str(number) for number in numbers]


def queue_sweep(client: Client, body: Json) -> None:
    """Queues it, and says which runs it is."""
    told = client.ask("POST", "/sweeps", json=body)
    for run in told["runs"]:
        say(f"{run['id']}  {run['name']}  {client.url}{run['url']}")
    say(f"group {told['group']}: {counted(len(told['runs']), 'run')}")
    _tell(told["warnings"], "warning")


def preview_sweep(client: Client, body: Json, *, tried: bool) -> bool:
    """Says what it would queue, and what is wrong with it; whether it can be.

    Args:
        client: to ask.
        body: the sweep, as `POST /sweeps` reads it.
        tried: a worker tries one run of each kind that costs alike, four kinds at most.
    """
    told = client.ask("POST", "/sweeps/preview", json=body)
    say(f"{counted(told['runs'], 'run')}{expected(told['estimate'])}")
    for run in told["first"]:
        say(f"  {run['name']}")
    if told["first"] and told["runs"] > len(told["first"]):
        say(f"  … and {counted(told['runs'] - len(told['first']), 'more run')}")
    _tell(told["errors"], "error")
    _tell(told["warnings"], "warning")
    passed = [try_example(client, example) for example in told["examples"]] if tried else []
    if tried and told["kinds"] > len(passed):
        say(f"{counted(told['kinds'] - len(passed), 'more kind')} of run not tried", err=True)
    return not told["errors"] and all(passed)


def _tell(findings: Iterable[Json], kind: str) -> None:
    for each in findings:
        say(f"{kind}: {said(each)}{of_cells(each)}", err=True)


def expected(estimate: Json | None) -> str:
    """What runs will take, to stand behind their number; nothing where there are errors."""
    if estimate is None:
        return ""
    if estimate["seconds"] is None:
        return "; time and disk: unknown, as no such run has been trained here"
    rest = f", of {estimate['runs_known']} of them; the others are unknown" if estimate["runs_unknown"] else ""
    minutes = estimate["seconds"] / 60
    words = (
        f"{minutes / 60:.1f} h"
        if minutes >= 90
        else f"{minutes:.0f} min"
        if minutes >= 1.5
        else f"{estimate['seconds']:.0f} s"
    )
    without = "" if estimate["with_starting"] else " without starting"
    return f"; about {words}{without} and {estimate['bytes'] / 1e6:,.0f} MB{rest}"
