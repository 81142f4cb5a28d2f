"""Steps of training with frozen neurons beside plain ones: the networks, what is frozen in them, and the table."""

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from statistics import median

import torch
import torchvision
from pairs import paired, ratios, reached, spread
from torch import Tensor, nn
from torch.optim import SGD, Optimizer
from torchvision.models.swin_transformer import SwinTransformerBlock

from trainer.config.models import ResNetCifar
from trainer.models.resnet_cifar import resnet_cifar
from trainer.models.shape import Shape
from trainer.neq import NEq

Masks = Mapping[str, Tensor]


@dataclass(frozen=True)
class Case:
    """A network, what it is fed, which shares of random neurons are frozen, and what is to be reached.

    Attributes:
        share: the least part of the skippable time that is to be saved, for each of `shares`.
        most: the largest ratio to the plain step that an arm may have, by its name.
    """

    make: Callable[[], nn.Module]
    inputs: tuple[int, ...]
    shares: tuple[float, ...]
    share: float | None = None
    most: Mapping[str, float] = field(default_factory=dict)
    channels_last: bool = False


def mlp() -> nn.Module:
    """Linear blocks of 768 and 3,072 neurons."""
    blocks = [nn.Sequential(nn.LayerNorm(768), nn.Linear(768, 3072), nn.GELU(), nn.Linear(3072, 768)) for _ in range(4)]
    return nn.Sequential(*blocks, nn.Linear(768, 10))


def swin(blocks: int = 2) -> nn.Module:
    """So many blocks of the third stage of Swin-B, and a head."""
    stage = [SwinTransformerBlock(512, 16, [7, 7], [3 * (i % 2)] * 2) for i in range(blocks)]
    return nn.Sequential(*stage, nn.Linear(512, 10))


def resnet32() -> nn.Module:
    """That of CIFAR-10."""
    return resnet_cifar(ResNetCifar(), Shape(3, 32, 32, 10))


_HEAD = {"all but the head": 0.38}
_SMALL = {
    "random 25%": 1.0,
    "random 50%": 1.0,
    "random 90%": 0.88,
    "first half": 0.52,
    "half the neurons": 0.52,
    **_HEAD,
}
CASES = {
    "resnet18": Case(
        torchvision.models.resnet18, (8, 3, 224, 224), (0.5, 0.75, 0.9), 0.85, {"nothing": 1.005, **_HEAD}
    ),
    "mlp": Case(mlp, (784, 768), (0.5, 0.9), 0.9, _HEAD),
    "swin": Case(swin, (4, 14, 14, 512), (0.5, 0.9), 0.85),
    "resnet32": Case(resnet32, (100, 3, 32, 32), (0.25, 0.5, 0.9), None, _SMALL),
    "resnet32-channels-last": Case(resnet32, (100, 3, 32, 32), (0.25, 0.5, 0.9), None, _SMALL, channels_last=True),
}


def step(model: nn.Module, optimizer: Optimizer, inputs: Tensor) -> None:
    """One step of training."""
    passes(model, optimizer, inputs)
    optimizer.step()


def passes(model: nn.Module, optimizer: Optimizer, inputs: Tensor) -> None:
    """A step but for the optimizer's."""
    optimizer.zero_grad()
    model(inputs).square().mean().backward()


def random_masks(neq: NEq, share: float) -> Masks:
    """The same share of every layer but the head."""
    draw = torch.Generator().manual_seed(0)
    return {
        layer.name: torch.randperm(layer.neurons, generator=draw) < round(share * layer.neurons)
        for layer in neq.layers[:-1]
    }


def first_layers(neq: NEq, share: float) -> Masks:
    """The first layers whole, so many of all but the head."""
    return _whole(neq, round(share * (len(neq.layers) - 1)))


def first_neurons(neq: NEq, share: float) -> Masks:
    """The first layers whole, as many as hold this share of the neurons."""
    sizes = torch.tensor([layer.neurons for layer in neq.layers]).cumsum(0)
    return _whole(neq, int((sizes <= share * sizes[-1]).sum()))


def _whole(neq: NEq, layers: int) -> Masks:
    return {layer.name: torch.ones(layer.neurons, dtype=torch.bool) for layer in neq.layers[:layers]}


def arms(neq: NEq, shares: tuple[float, ...]) -> Iterator[tuple[str, Masks]]:
    """What is frozen: a name, the masks."""
    yield "nothing", {}
    for share in shares:
        yield f"random {share:.0%}", random_masks(neq, share)
    yield "first half", first_layers(neq, 0.5)
    yield "half the neurons", first_neurons(neq, 0.5)
    yield "all but the head", first_layers(neq, 1.0)


@dataclass(frozen=True)
class _Arm:
    model: nn.Module
    optimizer: Optimizer
    plans: str

    def step(self, inputs: Tensor) -> None:
        step(self.model, self.optimizer, inputs)

    def passes(self, inputs: Tensor) -> None:
        passes(self.model, self.optimizer, inputs)


def _arm(model: nn.Module, inputs: Tensor, masks: Callable[[NEq], Masks] | None) -> _Arm:
    """A copy of a model; where there are masks, with those neurons frozen and its plans made."""
    model = copy.deepcopy(model)
    optimizer = SGD(model.parameters(), lr=1e-4, momentum=0.9)
    if masks is None:
        return _Arm(model, optimizer, "")
    neq = NEq(model, optimizer, [inputs[:2]])
    step(model, optimizer, inputs)
    neq.freeze(masks(neq))
    for _ in range(2):
        step(model, optimizer, inputs)
    kinds = [plan.kind for plan in neq.plans().values()]
    return _Arm(model, optimizer, ", ".join(f"{kinds.count(kind)} {kind}" for kind in sorted({*kinds})))


def _without_weight_gradients(arm: _Arm) -> _Arm:
    modules = [module for module in arm.model.modules() if isinstance(module, (nn.Linear, nn.Conv2d))]
    for module in modules[:-1]:
        module.weight.requires_grad_(False)
    return arm


def table(case: Case, rounds: int) -> None:
    """The step's time over the plain step's, for everything that is frozen in turn."""
    torch.manual_seed(0)
    model, inputs = case.make(), torch.randn(case.inputs)
    if case.channels_last:
        model, inputs = model.to(memory_format=torch.channels_last), inputs.to(memory_format=torch.channels_last)
    plain, bare = _arm(model, inputs, None), _without_weight_gradients(_arm(model, inputs, None))
    with NEq(copy.deepcopy(model), SGD(model.parameters(), lr=0.1), [inputs[:2]]) as neq:
        masks = dict(arms(neq, case.shares))
    found = [_arm(model, inputs, lambda _, chosen=chosen: chosen) for chosen in masks.values()]  # type: ignore[misc]
    dense, without, *rest = paired(
        [
            lambda: plain.passes(inputs),
            lambda: bare.passes(inputs),
            *(lambda arm=arm: arm.step(inputs) for arm in (plain, *found)),  # type: ignore[misc]
        ],
        rounds,
    )
    whole, saved = rest[0], rest[1:]
    thread = torch.get_num_threads() == 1
    base = [(step.thread if thread else step.clock) for step in whole]
    weights = [
        (a.thread - b.thread if thread else a.clock - b.clock) / c for a, b, c in zip(dense, without, base, strict=True)
    ]
    clock = median(time.clock for time in whole)
    print(f"  plain step {clock:.1f} ms by the clock; weight gradients but the head's {spread(weights)} of it")
    for (title, _), arm, times in zip(masks.items(), found, saved, strict=True):
        by_clock, by_thread = ratios(whole, times), ratios(whole, times, thread=True)
        best = by_thread if thread else by_clock
        line = f"  {title:17} clock {spread(by_clock)}" + (f"  thread {spread(by_thread)}" if thread else "")
        if title in case.most:
            line += f"  {reached(best, most=case.most[title])}"
        if title.startswith("random"):
            part = (1 - median(best)) / (float(title.split()[1][:-1]) / 100 * median(weights))
            line += f"  share {part:.2f}" if case.share is None else f"  share {reached([part], least=case.share)}"
        print(f"{line}  ({arm.plans})", flush=True)
