"""What a recorded run tells of its costs, in numbers that can be worked by hand."""

from collections.abc import Sequence

from contract.costs import DenseStep, PlanChanges, Saving, StepFlops, StepRanges, StepTimes
from tests.server.recording import Costs
from trainer.measured_saving import Comparison, TimedBatch, judged, spread

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


DENSE = [TimedBatch(20, backward, 5) for backward in (45, 47.5, 50, 52.5, 55)]
ORDINARY = [TimedBatch(20, backward, 5) for backward in (32, 33, 34, 34.5, 35, 36, 37)]


def _batches(epoch: int) -> list[TimedBatch]:
    return DENSE if epoch < 2 else ORDINARY


def _counted(epoch: int) -> StepFlops:
    return flops(100, 100, 100, 100) if epoch < 2 else flops(70, 54, 60, 40)


def times(ordinary: Sequence[TimedBatch], *, dense: bool = True) -> StepTimes:
    """As the training process tells them, beside `DENSE` batches of epochs 0 and 1."""
    forward, backward, optimizer, step = (
        spread([getattr(each, part) for each in ordinary]) for part in ("forward", "backward", "optimizer", "step")
    )
    compared = DenseStep(
        source="scaled",
        batches=len(DENSE),
        first_epoch=0,
        last_epoch=1,
        backward=spread([each.backward for each in DENSE]),
        step=spread([each.step for each in DENSE]),
    )
    return StepTimes(
        forward=forward.median,
        backward=backward.median,
        optimizer=optimizer.median,
        probe=7.5,
        first=90,
        batches=len(ordinary),
        clock="thread",
        wall=80,
        ranges=StepRanges(forward=forward, backward=backward, optimizer=optimizer, step=step),
        dense=compared if dense else None,
    )


def costs(epoch: int) -> Costs:
    """Nothing acts in epochs 0 and 1. Forward and optimizer stay the same."""
    return times(_batches(epoch), dense=epoch > 0), _counted(epoch), plans(epoch)


def saving(epoch: int, *, held_up: float | None = 1.0, left_out: bool = True) -> Saving:
    """What the training process makes of that."""
    dense = DENSE if epoch else []
    comparison = Comparison(_batches(epoch), dense, True, left_out and epoch > 1, held_up)
    return judged(comparison, _counted(epoch), probe=0.1)


def costs_on_a_gpu(epoch: int) -> Costs:
    """The same, timed by the device, which does not tell whether anything else held the processor."""
    timed, counted, planned = costs(epoch)
    return timed.model_copy(update={"clock": "device"}) if timed else timed, counted, planned


def saving_on_a_gpu(epoch: int) -> Saving:
    """What the training process makes of that."""
    return saving(epoch, held_up=None)


def older_costs(epoch: int) -> Costs:
    """As the program told them that measured means on the wall and no spread."""
    backward = (40.0, 60.0)[epoch] if epoch < 2 else 34.5
    means = StepTimes(forward=20, backward=backward, optimizer=5, probe=5, first=90, batches=9)
    return means, _counted(epoch), plans(epoch)
