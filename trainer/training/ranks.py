"""The processes that train one run together: what they add up and agree on. Of a process alone all this is nothing."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
import torch.distributed
from torch import Tensor, nn

from contract.counted import counted
from contract.errors import RunError
from neq import DistributedDataParallel
from trainer.data import ImageData
from trainer.data.share import Share
from trainer.engines.environment import Workplace

_EPOCHS = 100_003
"""A prime above the most epochs of a run, so that no two of its epochs and processes share a seed."""


@dataclass(frozen=True)
class Ranks:
    """This process among those that train the run.

    Attributes:
        rank: its number; the first, 0, writes checkpoints and is heard.
        processes: how many there are; of several, torch's process group is there.
        device: that they train on, each on one that it sees as the first; None: the CPU.
    """

    rank: int = 0
    processes: int = 1
    device: torch.device | None = None

    @classmethod
    def of(cls, workplace: Workplace, device: torch.device) -> "Ranks":
        """As the workplace says."""
        return cls(workplace.rank, workplace.processes, device)

    @property
    def several(self) -> bool:
        """Whether there are others."""
        return self.processes > 1

    @property
    def is_first(self) -> bool:
        """Whether this process speaks for all."""
        return self.rank == 0

    @property
    def share(self) -> Share:
        """Of each batch."""
        return Share(self.rank, self.processes)

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Puts into each tensor, in place, its sum over the processes."""
        for tensor in tensors if self.several else ():
            torch.distributed.all_reduce(tensor)

    def total(self, value: float) -> float:
        """The sum over the processes."""
        return self._exchanged(value, lambda held: torch.distributed.all_reduce(held)) if self.several else value

    def of_the_first(self, value: float) -> float:
        """The first process's value, for all to decide by."""
        return self._exchanged(value, lambda held: torch.distributed.broadcast(held, 0)) if self.several else value

    def weight(self, counted: Tensor | int, images: int) -> Tensor | float:
        """What a loss counts for that is the mean over so many: the mean of the weighted losses over the processes is
        the mean over all that they count.

        Args:
            counted: images, or the pixels that count, of this process's share of the batch.
            images: of the whole batch.
        """
        if isinstance(counted, int):
            return counted * self.processes / images
        every = counted.clone()
        self.add_up([every])
        return counted * self.processes / every.clamp_min(1)

    def wrap(self, network: nn.Module) -> nn.Module:
        """The network that averages its gradients over the processes."""
        if not self.several:
            return network
        return DistributedDataParallel(network, [0] if self.device is not None and self.device.type == "cuda" else None)

    def apart(self, network: nn.Module) -> AbstractContextManager[None]:
        """Inside, gradients of a wrapped network are added to those that are there, and not averaged yet."""
        return network.no_sync() if isinstance(network, DistributedDataParallel) else nullcontext()

    @torch.no_grad()
    def same_buffers(self, network: nn.Module) -> None:
        """Gives all processes the first one's buffers, as at the next forward pass that learns: what is tested,
        measured and written at an epoch's end is one network."""
        for buffer in network.buffers() if self.several else ():
            torch.distributed.broadcast(buffer, 0)

    def seed_epoch(self, seed: int, epoch: int) -> None:
        """What drop-out draws is each process's own, and the same for a run that was cut off before this epoch."""
        if self.several:
            torch.manual_seed((seed * _EPOCHS + epoch) * 64 + self.rank)

    def _exchanged(self, value: float, exchange: Callable[[Tensor], object]) -> float:
        held = torch.tensor(value, dtype=torch.float64, device=self.device)
        exchange(held)
        return float(held)


ALONE = Ranks()


def check_images(data: ImageData, ranks: Ranks) -> None:
    """Refuses sets that do not go round: a process without a training or probe image would hold up the others.

    Raises:
        RunError: there are fewer images than processes.
    """
    for title, count in (("training image", len(data.train)), ("probe image", len(data.probe))):
        if count < ranks.processes:
            raise RunError(
                f"{ranks.processes} processes cannot share {counted(count, title)}: each needs one.",
                f"Set compute.processes to at most {count}.",
            )


def check_sync_batch_norm(device: torch.device) -> None:
    """Refuses what torch has for GPUs alone.

    Raises:
        RunError: the run is trained on a CPU.
    """
    if device.type == "cpu":
        raise RunError(
            "Torch synchronizes batch norm between processes on GPUs only, and the run is trained on the CPU.",
            "Switch compute.sync_batch_norm off, or let a worker with GPUs train the run.",
        )
