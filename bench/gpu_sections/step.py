"""Section `step`: a training step with frozen neurons beside the plain one, in turns: time, host's part, memory."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from statistics import median

import torch

from bench.gpu_sections import expected
from bench.gpu_sections.experiment import Experiment
from bench.gpu_sections.stage import Stage, kinds, products


@dataclass(frozen=True)
class Arm:
    """What is frozen, and how the step is computed.

    Attributes:
        frozen: see `stage.masks`; None: plain PyTorch.
        over: the arm that it is compared with.
        switch: `cudnn_benchmark` or `deterministic`.
    """

    name: str
    frozen: str | None
    savings: bool | str = True
    over: str = "plain"
    switch: str | None = None


ARMS = (
    Arm("plain", None),
    Arm("nothing", "nothing"),
    Arm("random 50", "random 50"),
    Arm("random 50, dense", "random 50", savings="dense"),
    Arm("random 50, rows", "random 50", savings="rows"),
    Arm("random 90", "random 90"),
    Arm("prefix 50", "prefix 50"),
    Arm("all but the head", "all but the head"),
)
SWITCHED = (
    Arm("plain, cudnn_benchmark", None, switch="cudnn_benchmark"),
    Arm("plain, deterministic", None, switch="deterministic"),
    Arm("random 50, deterministic", "random 50", over="plain, deterministic", switch="deterministic"),
)
_CASES = (
    ("resnet32", "float32", True, (*ARMS, *SWITCHED)),
    ("resnet18", "bf16", True, (*ARMS, *SWITCHED)),
    ("vit-b", "bf16", True, ARMS),
    ("resnet32", "float32", False, ARMS[:1] + ARMS[2:3] + ARMS[6:7]),
    ("resnet32", "tf32", True, ARMS[:3]),
    ("resnet18", "tf32", True, ARMS[:1] + ARMS[2:5] + ARMS[6:]),
)


@dataclass
class _Taken:
    """Of an arm, one value a round: milliseconds a step; those of the host alone; MiB at most."""

    step: list[float]
    host: list[float]
    peak: list[float]
    plans: str = ""


def run(here: Experiment) -> None:
    """Every network with every arm."""
    for name, precision, channels_last, arms in here.some(_CASES):
        case = f"{name} {precision} {'NHWC' if channels_last else 'NCHW'}"
        here.attempt(case, _compared, here, name, precision, channels_last, arms, least=12.0)


def _compared(
    case: str, here: Experiment, name: str, precision: str, channels_last: bool, arms: tuple[Arm, ...]
) -> None:
    with products(precision, here.device):
        stage = Stage(name, here.device, dry=here.dry, precision=precision, channels_last=channels_last)
        taken = {arm.name: _Taken([], [], []) for arm in arms}
        rounds = 0
        while rounds < (1 if here.dry else 5) and (rounds < 1 or here.left > 0):
            for arm in arms[:: 1 if rounds % 2 == 0 else -1]:
                _measured(here, stage, arm, taken[arm.name])
            rounds += 1
    _tell(case, here, name, precision, arms, taken)


def _measured(here: Experiment, stage: Stage, arm: Arm, taken: _Taken) -> None:
    with ExitStack() as stack:
        stack.enter_context(switched(arm.switch))
        neq = None if arm.frozen is None else stack.enter_context(stage.watched(arm.frozen, arm.savings))
        for _ in range(1 if here.dry else 4):
            stage.step()
        if neq is not None:
            taken.plans = kinds(neq)
        if here.is_cuda():
            torch.cuda.reset_peak_memory_stats()
        step, host = here.milliseconds(stage.step, times=1 if here.dry else 8)
        taken.step.append(step)
        taken.host.append(host)
        taken.peak.append(torch.cuda.max_memory_allocated() / 2**20 if here.is_cuda() else 0.0)


@contextmanager
def switched(switch: str | None) -> Iterator[None]:
    """One of torch's switches on meanwhile."""
    backend, strict = torch.backends.cudnn, torch.are_deterministic_algorithms_enabled()
    own = backend.benchmark, backend.deterministic
    backend.benchmark = switch == "cudnn_benchmark"
    if switch == "deterministic":
        torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        backend.benchmark, backend.deterministic = own
        torch.use_deterministic_algorithms(strict)


def _tell(
    case: str, here: Experiment, name: str, precision: str, arms: tuple[Arm, ...], taken: dict[str, _Taken]
) -> None:
    plain = taken["plain"]
    limit = expected.PLAIN_MS.get((name, precision))
    here.say(case, "plain", median(plain.step), "ms", limit, _note(plain))
    for arm in arms[1:]:
        found, over = taken[arm.name], taken[arm.over]
        ratio = median(mine / base for mine, base in zip(found.step, over.step, strict=True))
        known = expected.OTHER_RATIOS if arm.switch else expected.RATIOS[name]
        here.say(case, arm.name, ratio, f"of {arm.over}", known.get(arm.name), _note(found))


def _note(taken: _Taken) -> str:
    """The host's time near the step's: the step is bound by the host."""
    told = f"n {len(taken.step)}, host {median(taken.host):.2f} ms, peak {max(taken.peak):.0f} MiB"
    return f"{told}; {taken.plans}" if taken.plans else told
