"""Section `memory`: what freezing frees, and whether `NEq.memory()` says what NEq takes."""

import torch

from bench.gpu_sections import expected
from bench.gpu_sections.experiment import Experiment
from bench.gpu_sections.stage import Stage, kinds, products

_CASES = (("resnet18", "bf16"), ("vit-b", "bf16"))
_FROZEN = ("nothing", "random 50", "prefix 50")


def run(here: Experiment) -> None:
    """Peaks by torch's allocator, which a CPU has not."""
    for name, precision in here.some(_CASES):
        here.attempt(f"{name} {precision}", _peaks, here, name, precision)


def _peaks(case: str, here: Experiment, name: str, precision: str) -> None:
    with products(precision, here.device):
        stage = Stage(name, here.device, dry=here.dry, precision=precision)
        stage.step()
        _peak(here, stage)
        plain = _peak(here, stage)
        here.say(case, "plain", plain / 2**20, "MiB")
        for what in _FROZEN:
            stage.optimizer.zero_grad(set_to_none=True)
            before = _allocated(here)
            with stage.watched(what) as neq:
                first, peak = _peak(here, stage), _peak(here, stage)
                stage.optimizer.zero_grad(set_to_none=True)
                taken, told = _allocated(here) - before, neq.memory()
                reserved = torch.cuda.memory_reserved() if here.is_cuda() else 0
                note = f"{_mib(peak)}, the measuring step {_mib(first)}, reserved {_mib(reserved)}; {kinds(neq)}"
                here.say(case, f"{what}, peak", _ratio(peak, plain), "of plain", expected.PEAKS[what], note)
                note = f"told {_mib(told.total)}, at most {_mib(told.at_most)}: {told}"
                here.say(
                    case, f"{what}, NEq.memory()", _ratio(told.total, taken), "of seen", expected.TOLD_MEMORY, note
                )


def _mib(count: int) -> str:
    return f"{count / 2**20:.1f} MiB"


def _ratio(value: float, base: float) -> float | None:
    return value / base if base else None


def _allocated(here: Experiment) -> int:
    """Bytes that tensors have now; 0 on a CPU."""
    if not here.is_cuda():
        return 0
    here.wait()
    return torch.cuda.memory_allocated()


def _peak(here: Experiment, stage: Stage) -> int:
    """Bytes that tensors had at most in a step; 0 on a CPU."""
    if not here.is_cuda():
        stage.step()
        return 0
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    stage.step()
    here.wait()
    return torch.cuda.max_memory_allocated()
