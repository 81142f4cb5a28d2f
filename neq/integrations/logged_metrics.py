"""What a training loop logs, on its way into a run."""

from collections.abc import Iterable, Mapping
from numbers import Real
from typing import Any

from torch import Tensor

from neq import Run
from neq.recording.announcement import prefixed
from neq.recording.scalars import LONGEST_NAME

OWN = "neq/"
"""Before the names of what the callbacks log themselves: the run has those figures of its epochs already."""


def check_run(run: object) -> None:
    """Finds a slip of the pen where it was made.

    Raises:
        TypeError: it is neither a run nor None.
    """
    if run is not None and not isinstance(run, Run):
        raise TypeError(f"run is a {type(run).__name__}; give what neq.init(…) returned")


def numbers_of(values: Mapping[str, Any], watch: str | None = None) -> dict[str, Any]:
    """Those that a run can record: single numbers, but for the callbacks' own and `epoch`, which a run counts itself.

    Loops log texts and what not beside them, which must not end a training.

    Args:
        watch: goes before the names, as before those of the watch's layers; None: nothing.
    """
    mine = {name: value for name, value in values.items() if name and name != "epoch" and not name.startswith(OWN)}
    return {
        prefixed(watch, name): value
        for name, value in mine.items()
        if len(prefixed(watch, name)) <= LONGEST_NAME and _is_number(value)
    }


def _is_number(value: object) -> bool:
    if isinstance(value, Tensor):
        return value.ndim == 0 and not value.is_complex()
    return isinstance(value, Real)


class FreshMetrics:
    """Tells values that were logged since the last look from those that merely stand there still.

    Lightning goes on showing a value until it is logged anew, and shows one value under several names. What is the same
    value lies in the same memory; that of the last look is held, so that nothing new can lie there.
    """

    def __init__(self) -> None:
        self._seen: dict[int, Tensor] = {}

    def look(self, shown: Iterable[Mapping[str, Tensor]]) -> dict[str, Tensor]:
        """The values that are new, each under the first of its names.

        Args:
            shown: all that is shown; where two have a value, the first one's name for it counts.
        """
        fresh: dict[str, Tensor] = {}
        seen: dict[int, Tensor] = {}
        for values in shown:
            for name, value in values.items():
                place = value.data_ptr()
                if place not in self._seen and place not in seen:
                    fresh[name] = value
                seen.setdefault(place, value)
        self._seen = seen
        return fresh
