"""What a run trains with, built from its description."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from contract.config import ReplayRule, RunConfig
from contract.errors import RunError
from neq import NEq
from trainer.checkpoints.train_state import TrainState
from trainer.data import ImageData, load_data
from trainer.engines import replayed_masks
from trainer.engines.environment import Workplace
from trainer.engines.replayed_masks import Masks
from trainer.engines.resume_point import NOTHING_RECORDED, ResumePoint
from trainer.models import DataShape, build_model
from trainer.optimizers import build_optimizer, parameter_groups
from trainer.training.costs import CostRecorder
from trainer.training.equilibrium import build_neq
from trainer.training.ranks import Ranks, check_images, check_sync_batch_norm
from trainer.training.step_timings import StepTimings, timing_setting
from trainer.training.tasks import build_task
from trainer.training.train_step import DensePass, TrainStep, never_dense

EVALUATION_BATCH = 200
EVALUATION_BATCH_OF_A_GPU = 1000
"""Images of up to EVALUATION_PIXELS that are evaluated together: few enough for a CPU's caches, or enough to fill a
GPU. Of larger images fewer, so that they take no more memory."""
EVALUATION_PIXELS = 64 * 64


@dataclass(frozen=True)
class ProbeBatches:
    """The probe images in batches, the same each time that they are iterated."""

    data: ImageData
    batch_size: int

    def __iter__(self) -> Iterator[Tensor]:
        return (inputs for inputs, _ in self.data.batches(self.data.probe, self.batch_size))

    def __len__(self) -> int:
        return self.data.batch_count(self.data.probe, self.batch_size)


@dataclass(frozen=True)
class Components:
    """Data, network, training step and NEq of one run, and what its records are computed with."""

    config: RunConfig
    device: torch.device
    data: ImageData
    model: nn.Module
    train_step: TrainStep
    probe: ProbeBatches
    neq: NEq
    costs: CostRecorder
    timings: StepTimings
    ranks: Ranks
    random: torch.Generator
    """Of the order and augmentation of the training images."""

    @property
    def batches_per_epoch(self) -> int:
        """Training batches of an epoch."""
        return len(self.data.training_bounds(self.config.training.batch_size))

    def state(self) -> TrainState:
        """All that changes while the run is trained, for its checkpoints."""
        return TrainState(self.model, self.train_step.optimizer, self.train_step, self.neq, self.random, self.timings)


def build_components(
    config: RunConfig, workplace: Workplace, device: torch.device, resume_point: ResumePoint = NOTHING_RECORDED
) -> Components:
    """Builds what the description asks for; torch's own generator is seeded afterwards.

    Args:
        resume_point: names the file with the masks that are to be replayed, if any are.
    Raises:
        RunError: the data are missing or damaged, or the network does not fit them.
    """
    ranks = Ranks.of(workplace, device)
    data = replace(load_data(config, workplace, device), share=ranks.share)
    check_images(data, ranks)
    model = build_network(config, data, workplace, device)
    network = ranks.wrap(model)
    optimizer = build_optimizer(config.optimizer, parameter_groups(config.model, model))
    probe = ProbeBatches(data, _evaluation_batch(data))
    neq = build_neq(config, network, optimizer, probe, _replayed(config, resume_point))
    costs = CostRecorder(model, neq, torch.zeros(1, data.channels, data.height, data.width, device=device))
    random = torch.Generator(device=device).manual_seed(config.training.seed)
    torch.manual_seed(config.training.seed)  # drop-out draws from torch's own
    task = build_task(config, data)
    batches = len(data.training_bounds(config.training.batch_size))
    train_step = TrainStep.of(config, network, optimizer, task, device, batches, _dense_pass(neq), ranks)
    timings = StepTimings(train_step.clock, batches, timing_setting(config, device))
    return Components(config, device, data, model, train_step, probe, neq, costs, timings, ranks, random)


def build_network(config: RunConfig, data: ImageData, workplace: Workplace, device: torch.device) -> nn.Module:
    """The network that the description names, for these data, on the device and in the memory format asked for."""
    shape = DataShape(data.channels, data.height, data.classes, data.width)
    model = build_model(config.model, shape, seed=config.training.seed, workplace=workplace).to(device)
    if config.compute.sync_batch_norm and workplace.processes > 1:
        check_sync_batch_norm(device)
        model = nn.SyncBatchNorm.convert_sync_batchnorm(model)
    if config.compute.channels_last and device.type != "mps":  # an Apple GPU's convolutions want torch's default order
        # A third less time for small convolutions on a CPU than torch's default order.
        return model.to(memory_format=torch.channels_last)
    return model


def _replayed(config: RunConfig, resume_point: ResumePoint) -> dict[str, Masks] | None:
    if not isinstance(config.neq.select, ReplayRule):
        return None
    if resume_point.replayed is None:
        raise RunError(
            "The masks of another run are to be replayed, and were not handed over.",
            "Let a worker train the run: it reads them from the store.",
        )
    return replayed_masks.read(Path(resume_point.replayed))


def _dense_pass(neq: NEq) -> DensePass:
    """None where layers are always frozen: the run may have been given them because a dense step needs more memory than
    there is."""
    return never_dense if any(layer.always_frozen for layer in neq.layers) else neq.dense_pass


def _evaluation_batch(data: ImageData) -> int:
    most = EVALUATION_BATCH if data.device.type == "cpu" else EVALUATION_BATCH_OF_A_GPU
    return max(1, min(most, most * EVALUATION_PIXELS // (data.height * data.width)))
