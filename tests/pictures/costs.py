"""What a recorded run tells of its costs, in numbers that can be worked by hand."""

from tests.server.recording import Costs
from trainer.costs import PlanChanges, StepFlops, StepTimes

MEASURED = "measured 1.00 ms instead of 2.00 ms"


def flops(inputs: int, weights: int, least_inputs: int, least_weights: int) -> StepFlops:
    """Of a network whose three parts are 100 each."""
    return StepFlops(
        forward=100,
        inputs=inputs,
        weights=weights,
        dense_inputs=100,
        dense_weights=100,
        least_inputs=least_inputs,
        least_weights=least_weights,
        paper=0.0,
        ceiling=300 / (100 + least_inputs + least_weights),
    )


def plans(epoch: int) -> PlanChanges:
    """Untouched at first; from epoch 2 on, when the first masks act, one of each kind."""
    kinds, reasons = ("untouched",) * 3, (0, 0, 0)
    texts: tuple[str, ...] = ("nothing is frozen",)
    if epoch >= 2:
        kinds, reasons = ("stopped", "rows", "dense"), (0, 1, 2)  # type: ignore[assignment]
        texts = ("all its neurons are frozen", MEASURED, "its active neurons fill all blocks")
    told = epoch in (0, 2)
    return PlanChanges(
        whole=epoch == 0,
        layers=(0, 1, 2) if told else (),
        kinds=kinds if told else (),
        computed=(5, 17, 3) if epoch == 0 else (0, 16, 3) if told else (),
        reasons=reasons if told else (),
        dense_ms=(None, 2.0 if epoch else None, None) if told else (),
        rows_ms=(None, 1.0 if epoch else None, None) if told else (),
        texts=texts if told else (),
    )


def costs(epoch: int) -> Costs:
    """Nothing acts in epochs 0 and 1. Forward and optimizer stay the same."""
    backward = (40.0, 60.0)[epoch] if epoch < 2 else 34.5
    times = StepTimes(forward=20, backward=backward, optimizer=5, probe=5, first=90, batches=9)
    counted = flops(100, 100, 100, 100) if epoch < 2 else flops(70, 54, 60, 40)
    return times, counted, plans(epoch)
