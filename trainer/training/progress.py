"""Progress inside an epoch, reported at most twice a second."""

from dataclasses import dataclass, field
from time import perf_counter
from typing import Literal

from contract.events import EpochProgressed

SECONDS_BETWEEN_REPORTS = 0.5
Phase = Literal["train", "probe", "evaluate"]


@dataclass
class ProgressThrottle:
    """Allows a report at most twice a second, across phases and epochs."""

    last: float = field(default_factory=perf_counter)

    def due(self) -> bool:
        """Whether it is time for a report; if so, the wait starts anew."""
        now = perf_counter()
        if now - self.last < SECONDS_BETWEEN_REPORTS:
            return False
        self.last = now
        return True


@dataclass
class Progress:
    """Reports on one phase of one epoch, as often as the throttle allows."""

    throttle: ProgressThrottle
    epoch: int
    phase: Phase
    batches: int
    began: float = field(default_factory=perf_counter)

    def due(self) -> bool:
        """Whether it is time for a report."""
        return self.throttle.due()

    def report(self, batch: int, samples: int, loss: float | None) -> EpochProgressed:
        """The report after this many batches and images of the phase."""
        seconds = perf_counter() - self.began
        return EpochProgressed(
            epoch=self.epoch,
            phase=self.phase,
            batch=batch,
            batches=self.batches,
            loss=loss,
            samples_per_second=samples / seconds if seconds > 0 else None,
        )
