"""An NEq that tells a run what it finds."""

import time
import weakref
from collections.abc import Callable, Generator, Iterable
from typing import TYPE_CHECKING, Any

from torch import nn
from torch.optim import Optimizer

from neq.equilibrium import Equilibrium
from neq.neq import NEq, run_to_end
from neq.options import Options
from neq.recording.announcement import prefixed, watch_started
from neq.recording.recording import Recording
from neq.recording.scalars import Number, flattened, number_of
from neq.recording.watch_epoch import WatchEpoch
from neq.recording.watches import Watch

if TYPE_CHECKING:
    import torch.distributed


class RecordedNEq(NEq):
    """`NEq`, whose epochs go into a run; made by `Run.watch`.

    Behind the run's end it goes on as any other NEq.

    Args:
        recording: is told; None: nobody.
        name: before the names of its layers and metrics; None: nothing.
        model, optimizer, probe, options, process_group: NEq's own.
    """

    def __init__(
        self,
        recording: Recording | None,
        name: str | None,
        model: nn.Module,
        optimizer: Optimizer,
        probe: Iterable[Any],
        options: Options,
        *,
        process_group: "torch.distributed.ProcessGroup | None" = None,
    ) -> None:
        self._recording, self._name, self._is_closed = recording, name, False
        self._watch: Watch | None = None
        self._announced: list[str] = []
        super().__init__(model, optimizer, probe, options, process_group=process_group)
        if recording is not None:
            recording.guarded(lambda: self._announce(recording))

    def end_epoch(self, *, explain: bool = False, **metrics: Any) -> Equilibrium:
        """As `NEq.end_epoch`, and tells the run.

        Args:
            metrics: the caller's own of this epoch, as in `Run.log`: `end_epoch(loss=loss, accuracy=accuracy)`.

        Raises:
            TypeError: a metric is no single number; nothing is measured then.
        """
        return run_to_end(self.end_epoch_in_steps(explain=explain, **metrics))

    def end_epoch_in_steps(self, *, explain: bool = False, **metrics: Any) -> Generator[int, None, Equilibrium]:
        """As `NEq.end_epoch_in_steps`, and tells the run."""
        recording = self._recording
        if recording is None or not recording.is_active:
            return (yield from super().end_epoch_in_steps(explain=explain))
        numbers = flattened(metrics, prefixed(self._name, "")) if metrics else {}
        recording.guarded(recording.watches.begin_end)
        began = time.monotonic()
        equilibrium = yield from super().end_epoch_in_steps(explain=explain)
        seconds = time.monotonic() - began
        recording.guarded(lambda: self._tell(recording, equilibrium, numbers, seconds))
        return equilibrium

    def close(self) -> None:
        """As `NEq.close`; the run waits for no epoch of it any more."""
        self._is_closed = True
        super().close()

    @property
    def is_live(self) -> bool:
        """Whether it still measures: it is closed by its owner, or by another NEq for the same layers."""
        return not self._is_closed and self._freezer.closed is None

    @property
    def first_epoch(self) -> int:
        """The least number that its first epoch has in the run, where others may have gone before."""
        return 0 if self._watch is None else self._watch.floor

    def _announce(self, recording: Recording) -> None:
        """Numbers the layers, and tells the run of them where it does not know them."""
        if self._watch is None:
            self._watch = recording.watches.add(self._name, id(self._model), _liveness(self))
        layers = tuple((prefixed(self._name, layer.name), layer.neurons) for layer in self.layers)
        if recording.watches.place(self._watch, layers):
            recording.say(watch_started(self, self._options, self._probe, self._name, self._watch.first))
        self._announced = [layer.name for layer in self.layers]

    def _tell(self, recording: Recording, equilibrium: Equilibrium, numbers: dict[str, Number], seconds: float) -> None:
        began = time.monotonic()
        if list(equilibrium.layers) != self._announced:
            self._announce(recording)  # more of the model is trained by now, and watched
        if self._watch is None or len(equilibrium.layers) != len(self._announced):
            raise RuntimeError("the layers of this epoch are not those that are watched")
        epoch = recording.watches.epoch_of(self._watch, equilibrium.epoch)
        found = WatchEpoch(equilibrium, self._watch.first, self._learning_rate(), seconds)
        if numbers and epoch >= recording.watches.epochs_done:
            recording.log(numbers, None, epoch)
        found.record_seconds = time.monotonic() - began
        recording.watches.end(self._watch, epoch, found)

    def _learning_rate(self) -> Number | None:
        groups = self._optimizer.param_groups
        return number_of(groups[0]["lr"], "learning rate") if groups and "lr" in groups[0] else None


def _liveness(neq: RecordedNEq) -> Callable[[], bool]:
    """Asks without holding it: once nothing else refers to it, it frees its neurons."""
    reference = weakref.ref(neq)

    def is_live() -> bool:
        alive = reference()
        return alive is not None and alive.is_live

    return is_live
