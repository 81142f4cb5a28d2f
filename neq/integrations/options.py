"""What a callback passes on to NEq."""

import inspect
from collections.abc import Mapping
from typing import Any, TypedDict

from neq import NEq, Watch
from neq.checks import CheckMode
from neq.decide.groups import Groups
from neq.decide.selection import SelectName
from neq.decide.velocity import FormulaName
from neq.device.tf32 import Products
from neq.freeze.momentum import MomentumOnThaw
from neq.measure.cosine_accumulator import PhiName
from neq.measure.measure import Way
from neq.measure.probing import Forward
from neq.savings.savings import Mode


class NEqOptions(TypedDict, total=False):
    """NEq's own options, described there; those left out have NEq's defaults."""

    epsilon: float
    mu: float
    select: SelectName
    formula: FormulaName
    phi: PhiName | None
    warmup: int
    pinning: bool
    momentum_on_thaw: MomentumOnThaw | None
    layers: Watch | None
    share: float | None
    seed: int
    groups: Groups | None
    decide_by: str
    churning_below: float
    measure: Way
    phi_precision: Products
    forward: Forward | None
    savings: Mode
    checks: CheckMode


GIVEN_BY_THE_CALLBACK = ("model", "optimizer", "probe", "process_group")
"""What a callback finds out itself, in the loop that it is called from."""


def check_names(options: Mapping[str, Any]) -> None:
    """Finds a slip of the pen when the callback is made, not when training begins.

    Raises:
        TypeError: NEq has no such option, or it is the callback's to give.
    """
    known = inspect.signature(NEq).parameters.keys() - set(GIVEN_BY_THE_CALLBACK)
    for name in options:
        if name not in known:
            raise TypeError(f"{name!r} is no option of this callback; choose from {', '.join(sorted(known))}")
