"""`neq`: the command that starts, feeds and asks the system."""

import sys

import click

from cli.exits import REFUSED
from trainer.own import PluginBroken
from trainer.version import VERSION

try:
    from cli.going_on import fork, resume
    from cli.launch import launch
    from cli.recordings import export, replay
    from cli.runs import health, runs, stop
    from cli.start import demo, serve, up, worker
except PluginBroken as error:  # the commands' flags are drawn from a run's description, other people's parts included
    click.echo(f"neq: {error}", err=True)
    sys.exit(REFUSED)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(VERSION, prog_name="neq")
def app() -> None:
    """Watch a neural network settle: neuronal equilibrium (NEq), live in the browser.

    \b
    Start here:   neq up            dashboard, API and a worker on this machine
                  neq demo          the same, with two runs to look at
    Then:         neq launch        start a run        neq runs    list them
                  neq stop RUN      end one        neq resume RUN  let it go on
                  neq fork RUN      go on from a checkpoint with something changed
                  neq export RUN F  keep one as a file     neq replay F    play it again

    \b
    Exit codes:   0 done   1 the run failed (or was stopped)   2 wrong usage or refused
                  3 no server answers
    """


for command in (up, demo, serve, worker, launch, runs, stop, resume, fork, export, replay, health):
    app.add_command(command)
