"""Learning rates as a run's description gives them: a number for every step, and no state to keep or to restore.

A step is one move of the optimizer. Drops come at the beginning of an epoch; what moves at every step says so.
"""

import math
from dataclasses import dataclass

from contract import config as described
from contract.errors import RunError


@dataclass(frozen=True, slots=True)
class LearningRates:
    """The learning rate of every step of a run.

    Raises:
        RunError: the warm-up would not be over when the run is.
    """

    schedule: described.Schedule
    top: float
    """What the optimizer's description names; a schedule multiplies it."""
    steps_per_epoch: int
    epochs: int

    def __post_init__(self) -> None:
        if self._warmup_steps and self._warmup_steps >= self._steps:
            raise RunError(
                f"The warm-up takes {self._warmup_steps} steps, and the whole run has {self._steps}.",
                "Lower schedule.warmup, or raise training.epochs.",
            )

    @property
    def _steps(self) -> int:
        return self.steps_per_epoch * self.epochs

    @property
    def _warmup_steps(self) -> int:
        if isinstance(self.schedule, described.OneCycle):
            return 0
        return self.schedule.warmup * (self.steps_per_epoch if self.schedule.warmup_unit == "epochs" else 1)

    def at(self, step: int) -> float:
        """The learning rate of this step, counted from 0 over the whole run."""
        epoch = step // self.steps_per_epoch
        match self.schedule:
            case described.Constant():
                rate = self.top
            case described.MultiStep(milestones=milestones, gamma=gamma):
                rate = self.top * gamma ** sum(milestone <= epoch for milestone in milestones)
            case described.Step(step_size=size, gamma=gamma):
                rate = self.top * gamma ** (epoch // size)
            case described.Cosine(eta_min=eta_min, interval=interval):
                done = self._decayed(step if interval == "step" else epoch * self.steps_per_epoch)
                rate = eta_min + (self.top - eta_min) * 0.5 * (1 + math.cos(math.pi * done))
            case described.Polynomial(power=power):
                rate = self.top * (1 - self._decayed(step)) ** power
            case described.OneCycle() as cycle:
                return self._in_cycle(cycle, step)
        return rate * self._warmed(self.schedule.warmup_start_factor, step)

    def _decayed(self, step: int) -> float:
        """How far a decay is that begins when the warm-up ends, 0 to 1; a warm-up of whole epochs shortens it."""
        return max(0, step - self._warmup_steps) / (self._steps - self._warmup_steps)

    def _warmed(self, start: float, step: int) -> float:
        """What a straight warm-up makes of the rate; 1 once it is over. As torch's LinearLR."""
        done = min(1.0, step / self._warmup_steps) if self._warmup_steps else 1.0
        return start + (1 - start) * done

    def _in_cycle(self, cycle: described.OneCycle, step: int) -> float:
        """As torch's OneCycleLR with two phases; the optimizer's momentum stays as it is."""
        first, last = self.top / cycle.div_factor, self.top / cycle.div_factor / cycle.final_div_factor
        peak = cycle.pct_start * self._steps - 1
        if step <= peak and peak > 0:
            return _between(first, self.top, step / peak, cycle.anneal_strategy)
        return _between(
            self.top, last, min(1.0, (step - peak) / max(self._steps - 1 - peak, 1e-9)), cycle.anneal_strategy
        )


def _between(start: float, end: float, done: float, strategy: str) -> float:
    if strategy == "linear":
        return start + (end - start) * done
    return end + (start - end) / 2 * (1 + math.cos(math.pi * done))
