"""A worker's checkpoint store: which checkpoints of a run count, and which files may go."""

from dataclasses import dataclass, field

from contract.events import EpochFinished
from contract.retention import Retained, kept
from db import Checkpoint, RetainedCheckpoints, Run, Store
from trainer.checkpoints.folder import CheckpointStore, Name
from trainer.engines import ResumePoint


@dataclass
class CheckpointRetention:
    """The checkpoints of one run, while a worker has it."""

    checkpoint_store: CheckpointStore | None
    every: int | None
    held: tuple[Retained, ...] = field(default=())

    @classmethod
    def of(
        cls, store: Store, run: Run, checkpoint_store: CheckpointStore | None, every: int | None
    ) -> "CheckpointRetention":
        """What the store knows of a run that was claimed now; files that it does not know are given up."""
        if checkpoint_store is None:
            return cls(None, every)
        checkpoint_store.clear(run.id)
        store.discard_unknown_checkpoints(checkpoint_store.id, checkpoint_store.paths(run.id))
        accuracy = {
            event.payload["epoch"]: event.payload.get("test_accuracy")
            for event in store.epochs_after(run.id, layers=False)
        }
        held = (
            Retained(each.epoch, each.path, each.size_bytes, accuracy.get(each.epoch))
            for each in store.checkpoints(run.id)
        )
        return cls(checkpoint_store, every, tuple(held))

    def resume_point(self, run: Run) -> ResumePoint:
        """Where the run stands, as its engine is told."""
        newest = next((each.path for each in self.held if each.epoch == run.epochs_done - 1), None)
        return ResumePoint(run.id, run.epochs_done, run.neurons is not None, newest)

    def after(self, epoch: EpochFinished) -> RetainedCheckpoints | None:
        """What is kept once this epoch is recorded; None where the run leaves no checkpoints."""
        if self.checkpoint_store is None or epoch.checkpoint is None:
            return None
        new = Retained(epoch.epoch, epoch.checkpoint.path, epoch.checkpoint.size_bytes, epoch.test_accuracy)
        self.held = kept(self.held, new, self.every)
        return RetainedCheckpoints(
            self.checkpoint_store.id, tuple(Checkpoint(each.epoch, each.path, each.size_bytes) for each in self.held)
        )


def tidy(store: Store, checkpoint_store: CheckpointStore) -> None:
    """Deletes the files that no run needs any more, and what else a deleted run left."""
    gone = checkpoint_store.delete(store.needless_checkpoints(checkpoint_store.id))
    if not gone:
        return
    store.checkpoints_deleted(gone)
    for run_id in {Name.of(path).run_id for path in gone} - store.revisions().keys():
        store.discard_unknown_checkpoints(checkpoint_store.id, checkpoint_store.paths(run_id))
        checkpoint_store.clear(run_id)
