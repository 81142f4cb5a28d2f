"""Signals that arrive while the program is still being loaded end it at once and without a traceback.

This module imports next to nothing, so that it is there before anything that takes time: `cli.entry` enters before it
imports the rest.

Commands that have something to clean up put their own handlers in place of these as their first step; for all others
`leave` brings Python's back.
"""

import os
import signal
import sys

_NUMBERS = (signal.SIGINT, signal.SIGTERM)
_entered = False


def enter() -> None:
    """From here on a signal ends the process with 128 + its number, as shells have it."""
    global _entered
    _entered = True
    for number in _NUMBERS:
        signal.signal(number, _end)


def leave() -> None:
    """Python's own handlers again, where `enter` had replaced them."""
    if _entered and signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _end(number: int, _frame: object) -> None:
    sys.stderr.flush()
    os._exit(128 + number)  # nothing is open yet, and an exception would come out of the middle of an import
