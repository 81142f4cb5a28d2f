"""`python -m neq`: the library's own commands, where the application is not installed."""

import argparse
import sys

from neq.recording.sync import SyncedRun, sync


def main(words: list[str] | None = None) -> int:
    """Runs a command; 0 where everything went well.

    Args:
        words: of the command line; None: the process's own.
    """
    parser = argparse.ArgumentParser(prog="python -m neq", description="Neurons at equilibrium (NEq).")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("sync", help="send runs that were recorded offline")
    command.add_argument("folder", nargs="?", help="of runs, or of one run; default: $NEQ_DIR, else ./neq-runs")
    command.add_argument("--url", help="of the server; default: $NEQ_URL, else http://127.0.0.1:8000")
    command.add_argument("--token", help="that the server asks for; default: $NEQ_TOKEN")
    told = parser.parse_args(words)
    try:
        synced = [_said(run) for run in sync(told.folder, told.url, told.token)]
    except ValueError as error:
        parser.error(str(error))
    if not synced:
        sys.stdout.write("There is nothing to send.\n")
    return 0 if all(run.done for run in synced) else 1


def _said(run: SyncedRun) -> SyncedRun:
    if run.done:
        sys.stdout.write(f"{run.folder}: sent, {run.sent} part{'' if run.sent == 1 else 's'}: {run.url}\n")
    else:
        sys.stdout.write(f"{run.folder}: {run.sent} sent, {run.left} left; {run.what}\n")
    sys.stdout.flush()
    return run


if __name__ == "__main__":
    sys.exit(main())
