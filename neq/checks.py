"""How loudly NEq says what it found wrong or doubtful."""

import sys
import warnings
from typing import Literal, get_args

from neq.errors import CheckFailed, NEqError, NEqWarning

CheckMode = Literal["raise", "warn", "off"]


class Checks:
    """Says what was found wrong or doubtful, as loudly as it was asked to.

    Args:
        mode: `raise`: wrong results are an error, doubtful ones a warning. `warn`: both are warnings. `off`: nothing is
            checked.

    Raises:
        ValueError: there is no such mode.
    """

    def __init__(self, mode: CheckMode) -> None:
        if mode not in get_args(CheckMode):
            raise ValueError(f"checks is {mode!r}; choose one of {', '.join(get_args(CheckMode))}")
        self.on = mode != "off"
        self._raises = mode == "raise"
        self._said: set[str] = set()

    def wrong(self, error: NEqError) -> None:
        """The results would be wrong.

        Raises:
            NEqError: this one, unless it was asked for warnings.
        """
        if self._raises:
            raise error
        if self.on:
            warnings.warn(f"{type(error).__name__}: {error}", CheckFailed, stacklevel=_levels_to_the_caller())

    def doubtful(self, warning: NEqWarning, *, once: bool = False) -> None:
        """The results may not be what was meant.

        Args:
            once: say it the first time only.
        """
        text = str(warning)
        if self.on and not (once and text in self._said):
            self._said.add(text)
            warnings.warn(warning, stacklevel=_levels_to_the_caller())


def _levels_to_the_caller() -> int:
    """How many calls lie between the caller of this, who warns, and the owner's own code, which the warning names."""
    package = __name__.rpartition(".")[0]
    frame, levels = sys._getframe(1), 1
    while frame.f_back is not None and f"{frame.f_globals.get('__name__', '')}.".startswith(f"{package}."):
        frame, levels = frame.f_back, levels + 1
    return levels
