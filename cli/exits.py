"""Exit codes that scripts can use, and the one place where errors become them."""

import sys
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from cli.client import Refused, Unreachable
from cli.printing import say

RUN_FAILED = 1
REFUSED = 2
UNREACHABLE = 3

P = ParamSpec("P")
R = TypeVar("R")


def exits_plainly(command: Callable[P, R]) -> Callable[P, R]:
    """Turns what the server said, or its silence, into one line on stderr and an exit code."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except Refused as error:
            say(f"neq: {error}", err=True)
            sys.exit(REFUSED)
        except Unreachable as error:
            say(f"neq: {error}", err=True)
            sys.exit(UNREACHABLE)

    return run
