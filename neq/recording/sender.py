"""Sends a run's parts in order, each until it is acknowledged."""

import random
import threading
import time
from collections.abc import Callable

from neq.recording.part import pack_part, unpack_part
from neq.recording.refused import one_by_one
from neq.recording.spool import Spool
from neq.recording.telling import Warner
from neq.recording.transport import Answer, Transport

HEARTBEAT_SECONDS = 10.0
"""Until the server has said how often it wants to hear of a run."""
SHORTEST_PAUSE, LONGEST_PAUSE = 0.25, 30.0
LONGEST_PAUSE_AT_THE_END = 2.0

REMEDIES = {
    "ended": "it has ended: start another one, or take it up again with neq.init(resume=…)",
    "writer": "another process records it: let one of them resume the run, and start a new run for the other",
    "missing": "it is not there, or was deleted: send the folder to make it again",
    "denied": "the server asks for another token: set NEQ_TOKEN",
    "refused": "the server does not take what it holds: update the older of library and server",
    "gone": "events that the server does not have were sent and cleared away before: it was set back to an older state",
}
"""What to do, by the outcome that ends sending."""


class Delivery:
    """The parts of a spool, one request after the other.

    Attributes:
        stopped: the answer that sending ended with; None while there is a point in going on.
        acknowledged: up to where the server has all events.
        refused: the server's words for an event that it did not take; None where there was none.
    """

    def __init__(self, spool: Spool, transport: Transport, acknowledged: int = 0) -> None:
        self._spool, self._transport = spool, transport
        self._run, self._writer = str(spool.description["id"]), str(spool.description["writer"])
        self.acknowledged = acknowledged
        self.heartbeat_seconds = HEARTBEAT_SECONDS
        self.stopped: tuple[str, str] | None = None
        self.refused: str | None = None

    def make_run(self) -> Answer:
        """Makes the run on the server; asked again, it changes nothing."""
        return self._judged(self._transport.make_run(self._spool.description))

    def send_next(self) -> Answer:
        """Sends the first part that is not acknowledged, or a heartbeat where all are."""
        waiting = self._spool.parts()
        if not waiting:
            return self._judged(self._transport.send(self._run, self._heartbeat()))
        try:
            data = waiting[0].read()
        except OSError as error:
            return Answer("later", detail=f"{waiting[0].path}: {error}")
        answer = self._transport.send(self._run, data)
        if answer.is_about_the_part:
            return self._without_what_is_refused(data, answer)
        answer = self._judged(answer)
        if answer.outcome == "taken" and self.acknowledged < waiting[0].last:
            # Success that does not count the part would be sent again without end.
            return Answer("later", detail=f"the server took a part and has events up to {self.acknowledged} only")
        if answer.outcome == "gap" and self.stopped is None and self._spool.parts()[:1] == waiting[:1]:
            return Answer("later", detail=f"the server misses event {waiting[0].first}, and was sent it")
        return answer

    def _without_what_is_refused(self, data: bytes, answer: Answer) -> Answer:
        """What the server does not take of a part is kept beside the others, and words are sent in its place."""
        try:
            part = unpack_part(data)
            self._spool.keep_refused(part.first, data)
        except (OSError, ValueError):
            return self._judged(answer)  # without a copy of it, it stays where it is
        self.refused = answer.detail
        for sent in one_by_one(part, self.acknowledged, lambda one: self._transport.send(self._run, one)):
            answer = self._judged(sent)
        return answer

    def _heartbeat(self) -> bytes:
        return pack_part(self._run, self._writer, self.acknowledged + 1)

    def _judged(self, answer: Answer) -> Answer:
        told = (answer.body or {}).get("heartbeat_seconds")
        if isinstance(told, int | float) and 0 < told <= HEARTBEAT_SECONDS:
            self.heartbeat_seconds = float(told)
        if answer.outcome in ("taken", "gap") and answer.last_seq is not None:
            self.acknowledged = answer.last_seq
            self._spool.acknowledge(answer.last_seq)
        if answer.outcome == "gap":
            self._look_for_the_gap()
        elif answer.outcome not in ("taken", "later"):
            self.stopped = answer.outcome, answer.detail
        return answer

    def _look_for_the_gap(self) -> None:
        """What comes after the server's last event may have been cleared away here: then nothing can follow it."""
        waiting = self._spool.parts()
        if waiting and waiting[0].first > self.acknowledged + 1:
            self.stopped = (
                "gone",
                f"the server has events up to {self.acknowledged}, and here {waiting[0].first} is next",
            )


class Sender:
    """A daemon thread that sends for as long as the process lives, through any number of failures.

    Args:
        made: whether the run stands on the server already.
        on_stop: called once the page's Stop is heard of.
    """

    def __init__(
        self, delivery: Delivery, spool: Spool, warner: Warner, on_stop: Callable[[], None], *, made: bool
    ) -> None:
        self._delivery, self._spool, self._warner, self._on_stop = delivery, spool, warner, on_stop
        self.made, self.reached = made, made
        self._ending, self._abandoned = threading.Event(), False
        self._thread = threading.Thread(target=self._work, name="neq-sender", daemon=True)

    @property
    def stopped(self) -> bool:
        """Whether sending ended for good."""
        return self._delivery.stopped is not None or not self._thread.is_alive()

    def start(self) -> None:
        """Starts sending."""
        self._thread.start()

    def hurry(self) -> None:
        """Nothing more comes: pauses are short from now on, and once all is sent, it ends."""
        self._ending.set()
        self._spool.wake()

    def abandon(self) -> None:
        """Ends with the request that is under way: the folder is somebody else's to send from now on."""
        self._abandoned = True
        self.hurry()

    def join(self, seconds: float) -> None:
        """Waits for the thread's end, that long at most."""
        self._thread.join(seconds)

    def _work(self) -> None:
        failures = 0
        while self._delivery.stopped is None:
            if self._abandoned:
                return
            patience = self._delivery.heartbeat_seconds if self.made and not self._ending.is_set() else 0
            idle = self._spool.wait(patience) is None
            if idle and self._ending.is_set():
                return
            answer = self._asked()
            if answer.stop_requested:
                self._on_stop()
            if self._delivery.refused is not None:
                self._warner.warn(
                    "refused",
                    f"the server does not take an event of the run ({self._delivery.refused}): the run's log says so "
                    f"in its place, and {self._spool.folder} keeps it",
                )
            if answer.outcome != "later":
                failures, self.reached = 0, True
                continue
            if self._ending.is_set() and not self.reached:
                return  # nobody was there all along
            failures += 1
            self._pause(failures, answer)
        self._tell(*self._delivery.stopped)

    def _asked(self) -> Answer:
        try:
            if self.made:
                return self._delivery.send_next()
            answer = self._delivery.make_run()
            self.made = answer.outcome == "taken"
            return answer
        except Exception as error:  # a defect here must not end the recording
            return Answer("later", detail=f"{type(error).__name__}: {error}")

    def _pause(self, failures: int, answer: Answer) -> None:
        if failures == 3 and self.reached:
            self._warner.warn(
                "unreachable",
                f"the server does not answer ({answer.detail}): the run is recorded in {self._spool.folder} and sent "
                "once it does",
            )
        seconds = min(SHORTEST_PAUSE * 2.0 ** min(failures - 1, 20), LONGEST_PAUSE)
        seconds = max(seconds * random.uniform(0.5, 1.0), answer.retry_after or 0.0)  # noqa: S311 - jitter, no secret
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self._ending.is_set():
                time.sleep(min(left, LONGEST_PAUSE_AT_THE_END))
                return
            self._ending.wait(left)

    def _tell(self, outcome: str, detail: str) -> None:
        self._warner.warn(
            "stopped",
            f"the run is no longer sent to the server ({detail}): {REMEDIES[outcome]}. It goes on being recorded in "
            f"{self._spool.folder}; send it with `neq sync {self._spool.folder}`",
        )
