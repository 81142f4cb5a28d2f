"""What a run's log says of its own accord: the few turns in its life that its numbers alone do not explain."""

from contract.counted import counted
from contract.events import EpochFinished, Event, Logged, RunContinued, RunFinished, RunStarted

DROP = 0.75
"""A learning rate below this share of the former one fell at a milestone; smooth schedules fall by less an epoch. The
pictures mark the same ones."""


class Narrator:
    """Follows one run's events and puts its turning points into words."""

    def __init__(self) -> None:
        self._learning_rate: float | None = None

    def words_on(self, event: Event) -> Logged | None:
        """A line for the log that belongs after this event, or None: it speaks for itself."""
        match event:
            case RunStarted():
                return Logged(text=_beginning(event))
            case RunContinued():
                return Logged(text=f"Resumed at epoch {event.epoch} on {event.device}. {_named(event)}.")
            case EpochFinished():
                return self._turn(event)
            case RunFinished():
                return Logged(text=f"Finished {counted(event.epochs, 'epoch')}; training took {event.seconds:.0f} s.")
            case _:
                return None

    def _turn(self, epoch: EpochFinished) -> Logged | None:
        before, self._learning_rate = self._learning_rate, epoch.learning_rate
        if before is None or not DROP * before > epoch.learning_rate:
            return None
        frozen, thawed = sum(epoch.layers.froze), sum(epoch.layers.thawed)
        return Logged(
            text=f"Epoch {epoch.epoch}: learning rate {before:g} → {epoch.learning_rate:g}; "
            f"at its end {counted(frozen, 'neuron')} froze and {thawed} thawed."
        )


def _beginning(event: RunStarted) -> str:
    return (
        f"Training on {event.device}: {counted(len(event.layers), 'layer')}, {counted(event.neurons, 'neuron')}, "
        f"{counted(event.parameters, 'parameter')}. {event.train_samples:,} training, {event.test_samples:,} test and "
        f"{event.probe_samples:,} probe images. {_named(event)}."
    )


def _named(event: RunStarted | RunContinued) -> str:
    commit = {} if event.commit is None else {"commit": event.commit}
    return ", ".join(f"{name} {version}" for name, version in (event.versions | commit).items())
