"""What else is told of a run's facts, beside the parts: a notebook's picture, a mirror."""

from typing import Protocol

from neq.recording.facts import EpochEnded, Points, Said

Told = Said | Points | EpochEnded


class Listener(Protocol):
    """Called on the recorder's thread, in the order of the facts; what it raises costs the recording nothing."""

    def take(self, fact: Told) -> None:
        """A fact, complete; it must not be changed."""

    def close(self) -> None:
        """Nothing follows."""
