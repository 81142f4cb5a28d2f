"""A run's own checkpoints: written after each epoch, read once, when the run resumes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract.config import RunConfig
from contract.errors import RunError
from contract.events import CheckpointFile
from trainer.checkpoints import files
from trainer.checkpoints.train_state import TrainState
from trainer.engines.resume_point import ResumePoint


@dataclass(frozen=True, slots=True)
class Result:
    """Where a run stands after an epoch: what its end must tell, also where no epoch is left to train."""

    test_accuracy: float | None
    frozen_fraction: float | None
    seconds: float
    """Of the whole run, interruptions left out."""
    train_seconds: float = 0.0
    """Of its training steps alone."""


class Checkpointer:
    """Writes a run's checkpoints, and restores it from one.

    Args:
        folder: of the checkpoint store; None: nothing is written.
        resume_point: how far the run is recorded.
        config: what is trained.
        state: what changes while it is trained.
        versions: of the libraries and of this program, by name.
        writes: whether it is this process that writes, of several that train the run.
    """

    def __init__(
        self,
        folder: Path | None,
        resume_point: ResumePoint,
        config: RunConfig,
        state: TrainState,
        versions: dict[str, str],
        *,
        writes: bool = True,
    ) -> None:
        self._folder, self._writes = folder if resume_point.run_id else None, writes
        self._resume_point, self._config, self._state, self._versions = resume_point, config, state, versions

    def write(self, epoch: int, result: Result) -> CheckpointFile | None:
        """The checkpoint after an epoch, on the disk when this returns; None where none are kept, or another writes.

        Raises:
            RunError: it could not be written.
        """
        if self._folder is None or not self._writes:
            return None
        content = self._state.state_dict(self._config) | {
            "run": self._resume_point.run_id,
            "epoch": epoch,
            "versions": self._versions,
            "test_accuracy": result.test_accuracy,
            "frozen_fraction": result.frozen_fraction,
            "seconds": result.seconds,
            "train_seconds": result.train_seconds,
        }
        name, size = files.write(self._folder, self._resume_point.run_id, epoch, content)
        return CheckpointFile(path=str(name), size_bytes=size)

    def read(self) -> tuple[Result, list[str]]:
        """Restores the state of the newest recorded epoch; returns how it stood, and what a person should know.

        Raises:
            RunError: there is no such checkpoint, it is damaged, or it is of another configuration.
        """
        content = self._content()
        told = self._state.load_state_dict(content, self._config)
        frozen = (
            content["frozen_fraction"] if "frozen_fraction" in content else content["frozen_share"]
        )  # as it was called
        trained = content.get("train_seconds", 0.0)  # an older program did not add them up
        result = Result(content["test_accuracy"], frozen, content["seconds"], trained)
        return result, told + _differing(content["versions"], self._versions)

    def _content(self) -> dict[str, Any]:
        newest = self._resume_point.epochs - 1
        if self._folder is None or self._resume_point.checkpoint is None:
            raise RunError(f"There is no checkpoint of epoch {newest} to resume from.", "Launch the run again.")
        content = files.read(self._folder, self._resume_point.checkpoint)
        if content.get("epoch") != newest:
            raise RunError(
                f"The checkpoint is of epoch {content.get('epoch')}, and the newest recorded one is {newest}.",
                "Launch the run again.",
            )
        return content


def _differing(before: dict[str, str], now: dict[str, str]) -> list[str]:
    changed = [f"{name} {before[name]} → {now.get(name)}" for name in before if before[name] != now.get(name)]
    return [f"Versions changed, and with them perhaps the last bits: {', '.join(changed)}."] if changed else []
