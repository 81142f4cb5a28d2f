"""An NEq attached to somebody else's training loop, from the loop's first epoch to its last."""

import logging
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from neq import Equilibrium, NEq, Run
from neq.integrations.logged_metrics import check_run, numbers_of
from neq.options import OptionKeywords, check_names
from neq.recording.recorded_neq import RecordedNEq
from neq.recording.run import check_name

_log = logging.getLogger(__name__)

NEARLY_ALL = 0.95
"""Of the trainable parameters: where less is watched, it is said once at the start."""

OnEquilibrium = Callable[[Equilibrium], object]


class Attachment:
    """Makes an NEq when training begins, follows it, and keeps its state for checkpoints taken afterwards.

    Loops take checkpoints before, at and after an epoch's end. The state therefore tells how many epochs it has seen
    the end of, and where the loop goes on behind an end that was not seen, it is made up for at once: the weights are
    still those of that epoch's end.

    Args:
        options: NEq's own.
        on_equilibrium: told of every epoch's end.
        explain: as in `NEq.end_epoch`.
        run: whose watch the NEq is to be; None: it is recorded nowhere.
        name: of that watch, as `Run.watch` takes it.
    """

    def __init__(
        self,
        options: OptionKeywords,
        on_equilibrium: OnEquilibrium | None,
        *,
        explain: bool,
        run: Run | None = None,
        name: str | None = None,
    ) -> None:
        check_names(options)
        check_run(run)
        check_name(name)
        self.run, self.name = run, name
        self._options, self._on_equilibrium, self._explain = options, on_equilibrium, explain
        self._ended = self._before = 0
        self._state: dict[str, Any] = {}
        self._resuming = False
        self.neq: NEq | None = None
        self.equilibrium: Equilibrium | None = None

    def begin(
        self,
        model: nn.Module,
        optimizer: Optimizer,
        probe: Iterable[Any],
        *,
        epoch: int,
        process_group: "torch.distributed.ProcessGroup | None" = None,
    ) -> Equilibrium | None:
        """Starts anew, or continues from a state that was loaded; model and optimizer must have theirs by now.

        Args:
            model: as NEq takes it.
            optimizer: as NEq takes it, or in the wrappers of the libraries.
            probe: as NEq takes it.
            epoch: how many epochs the loop has behind it.
            process_group: as NEq takes it.

        Returns:
            The equilibrium at an epoch's end that the loaded state had not seen; None: there was none.

        Raises:
            ValueError: as NEq's, or a parameter is split among processes.
        """
        self.close()
        make = NEq if self.run is None else partial(self.run.watch, name=self.name)
        self.neq = make(model, optimizer, probe, process_group=process_group, **self._options)
        # A training that comes after another one in its run goes on behind the other's epochs.
        self._before = max(self.neq.first_epoch - epoch, 0) if isinstance(self.neq, RecordedNEq) else 0
        _tell_coverage(self.neq)
        self.equilibrium, self._ended = None, epoch
        if self._resuming:
            self.neq.load_state_dict(self._state["neq"])
            self._ended = int(self._state["ended"])
        self.forget()
        return self.end_epoch(epoch) if self._ended < epoch else None

    def end_epoch(self, ended: int) -> Equilibrium:
        """Measures and decides at an epoch's end.

        Args:
            ended: how many epochs the loop has behind it now.
        """
        if self.neq is None:
            raise RuntimeError("an epoch ended, and training had not begun")
        self.equilibrium = self.neq.end_epoch(explain=self._explain)
        self._ended = ended
        if self._on_equilibrium is not None:
            self._on_equilibrium(self.equilibrium)
        return self.equilibrium

    def log(self, values: Mapping[str, Any], *, step: int, epoch: int, named: bool = True) -> None:
        """Records the numbers of what the loop logged, where there is a run.

        Args:
            epoch: as the loop counts.
            named: whether the watch's name goes before theirs.
        """
        numbers = numbers_of(values, self.name if named else None)
        if self.run is not None and numbers:
            self.run.log(numbers, step=step, epoch=self._before + epoch)

    def close(self) -> None:
        """Frees every neuron. The state is kept: loops save their last checkpoint after training has ended."""
        if self.neq is not None:
            self._state = _on_cpu(self.state_dict())
            self.neq.close()
            self.neq = None

    def state_dict(self) -> dict[str, Any]:
        """All that resuming needs; empty where training never began."""
        return self._state if self.neq is None else {"neq": self.neq.state_dict(), "ended": self._ended}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes over a state for when training begins."""
        self._state, self._resuming = dict(state), True

    def forget(self) -> None:
        """The next training starts anew, unless a state is loaded for it."""
        self._resuming = False


class Attached:
    """What a callback shows of its attachment."""

    _attachment: Attachment

    @property
    def equilibrium(self) -> Equilibrium | None:
        """That of the last epoch's end; None before there is one."""
        return self._attachment.equilibrium

    @property
    def neq(self) -> NEq | None:
        """What does the work, while training lasts; None before and after."""
        return self._attachment.neq


def _tell_coverage(neq: NEq) -> None:
    """Figures of frozen neurons are fractions of what is watched: says so where that is not nearly all."""
    coverage = neq.coverage()
    if coverage.fraction < NEARLY_ALL:
        left = sorted(coverage.modules, key=lambda one: one.watched - one.trainable)
        names = ", ".join(f"{one.name or 'the model itself'} ({one.type})" for one in left[:3] if one.reason)
        _log.warning(
            "NEq watches %.1f %% of the trainable parameters; not watched are %s: see neq.coverage()",
            100 * coverage.fraction,
            names,
        )


def _on_cpu(state: Any) -> Any:
    if isinstance(state, Mapping):
        return {key: _on_cpu(value) for key, value in state.items()}
    return state.cpu() if isinstance(state, torch.Tensor) else state
