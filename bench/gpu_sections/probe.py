"""Section `probe`: what measuring φ takes at the end of an epoch."""

from statistics import median
from typing import Any

import torch

from bench.gpu_sections import expected
from bench.gpu_sections.experiment import Experiment
from bench.gpu_sections.stage import Stage
from bench.gpu_sections.sync import waits
from neq import NEq

_CASES: tuple[tuple[str, int, str, str], ...] = (
    ("resnet32", 500, "streaming", "float32"),
    ("resnet32", 500, "cached", "float32"),
    ("resnet32", 500, "streaming", "tf32"),
    ("resnet18", 1000, "streaming", "float32"),
    ("resnet18", 1000, "streaming", "tf32"),
)
_BATCH = 250


def run(here: Experiment) -> None:
    """Beside plain forward passes over the same images, in turns."""
    for name, samples, way, precision in here.some(_CASES):
        here.attempt(f"{name} {samples} {way} {precision}", _measured, here, name, samples, way, precision)


def _measured(case: str, here: Experiment, name: str, samples: int, way: Any, precision: Any) -> None:
    stage = Stage(name, here.device, dry=here.dry)
    images = torch.randn(8 if here.dry else samples, *stage.inputs.shape[1:], device=here.device)
    batches = list(images.split(4 if here.dry else _BATCH))

    def forward() -> None:
        stage.model.eval()
        with torch.no_grad():
            for batch in batches:
                stage.model(batch)
        stage.model.train()

    with NEq(stage.model, stage.optimizer, batches, measure=way, phi_precision=precision, checks="off") as neq:
        neq.end_epoch()
        forward()
        pairs = [(here.median_ms(forward, 1), here.median_ms(neq.end_epoch, 1)) for _ in range(1 if here.dry else 5)]
        ends, passes = median(end for _, end in pairs), median(one for one, _ in pairs)
        waited = waits(here, neq.end_epoch)
        here.say(case, "end_epoch", ends, "ms", expected.PROBE_MS[name], f"n {len(pairs)}, {waited} host waits")
        here.say(case, "end_epoch", ends / passes, "forwards", expected.PROBE_FORWARDS, f"a forward {passes:.1f} ms")
