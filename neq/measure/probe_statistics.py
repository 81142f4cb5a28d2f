"""What one pass over the probe set found out, before anything is decided from it."""

from collections.abc import Generator
from dataclasses import dataclass

import torch
import torch.distributed
from torch import Tensor

from neq.measure.agreement import failing_together
from neq.measure.cosine_accumulator import CosineAccumulator
from neq.measure.explain import Causes
from neq.measure.measure import PhiMeasurement
from neq.options import PhiName


@dataclass(frozen=True)
class ProbeStatistics:
    """All neurons, layers one after the other; on the CPU.

    Attributes:
        divergence: float64 (neurons,): 1 − φ as measured, before it is rounded to what is recorded.
        squares: float64 (4, neurons): see `CosineAccumulator.squares`.
        own, upstream: float64 (neurons,): 1 − φ had only the one cause moved; None where it was not asked for.
    """

    divergence: Tensor
    squares: Tensor
    own: Tensor | None = None
    upstream: Tensor | None = None


def measured(
    measure: PhiMeasurement, phi: PhiName, group: "torch.distributed.ProcessGroup | None", *, explain: bool
) -> Generator[int, None, ProbeStatistics]:
    """Measures on the whole probe set, of all processes where there is a group; yields how many batches are done.

    Raises:
        ValueError: the probe set or the model does not give what it gave one epoch earlier, or a layer gave nothing.
        OtherProcessFailed: so in another process.
    """
    measure.make_room(group)
    sums = measure.no_sums(phi)
    causes = Causes(measure.no_sums(phi), measure.no_sums(phi)) if explain else None
    with failing_together(measure.model, group):
        yield from measure.add_up(sums, causes)
    for one in (sums, *((causes.own, causes.upstream) if causes else ())):
        if group is not None:
            one.reduce(group)
    _check(sums)
    return ProbeStatistics(
        sums.divergence(),
        sums.squares(),
        causes.own.divergence() if causes else None,
        causes.upstream.divergence() if causes else None,
    )


def _check(sums: CosineAccumulator) -> None:
    silent = sums.never_called()
    if silent:
        raise ValueError(f"layer {silent[0]!r} was not called on the probe set: φ of nothing is undefined")
