"""`neq controls`: what a run's saving is held against, launched beside it."""

import sys

import click

from cli.actions import chosen, of_runs
from cli.client import Client
from cli.exits import REFUSED, exits_plainly
from cli.printing import say
from cli.settings import ClientSettings

KINDS = ("dense", "random", "prefix", "replay", "shorter")


@click.command()
@of_runs
@click.option("--kind", "kinds", multiple=True, type=click.Choice(KINDS), help="Only these; default: all.")
@exits_plainly
def controls(run_ids: tuple[str, ...], group: str | None, kinds: tuple[str, ...]) -> None:
    """Launch controls of runs, with their network, data and seed.

    dense: no neuron is frozen. random: as many neurons, drawn at random. prefix: the first layers, frozen from the
    start. replay: the run's own masks. shorter: dense, for as long as the run trained.
    """
    body = {**chosen(run_ids, group), "controls": kinds or KINDS}
    with Client(ClientSettings()) as client:
        told = client.ask("POST", "/controls", json=body)
        for run in told["runs"]:
            say(f"{run['id']}  {run['name']}  {client.url}{run['url']}")
    for each in told["left_out"]:
        say(f"{each['run']} {each['control']}: {each['message']}", err=True)
    if not told["runs"]:
        sys.exit(REFUSED)
