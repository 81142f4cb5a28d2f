"""A run's watches: their layers numbered one behind the other, their epochs of one number told as one."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from neq.recording.facts import EpochEnded, Fact, Said
from neq.recording.watch_epoch import WatchEpoch

LayerKey = tuple[str, int]
"""A layer's name in the run, and its neurons."""


@dataclass(eq=False)
class Watch:
    """One `run.watch`, as the run sees it.

    Attributes:
        is_live: asks whether its NEq still measures.
        model: `id` of the model that it watches.
        floor: the least epoch that its first may be.
        layers: those announced.
        first: number of the first of them.
        offset: added to the NEq's epochs; None before its first.
        last: the NEq's newest epoch.
    """

    name: str | None
    is_live: Callable[[], bool]
    model: int
    floor: int
    layers: tuple[LayerKey, ...] = ()
    first: int = 0
    offset: int | None = None
    last: int = -1


class Watches:
    """Keeps count for the training's thread.

    Args:
        tell: takes the facts.
        layers: of the run that is taken up again, in order.
        epochs_done: which it has recorded.
    """

    def __init__(self, tell: Callable[[Fact], None], layers: Sequence[LayerKey], epochs_done: int) -> None:
        self._tell = tell
        self._layers = list(layers)
        self._watches: list[Watch] = []
        self._resumed, self._stood = epochs_done > 0, epochs_done
        self.epochs_done = epochs_done
        self._last: list[WatchEpoch] = []
        self._pending: dict[Watch, WatchEpoch] = {}
        self._epoch = -1
        self._train_seconds = 0.0
        self._since = time.monotonic()
        self._left_out: set[int] = set()

    def add(self, name: str | None, model: int, is_live: Callable[[], bool]) -> Watch:
        """A new watch, whose epochs go on behind the run's.

        Raises:
            ValueError: one of that name is live, and watches another model.
        """
        self.check_name(name, model)
        self._watches = [other for other in self._watches if other.name != name and other.is_live()]
        # A run that was taken up again has a state of its own to count from: its first watch keeps its NEq's numbers.
        watch = Watch(name, is_live, model, 0 if self._resumed else self.epochs_done)
        self._watches.append(watch)
        return watch

    def check_name(self, name: str | None, model: int) -> None:
        """Tells a second model under the same name, which would be taken for the first, before anything is made of it.

        Raises:
            ValueError: one of that name is live, and watches another model.
        """
        for other in self._watches:
            if other.name == name and other.model != model and other.is_live():
                called = "without a name" if name is None else f"called {name!r}"
                raise ValueError(f"name: a watch {called} goes on; give each its own, such as name='generator'")

    def place(self, watch: Watch, layers: tuple[LayerKey, ...]) -> bool:
        """Numbers a watch's layers: as before where the run has them and nobody else does, else behind the last.

        Returns:
            Whether they are new, and have to be announced.
        """
        taken = {other.first for other in self._watches if other is not watch and other.layers and other.is_live()}
        watch.layers = layers
        for first in range(len(self._layers) - len(layers) + 1):
            if first not in taken and tuple(self._layers[first : first + len(layers)]) == layers:
                watch.first = first
                return False
        watch.first = len(self._layers)
        self._layers.extend(layers)
        return True

    def begin_end(self) -> None:
        """A watch begins to end its epoch: training stands."""
        now = time.monotonic()
        self._train_seconds += now - self._since
        self._since = now

    def epoch_of(self, watch: Watch, epoch: int) -> int:
        """An epoch as the run counts.

        Args:
            epoch: as the watch's NEq counts.
        """
        if watch.offset is None:
            watch.offset = max(watch.floor - epoch, 0)
        behind = self.epochs_done - (epoch + watch.offset)
        if behind > 0 and epoch > watch.last and epoch + watch.offset >= self._stood:
            # Others have ended more epochs since, as where a discriminator is trained now and then: it belongs to now.
            watch.offset += behind
        watch.last = max(watch.last, epoch)
        return epoch + watch.offset

    def end(self, watch: Watch, epoch: int, found: WatchEpoch) -> None:
        """A watch ended an epoch: tells it once all live ones did, and the one before where some never did.

        Args:
            epoch: as the run counts.
        """
        self._since = time.monotonic()
        if epoch > self._epoch and self._pending:
            self.flush()
        if epoch < self.epochs_done:
            self._leave_out(epoch)
            return
        self._epoch = epoch
        self._pending[watch] = found
        if all(other in self._pending for other in self._watches if other.is_live()):
            self.flush()

    def flush(self) -> None:
        """Tells the epoch that some watches ended, if there is one."""
        if not self._pending:
            return
        watches = sorted(self._pending.values(), key=lambda found: found.first)
        self._last = watches
        self._tell(EpochEnded(self._epoch, watches, len(self._layers), self._train_seconds, time.time()))
        self.epochs_done = self._epoch + 1
        self._pending, self._train_seconds, self._resumed = {}, 0.0, False

    @property
    def frozen_fraction(self) -> float | None:
        """Of all watched neurons, 0–1, those that are frozen behind the last epoch; None before there is one."""
        neurons = sum(len(found.masks["frozen"]) for found in self._last)
        return sum(int(found.masks["frozen"].sum()) for found in self._last) / neurons if neurons else None

    def _leave_out(self, epoch: int) -> None:
        """It stands recorded: a training that is taken up from an older checkpoint comes by it again."""
        self._train_seconds = 0.0
        if epoch not in self._left_out:
            self._left_out.add(epoch)
            text = f"Epoch {epoch} is not recorded again: the run has it already."
            self._tell(Said({"kind": "logged", "level": "warning", "text": text}, time.time()))
