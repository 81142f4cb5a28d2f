"""Where memory runs out: who is to be ended then, and what to try instead."""

from contextlib import suppress
from pathlib import Path

from contract.config import RunConfig

_FIRST_TO_GO = "500"
"""Of 1,000: beside a web process or a database of equal size, Linux then ends the training process."""


def go_first() -> None:
    """Asks Linux to end this process and no other when the machine's memory runs out; elsewhere it does nothing."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_GO)


def less_memory(config: RunConfig) -> str:
    """What to change so that the run takes less memory, as the end of a sentence."""
    size, together = config.training.batch_size, config.training.gradient_accumulation_steps
    if size < 2:
        return "choose a smaller model or smaller images, or lower neq.probe.samples."
    return (
        f"try training.batch_size {size // 2} with training.gradient_accumulation_steps {together * 2}, which learns "
        "from as many images a step in about half the memory; or lower neq.probe.samples, or choose a smaller model."
    )
