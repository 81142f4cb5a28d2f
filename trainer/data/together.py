"""Files read by several threads; those that cannot be read are named together, and not one a run."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

from trainer.data.reading import Unreadable

MOST_NAMED = 5
"""Further files that are named where several cannot be read."""

Each = TypeVar("Each")
Result = TypeVar("Result")


def read_together(read: Callable[[Each], Result], every: Iterable[Each]) -> list[Result]:
    """What `read` gives for each, in order; Pillow lets other threads run while it decodes.

    Raises:
        Unreadable: files cannot be read; all that were tried are counted.
    """
    broken: list[Unreadable] = []

    def attempt(each: Each) -> Result | None:
        try:
            return read(each)
        except Unreadable as error:
            broken.append(error)
            return None

    with ThreadPoolExecutor(max_workers=max(1, torch.get_num_threads())) as threads:
        found = list(threads.map(attempt, every))
    if broken:
        raise all_of(broken)
    return found  # type: ignore[return-value]  # None stands for what is broken alone


def all_of(broken: list[Unreadable]) -> Unreadable:
    """One error for all of them: the first by name in full, some others with what is the matter with each."""
    first, *others = sorted({error.name: error for error in broken}.values(), key=lambda error: error.name)
    if not others:
        return first
    named = ", ".join(f"{error.name} ({error.matter})" for error in others[:MOST_NAMED])
    more = f" and {len(others) - MOST_NAMED} more" if len(others) > MOST_NAMED else ""
    these = "Another cannot be read either" if len(others) == 1 else f"{len(others)} others cannot be read either"
    return Unreadable(
        f"{first.message} {these}: {named}{more}.",
        "Replace the files, or remove them from their set.",
        name=first.name,
        matter=first.matter,
    )
