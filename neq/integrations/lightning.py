"""NEq in a Lightning Trainer."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Unpack

try:
    from lightning.pytorch import Callback, LightningModule, Trainer
    from lightning.pytorch.strategies import DeepSpeedStrategy, FSDPStrategy, ModelParallelStrategy, Strategy
except ModuleNotFoundError as error:
    if error.name is None or error.name.split(".")[0] != "lightning":
        raise
    raise ImportError(
        "neq.integrations.lightning needs Lightning, the extra `lightning`: pip install 'neq[lightning]'"
    ) from error

from torch import Tensor
from torch.optim import Optimizer

from neq import Run
from neq.integrations.attachment import Attached, Attachment, OnEquilibrium
from neq.integrations.figures import figures
from neq.integrations.logged_metrics import FreshMetrics
from neq.options import OptionKeywords

_SPLITTING = (DeepSpeedStrategy, FSDPStrategy, ModelParallelStrategy)


class NEqCallback(Attached, Callback):
    """Freezes the neurons of a LightningModule that are at equilibrium, epoch by epoch.

        trainer = Trainer(max_epochs=20, callbacks=[NEqCallback(probe, epsilon=1e-3)])

    Works with automatic and manual optimisation, accumulated and clipped gradients, every precision plugin (φ of a
    network with float32 weights is measured in float32), one device or DistributedDataParallel. Its state is in
    Lightning's checkpoints: a resumed training goes on as if it had never stopped. One that is fitted again without a
    checkpoint starts anew, as its optimizer does. An epoch cut short counts as one.

    At every epoch's end it logs `neq/frozen_fraction` and what else `figures` names through the module. One figure is
    left out: after resuming from a checkpoint that lies between an epoch's last batch and its end, that end is told
    to `on_equilibrium` alone, because Lightning takes no logs before training begins.

    Args:
        probe: as NEq takes it. The module's `forward` is called on its inputs unless `forward` says otherwise. Under
            DistributedDataParallel every process measures what its probe set gives and the sums are added up: give
            each the whole set, or a part of its own.
        on_equilibrium: called with the equilibrium at every epoch's end, on every process.
        optimizer: which one NEq is given, by its place in `configure_optimizers`; needed where there are several. What
            the others move freezes too, unless `layers` leaves it out.
        explain: as in `NEq.end_epoch`.
        run: of `neq.init`: records every epoch, and what else the loop logs. Stop on its page ends training behind the
            next step, under DistributedDataParallel behind the epoch. It is the caller's to finish.
        name: of the run's watch, where several callbacks share a run: before the names of its layers, and of what the
            loop logs. Of several callbacks of one Trainer the first records that, under its own names.
        options: NEq's own.

    Attributes:
        equilibrium: that of the last epoch's end; None before there is one.

    Raises:
        TypeError: NEq has no such option.
    """

    def __init__(
        self,
        probe: Iterable[Any],
        *,
        on_equilibrium: OnEquilibrium | None = None,
        optimizer: int | None = None,
        explain: bool = False,
        run: Run | None = None,
        name: str | None = None,
        **options: Unpack[OptionKeywords],
    ) -> None:
        self._probe, self._optimizer = probe, optimizer
        self._attachment = Attachment(options, on_equilibrium, explain=explain, run=run, name=name)
        self._fresh, self._epoch = FreshMetrics(), 0

    @property
    def state_key(self) -> str:
        """Tells the states of several of these in one checkpoint apart, one an optimizer."""
        return self._generate_state_key(optimizer=self._optimizer)

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """A checkpoint is loaded after this, if one is to be.

        Raises:
            ValueError: the strategy splits parameters among processes.
        """
        refuse_splitting(trainer.strategy)
        self._attachment.forget()

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Model and optimizer are on their device, with their states: NEq can be made.

        Raises:
            ValueError: as NEq's, or it is not clear which optimizer is meant.
        """
        optimizer = chosen(trainer.optimizers, self._optimizer)
        probe = _Converted(self._probe, trainer.precision_plugin.convert_input)
        self._attachment.begin(trainer.model or pl_module, optimizer, probe, epoch=trainer.current_epoch)
        self._epoch = trainer.current_epoch

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Records what was logged at the very end of the epoch before, behind this callback's turn."""
        self._record(trainer, self._epoch)
        self._epoch = trainer.current_epoch

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Records what steps log as often as Lightning's loggers do, and obeys the run's Stop."""
        every = trainer.log_every_n_steps  # type: ignore[attr-defined]  # set by one of Trainer's connectors
        if every and (batch_idx + 1) % every == 0:
            self._record(trainer, trainer.current_epoch)
        run = self._attachment.run
        if run is not None and trainer.world_size == 1 and run.should_stop:
            trainer.should_stop = True

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Measures, decides, freezes, logs. Lightning saves its checkpoints after this."""
        self._record(trainer, trainer.current_epoch)
        equilibrium = self._attachment.end_epoch(trainer.current_epoch + 1)
        pl_module.log_dict(figures(equilibrium), sync_dist=True)
        run = self._attachment.run
        if run is not None and trainer.strategy.reduce_boolean_decision(run.should_stop, all=False):
            trainer.should_stop = True

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Frees every neuron."""
        self._record(trainer, self._epoch)
        self._attachment.close()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Frees every neuron: an interrupted module can be trained on."""
        self._attachment.close()

    def _record(self, trainer: Trainer, epoch: int) -> None:
        """In every process: Lightning may reduce a value over all of them where it is looked at."""
        sharing = [one for one in trainer.callbacks if isinstance(one, NEqCallback) and one.shares_run_of(self)]  # type: ignore[attr-defined]
        if sharing and sharing[0] is self:
            fresh = self._fresh.look(_shown(trainer))
            self._attachment.log(fresh, step=trainer.global_step, epoch=epoch, named=len(sharing) == 1)

    def shares_run_of(self, other: "NEqCallback") -> bool:
        """Whether both are recorded, and into one run."""
        run = self._attachment.run
        return run is not None and run is other._attachment.run

    def state_dict(self) -> dict[str, Any]:
        """Goes into Lightning's checkpoints."""
        return self._attachment.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Comes from one of them, before the optimizers are made."""
        self._attachment.load_state_dict(state_dict)


def _shown(trainer: Trainer) -> tuple[Mapping[str, Tensor], Mapping[str, Tensor]]:
    """All that was logged, under the loggers' names first."""
    return trainer.logged_metrics, trainer.callback_metrics


class _Converted:
    """The probe set in the number format that the module computes in."""

    def __init__(self, probe: Iterable[Any], convert: Callable[[Any], Any]) -> None:
        self._probe, self._convert = probe, convert

    def __iter__(self) -> Iterator[Any]:
        return map(self._convert, self._probe)


def refuse_splitting(strategy: Strategy) -> None:
    """A neuron's row must be in one place to be held there.

    Raises:
        ValueError: the strategy splits parameters among processes.
    """
    if isinstance(strategy, _SPLITTING):
        raise ValueError(
            f"{type(strategy).__name__} splits parameters among processes, and NEq needs whole rows: "
            "train on one device or with strategy='ddp'"
        )


def chosen(optimizers: list[Optimizer], place: int | None) -> Optimizer:
    """The optimizer whose steps are to leave frozen neurons alone.

    Raises:
        ValueError: there is none at that place, or there are several and none was chosen.
    """
    if place is None and len(optimizers) == 1:
        return optimizers[0]
    if place is None or not 0 <= place < len(optimizers):
        names = ", ".join(f"{number} {type(one).__name__}" for number, one in enumerate(optimizers)) or "none"
        raise ValueError(f"optimizer is {place}; choose one of configure_optimizers by its place: there are {names}")
    return optimizers[place]
