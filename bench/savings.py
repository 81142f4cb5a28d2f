"""What frozen neurons save: steps, optimizer, memory and probe, against plain PyTorch on the same machine.

    python bench/savings.py [steps] [optimizer] [memory] [probe] [--threads 1] [--rounds 15] [--only resnet18]

Everything runs in one process. Two copies of a network take turns, a plain step, a saving step, and each round gives
one ratio; the median of the ratios is printed with their quartiles, so that a load that comes and goes weighs on both
alike. `share` is the time saved over the time that the skipped weight gradients take in the plain step; that time is
measured too, as the plain step less one without weight gradients. The load of the machine is part of every figure.
"""

import argparse
import copy
import os
import platform
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from statistics import median, quantiles

import torch
import torchvision
from torch import Tensor, nn
from torch.optim import SGD, AdamW, Optimizer
from torchvision.models.swin_transformer import SwinTransformerBlock

from trainer.config.models import ResNetCifar
from trainer.models.resnet_cifar import resnet_cifar
from trainer.models.shape import Shape
from trainer.neq import NEq
from trainer.neq.savings.refusal import why_no_zeros
from trainer.neq.savings.swap import swap, with_zeros

Masks = Mapping[str, Tensor]


@dataclass(frozen=True)
class Case:
    """A network and what it is fed; `shares` of random neurons are frozen."""

    make: Callable[[], nn.Module]
    inputs: tuple[int, ...]
    shares: tuple[float, ...]


def _mlp() -> nn.Module:
    blocks = [nn.Sequential(nn.LayerNorm(768), nn.Linear(768, 3072), nn.GELU(), nn.Linear(3072, 768)) for _ in range(4)]
    return nn.Sequential(*blocks, nn.Linear(768, 10))


def _swin(blocks: int = 2) -> nn.Module:
    stage = [SwinTransformerBlock(512, 16, [7, 7], [3 * (i % 2)] * 2) for i in range(blocks)]
    return nn.Sequential(*stage, nn.Linear(512, 10))


CASES = {
    "resnet18": Case(lambda: torchvision.models.resnet18(), (8, 3, 224, 224), (0.5, 0.75, 0.9)),
    "mlp": Case(_mlp, (196, 768), (0.5, 0.9)),
    "swin": Case(_swin, (1, 14, 14, 512), (0.5, 0.9)),
    "resnet32": Case(lambda: resnet_cifar(ResNetCifar(), Shape(3, 32, 32, 10)), (100, 3, 32, 32), (0.25, 0.5, 0.9)),
}


def step(model: nn.Module, optimizer: Optimizer, inputs: Tensor) -> None:
    """One step of training."""
    optimizer.zero_grad()
    model(inputs).square().mean().backward()
    optimizer.step()


def milliseconds(run: Callable[[], object]) -> float:
    """How long one call takes."""
    start = time.perf_counter()
    run()
    return (time.perf_counter() - start) * 1e3


def paired(one: Callable[[], object], other: Callable[[], object], rounds: int) -> tuple[list[float], list[float]]:
    """Times of both, taking turns and taking turns at being first."""
    for run in (one, other, one, other):
        run()
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds):
        for place in ((0, 1), (1, 0))[number % 2]:
            times[place].append(milliseconds((one, other)[place]))
    return times


def spread(values: list[float]) -> str:
    """Median and quartiles."""
    low, _, high = quantiles(values, n=4)
    return f"{median(values):.3f} [{low:.3f}, {high:.3f}]"


def random_masks(neq: NEq, share: float) -> Masks:
    """The same share of every layer but the head."""
    draw = torch.Generator().manual_seed(0)
    return {
        layer.name: torch.randperm(layer.neurons, generator=draw) < round(share * layer.neurons)
        for layer in neq.layers[:-1]
    }


def first_layers(neq: NEq, share: float) -> Masks:
    """The first layers whole, so many of all."""
    layers = neq.layers[: min(round(share * len(neq.layers)), len(neq.layers) - 1)]
    return {layer.name: torch.ones(layer.neurons, dtype=torch.bool) for layer in layers}


def arms(neq: NEq, case: Case) -> Iterator[tuple[str, float | None, Masks]]:
    """What is frozen: a name, the share of random neurons, the masks."""
    yield "nothing", None, {}
    for share in case.shares:
        yield f"random {share:.0%}", share, random_masks(neq, share)
    yield "first half", None, first_layers(neq, 0.5)
    yield "all but the head", None, first_layers(neq, 1.0)


def steps(name: str, case: Case, rounds: int) -> None:
    """The step's time over the plain step's."""
    torch.manual_seed(0)
    plain, inputs = case.make(), torch.randn(case.inputs)
    saving, bare = copy.deepcopy(plain), copy.deepcopy(plain)
    optimizers = [SGD(model.parameters(), lr=1e-4, momentum=0.9) for model in (plain, saving, bare)]
    neq = NEq(saving, optimizers[1], [inputs[:2]])
    for layer in NEq(bare, optimizers[2], [inputs[:2]]).layers:
        if why_no_zeros(layer) is None:
            swap(layer.module, with_zeros)
    dense, without = paired(
        lambda: step(plain, optimizers[0], inputs), lambda: step(bare, optimizers[2], inputs), rounds
    )
    gradient_share = 1 - median(b / a for a, b in zip(dense, without, strict=True))
    print(f"{name}: plain step {median(dense):.1f} ms, of which weight gradients {gradient_share:.1%}")
    for title, share, masks in arms(neq, case):
        neq.freeze(masks)
        dense, saved = paired(
            lambda: step(plain, optimizers[0], inputs), lambda: step(saving, optimizers[1], inputs), rounds
        )
        ratios = [b / a for a, b in zip(dense, saved, strict=True)]
        kinds = [plan.kind for plan in neq.plans().values()]
        counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in sorted(set(kinds)))  # type: ignore[type-var]
        gained = "" if share is None else f"  share {(1 - median(ratios)) / (share * gradient_share):.2f}"
        print(f"  {title:18} {spread(ratios)}{gained}  ({counts})", flush=True)


def optimizer_steps(rounds: int) -> None:
    """The optimizer's step with half of ResNet-18's rows kept, over plain SGD's and AdamW's."""
    for title, make in {
        "SGD": lambda p, fused: SGD(p, lr=1e-4, momentum=0.9, weight_decay=1e-4, fused=fused),
        "AdamW": lambda p, fused: AdamW(p, lr=1e-4, fused=fused),
    }.items():
        plain = torchvision.models.resnet18()
        saving = copy.deepcopy(plain)
        first, second = make(plain.parameters(), False), make(saving.parameters(), True)
        inputs = torch.randn(2, 3, 64, 64)
        neq = NEq(saving, second, [inputs])
        for model, optimizer in ((plain, first), (saving, second)):
            step(model, optimizer, inputs)
        neq.freeze(random_masks(neq, 0.5))
        step(saving, second, inputs)
        ratios = [b / a for a, b in zip(*paired(first.step, second.step, rounds), strict=True)]
        print(f"optimizer {title}: fused, half the rows put back, over plain {title}: {spread(ratios)}", flush=True)


def kept_megabytes(model: nn.Module, inputs: Tensor) -> float:
    """What the graph of one forward pass holds beside parameters."""
    own = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        output = model(inputs)
    assert output.requires_grad
    return sum(kept.values()) / 2**20


def memory() -> None:
    """Activations that the graph holds with the first 60 % of a Swin stage frozen, over the plain ones.

    Its tables of relative positions have no neurons: they go on learning, and the graph reaches down to the first of
    them, unless the caller holds those too.
    """
    for title, held in (("tables of positions learn on", False), ("tables held too", True)):
        model, inputs = _swin(6), torch.randn(4, 14, 14, 512)
        optimizer = SGD(model.parameters(), lr=1e-4)
        neq = NEq(model, optimizer, [inputs[:1]])
        dense = kept_megabytes(model, inputs)
        step(model, optimizer, inputs)
        neq.freeze(first_layers(neq, 0.6))
        for name, parameter in model.named_parameters():
            if held and name.endswith("relative_position_bias_table"):
                parameter.requires_grad_(False)
        kept = kept_megabytes(model, inputs)
        print(f"memory, {title}: {kept:.1f} MB instead of {dense:.1f} MB, {kept / dense:.3f} of it", flush=True)


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

        passes, ends = paired(forward, neq.end_epoch, rounds)
        ratios = [b / a for a, b in zip(passes, ends, strict=True)]
        print(f"probe {name}, {samples} images: {spread(ratios)} forward passes of {median(passes):.0f} ms", flush=True)


def main() -> None:
    """Prints what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", default=[], help="steps, optimizer, memory, probe; all of them if none")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--only", choices=CASES, help="one network of the steps")
    wanted = parser.parse_args()
    torch.set_num_threads(wanted.threads)
    parts = wanted.parts or ["steps", "optimizer", "memory", "probe"]
    load = os.getloadavg()[0]
    print(
        f"torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}, {platform.machine()}, "
        f"{wanted.threads} thread(s), n = {wanted.rounds} rounds, median [quartiles], load {load:.1f}"
    )
    if "steps" in parts:
        for name, case in CASES.items():
            if wanted.only in (None, name):
                steps(name, case, wanted.rounds)
    if "optimizer" in parts:
        optimizer_steps(wanted.rounds)
    if "memory" in parts:
        memory()
    if "probe" in parts:
        probe(max(wanted.rounds // 3, 3))


if __name__ == "__main__":
    main()
