"""Where memory runs out: who is to be ended then, and the one home of what to try instead."""

from contextlib import suppress
from pathlib import Path

from contract.config import RunConfig

_FIRST_TO_GO = "500"
"""Of 1,000: beside a web process or a database of equal size, Linux then ends the training process."""


SMALLER_RUN = "choose a smaller model or smaller images"
"""What helps wherever a batch cannot be made smaller; the end of a sentence."""

SMALLER_OR_MORE_MEMORY = (
    "Choose a smaller model or smaller images, stop other programs that use the device's memory, or train on a larger "
    "device."
)
"""What is left to do where memory runs out on as few images as there can be."""


def go_first() -> None:
    """Asks Linux to end this process and no other when the machine's memory runs out; elsewhere it does nothing."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_GO)


def less_memory(config: RunConfig | None) -> str:
    """What to change so that the run takes less memory, as the end of a sentence; None: which run is not known."""
    if config is None:
        return f"lower training.batch_size, or {SMALLER_RUN}."
    size, together = config.training.batch_size, config.training.gradient_accumulation_steps
    if size < 2:
        return f"{SMALLER_RUN}, or lower neq.probe.samples."
    return (
        f"try training.batch_size {size // 2} with training.gradient_accumulation_steps {together * 2}, which learns "
        "from as many images per step in about half the memory; or lower neq.probe.samples, or choose a smaller model."
    )
