"""What each figure was expected to be on a data-centre GPU of 2022 or later (H100, H200), and why.

No figure was measured on a GPU when this was written: a range is an `estimate`, or a `rule` that must hold anywhere.
Estimates come from the kernels and waits that `tests/pretended` counts, 2 to 8 µs a launch and 12 to 25 µs a wait, and
from data sheets. Put `measured` in the place of `estimate` where a figure of a GPU took the place of one.
"""

from bench.gpu_sections.record import Range, rule

NONE = rule(0, 0)
ALL = rule(1, 1)

CALLS_US: dict[str, Range] = {
    "x.add_(1)": Range(2, 8),
    "x[i] = 0 (waits)": Range(15, 60),
    "x[i] = values": Range(6, 20),
    "x.masked_fill_(mask)": Range(2, 9),
    "where(mask, values, x, out=x)": Range(2, 9),
    "_foreach_mul_ of 93, int32": Range(20, 250),
    "_foreach_add_ of 93, int32": Range(20, 250),
}
HELD_UP_MS = Range(0.9, 2.5)
"""That `device.timing.hold_up` keeps the GPU for, asked for one millisecond: its clock is 0.8 to 2 GHz."""

DETOUR_MS = Range(0.01, 0.2)

ROUNDING = {"float32": rule(None, 1e-4), "tf32": Range(None, 2e-2), "bf16": Range(None, 5e-2)}
"""Gradients of rows computed alone, as a share of the whole gradient's norm."""

PHI = {"float32": Range(None, 2e-5), "tf32": Range(None, 1e-3)}
"""Largest difference to a CPU's."""

REFUSED = Range(0, 2)
"""Layers whose rows computed alone are said to be rounded in another way."""

MORE_KERNELS = Range(None, 20)
"""Than the plain step launches. On the pretended GPU it is 12 at most; a real one may add kernels for layouts."""

PLAIN_MS: dict[tuple[str, str], Range] = {
    ("resnet32", "float32"): Range(5, 14),
    ("resnet32", "tf32"): Range(5, 14),
    ("resnet18", "bf16"): Range(14, 32),
    ("resnet18", "tf32"): Range(20, 55),
    ("vit-b", "bf16"): Range(40, 75),
}
RATIOS: dict[str, dict[str, Range]] = {
    "resnet32": {
        "nothing": Range(0.97, 1.03),
        "random 50": Range(0.97, 1.1),
        "random 90": Range(0.97, 1.1),
        "prefix 50": Range(0.6, 0.8),
        "all but the head": Range(0.33, 0.5),
    },
    "resnet18": {
        "nothing": Range(0.98, 1.02),
        "random 50": Range(0.96, 1.03),
        "random 90": Range(0.88, 1.01),
        "prefix 50": Range(0.45, 0.6),
        "all but the head": Range(0.3, 0.42),
    },
    "vit-b": {
        "nothing": Range(0.98, 1.02),
        "random 50": Range(0.95, 1.02),
        "random 90": Range(0.85, 1.01),
        "prefix 50": Range(0.6, 0.72),
        "all but the head": Range(0.3, 0.4),
    },
}
"""The step's time over the plain step's."""

OTHER_RATIOS: dict[str, Range] = {
    "plain, cudnn_benchmark": Range(0.7, 1.05),
    "plain, deterministic": Range(0.95, 1.6),
    "random 50, deterministic": Range(0.97, 1.15),
}
"""Over the plain step; the last over the plain step with deterministic algorithms, for none of both sorts."""

PROBE_MS = {"resnet32": Range(None, 400), "resnet18": Range(None, 1500)}
PROBE_FORWARDS = Range(1.0, 3.5)
"""`end_epoch` over one forward pass over the probe set."""

PEAKS: dict[str, Range] = {
    "nothing": Range(1.0, 1.1),
    "random 50": Range(1.0, 1.25),
    "prefix 50": Range(0.4, 0.8),
}
"""Over the plain step's peak of memory, NEq's own included."""

TOLD_MEMORY = Range(0.8, 1.25)
"""What `NEq.memory()` says it keeps, over what torch's allocator sees: that gives blocks of 512 bytes."""

COLD = Range(0.5, 1.3)
"""The planner's milliseconds over those of a kernel that finds nothing in the L2 cache."""

REPLAYED_MS = Range(1.0, 6.0)

LAST_LOSS = Range(None, 2.5)
