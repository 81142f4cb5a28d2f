"""What frozen neurons save: steps, optimizer and memory, each beside what is to be reached.

    python bench/savings.py ROW... [--threads 1] [--rounds 15]

Rows: the networks of `bench/stepping.py` (resnet18, mlp, swin, resnet32, resnet32-channels-last), optimizer, memory,
probe; none named: all, which takes some ten minutes. Everything runs in one process. On one network a plain step, one
whose weights need no gradient, and one for each set of frozen neurons take turns, so that a load that comes and goes
weighs on all alike. Each round gives a ratio to the plain step; medians are printed with their quartiles, by the clock
and, with one thread, by that thread's own time, which other programs disturb less.

`share` is the time saved over the time of the weight gradients that could be left out: the plain forward and
backward pass less those without weight gradients, times the frozen share. The optimizer's work on frozen rows counts
against it.
"""

import argparse
import copy
from collections.abc import Callable

import torch
import torchvision
from kept import kept_bytes
from machine import machine
from pairs import keep_memory, paired, ratios, reached, spread
from stepping import CASES, first_layers, random_masks, step, swin, table
from torch import Tensor, nn
from torch.optim import SGD, AdamW, Optimizer

from neq import NEq
from neq.options import SelectName

PLAIN_SGD = 0.75, 0.94
"""Of plain SGD's time, that a prototype's fused SGD and AdamW took with half of the rows put back."""


def optimizer_steps(rounds: int) -> None:
    """Fused SGD and AdamW with half of ResNet-18's rows put back, over plain SGD."""
    plain = torchvision.models.resnet18()
    models = [plain, copy.deepcopy(plain), copy.deepcopy(plain)]
    optimizers: list[Optimizer] = [
        SGD(models[0].parameters(), lr=1e-4, momentum=0.9, weight_decay=1e-4),
        SGD(models[1].parameters(), lr=1e-4, momentum=0.9, weight_decay=1e-4, fused=True),
        AdamW(models[2].parameters(), lr=1e-4, fused=True),
    ]
    inputs = torch.randn(2, 3, 64, 64)
    for model, optimizer in zip(models, optimizers, strict=True):
        step(model, optimizer, inputs)
    for model, optimizer in zip(models[1:], optimizers[1:], strict=True):
        neq = NEq(model, optimizer, [inputs])
        neq.freeze(random_masks(sizes(neq), 0.5))
        step(model, optimizer, inputs)
    times = paired([optimizer.step for optimizer in optimizers], rounds)
    for title, limit, mine in zip(("SGD", "AdamW"), PLAIN_SGD, times[1:], strict=True):
        found = ratios(times[0], mine, thread=torch.get_num_threads() == 1)
        print(f"  fused {title}, half the rows put back, over plain SGD: {spread(found)}  {reached(found, most=limit)}")


def sizes(neq: NEq) -> dict[str, int]:
    """Neurons by layer."""
    return {layer.name: layer.neurons for layer in neq.layers}


def memory() -> None:
    """Activations that the graph holds with the first 60 % of a Swin-B stage frozen, over the plain ones.

    Its tables of relative positions have no neurons. By the rule `equilibrium` they learn on, and the graph reaches
    down to the first of them; by `prefix` they stand still with the layers around them.
    """
    rules: tuple[tuple[SelectName, float | None], ...] = (("equilibrium", None), ("prefix", 0.8))
    for rule, share in rules:
        model, inputs = swin(18), torch.randn(1, 14, 14, 512)
        optimizer = SGD(model.parameters(), lr=1e-4)
        neq = NEq(model, optimizer, [inputs[:1]], select=rule, fraction=share)
        dense = kept_bytes(model, inputs) / 2**20
        step(model, optimizer, inputs)
        neq.freeze(first_layers(sizes(neq), 11 / 18))
        kept = kept_bytes(model, inputs) / 2**20
        print(f"  11 of 18 blocks, rule {rule}: {kept:.1f} MB of {dense:.1f}, {reached([kept / dense], most=0.4)}")


def probe(rounds: int) -> None:
    """`end_epoch()` by streaming, in forward passes over the probe set."""
    for name, samples in (("resnet32", 500), ("resnet18", 32)):
        case = CASES[name]
        model, images = case.make(), torch.randn(samples, *case.inputs[1:])
        neq = NEq(model, SGD(model.parameters(), lr=1e-4), [images], measure="streaming")

        def forward(model: nn.Module = model, images: Tensor = images) -> None:
            with torch.no_grad():
                for piece in images.split(50 if len(images) > 50 else 8):
                    model.eval()(piece)

        passes, ends = paired([forward, neq.end_epoch], rounds)
        print(f"  {name}, {samples} images: {spread(ratios(passes, ends))} forward passes", flush=True)


def main() -> None:
    """Prints what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    others: dict[str, Callable[[int], None]] = {
        "optimizer": optimizer_steps,
        "memory": lambda rounds: memory(),
        "probe": lambda rounds: probe(max(rounds // 3, 3)),
    }
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"{', '.join((*CASES, *others))}; all of them if none")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=15)
    wanted = parser.parse_args()
    unknown = set(wanted.rows) - {*CASES, *others}
    if unknown:
        parser.error(f"no row is called {', '.join(sorted(unknown))}; choose from {', '.join((*CASES, *others))}")
    torch.set_num_threads(wanted.threads)
    print(machine())
    kernels = torch.backends.cpu.get_cpu_capability()
    print(f"torch {torch.__version__}, {kernels}, {wanted.threads} thread(s), n = {wanted.rounds}, median [quartiles]")
    for name in wanted.rows or (*CASES, *others):
        print(name, flush=True)
        if name in CASES:
            table(CASES[name], wanted.rounds)
        else:
            others[name](wanted.rounds)


if __name__ == "__main__":
    keep_memory()
    main()
