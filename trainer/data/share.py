"""Which of the images are a process's own, where several train together."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Share:
    """The part of every batch, and of every set that is gone through in order, that one of several processes takes.

    Attributes:
        rank: of this process, from 0.
        processes: that train together.
    """

    rank: int = 0
    processes: int = 1

    def of(self, count: int) -> slice:
        """Its part of so many images: parts follow each other, and differ by one image at most."""
        return slice(count * self.rank // self.processes, count * (self.rank + 1) // self.processes)


ALL = Share()
"""Of a process that trains alone."""
