"""What a training step asks of a GPU with neurons frozen, counted on the pretended one: kernels and host waits.

    python bench/pretended.py [NETWORK...]

Networks: resnet32, resnet18, vit; none named: all, which takes about a minute. Kernels are torch's operations that
write: a GPU sees 1.2 to 1.6 times as many. `settled` is a step after all plans are made; `compared` one of the steps 1,
2, 4, 8, … after a change of masks, before which values are compared. `end` is the epoch's end, in kernels and waits.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.optim import SGD

from neq.options import SavingsMode

sys.path.insert(0, str(Path(__file__).parents[1]))

from neq import NEq
from tests.pretended.device import Counts, counted, pretending
from tests.pretended.networks import NETWORKS, first_layers, random_masks, step

MASKS: dict[str, tuple[Callable[[NEq], dict[str, Tensor]], SavingsMode]] = {
    "nothing": (lambda neq: {}, False),
    "random 25 %": (lambda neq: random_masks(neq, 0.25), False),
    "random 50 %": (lambda neq: random_masks(neq, 0.5), False),
    "random 90 %": (lambda neq: random_masks(neq, 0.9), False),
    "random 50 %, rows forced": (lambda neq: random_masks(neq, 0.5), "rows"),
    "first half of the layers": (lambda neq: first_layers(neq, 0.5), True),
}


def told(counts: Counts) -> str:
    """Kernels and waits."""
    return f"{counts.kernels:5d} / {counts.waits:3d}"


def table(name: str) -> None:
    """Prints a line for each set of frozen neurons."""
    make, shape = NETWORKS[name]
    with pretending():
        model = make().to("cuda").to(memory_format=torch.channels_last)
        optimizer = SGD(model.parameters(), lr=1e-4, momentum=0.9, fused=True)
        inputs = torch.randn(shape, device="cuda")

        def run() -> None:
            step(model, optimizer, inputs)

        run()
        print(f"{name:9} {'plain':26} settled {told(counted(run))}", flush=True)
        for title, (masks, savings) in MASKS.items():
            neq = NEq(model, optimizer, [inputs[:1]], savings=savings)
            neq.freeze(masks(neq))
            steps = [counted(run) for _ in range(7)]
            end = counted(neq.end_epoch)
            print(
                f"{name:9} {title:26} settled {told(steps[6])}  compared {told(steps[2])}  end {told(end)}", flush=True
            )
            neq.close()


if __name__ == "__main__":
    torch.set_num_threads(1)
    for chosen in sys.argv[1:] or NETWORKS:
        table(chosen)
