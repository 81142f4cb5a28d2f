"""The training step: forward, backward and, once gradients are accumulated, the optimizer, in the run's precision."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils import deterministic

from contract.config import RunConfig
from neq.device.tf32 import Products, products_in
from trainer.optimizers import set_learning_rate
from trainer.schedules import LearningRates
from trainer.training.clock import StepClock
from trainer.training.device_memory import PeakMemory
from trainer.training.ranks import ALONE, Ranks
from trainer.training.tasks import Task, logits_in

STEPS_A_DENSE_ONE = 200
"""Of so many steps with frozen neurons one is dense, for comparison: it takes three times as long at most, so that all
of them cost a run 1 % at most."""

DENSE_STEPS = 8
"""At most, of an epoch."""

DensePass = Callable[[], AbstractContextManager[bool]]
"""Inside, a forward and a backward pass compute what frozen neurons do not need, and no number changes; says whether
they do, since it is not always possible."""


def never_dense() -> AbstractContextManager[bool]:
    """A dense pass that is none."""
    return nullcontext(False)


_REDUCED = {"bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass
class TrainStep:
    """Trains on one batch per call. Its state, besides the optimizer's own, is `state_dict()`.

    Attributes:
        network: what is called, perhaps compiled or wrapped for several processes; it shares its weights with the model
            that is watched.
        gradient_accumulation_steps: batches whose gradients are averaged before an optimizer step.
        max_grad_norm: longer gradients, all trainable weights taken together, are scaled to this norm.
        reduced: what the forward pass computes in where the device profits; None: float32.
        clock: times the parts of its steps.
        memory: told what kind of step comes.
        dense_pass: makes some steps dense.
        ranks: the processes that take this step together, each on its share of the batch.
        global_step: optimizer steps of the whole run so far.
    """

    network: nn.Module
    optimizer: Optimizer
    task: Task
    rates: LearningRates
    gradient_accumulation_steps: int
    max_grad_norm: float | None
    reduced: torch.dtype | None
    scaler: torch.amp.GradScaler
    clock: StepClock
    memory: PeakMemory
    dense_pass: DensePass = never_dense
    ranks: Ranks = ALONE
    global_step: int = 0
    _parameters: list[nn.Parameter] = field(init=False)

    def __post_init__(self) -> None:
        self._parameters = [p for group in self.optimizer.param_groups for p in group["params"]]

    @property
    def evaluates_in(self) -> torch.dtype | None:
        """What the forward pass over test images computes in; None: float32, also for a run in fp16, whose largest
        number is 65 504: a few wide logits would be infinite, and the run would seem to diverge."""
        return None if self.reduced is torch.float16 else self.reduced

    @classmethod
    def of(
        cls,
        config: RunConfig,
        network: nn.Module,
        optimizer: Optimizer,
        task: Task,
        device: torch.device,
        batches: int,
        dense_pass: DensePass = never_dense,
        ranks: Ranks = ALONE,
    ) -> "TrainStep":
        """As described, for so many batches an epoch.

        Raises:
            RunError: the warm-up would not be over when the run is.
        """
        training = config.training
        rates = LearningRates(
            config.schedule,
            top=config.optimizer.learning_rate,
            steps_per_epoch=-(-batches // training.gradient_accumulation_steps),
            epochs=training.epochs,
        )
        return cls(
            torch.compile(network) if config.compute.compile else network,  # type: ignore[arg-type]
            optimizer,
            task,
            rates,
            training.gradient_accumulation_steps,
            training.max_grad_norm,
            _REDUCED.get(config.compute.precision),
            torch.amp.GradScaler(device.type, enabled=config.compute.precision == "fp16"),
            StepClock(device, batches, training.gradient_accumulation_steps),
            PeakMemory(device),
            dense_pass,
            ranks,
        )

    def begin_epoch(self, epoch: int) -> float:
        """Goes to an epoch's first step; returns its learning rate."""
        self.global_step = epoch * self.rates.steps_per_epoch
        self.clock.begin_epoch()
        return self._set_rate()

    def __call__(
        self, inputs: Tensor, targets: Tensor, *, batch: int, batches: int, images: int | None = None
    ) -> tuple[Tensor, Tensor]:
        """Trains on one batch (from 0, of so many per epoch); returns its loss and the network's logits.

        The last group of an epoch may be smaller than the others; its gradients are averaged over what it has.

        Args:
            images: of the batch, where these are one process's share of it; None: these are all.
        """
        first = batch - batch % self.gradient_accumulation_steps
        last = min(first + self.gradient_accumulation_steps, batches) - 1
        if batch == first:
            self.optimizer.zero_grad(set_to_none=True)
            self._set_rate()
        dense_pass = self.dense_pass() if self._dense_is_due(first) else nullcontext(False)
        with dense_pass as dense, self.ranks.apart(self.network) if batch < last else nullcontext():
            self.memory.enter(ordinary=first > 0 and not dense)
            self.clock.begin(batch, dense=dense)
            with torch.autocast(inputs.device.type, dtype=self.reduced, enabled=self.reduced is not None):
                outputs = self.network(inputs)
                loss = self.task.training_loss(outputs, targets)
            self.clock.lap()
            shared = self._shared(loss, targets, images or len(targets))
            self.scaler.scale(shared / (last - first + 1) if last > first else shared).backward()
            self.clock.lap()
        if batch == last:
            self._optimizer_step()
        self.clock.lap()
        return loss, logits_in(outputs)[0]

    def _shared(self, loss: Tensor, targets: Tensor, images: int) -> Tensor:
        """What a share's loss adds to that of its batch."""
        return loss * self.ranks.weight(self.task.counted(targets), images) if self.ranks.several else loss

    def _dense_is_due(self, first: int) -> bool:
        """Whether the step of this first batch is to be dense. Plans are measured in an epoch's first, never there."""
        every = max(STEPS_A_DENSE_ONE, -(-self.rates.steps_per_epoch // DENSE_STEPS))
        return first > 0 and self.global_step % every == every // 2

    def _set_rate(self) -> float:
        rate = self.rates.at(self.global_step)
        set_learning_rate(self.optimizer, rate)
        return rate

    def _optimizer_step(self) -> None:
        if self.max_grad_norm is not None:
            self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self._parameters, self.max_grad_norm)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.global_step += 1

    def state_dict(self) -> dict[str, Any]:
        """What continuing needs besides the optimizer's state; the rates follow from the number of steps."""
        return {"taken": self.global_step, "scaler": self.scaler.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continues from `state_dict()`; a scaler begins anew where the state is of a run without one."""
        self.global_step = int(state["taken"])
        if state["scaler"]:
            self.scaler.load_state_dict(state["scaler"])


@contextmanager
def determinism(config: RunConfig, device: torch.device) -> Iterator[None]:
    """Torch's switches as the run asks for them: which algorithms are taken on a GPU, and whether its products may use
    TF32; afterwards they are as before."""
    compute, benchmark = config.compute, torch.backends.cudnn.benchmark
    products: Products = "tf32" if compute.precision == "tf32" else "float32"
    with products_in(products, device), _fixed_algorithms() if compute.deterministic else nullcontext():
        try:
            torch.backends.cudnn.benchmark = compute.cudnn_benchmark
            yield
        finally:
            torch.backends.cudnn.benchmark = benchmark


@contextmanager
def _fixed_algorithms() -> Iterator[None]:
    """Entered by runs that ask for it alone: torch imports its compiler for this switch, which takes seconds."""
    memory: Any = deterministic
    before, filled = torch.are_deterministic_algorithms_enabled(), memory.fill_uninitialized_memory
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when the GPU is first used
    torch.use_deterministic_algorithms(True)
    memory.fill_uninitialized_memory = False  # a kernel more for every tensor; nothing here reads such memory
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)
        memory.fill_uninitialized_memory = filled
