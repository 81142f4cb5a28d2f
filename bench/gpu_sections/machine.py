"""Section `machine`: what there is, what a call costs on it, and the constants that the planner goes by."""

import platform
from collections.abc import Callable

import torch
import torchvision

from bench.gpu_sections import expected
from bench.gpu_sections.experiment import Experiment
from neq.device.timing import hold_up
from neq.savings.detour import detour_ms

_TENSORS = 93
"""Parameters of ResNet-32."""


def run(here: Experiment) -> None:
    """Versions and properties; microseconds a call."""
    here.describe(
        torch=torch.__version__,
        torchvision=torchvision.__version__,
        python=platform.python_version(),
        threads=torch.get_num_threads(),
        **(_gpu() if here.is_cuda() else {"device": "a CPU: no time means anything"}),
    )
    here.attempt("host and device time of a call", _calls, here)
    here.attempt("the planner's constants", _constants, here)


def _gpu() -> dict[str, object]:
    found = torch.cuda.get_device_properties(0)
    return {
        "device": found.name,
        "devices": torch.cuda.device_count(),
        "capability": f"{found.major}.{found.minor}",
        "multiprocessors": getattr(found, "multi_processor_count", None),
        "memory": found.total_memory,
        "free": torch.cuda.mem_get_info()[0],
        "l2": getattr(found, "L2_cache_size", None),
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
    }


def _calls(case: str, here: Experiment) -> None:
    device = here.device
    x, index = torch.zeros(64, 576, device=device), torch.arange(0, 64, 2, device=device)
    values, mask = torch.zeros(32, 576, device=device), torch.zeros(64, 1, dtype=torch.bool, device=device)
    many = [torch.ones(64, 576, dtype=torch.int32, device=device) for _ in range(_TENSORS)]
    ones = [torch.ones_like(one) for one in many]
    calls: dict[str, Callable[[], object]] = {
        "x.add_(1)": lambda: x.add_(1),
        "x[i] = 0 (waits)": lambda: x.__setitem__(index, 0),
        "x[i] = values": lambda: x.__setitem__(index, values),
        "x.masked_fill_(mask)": lambda: x.masked_fill_(mask, 0),
        "where(mask, values, x, out=x)": lambda: torch.where(mask, x, x, out=x),
        "_foreach_mul_ of 93, int32": lambda: torch._foreach_mul_(many, ones),
        "_foreach_add_ of 93, int32": lambda: torch._foreach_add_(many, ones),
    }
    for name, call in calls.items():
        here.milliseconds(call, times=2 if here.dry else 20)
        taken, host = here.milliseconds(call, times=3 if here.dry else 500)
        here.say(case, name, 1e3 * taken, "us", expected.CALLS_US[name], f"host {1e3 * host:.1f} us")


def _constants(case: str, here: Experiment) -> None:
    if here.is_cuda():
        hold_up(here.device, 1.0)
        taken = here.median_ms(lambda: hold_up(here.device, 5.0), 5) / 5
        here.say(case, "held up, asked for 1 ms", taken, "ms", expected.HELD_UP_MS)
    else:
        here.leave_out("held up", "a CPU is not held up")
    here.say(
        case, "a layer's detour", detour_ms(here.device), "ms", expected.DETOUR_MS, "of the host, a layer and step"
    )
