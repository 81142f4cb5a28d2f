"""Steps of training with frozen neurons beside plain ones: the networks, what is frozen in them, and the table."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median

import torch
import torchvision
from masks import Masks, Sizes
from pairs import Arm, Time, in_turns, ratios, reached, spread, timed
from torch import Tensor, nn
from torch.optim import SGD, Optimizer
from torchvision.models.swin_transformer import SwinTransformerBlock

from contract.config.models import ResNetCifar
from neq import NEq
from neq.flops import Multiplied, StepFlops
from neq.savings import LayerPlan
from trainer.models.resnet_cifar import resnet_cifar
from trainer.models.shape import DataShape


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
    return resnet_cifar(ResNetCifar(), DataShape(3, 32, 10))


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


def random_masks(sizes: Sizes, share: float) -> Masks:
    """The same share of every layer but the head."""
    draw = torch.Generator().manual_seed(0)
    layers = list(sizes.items())[:-1]
    return {name: torch.randperm(neurons, generator=draw) < round(share * neurons) for name, neurons in layers}


def first_layers(sizes: Sizes, share: float) -> Masks:
    """The first layers whole, so many of all but the head."""
    return _whole(sizes, round(share * (len(sizes) - 1)))


def first_neurons(sizes: Sizes, share: float) -> Masks:
    """The first layers whole, as many as hold this share of the neurons."""
    reached = torch.tensor(list(sizes.values())).cumsum(0)
    return _whole(sizes, int((reached <= share * reached[-1]).sum()))


def _whole(sizes: Sizes, layers: int) -> Masks:
    return {name: torch.ones(neurons, dtype=torch.bool) for name, neurons in list(sizes.items())[:layers]}


def arms(sizes: Sizes, shares: tuple[float, ...]) -> Iterator[tuple[str, Masks]]:
    """What is frozen: a name, the masks."""
    yield "nothing", {}
    for share in shares:
        yield f"random {share:.0%}", random_masks(sizes, share)
    yield "first half", first_layers(sizes, 0.5)
    yield "half the neurons", first_neurons(sizes, 0.5)
    yield "all but the head", first_layers(sizes, 1.0)


class Stage:
    """A network in training, on which frozen neurons and plain PyTorch take turns."""

    def __init__(self, model: nn.Module, optimizer: Optimizer, inputs: Tensor) -> None:
        self.model, self._optimizer, self._inputs = model, optimizer, inputs
        self.first = 0.0
        self.plans: list[LayerPlan] = []
        self.seen: StepFlops | None = None
        with NEq(model, optimizer, [inputs[:2]]) as neq:
            self.layers = {layer.name: layer.neurons for layer in neq.layers}
            with Multiplied(neq.layers) as self._dense:
                step(model, optimizer, inputs)

    def step(self) -> None:
        """One."""
        step(self.model, self._optimizer, self._inputs)

    @contextmanager
    def plain(self) -> Iterator[Callable[[], None]]:
        """Steps of plain PyTorch."""
        yield self.step

    @contextmanager
    def passes(self) -> Iterator[Callable[[], None]]:
        """The same without the optimizer's part."""
        yield lambda: passes(self.model, self._optimizer, self._inputs)

    @contextmanager
    def without_weight_gradients(self) -> Iterator[Callable[[], None]]:
        """`passes`, but no weight of a layer before the head needs a gradient; norms and biases do."""
        kinds = (nn.Linear, nn.Conv2d)
        weights = [module.weight for module in self.model.modules() if isinstance(module, kinds)][:-1]
        for weight in weights:
            weight.requires_grad_(False)
        with self.passes() as run:
            yield run
        for weight in weights:
            weight.requires_grad_(True)

    @contextmanager
    def frozen(self, masks: Masks) -> Iterator[Callable[[], None]]:
        """Steps with these neurons frozen, after the one that makes the plans and was timed as `first`."""
        with NEq(self.model, self._optimizer, [self._inputs[:2]]) as neq:
            self.step()  # nothing stops before it was seen once
            neq.freeze(masks)
            self.first = timed(self.step).thread
            with Multiplied(neq.layers) as seen:
                self.step()
            self.plans = list(neq.plans().values())
            self.seen = seen.step_flops(neq.plans(), self._dense)
            yield self.step


def _staged(case: Case) -> Stage:
    torch.manual_seed(0)
    model, inputs = case.make(), torch.randn(case.inputs)
    if case.channels_last:
        model, inputs = model.to(memory_format=torch.channels_last), inputs.to(memory_format=torch.channels_last)
    return Stage(model, SGD(model.parameters(), lr=1e-4, momentum=0.9), inputs)


def _counted(plans: Sequence[LayerPlan]) -> str:
    kinds = [plan.kind for plan in plans]
    return ", ".join(f"{kinds.count(kind)} {kind}" for kind in sorted({*kinds}))


def table(case: Case, rounds: int) -> None:
    """The step's time over the plain step's, for everything that is frozen in turn."""
    stage, told = _staged(case), {}
    masks = {
        title: masks
        for title, masks in arms(stage.layers, case.shares)
        if title == "nothing" or title.startswith("random") or title in case.most
    }

    def arm(title: str) -> Arm:
        @contextmanager
        def ready() -> Iterator[Callable[[], None]]:
            with stage.frozen(masks[title]) as run:
                told[title] = _counted(stage.plans)
                yield run

        return ready

    dense, without, whole, *saved = in_turns(
        [stage.passes, stage.without_weight_gradients, stage.plain, *map(arm, masks)], rounds
    )
    thread = torch.get_num_threads() == 1
    weights = _differences(dense, without, whole, thread=thread)
    clock, own = (median(getattr(time, kind) for time in whole) for kind in ("clock", "thread"))
    print(f"  plain step {clock:.1f} ms by the clock, {own:.1f} of the thread's; weight gradients but the head's")
    print(f"  {spread(weights)} of it")
    for title, times in zip(masks, saved, strict=True):
        by_clock, by_thread = ratios(whole, times), ratios(whole, times, thread=True)
        best = by_thread if thread else by_clock
        line = f"  {title:17} clock {spread(by_clock)}" + (f"  thread {spread(by_thread)}" if thread else "")
        if title in case.most:
            line += f"  {reached(best, most=case.most[title])}"
        if title.startswith("random"):
            part = (1 - median(best)) / (float(title.split()[1][:-1]) / 100 * median(weights))
            line += f"  share {part:.2f}" if case.share is None else f"  share {reached([part], least=case.share)}"
        print(f"{line}  ({told[title]})", flush=True)


def _differences(more: Sequence[Time], less: Sequence[Time], over: Sequence[Time], *, thread: bool) -> list[float]:
    rounds = zip(more, less, over, strict=True)
    return [(a.thread - b.thread) / c.thread if thread else (a.clock - b.clock) / c.clock for a, b, c in rounds]
