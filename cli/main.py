"""`neq`: the command that starts, feeds and asks the system."""

import os
import sys
from importlib import import_module
from typing import Any

import click

from cli.early import leave
from cli.exits import REFUSED
from cli.printing import print_whatever_it_holds
from cli.secret_files import SecretFileWrong, read_secret_files
from contract.plugins import PluginBroken
from contract.version import VERSION

COMMANDS = {
    **dict.fromkeys(("up", "demo", "serve"), "cli.start"),
    "worker": "cli.worker",
    **dict.fromkeys(("runs", "health"), "cli.runs"),
    **dict.fromkeys(("resume", "fork"), "cli.resume"),
    **dict.fromkeys(
        ("stop", "extend", "hold", "release", "prioritise", "move", "archive", "restore", "queue", "groups"),
        "cli.actions",
    ),
    **dict.fromkeys(("export", "replay"), "cli.recordings"),
    "controls": "cli.controls",
    "launch": "cli.launch",
    "studies": "cli.studies",
    "sync": "cli.sync",
}
"""Where each command is; its module has a function of that name."""


class Commands(click.Group):
    """Imports what a command needs when it is asked for: asking a server would else wait for the store and the web
    framework, a second and more."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All, by name."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command; None where there is none of this name."""
        if cmd_name not in COMMANDS:
            for name in COMMANDS:  # click looks among those that it has for what was meant
                self.add_command(self._loaded(name))
            return None
        return self._loaded(cmd_name)

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run a command, whatever the terminal can show."""
        print_whatever_it_holds()
        try:
            read_secret_files(os.environ)
            return super().main(*args, **extra)
        except (PluginBroken, SecretFileWrong) as error:  # plug-ins: raised by whatever reads descriptions first
            click.echo(f"neq: {error}", err=True)
            sys.exit(REFUSED)

    def _loaded(self, name: str) -> click.Command:
        command: click.Command = getattr(import_module(COMMANDS[name]), name)
        if COMMANDS[name] not in ("cli.start", "cli.worker"):  # those handle signals themselves, as their first step
            leave()
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(VERSION, prog_name="neq")
def app() -> None:
    """Train networks under neuronal equilibrium (NEq) and watch them live in the browser.

    \b
    Start here:   neq up            dashboard, API and a worker on this machine
                  neq demo          the same, with two demo runs
    Then:         neq launch        launch a run       neq runs    list runs
                  neq stop RUN      stop a run     neq resume RUN  resume it
                  neq queue         who waits      neq groups      list studies
                  neq controls RUN  what its saving is held against
                  neq studies       list the paper's studies
                  neq fork RUN      start from its checkpoint with changed settings
                  neq export RUN F  save it to a file  neq replay F    replay it
                  neq sync          send what your own scripts recorded offline

    \b
    Exit codes:   0 done   1 the run failed (or was stopped)   2 wrong usage or refused
                  3 no server responds
    """
