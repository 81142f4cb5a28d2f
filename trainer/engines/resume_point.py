"""How far a run has come, as an engine is told when it starts or resumes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """What is recorded of a run. An engine resumes exactly there: no epoch is told twice, none is left out.

    Attributes:
        run_id: its id; empty for a run that is recorded nowhere, and so leaves no checkpoints.
        epochs: how many are recorded.
        started: whether its beginning is: it then says that it continued, and not that it started.
        checkpoint: the path, below the workplace's folder of checkpoints, of the one that the newest recorded epoch
            names; None where no epoch is recorded.
        replayed: path of the file with the masks of the run that it replays, see `replayed_masks`; None: it replays
            none.
    """

    run_id: str = ""
    epochs: int = 0
    started: bool = False
    checkpoint: str | None = None
    replayed: str | None = None


NOTHING_RECORDED = ResumePoint()
