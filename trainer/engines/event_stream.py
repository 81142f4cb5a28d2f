"""A run's events as a generator that is a class, for engines whose runs are closed from other threads."""

from abc import abstractmethod
from collections.abc import Generator
from types import TracebackType

from contract.events import Event


class EventStream(Generator[Event, None, None]):
    """What is left to an engine is `send`, which returns the next event, and `close`, which any thread may call."""

    def __next__(self) -> Event:
        return self.send(None)

    def throw(
        self,
        kind: type[BaseException] | BaseException,
        value: BaseException | object = None,
        trace: TracebackType | None = None,
    ) -> Event:
        """Ends the run, and raises what it was given."""
        self.close()
        raise kind

    @abstractmethod
    def close(self) -> None:
        """Ends what trains the run; a second call does nothing more."""
