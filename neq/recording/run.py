"""A run of somebody's own script, as the script sees it."""

import atexit
import os
import sys
import time
import traceback
import weakref
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, Unpack

from neq.display.html import html
from neq.recording.facts import Progress
from neq.recording.recording import Recording, in_main_thread
from neq.recording.scalars import flattened

if TYPE_CHECKING:
    import torch.distributed
    from torch import nn
    from torch.optim import Optimizer

    from neq.options import OptionKeywords, Options
    from neq.recording.recorded_neq import RecordedNEq

State = Literal["finished", "stopped", "failed"]
_STATES = ("finished", "stopped", "failed")
LONGEST_REASON = 500
LONGEST_DETAILS = 20_000
"""Characters; of a traceback the last ones count."""
LARGEST = {"step": 2**53 - 1, "epoch": 10_000_000}


class Run:
    """A run that is being recorded; `neq.init` makes it.

        with neq.init("my vit", config=vars(args)) as run:
            watch = run.watch(model, optimizer, probe)
            for epoch in range(epochs):
                train_one_epoch(model, optimizer)
                watch.end_epoch(loss=loss)

    Nothing that the network or the disk does is raised here, or waited for, but in `finish`. A script that ends
    without `finish` finishes its run; an exception that nobody catches ends it as failed. Where recording is disabled,
    in a forked child and in all processes but the first of those that train together, every method does nothing.

    Attributes:
        id: ten characters; None where nothing is recorded.
    """

    def __init__(self, recording: Recording | None, run_id: str | None = None) -> None:
        self._recording, self.id = recording, run_id
        self._url: str | None = None
        self._failure: BaseException | None = None
        if recording is not None:
            _open_runs.add(self)
            atexit.register(self._at_exit)
            _Excepthook.install()

    def __repr__(self) -> str:
        return f"<neq.Run {self.id or 'disabled'}{f' at {self.url}' if self.url else ''}>"

    def _repr_html_(self) -> str | None:
        """What a notebook shows: a link to the run's page, and how much of each layer is frozen behind each epoch."""
        return None if self._recording is None else html(self._recording.shown)

    @property
    def url(self) -> str | None:
        """The run's page; None where no server has the run yet."""
        if self._recording is not None:
            self._url = self._recording.url
        return self._url

    @property
    def is_recording(self) -> bool:
        """Whether anything is recorded still."""
        return self._recording is not None and self._recording.is_active

    @property
    def should_stop(self) -> bool:
        """Whether somebody pressed Stop on the run's page. Under distributed training the first process alone knows."""
        return self._recording is not None and self._recording.stop_requested

    def log(self, values: Mapping[str, Any], *, step: int | None = None, epoch: int | None = None) -> None:
        """Records numbers, at any time, from any thread.

        Args:
            values: by name; nested mappings become `val/loss`. Tensors of no dimension are taken without waiting for
                their device. NaN and infinities are numbers too.
            step: of the training; None: one more than the greatest before, also of a run that is taken up again.
            epoch: from 0; None: it belongs to none. In a run that is taken up again, numbers of epochs that stand
                recorded are left out, as those epochs are.

        Raises:
            TypeError: a value is no single number, or step or epoch no whole one.
            ValueError: a name is empty or too long, or step or epoch is negative or beyond all sense.
        """
        if self._recording is None or not self._recording.is_active:
            return
        self._recording.log(flattened(values), _whole("step", step), _whole("epoch", epoch))

    def progress(self, done: int, total: int) -> None:
        """Tells how far the epoch has come, for the page to say how long it will take: the newest call counts.

        Args:
            done: batches of this epoch.
            total: that it has.
        """
        recording = self._recording
        if recording is None or not recording.is_active:
            return
        counts = [_count(done), _count(total)]
        if None in counts:
            return
        event = {
            "kind": "epoch_progressed",
            "epoch": recording.watches.epochs_done,
            "phase": "train",
            "batch": counts[0],
            "batches": counts[1],
            "loss": None,
            "samples_per_second": None,
        }
        recording.tell(Progress(event, time.time()))

    def watch(
        self,
        model: "nn.Module",
        optimizer: "Optimizer",
        probe: Iterable[Any],
        options: "Options | None" = None,
        *,
        name: str | None = None,
        freeze: bool = True,
        process_group: "torch.distributed.ProcessGroup | None" = None,
        **keywords: "Unpack[OptionKeywords]",
    ) -> "RecordedNEq":
        """An NEq whose epochs are recorded. A run may have several, such as one each for a GAN's networks.

        Args:
            model, optimizer, probe, options, process_group, keywords: as `NEq` takes them.
            name: tells several watches of a run apart; before the names of its layers and metrics: `NAME/conv1`.
            freeze: False: it only looks, and every neuron is updated.

        Raises:
            TypeError: as NEq's.
            ValueError: as NEq's; or `name` is taken, or `freeze=False` meets another `select` than `none`, or
                `always_freeze`.
        """
        from neq.options import Options
        from neq.recording.recorded_neq import RecordedNEq

        if not freeze:
            if keywords.get("select", "none") != "none":
                raise ValueError(
                    f"freeze is False, which freezes nobody, and select is {keywords['select']!r}: drop one"
                )
            keywords["select"] = "none"
        chosen = Options.of(options, keywords)
        if not freeze and chosen.always_freeze:
            raise ValueError(f"freeze is False, and always_freeze is {chosen.always_freeze!r}: drop one")
        check_name(name)
        if self._recording is not None:
            from neq.measure.probing import unwrap

            self._recording.watches.check_name(name, id(unwrap(model)))
        return RecordedNEq(self._recording, name, model, optimizer, probe, chosen, process_group=process_group)

    def finish(self, state: State = "finished") -> None:
        """Ends the run: waits at most a minute for what is not sent yet, then says what is left and how to send it.

        Args:
            state: `finished`, `stopped` or `failed`. One that was stopped from its page counts as stopped, unless all
                of its planned epochs are done.

        Raises:
            ValueError: there is no such state.
        """
        if state not in _STATES:
            raise ValueError(f"state is {state!r}; choose from {', '.join(_STATES)}")
        self._finish(state, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._finish(_state_of(error), error)

    def _finish(self, state: State, error: BaseException | None) -> None:
        recording = self._recording
        if recording is None or not recording.is_active:
            return
        _open_runs.discard(self)
        atexit.unregister(self._at_exit)
        _Excepthook.remove()
        recording.guarded(lambda: recording.finish(_end_event(state, error, recording)))
        self._url = recording.url

    def _at_exit(self) -> None:
        self._finish(_state_of(self._failure), self._failure)

    def _forget_in_child(self) -> None:
        recording, self._recording = self._recording, None
        self.id, self._url = None, None
        if recording is not None:
            recording.forget_in_child()


_open_runs: "weakref.WeakSet[Run]" = weakref.WeakSet()


class _Excepthook:
    """Notes an exception that ends the script, so that its runs end as failed. Before it comes whatever was there."""

    _before: Any = None
    _exit_before: Any = None

    @classmethod
    def install(cls) -> None:
        if cls._before is None and in_main_thread():
            cls._before, sys.excepthook = sys.excepthook, cls._note
            cls._exit_before = sys.exit
            setattr(sys, "exit", cls._exit)  # noqa: B010 - no hook is told of a SystemExit

    @classmethod
    def remove(cls) -> None:
        if cls._before is not None and not _open_runs and sys.excepthook == cls._note:
            sys.excepthook, cls._before = cls._before, None
            if sys.exit == cls._exit:
                setattr(sys, "exit", cls._exit_before)  # noqa: B010

    @classmethod
    def _exit(cls, status: Any = None, /) -> None:
        """`sys.exit`, which notes a status that says that something went wrong."""
        if in_main_thread():
            for run in list(_open_runs):
                run._failure = SystemExit(status)
        cls._exit_before(status)

    @classmethod
    def _note(cls, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        for run in list(_open_runs):
            run._failure = error
        (cls._before or sys.__excepthook__)(kind, error, trace)


def _forget_all_in_child() -> None:
    for run in list(_open_runs):
        run._forget_in_child()
    _open_runs.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all_in_child)


def _state_of(error: BaseException | None) -> State:
    if error is None or (isinstance(error, SystemExit) and error.code in (None, 0)):
        return "finished"
    return "stopped" if isinstance(error, KeyboardInterrupt) else "failed"


def _end_event(state: State, error: BaseException | None, recording: Recording) -> Any:
    stop = recording.stop_requested and not recording.has_done_all

    def event(epochs: int, frozen_fraction: float | None, seconds: float) -> dict[str, Any]:
        if state == "failed":
            return {"kind": "run_failed", "reason": _reason(error), "remedy": None, "details": _details(error)}
        if state == "stopped" or stop:
            reason = (
                "interrupted from the keyboard" if isinstance(error, KeyboardInterrupt) else "stopped by its script"
            )
            return {"kind": "run_stopped", "epochs": epochs, "reason": "stop requested" if stop else reason}
        figures = {"epochs": epochs, "test_accuracy": None, "frozen_fraction": frozen_fraction, "seconds": seconds}
        return {"kind": "run_finished", **figures}

    return event


def _reason(error: BaseException | None) -> str:
    if error is None:
        return "The script says that it failed."
    if isinstance(error, SystemExit):
        return f"The script exited with {error.code}."[:LONGEST_REASON]
    return "".join(traceback.format_exception_only(error)).strip()[:LONGEST_REASON]


def _details(error: BaseException | None) -> str:
    return "" if error is None else "".join(traceback.format_exception(error))[-LONGEST_DETAILS:]


def _count(number: Any) -> int | None:
    """A number of batches, clipped to what a server takes; None if it is not a number, which the page does without."""
    try:
        return min(max(int(number), 0), LARGEST["step"])
    except (TypeError, ValueError, OverflowError):
        return None


def _whole(name: str, value: int | None) -> int | None:
    if value is None or type(value) is int:
        found = value
    else:
        try:
            found = value.__index__()
        except AttributeError:
            raise TypeError(f"{name} is a {type(value).__name__}; give a whole number") from None
    if found is not None and found < 0:
        raise ValueError(f"{name} is {found}; it must be 0 or more")
    if found is not None and found > LARGEST[name]:
        raise ValueError(f"{name} is {found}; it must be {LARGEST[name]:,} at most")
    return found


def check_name(name: object) -> None:
    """Finds a watch's name that cannot be one where it was given.

    Raises:
        TypeError: it is neither a text nor None.
        ValueError: it is empty or too long, or has a slash.
    """
    if name is None:
        return
    if not isinstance(name, str):
        raise TypeError(f"name is a {type(name).__name__}; give a text, such as 'generator'")
    if not 1 <= len(name) <= 50 or "/" in name:
        raise ValueError(f"name is {name[:60]!r}; give 1 to 50 characters, none of them a slash")
