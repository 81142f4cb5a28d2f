"""What a run's log says of its own accord: the few moments that its numbers alone do not explain."""

from contract.counted import counted
from contract.events import EpochFinished, Event, Logged, RunContinued, RunFinished, RunStarted

DROP = 0.75
"""A learning rate below this fraction of the former one fell at a milestone; smooth schedules fall by less an epoch.
The pictures mark the same ones."""


class LogMessages:
    """Follows one run's events and writes the log messages that go with them."""

    def __init__(self) -> None:
        self._learning_rate: float | None = None

    def message_after(self, event: Event) -> Logged | None:
        """The log message that belongs after this event; None where the event says enough."""
        match event:
            case RunStarted():
                return Logged(text=_beginning(event))
            case RunContinued():
                return Logged(text=f"Resumed at epoch {event.epoch} on {event.device}. {_named(event)}.")
            case EpochFinished():
                return self._learning_rate_drop(event)
            case RunFinished():
                end = f"Finished {counted(event.epochs, 'epoch')}; training took {event.seconds:.0f} s."
                return Logged(text=end if event.reason is None else f"{end} {event.reason}")
            case _:
                return None

    def _learning_rate_drop(self, epoch: EpochFinished) -> Logged | None:
        before, self._learning_rate = self._learning_rate, epoch.learning_rate
        if before is None or epoch.learning_rate is None or not DROP * before > epoch.learning_rate:
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
