"""`neq studies`, and what `neq launch --study` launches."""

from typing import Any

import click

from cli.client import Client
from cli.exits import exits_plainly
from cli.printing import echo_json, say
from cli.settings import ClientSettings
from cli.sweep import expected
from contract.counted import counted

SCALES = ("here", "paper")
Json = dict[str, Any]


def sweep_of(client: Client, name: str, scale: str) -> Json:
    """The sweep of a study: base, grid, seeds, group.

    Raises:
        click.UsageError: there is no such study.
    """
    studies = {study["name"]: study for study in client.ask("GET", "/studies")["studies"]}
    if name not in studies:
        raise click.UsageError(f"--study {name}: not one of {', '.join(studies)}")
    found: Json = next(each for each in studies[name]["scales"] if each["name"] == scale)["sweep"]
    return found


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object a study.")
@exits_plainly
def studies(as_json: bool) -> None:
    """List the paper's studies: what each asks, and what launching it takes."""
    with Client(ClientSettings()) as client:
        found = client.ask("GET", "/studies")["studies"]
    for study in found:
        if as_json:
            echo_json(study)
            continue
        say(f"{study['name']}: {study['title']}. {study['question']}")
        for scale in study["scales"]:
            say(f"  --scale {scale['name']}: {counted(scale['runs'], 'run')}{expected(scale['estimate'])}")
            say(f"    {scale['said']}")
            if scale["problem"]:
                say(f"    cannot run here: {scale['problem']}")
        say(f"  published: {study['published']['words']} {study['published']['source']}")
