"""A worker's shelf, in the store's words: which checkpoints of a run count, and which files may go."""

from dataclasses import dataclass, field

from contract.events import EpochFinished
from contract.retention import Held, kept
from db import Checkpoint, Kept, Run, Store
from trainer.checkpoints.folder import Name, Shelf
from trainer.engines import Standing


@dataclass
class Keeper:
    """The checkpoints of one run, while a worker has it."""

    shelf: Shelf | None
    every: int | None
    held: tuple[Held, ...] = field(default=())

    @classmethod
    def of(cls, store: Store, run: Run, shelf: Shelf | None, every: int | None) -> "Keeper":
        """What the store knows of a run that was claimed now; files that it does not know are given up."""
        if shelf is None:
            return cls(None, every)
        shelf.clear(run.id)
        store.discard_unknown_checkpoints(shelf.id, shelf.paths(run.id))
        accuracy = {
            event.payload["epoch"]: event.payload.get("test_accuracy")
            for event in store.epochs_after(run.id, layers=False)
        }
        held = (
            Held(each.epoch, each.path, each.size_bytes, accuracy.get(each.epoch)) for each in store.checkpoints(run.id)
        )
        return cls(shelf, every, tuple(held))

    def standing(self, run: Run) -> Standing:
        """Where the run stands, as its engine is told."""
        newest = next((each.path for each in self.held if each.epoch == run.epochs_done - 1), None)
        return Standing(run.id, run.epochs_done, run.neurons is not None, newest)

    def after(self, epoch: EpochFinished) -> Kept | None:
        """What is kept once this epoch is recorded; None where the run leaves no checkpoints."""
        if self.shelf is None or epoch.checkpoint is None:
            return None
        new = Held(epoch.epoch, epoch.checkpoint.path, epoch.checkpoint.size_bytes, epoch.test_accuracy)
        self.held = kept(self.held, new, self.every)
        return Kept(self.shelf.id, tuple(Checkpoint(each.epoch, each.path, each.size_bytes) for each in self.held))


def tidy(store: Store, shelf: Shelf) -> None:
    """Deletes the files that no run needs any more, and what else a deleted run left."""
    gone = shelf.delete(store.needless_checkpoints(shelf.id))
    if not gone:
        return
    store.checkpoints_deleted(gone)
    for run_id in {Name.of(path).run_id for path in gone} - store.revisions().keys():
        store.discard_unknown_checkpoints(shelf.id, shelf.paths(run_id))
        shelf.clear(run_id)
