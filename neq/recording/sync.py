"""Sends what lies in a folder of recordings."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from neq.recording.lock import InUse
from neq.recording.sender import REMEDIES, Delivery
from neq.recording.settings import Settings
from neq.recording.spool import Spool, run_folders
from neq.recording.transport import Transport

_TRIES = 4
_PAUSE_SECONDS = 1.0
LONGEST_PAUSE = 30.0


@dataclass(frozen=True)
class SyncedRun:
    """What came of one run's folder.

    Attributes:
        folder: its own.
        run: its id; None where the folder does not tell it.
        url: its page; None where the server does not have it.
        sent: parts that the server took.
        left: parts that are still there.
        what: why some are left, and what to do; empty where none is.
    """

    folder: Path
    run: str | None
    url: str | None = None
    sent: int = 0
    left: int = 0
    what: str = ""

    @property
    def done(self) -> bool:
        """Whether nothing is left to send."""
        return not self.what


def sync(
    folder: str | PathLike[str] | None = None, url: str | None = None, token: str | None = None
) -> Iterator[SyncedRun]:
    """Sends every run that lies in a folder, in order; what is sent goes from the folder. Again, it changes nothing.

    Args:
        folder: of runs, or of one. None: NEQ_DIR, else ./neq-runs.
        url: the server's address. None: NEQ_URL, else http://127.0.0.1:8000.
        token: that the server asks for. None: NEQ_TOKEN.

    Yields:
        What came of each run, as soon as it has.

    Raises:
        ValueError: address or token cannot be used, or the folder that is named is not there.
    """
    if folder is not None and not Path(folder).is_dir():
        raise ValueError(f"there is no folder {folder}")
    settings = Settings.read(folder=folder, url=url, token=token, mode="online")
    return (sync_folder(found, settings) for found in list(run_folders(settings.folder)))


def sync_folder(folder: Path, settings: Settings) -> SyncedRun:
    """Sends the run that lies in a folder."""
    try:
        spool = Spool.open(folder)
    except InUse as error:
        return SyncedRun(folder, None, what=f"it is being recorded, by {error}: it is sent from there")
    except (ValueError, OSError) as error:
        return SyncedRun(folder, None, what=f"it cannot be read: {error}")
    try:
        with Transport(settings) as transport:
            return _sent(spool, Delivery(spool, transport), settings)
    finally:
        spool.close()


def _sent(spool: Spool, delivery: Delivery, settings: Settings) -> SyncedRun:
    there, run = len(spool.parts()), str(spool.description["id"])
    what, made = "", False
    failures = 0
    while not made or spool.parts():
        answer = delivery.send_next() if made else delivery.make_run()
        made = made or answer.outcome == "taken"
        if delivery.stopped is not None:
            outcome, detail = delivery.stopped
            what = f"the server does not take it ({detail}): {REMEDIES[outcome]}"
            break
        failures = failures + 1 if answer.outcome == "later" else 0
        if failures == _TRIES:
            does = "take it now" if answer.answered else "answer"
            what = f"the server does not {does} ({answer.detail}): try again later"
            break
        if failures:
            time.sleep(min(max(_PAUSE_SECONDS * failures, answer.retry_after or 0), LONGEST_PAUSE))
    left = len(spool.parts())
    if delivery.refused is not None and not what:
        what = f"the server did not take all of it ({delivery.refused}); {spool.folder} keeps what it did not"
    return SyncedRun(spool.folder, run, f"{settings.url}/runs/{run}" if made else None, there - left, left, what)
