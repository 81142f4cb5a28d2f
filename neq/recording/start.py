"""`neq.init`: begins to record a run."""

import os
import re
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from neq.recording.description import describe, new_run_id, new_writer
from neq.recording.environment import rank
from neq.recording.left import Left
from neq.recording.lock import InUse
from neq.recording.recording import Beginning, Recording
from neq.recording.run import Run
from neq.recording.sender import REMEDIES
from neq.recording.settings import Settings
from neq.recording.spool import Spool, writer_of
from neq.recording.sync import sync_folder
from neq.recording.telling import Warner, say
from neq.recording.transport import Answer, Transport

_ID = re.compile(r"[a-z0-9]{10}")
_DRAWS = 3
_POLL_SECONDS = 1.0


def init(
    name: str | None = None,
    *,
    config: Mapping[str, Any] | None = None,
    tags: Iterable[str] = (),
    notes: str = "",
    group: str | None = None,
    epochs: int | None = None,
    url: str | None = None,
    token: str | None = None,
    mode: str | None = None,
    resume: str | None = None,
    folder: str | os.PathLike[str] | None = None,
    capture: bool | None = None,
    system: bool | None = None,
    tensorboard: str | os.PathLike[str] | None = None,
) -> Run:
    """Begins to record this training as a run, and prints the address of its page.

    Where no server answers, the run is recorded in a folder, and `neq sync` sends it later. Only the first of the
    processes that train together records.

    Args:
        name: of the run, at most 120 characters.
        config: whatever it was started with, such as `vars(args)`; at most 1 MB as JSON.
        tags: at most 20, without commas.
        notes: free text.
        group: of runs that belong together, at most 100 characters.
        epochs: how many are planned, where that is known.
        url: the server's address. None: NEQ_URL, else http://127.0.0.1:8000.
        token: that the server asks for. None: NEQ_TOKEN.
        mode: `online`; `offline`: only into the folder; `disabled`: not at all. None: NEQ_MODE, else online.
        resume: id of a run that has ended or was lost, to be taken up again: on the server, or in the folder where
            that has all of it and no server does. Epochs that it has are not recorded again. Where the server heard its
            process a moment ago, waits as long as that one may be silent, usually 30 s, for it to be given up.
        folder: in which each run has one. None: NEQ_DIR, else ./neq-runs.
        capture: whether what is printed goes into the run's log. None: unless NEQ_CAPTURE is 0.
        system: whether processor, memory and GPU are recorded every few seconds. None: unless NEQ_SYSTEM is 0.
        tensorboard: a folder in which each run has one, of event files for TensorBoard, which is an extra: what is
            logged, and histograms of φ and v. None: NEQ_TENSORBOARD, else there is none.

    Raises:
        TypeError: an argument is of another kind, or a value in the config is nothing that JSON holds.
        ValueError: an argument is out of range; the message names it.
    """
    description = describe(name, config, tags, notes, group, epochs)
    settings = Settings.read(
        url=url, token=token, mode=mode, folder=folder, capture=capture, system=system, tensorboard=tensorboard
    )
    if resume is not None and not (isinstance(resume, str) and _ID.fullmatch(resume)):
        raise ValueError(f"resume is {resume!r}; give the id of a run, such as 'k3v9x0qa2m'")
    if settings.mode == "disabled" or rank() != 0:
        return Run(None)
    return _Beginner(settings, description).begin(resume)


class _CannotResume(Exception):
    """The run cannot be taken up now; the message says why."""


class _Beginner:
    def __init__(self, settings: Settings, description: dict[str, Any]) -> None:
        self._settings, self._description = settings, description
        self._warner, self._transport = Warner(), Transport(settings)
        self._why_later: str | None = None
        self._is_refused = False

    def begin(self, resume: str | None) -> Run:
        spool, beginning = self._new() if resume is None else self._resumed_or_new(resume)
        recording = Recording(self._settings, spool, self._transport, self._warner, beginning)
        run_id = str(spool.description["id"])
        self._say(spool, recording.url)
        recording.start()
        return Run(recording, run_id)

    def _new(self) -> tuple[Spool, Beginning]:
        answer, described = Answer("later"), self._named(new_run_id())
        if self._settings.mode == "online":
            for _ in range(_DRAWS):
                answer = self._transport.make_run(described)
                if answer.outcome != "writer":  # somebody else drew the same id
                    break
                described = self._named(new_run_id())
        if answer.outcome == "later" and answer.answered and self._settings.mode == "online":
            self._why_later = answer.detail.rstrip(".")
        refused = None if answer.outcome in ("taken", "later") else (answer.outcome, answer.detail.rstrip("."))
        self._is_refused = refused is not None
        if refused is not None:
            self._warner.warn("stopped", f"{self._settings.url} does not take the run ({refused[1]}): {_why(answer)}")
        spool = Spool.create(self._settings.folder / str(described["id"]), described)
        made, epochs = answer.outcome == "taken", self._description["epochs"]
        return spool, Beginning(made=made, refused=refused, epochs=epochs)

    def _named(self, run_id: str) -> dict[str, Any]:
        return self._description | {"id": run_id, "writer": new_writer()}

    def _resumed_or_new(self, run_id: str) -> tuple[Spool, Beginning]:
        try:
            return self._resumed(run_id)
        except (_CannotResume, KeyError, TypeError, ValueError) as error:  # the latter: an answer of another form
            why = str(error).rstrip(".")
            self._warner.warn(
                "resume",
                f"run {run_id} could not be resumed: {why}. This training is recorded as a new run; to resume, start "
                "it again where the server answers",
            )
            return self._new()

    def _resumed(self, run_id: str) -> tuple[Spool, Beginning]:
        described = self._named(run_id)
        folder = self._settings.folder / run_id
        if self._settings.mode != "online":
            return self._resumed_from(folder, run_id)
        writer = writer_of(folder)
        if writer is not None:
            # Its process is dead, else the folder is locked: a server that still waits for it knows this writer.
            described["writer"] = writer
        left = None if writer is None else sync_folder(folder, self._settings)
        if left is not None and left.url is None and not left.done:
            return self._resumed_from(folder, run_id)  # no server has it, or answers
        if left is not None and not left.done:
            raise _CannotResume(f"what {folder} still holds of it must be sent first ({left.what})")
        answer = self._taken_over(run_id, str(described["writer"]))
        if answer.outcome != "taken" or answer.body is None or answer.last_seq is None:
            raise _CannotResume(answer.detail or answer.outcome)
        try:
            spool = Spool.create(folder, described)
        except InUse as error:
            raise _CannotResume(f"{error} records it") from None
        return spool, _continued(answer.last_seq, answer.body, self._description["epochs"])

    def _taken_over(self, run_id: str, writer: str) -> Answer:
        """Takes the run; where another recorder has it, waits until the server gives that one up.

        Its process may have died a moment ago, on another machine perhaps, or its folder may have been sent and cleared
        away since. Only the server's silence limit tells that from one that is alive, which goes on being heard.
        """
        answer = self._transport.take_over(run_id, writer)
        if answer.outcome != "writer" or answer.retry_after is None:
            return answer
        end = time.monotonic() + answer.retry_after
        say(
            f"run {run_id} was being recorded by another process a moment ago: "
            f"waiting up to {answer.retry_after:.0f} s for the server to give that one up"
        )
        while answer.outcome in ("writer", "later") and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, _POLL_SECONDS))
            answer = self._transport.take_over(run_id, writer)
        return answer

    def _resumed_from(self, folder: Path, run_id: str) -> tuple[Spool, Beginning]:
        """Goes on in the folder that holds all of the run, as its writer."""
        try:
            spool = Spool.open(folder)
        except InUse as error:
            raise _CannotResume(f"{error} records it") from None
        except FileNotFoundError:
            raise _CannotResume(f"{folder} holds nothing of it, and no server is asked, or answers") from None
        try:
            if spool.description["id"] != run_id:
                raise _CannotResume(f"{folder} holds another run")
            left = Left.read(spool.parts())
        except (_CannotResume, OSError, ValueError) as error:
            spool.close()
            raise _CannotResume(f"{folder}: {error}") from None
        epochs = left.epochs if self._description["epochs"] is None else self._description["epochs"]
        return spool, Beginning(
            last_seq=left.last_seq,
            last_step=left.last_step,
            last_sample=left.last_sample,
            epochs_done=left.epochs_done,
            layers=left.layers,
            epochs=epochs,
        )

    def _say(self, spool: Spool, url: str | None) -> None:
        if url is not None:
            say(f"recording at {url}")
        elif self._settings.mode == "offline":
            say(f"recording offline into {spool.folder}; `neq sync {spool.folder}` sends it")
        elif self._is_refused:
            say(f"recording offline into {spool.folder}; once that is mended, `neq sync {spool.folder}` sends it")
        elif self._why_later is not None:
            say(
                f"{self._settings.url} does not take the run now ({self._why_later}): recording offline into "
                f"{spool.folder}, which is sent once it does; what is left at the end `neq sync {spool.folder}` sends"
            )
        else:
            say(
                f"no server takes the run at {self._settings.url}: recording offline into {spool.folder}; start one "
                f"with `neq up`, then `neq sync {spool.folder}` (or `python -m neq sync {spool.folder}`) sends it"
            )


def _why(answer: Answer) -> str:
    if answer.outcome == "missing":
        return "no NEq server that takes recordings answers there"
    return REMEDIES[answer.outcome]


def _continued(last_seq: int, body: dict[str, Any], epochs: int | None) -> Beginning:
    layers = tuple((str(layer["name"]), int(layer["neurons"])) for layer in body.get("layers") or ())
    step, sample = body.get("last_step"), body.get("last_sample")
    return Beginning(
        made=True,
        last_seq=last_seq,
        acknowledged=last_seq,
        last_step=None if step is None else int(step),
        last_sample=None if sample is None else int(sample),
        epochs_done=int(body.get("epochs_done") or 0),
        layers=layers,
        epochs=epochs,
    )
