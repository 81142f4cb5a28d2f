"""One run's recording: the queue, the two threads, the folder and the server, from the first event to the last."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from neq.display.html import Shown
from neq.recording.capture import Capture
from neq.recording.environment import started_with
from neq.recording.facts import Fact, Points, Printed, Said
from neq.recording.frozen_fractions import FrozenFractions
from neq.recording.listener import Listener
from neq.recording.progress_bar import ProgressBar
from neq.recording.recorder import Recorder
from neq.recording.scalars import Number
from neq.recording.sender import Delivery, Sender
from neq.recording.settings import Settings
from neq.recording.spool import Spool
from neq.recording.system_metrics import SystemMetrics
from neq.recording.telling import Warner, say
from neq.recording.tensorboard import TensorBoardMirror, folder_of
from neq.recording.transport import Transport
from neq.recording.watches import LayerKey, Watches

FINISH_SECONDS = 60.0
UNREACHED_SECONDS = 3.0
"""To wait at the end where no server has answered all along."""


@dataclass(frozen=True)
class Beginning:
    """What a recording goes on from.

    Attributes:
        made: whether the run stands on the server.
        refused: the server's answer that ended sending before it began.
        last_seq: of the events that are recorded.
        acknowledged: of those that the server has.
        last_step: the greatest that was logged; None where nothing was.
        last_sample: the number of the machine's newest sample; None where there is none.
        epochs_done: which it has recorded; None: the run is new.
        layers: that it has announced.
        epochs: planned, where that was told.
    """

    made: bool = False
    refused: tuple[str, str] | None = None
    last_seq: int = 0
    acknowledged: int = 0
    last_step: int | None = None
    last_sample: int | None = None
    epochs_done: int | None = None
    layers: tuple[LayerKey, ...] = ()
    epochs: int | None = None


class Recording:
    """Takes facts from the training's thread; none of its methods raises for what the network or the disk does.

    Attributes:
        is_active: whether it still takes facts: not behind its end, nor in a forked child.
        stop_requested: whether somebody pressed Stop on the run's page.
        watches: keeps count of the run's watches.
        fractions: how much of each layer is frozen behind each epoch.
    """

    def __init__(
        self, settings: Settings, spool: Spool, transport: Transport, warner: Warner, beginning: Beginning
    ) -> None:
        self._settings, self._spool, self._transport, self._warner = settings, spool, transport, warner
        self._beginning = beginning
        self.is_active, self.stop_requested = True, False
        self._began, self._left_out = time.monotonic(), False
        self._step = 0 if beginning.last_step is None else beginning.last_step + 1
        self.watches = Watches(self.tell, beginning.layers, beginning.epochs_done or 0)
        self.fractions = FrozenFractions()
        sample = SystemMetrics(beginning.last_sample).sample if settings.system else None
        listeners = [self.fractions, *self._mirrors()]
        self._recorder = Recorder(spool, warner, beginning.last_seq + 1, self._begin, sample, listeners)
        self._delivery = Delivery(spool, transport, beginning.acknowledged)
        self._delivery.stopped = beginning.refused
        self._sender: Sender | None = None
        self._capture = Capture(lambda text, stream: self.tell(Printed(text, stream))) if settings.capture else None

    def _mirrors(self) -> list[Listener]:
        if self._settings.tensorboard is None:
            return []
        folder = folder_of(self._spool.description, self._settings.tensorboard)
        return [TensorBoardMirror(folder, self._warner, [name for name, _ in self._beginning.layers])]

    def start(self) -> None:
        """Starts recording, and sending where there is somebody to send to."""
        self._recorder.start()
        if self._settings.mode == "online" and self._delivery.stopped is None:
            self._sender = Sender(
                self._delivery, self._spool, self._warner, self._heard_stop, made=self._beginning.made
            )
            self._sender.start()
        if self._capture is not None:
            self._capture.start()

    def _begin(self) -> list[Said]:
        facts, now = started_with(), time.time()
        if self._beginning.epochs_done is not None:
            kept = {name: facts[name] for name in ("device", "versions", "commit")}
            return [Said({"kind": "run_continued", "epoch": self._beginning.epochs_done, **kept}, now)]
        nothing: dict[str, Any] = {"layers": [], "neurons": 0, "parameters": 0}
        return [Said({"kind": "run_started", **facts, **nothing, "epochs": self._beginning.epochs}, now)]

    @property
    def url(self) -> str | None:
        """The run's page; None where no server has the run yet."""
        made = self._beginning.made if self._sender is None else self._sender.made
        return f"{self._settings.url}/runs/{self._spool.description['id']}" if made else None

    @property
    def shown(self) -> Shown:
        """As a notebook shows it."""
        told = self._spool.description
        state = "recording" if self.is_active else "recorded"
        if self.url is None:
            state += f" into {self._spool.folder}"
        state += f", {self.watches.epochs_done:,} epochs"
        name = str(told.get("name") or told["id"])
        return Shown(name, state, self.url, self.fractions.array(), self._transport.may_frame)

    @property
    def has_done_all(self) -> bool:
        """Whether as many epochs are recorded as were planned; not where none were."""
        return self._beginning.epochs is not None and self.watches.epochs_done >= self._beginning.epochs

    def _heard_stop(self) -> None:
        self.stop_requested = True

    def tell(self, fact: Fact) -> None:
        """Hands a fact to the recorder's thread."""
        if self.is_active:
            self._recorder.tell(fact)

    def say(self, event: dict[str, Any]) -> None:
        """Records an event without which the run cannot be read."""
        self.tell(Said(event, time.time()))

    def log(self, numbers: dict[str, Number], step: int | None, epoch: int | None) -> None:
        """Records numbers; without a step they have the one behind the last."""
        if epoch is not None and epoch < (self._beginning.epochs_done or 0):
            self._leave_out()
            return
        if step is None:
            step = self._step
        self._step = max(self._step, step + 1)
        self.tell(Points(numbers, step, epoch, time.time()))

    def _leave_out(self) -> None:
        """A training that is taken up from an older checkpoint comes by what it logged before again."""
        if not self._left_out:
            self._left_out = True
            text = f"Numbers of epochs before {self._beginning.epochs_done} are not recorded again: the run has these."
            self.say({"kind": "logged", "level": "warning", "text": text})

    def guarded(self, do: Callable[[], object]) -> None:
        """Runs what recording does beside a training; a defect of it is a warning, never the training's error."""
        try:
            do()
        except Exception as error:
            self._warner.warn("defect", f"something is not recorded ({type(error).__name__}: {error})")

    def forget_in_child(self) -> None:
        """In a forked child, which has none of the threads: it records nothing."""
        self.is_active = False
        if self._capture is not None:
            self._capture.let_go()
        self._spool.forget_in_child()

    def finish(self, event: Callable[[int, float | None, float], dict[str, Any]]) -> None:
        """Tells the run's end, waits a while for what is not sent, and says what is left.

        Args:
            event: gives the last event from the number of epochs, the frozen fraction and the seconds of the run.
        """
        if self._capture is not None:
            self._capture.stop()
        self.guarded(self.watches.flush)
        self.is_active = False
        seconds = time.monotonic() - self._began
        last = Said(event(self.watches.epochs_done, self.watches.frozen_fraction, seconds), time.time())
        try:
            whole = self._recorder.close([last], FINISH_SECONDS)
            if self._sender is not None:
                self._wait_for(self._sender)
            self._say_left(whole)
        finally:
            if self._sender is not None:
                self._sender.abandon()
            self._spool.close()
            self._transport.close()

    def _wait_for(self, sender: Sender) -> None:
        sender.hurry()
        limit = FINISH_SECONDS if sender.reached else UNREACHED_SECONDS
        bar = ProgressBar(len(self._spool.parts()))
        end = time.monotonic() + limit
        while not sender.stopped and (left := end - time.monotonic()) > 0:
            sender.join(min(left, 0.1))
            bar.show(len(self._spool.parts()), left)
        bar.end()

    def _say_left(self, whole: bool) -> None:
        left = self._spool.parts()
        lost = sum(part.data is not None for part in left)
        kept = len(left) - lost
        if not whole:
            say(f"the disk of {self._spool.folder} took {FINISH_SECONDS:.0f} s and more: the run's end is not recorded")
        elif lost:
            say(
                f"{lost:,} parts of the run are lost: {self._spool.folder} cannot be written ({self._spool.disk_error})"
            )
        if kept and self._settings.mode == "online":
            say(f"{kept:,} parts of the run are not sent; they are in {self._spool.folder}. {how_to_send(self._spool)}")
        elif kept:
            say(f"the run is in {self._spool.folder}. {how_to_send(self._spool)}")


def how_to_send(spool: Spool) -> str:
    """The command that sends a folder."""
    return f"To send it: neq sync {spool.folder} (or python -m neq sync {spool.folder})"


def in_main_thread() -> bool:
    """Whether hooks of the interpreter may be set here."""
    return threading.current_thread() is threading.main_thread()
