"""NEq in a Hugging Face Trainer."""

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Unpack

try:
    from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
except ModuleNotFoundError as error:
    if error.name is None or error.name.split(".")[0] != "transformers":
        raise
    raise ImportError(
        "neq.integrations.transformers needs Hugging Face's transformers, the extra `transformers`: "
        "pip install 'neq[transformers]'"
    ) from error

import torch.distributed
from torch import nn
from torch.optim import Optimizer

from neq import Equilibrium, Run
from neq.integrations.attachment import Attached, Attachment, OnEquilibrium
from neq.integrations.checkpoint_folder import CheckpointFolder
from neq.integrations.figures import figures
from neq.options import OptionKeywords

_SPLITTING = ("DEEPSPEED", "FSDP", "MEGATRON_LM")


class NEqTrainerCallback(Attached, TrainerCallback):
    """Freezes the neurons of a model that are at equilibrium, epoch by epoch, in a Hugging Face Trainer.

        trainer = Trainer(model, args, train_dataset=data, callbacks=[NEqTrainerCallback(probe, epsilon=1e-3)])

    Works with accumulated and clipped gradients, mixed precision (φ is measured in the precision of the weights), one
    device or DistributedDataParallel. Its state is a file in each of Trainer's checkpoints; a resumed training goes on
    as if it had never stopped. Checkpoints of `save_only_model` and of a hyperparameter search, which nothing resumes
    exactly, have none.

    At every epoch's end it appends `neq/frozen_fraction` and what else `figures` names to `state.log_history`.
    Callbacks cannot reach Trainer's reporters; to tell those, let `on_equilibrium` call `trainer.log`.

    Args:
        probe: as NEq takes it: mappings of the model's keywords, whose `labels` are left out. Under
            DistributedDataParallel every process measures what its probe set gives and the sums are added up: give
            each the whole set, or a part of its own.
        on_equilibrium: called with the equilibrium at every epoch's end, on every process.
        resume_from: the checkpoint folder given to `train`, where it lies elsewhere than in `output_dir`.
        explain: as in `NEq.end_epoch`.
        run: of `neq.init`: records every epoch, and what else the loop logs. Stop on its page ends training behind the
            next step, under DistributedDataParallel behind the epoch. It is the caller's to finish.
        name: of the run's watch, where several trainings share a run: before the names of its layers, and of what
            Trainer logs.
        options: NEq's own.

    Raises:
        TypeError: NEq has no such option.
    """

    def __init__(
        self,
        probe: Iterable[Any],
        *,
        on_equilibrium: OnEquilibrium | None = None,
        resume_from: str | None = None,
        explain: bool = False,
        run: Run | None = None,
        name: str | None = None,
        **options: Unpack[OptionKeywords],
    ) -> None:
        self._probe = probe
        self._folder = CheckpointFolder(resume_from)
        self._attachment = Attachment(options, on_equilibrium, explain=explain, run=run, name=name)

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,
    ) -> None:
        """Model and optimizer are on their device, with their states: NEq can be made.

        Raises:
            ValueError: as NEq's, the parameters are split among processes, or the checkpoint's NEq state is not found.
        """
        model, optimizer = kwargs["model"], kwargs["optimizer"]
        refuse_splitting(optimizer)
        self._attachment.forget()
        saved = self._folder.open(args, state)
        if saved is not None:
            self._attachment.load_state_dict(saved)
        group = torch.distributed.group.WORLD if args.world_size > 1 else None
        with in_the_weights_precision(model):
            missed = self._attachment.begin(
                model, optimizer, self._probe, epoch=int(state.epoch or 0), process_group=group
            )
        if missed is not None:
            _log(state, missed)

    def on_epoch_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,
    ) -> None:
        """Measures, decides, freezes, logs. Trainer saves its checkpoints of an epoch after this."""
        should_log = control.should_log
        with in_the_weights_precision(kwargs["model"]):
            equilibrium = self._attachment.end_epoch(math.ceil(state.epoch or 0))
        control.should_log = should_log  # Trainer takes a `trainer.log` of `on_equilibrium` for its own
        _log(state, equilibrium)
        run = self._attachment.run
        if run is not None and _asked_of_any(run.should_stop, args):
            control.should_training_stop = True

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Obeys the run's Stop."""
        run = self._attachment.run
        if run is not None and args.world_size == 1 and run.should_stop:
            control.should_training_stop = True

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Records what Trainer logs."""
        self._attachment.log(logs or {}, step=state.global_step, epoch=max(math.ceil(state.epoch or 0) - 1, 0))

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Puts the state into the checkpoint's folder."""
        self._folder.save(args, state, self._attachment.state_dict)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Frees every neuron."""
        self._attachment.close()


def _log(state: TrainerState, equilibrium: Equilibrium) -> None:
    state.log_history.append({**figures(equilibrium), "epoch": state.epoch, "step": state.global_step})


def _asked_of_any(asked: bool, args: TrainingArguments) -> bool:
    """Whether any process was asked, in all of them: the first alone hears the run's Stop."""
    if args.world_size == 1:
        return asked
    answer = torch.tensor(int(asked), device=args.device)
    torch.distributed.all_reduce(answer, torch.distributed.ReduceOp.MAX)
    return bool(answer.item())


def refuse_splitting(optimizer: Optimizer) -> None:
    """A neuron's row must be in one place to be held there.

    Raises:
        ValueError: accelerate splits parameters among processes.
    """
    kind = getattr(getattr(optimizer, "accelerator_state", None), "distributed_type", None)
    if kind is not None and kind.value in _SPLITTING:
        raise ValueError(
            f"{kind.value} splits parameters among processes, and NEq needs whole rows: "
            "train on one device or with DistributedDataParallel"
        )


@contextmanager
def in_the_weights_precision(model: nn.Module) -> Iterator[None]:
    """The model without the autocast that accelerate puts around its `forward`: differences of φ are smaller than that.

    Source: accelerate keeps what it wraps as `_original_forward`.
    """
    wrapped, original = vars(model).get("forward"), vars(model).get("_original_forward")
    if wrapped is None or original is None:
        yield
        return
    model.forward = original
    try:
        yield
    finally:
        model.forward = wrapped
