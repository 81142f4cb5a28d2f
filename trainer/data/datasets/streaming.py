"""The way for files that do not fit in memory: read anew in every epoch, by processes that decode ahead of training.

What comes out does not depend on how many processes there are: a job names its samples and the seed of its random
numbers, and jobs come out in the order in which they were given.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset

from contract.errors import RunError
from trainer.data.datasets.file_dataset import FileDataset, read_transformed
from trainer.data.datasets.images import TensorImages, batch_bounds, parts_in_order
from trainer.data.share import ALL, Share
from trainer.data.transforms.crops import Transform

BATCHES_AHEAD = 2
"""That each process keeps ready."""


@dataclass(frozen=True, slots=True)
class _Job:
    """A batch to be read: which samples of which set, and the seed that varies them.

    Attributes:
        of, first: how many samples the seed draws numbers for, and from which of them on they are these samples'.
    """

    name: str
    indices: list[int]
    seed: int
    of: int
    first: int


class _Reader(Dataset[TensorImages | RunError]):
    """Carries out jobs, in a loader's process or in this one."""

    def __init__(self, sets: Mapping[str, tuple[FileDataset, Transform]]) -> None:
        self._sets = dict(sets)

    def __getitem__(self, job: Any) -> TensorImages | RunError:
        samples, transform = self._sets[job.name]
        random = torch.Generator().manual_seed(job.seed)
        uniforms = torch.rand(job.of, transform.uniforms, generator=random, dtype=torch.float64)
        mine = uniforms[job.first : job.first + len(job.indices)]
        try:
            return read_transformed(samples, job.indices, transform, mine)
        except RunError as error:
            return error  # as a value: raised in another process, it would arrive wrapped in that one's traceback


class _Jobs:
    """The jobs of one pass; the loader takes them anew whenever it is iterated."""

    def __init__(self) -> None:
        self.current: list[_Job] = []

    def __iter__(self) -> Iterator[_Job]:
        return iter(self.current)

    def __len__(self) -> int:
        return len(self.current)


class Stream:
    """Loader processes that serve all sets of a run; they start with the first pass and end with the stream.

    Args:
        sets: samples by name, with what is shown of them.
        processes: that decode; 0: the calling one does, between batches.
        device: where batches come out.
    """

    def __init__(
        self, sets: Mapping[str, tuple[FileDataset, Transform]], *, processes: int, device: torch.device
    ) -> None:
        self.device = device
        self._jobs = _Jobs()
        self._loader = DataLoader(
            _Reader(sets),
            batch_size=None,
            sampler=self._jobs,
            num_workers=processes,
            persistent_workers=processes > 0,
            prefetch_factor=BATCHES_AHEAD if processes else None,
            pin_memory=device.type in ("cuda", "xpu"),
            collate_fn=_as_it_is,
        )

    def run(self, jobs: list[_Job]) -> Iterator[TensorImages]:
        """What the jobs read, in their order, on the device.

        Raises:
            RunError: a file cannot be read, or a loader process was ended from outside.
            RuntimeError: another pass was begun meanwhile: the processes serve one at a time.
        """
        self._jobs.current = jobs
        try:
            for batch in self._loader:
                if self._jobs.current is not jobs:
                    raise RuntimeError("a pass over a stream was begun before the one before was over or given up")
                if isinstance(batch, RunError):
                    raise batch
                yield TensorImages(*(part.to(self.device, non_blocking=True) for part in (batch.pixels, batch.labels)))
        except RuntimeError as error:
            if "DataLoader worker" not in str(error):
                raise
            raise RunError(
                f"A process that reads images ended: {str(error).splitlines()[0]}",
                "Memory, or shared memory (/dev/shm), may be too small: lower training.batch_size, or NEQ_LOADERS.",
            ) from error


def _as_it_is(batch: Any) -> Any:
    return batch


@dataclass(frozen=True)
class StreamedDataset:
    """One set of a stream.

    Attributes:
        name: of the set in the stream, as testing shows it.
        varied: of the same samples as training shows them.
    """

    stream: Stream
    name: str
    varied: str
    samples: int
    shape: tuple[int, int, int]

    def __len__(self) -> int:
        return self.samples

    @property
    def device(self) -> torch.device:
        return self.stream.device

    def shuffled(self, batch_size: int, random: torch.Generator, share: Share = ALL) -> Iterator[TensorImages]:
        """See ImageSet."""
        seed = int(torch.randint(2**62, (), generator=random, device=random.device))
        epoch = torch.Generator().manual_seed(seed)
        order = torch.randperm(self.samples, generator=epoch)
        bounds = batch_bounds(self.samples, batch_size, share.processes)
        seeds = torch.randint(2**62, (len(bounds),), generator=epoch).tolist()
        jobs = []
        for (first, stop), own in zip(bounds, seeds, strict=True):
            mine = share.of(stop - first)
            jobs.append(_Job(self.varied, order[first:stop][mine].tolist(), own, stop - first, mine.start))
        return self.stream.run(jobs)

    def in_order(self, batch_size: int, share: Share = ALL) -> Iterator[TensorImages]:
        """See ImageSet."""
        parts = [list(range(part.start, part.stop)) for part in parts_in_order(self.samples, batch_size, share)]
        return self.stream.run([_Job(self.name, indices, 0, len(indices), 0) for indices in parts])
