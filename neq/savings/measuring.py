"""What the first step after a change of the masks finds out, on a device that computes while its host goes on.

Every layer is tried on the tensors of its own backward pass, and computes all rows in that step. When it is over, what
the device found and took is read, once, and decided for all layers together: see `balance`. Else the host waits only
before a layer of a shape that was never tried.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass

import torch

from neq.device.free_memory import give_back_unused, is_out_of_memory
from neq.savings import choice
from neq.savings.balance import Times, Weighed, weighed
from neq.savings.choice import (
    FORCED,
    NO_MEMORY,
    NOT_FINITE,
    ROUNDED,
    GradientMethod,
    MethodChoice,
    WeightGradientTask,
    without_trying,
)
from neq.savings.detour import detour_ms
from neq.savings.gradients import Rows
from neq.savings.step_load import StepLoad
from neq.savings.trial import Trial, Verdict, compared, tried, uses_tf32

_times: dict[Hashable, Times] = {}
_same: dict[Hashable, bool] = {}


def forget() -> None:
    """Measures everything anew when it next comes up, on whatever device."""
    choice.forget()
    _times.clear()
    _same.clear()


@dataclass
class _Look:
    """One layer in the step.

    Attributes:
        told: what was decided without waiting.
        calls: backward passes of it in the step.
    """

    device: torch.device
    kernels: Hashable = None
    times: Hashable = None
    told: MethodChoice | None = None
    verdict: Verdict | None = None
    trial: Trial | None = None
    calls: int = 1


class Measuring:
    """Tries layers until each has its plan, from one change of the masks to the next.

    Args:
        force: as `choice.choose` has it.
    """

    def __init__(self, force: GradientMethod | None) -> None:
        self._force = force
        self._looks: dict[str, _Look] = {}
        self._asked: set[Hashable] = set()
        self._load = StepLoad()

    def begin(self, device: torch.device) -> None:
        """A layer without a plan is called."""
        if self._force is None:
            self._load.begin(device)

    def look(self, name: str, task: WeightGradientTask) -> None:
        """The backward pass of a layer without a plan; the first one of a step is tried."""
        device = task.gradient.device
        self._load.pause(device)
        if name in self._looks:
            self._looks[name].calls += 1
        else:
            self._looks[name] = self._looked_at(task)
        self._load.resume(device)

    def _looked_at(self, task: WeightGradientTask) -> _Look:
        device = task.gradient.device
        try:
            return self._tried(task, task.rows())
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
        give_back_unused(device)  # only here: the error held on to what was allocated
        return _Look(device, told=NO_MEMORY)

    def _tried(self, task: WeightGradientTask, rows: Rows) -> _Look:
        times = task.key(), uses_tf32(task), torch.are_deterministic_algorithms_enabled()
        look = _Look(task.gradient.device, (times, rows.active.numel()), times)
        look.told = without_trying(task, rows, self._force)
        if look.told is None and not self._is_slower(look):
            if look.kernels not in _same and look.kernels not in self._asked:
                look.verdict = compared(task, rows)
            if self._force is None and times not in _times and times not in self._asked:
                if look.verdict is None:
                    task.run("rows", rows)
                look.trial = tried(task, rows)
            self._asked |= {look.kernels, times}
        return look

    def _is_slower(self, look: _Look) -> bool:
        """Whether it is known that rows do not pay, be they the same or not."""
        return self._force is None and look.times in _times and not _times[look.times].pay

    def settle(self) -> dict[str, MethodChoice]:
        """The step is over: what is done about the layers that were tried in it. Waits for the device, once."""
        looks, self._looks = self._looks, {}
        self._asked.clear()
        if not looks:
            self._load.forget()
            return {}
        self._load.end()
        _keep_verdicts(looks.values())
        measured = self._load.read()
        for look in looks.values():
            if look.trial is not None:
                _times[look.times] = look.trial.times()
        told = {name: found for name, look in looks.items() if (found := self._told(look)) is not None}
        left = {name: look for name, look in looks.items() if name not in told}
        layers = {name: Weighed(_times[look.times], look.calls, detour_ms(look.device)) for name, look in left.items()}
        return told | weighed(layers, measured)

    def _told(self, look: _Look) -> MethodChoice | None:
        """What there is to do whatever the others do; None where that is the question."""
        if look.told is not None or self._is_slower(look):
            return look.told
        same = _same.get(look.kernels)
        if same is None:
            return NOT_FINITE
        if not same:
            return ROUNDED
        return None if self._force is None else MethodChoice("rows", FORCED)


def _keep_verdicts(looks: Iterable[_Look]) -> None:
    """Reads all at once; those on gradients that were not finite tell nothing, as in a scaler's first steps."""
    asked: dict[torch.device, list[tuple[Hashable, Verdict]]] = {}
    for look in looks:
        if look.verdict is not None:
            asked.setdefault(look.device, []).append((look.kernels, look.verdict))
    for told in asked.values():
        flags = torch.stack([flag for _, verdict in told for flag in (verdict.same, verdict.finite)]).tolist()
        _same.update(
            {kernels: same for (kernels, _), same, finite in zip(told, flags[::2], flags[1::2], strict=True) if finite}
        )
