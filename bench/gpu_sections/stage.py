"""Networks in training on the device, and which of their neurons are frozen."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torchvision
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim import SGD, AdamW, Optimizer

from neq import NEq
from neq.device.tf32 import products_in

Masks = dict[str, Tensor]

SIZES = {"resnet32": (100, 32), "resnet18": (128, 224), "vit-b": (64, 224)}
"""Networks, and their batches: images, and their side."""

DRY_SIZE = 4, 16
"""That of a dry run, whose networks are small ones of the same kinds of layers."""

TYPES = {"float32": None, "tf32": None, "bf16": torch.bfloat16, "fp16": torch.float16}
FIRST_SCALE = 2.0**10
"""Of the gradients in float16: such that the first steps are made, and not left out for their infinities."""


def network(name: str) -> nn.Module:
    """One of `SIZES`, for ten classes, on the default device."""
    if name == "resnet18":
        return torchvision.models.resnet18(num_classes=10)
    if name == "vit-b":
        return _vit(side=224, blocks=12, width=768)
    from contract.config.models import ResNetCifar
    from trainer.models.resnet_cifar import resnet_cifar
    from trainer.models.shape import DataShape

    return resnet_cifar(ResNetCifar(), DataShape(3, 32, 10))


def dry_network(name: str) -> nn.Module:
    """A small one in the place of `network`."""
    if name == "vit-b":
        return _vit(side=DRY_SIZE[1], blocks=1, width=48)
    body: list[nn.Module] = []
    for narrow, wide in ((3, 8), (8, 32), (32, 32)):
        body += [nn.Conv2d(narrow, wide, 3, 2, 1, bias=False), nn.BatchNorm2d(wide), nn.ReLU()]
    return nn.Sequential(*body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10))


def _vit(*, side: int, blocks: int, width: int) -> nn.Module:
    """With its attention called as the product's training calls it; needs pydantic for that, else as torchvision's."""
    model = torchvision.models.VisionTransformer(side, 16, blocks, 12, width, 4 * width, num_classes=10)
    try:
        from trainer.models.attention import call_attention_layers
    except ModuleNotFoundError:
        return model
    call_attention_layers(model)
    return model


class Stage:
    """A network, its optimizer and one batch.

    Args:
        precision: as `compute.precision` has it; TF32's switches are the caller's, see `products`.
        kind: `sgd` with momentum or `adamw`, both fused.
    """

    def __init__(
        self,
        name: str,
        device: torch.device,
        *,
        dry: bool,
        precision: str = "float32",
        channels_last: bool = True,
        kind: str = "sgd",
    ) -> None:
        torch.manual_seed(0)
        batch, side = DRY_SIZE if dry else SIZES[name]
        self.model = (dry_network if dry else network)(name).to(device)
        if channels_last:
            self.model = self.model.to(memory_format=torch.channels_last)
        self.optimizer = _optimizer(kind, self.model)
        self.inputs = torch.randn(batch, 3, side, side, device=device)
        self.targets = torch.randint(10, (batch,), device=device)
        self.scaler = torch.amp.GradScaler(device.type, FIRST_SCALE, enabled=precision == "fp16")
        self._device, self._type = device, TYPES[precision]

    def passes(self) -> None:
        """A step but for the optimizer's."""
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast(self._device.type, dtype=self._type, enabled=self._type is not None):
            loss = cross_entropy(self.model(self.inputs), self.targets)
        self.scaler.scale(loss).backward()

    def step(self) -> None:
        """One step of training."""
        self.passes()
        self.scaler.step(self.optimizer)
        self.scaler.update()

    @contextmanager
    def watched(self, what: str = "nothing", savings: "bool | str" = True) -> Iterator[NEq]:
        """NEq on it, after a step, with these neurons frozen; see `masks`. Plans are not made yet."""
        with NEq(self.model, self.optimizer, [self.inputs[:8]], savings=savings) as neq:  # type: ignore[arg-type]
            self.step()  # nothing stops before it was seen once
            neq.freeze(masks(neq, what))
            yield neq


def _optimizer(kind: str, model: nn.Module) -> Optimizer:
    if kind == "sgd":
        return SGD(model.parameters(), lr=1e-3, momentum=0.9, fused=True)
    return AdamW(model.parameters(), lr=1e-4, fused=True)


@contextmanager
def products(precision: str, device: torch.device) -> Iterator[None]:
    """TF32 on for `tf32`, off for all else, as in the product's training."""
    with products_in("tf32" if precision == "tf32" else "float32", device):
        yield


def masks(neq: NEq, what: str) -> Masks:
    """`nothing`; `random 50`: so many percent of each layer but the head; `prefix 50`: so many percent of the layers
    before it, from the input on, whole; `all but the head`."""
    if what == "nothing":
        return {}
    layers = neq.layers[:-1]
    share = 1.0 if what == "all but the head" else float(what.split()[1]) / 100
    if what.startswith("random"):
        draw = torch.Generator().manual_seed(0)
        return {one.name: torch.randperm(one.neurons, generator=draw) < round(share * one.neurons) for one in layers}
    return {one.name: torch.ones(one.neurons, dtype=torch.bool) for one in layers[: round(share * len(layers))]}


def kinds(neq: NEq) -> str:
    """How many layers have which plan."""
    every = [plan.kind for plan in neq.plans().values()]
    return ", ".join(f"{every.count(kind)} {kind}" for kind in sorted(set(every)))


def copies(model: nn.Module) -> dict[str, Tensor]:
    """Of its parameters, by name."""
    return {name: parameter.detach().clone() for name, parameter in model.named_parameters()}


@torch.no_grad()
def restore(model: nn.Module, values: dict[str, Tensor]) -> None:
    """What `copies` gave, into the parameters."""
    for name, parameter in model.named_parameters():
        parameter.copy_(values[name])


def moved_rows(neq: NEq, model: nn.Module, before: dict[str, Tensor], chosen: Masks) -> tuple[int, int]:
    """Rows of the watched layers' parameters that are not what they were: of frozen neurons, and of all.

    Args:
        before: what `copies` gave.
        chosen: which neurons are frozen.
    """
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    frozen = every = 0
    for layer in neq.layers:
        held = chosen.get(layer.name)
        for parameter in layer.parameters():
            now, then = (layer.by_neuron(one) for one in (parameter.detach(), before[names[id(parameter)]]))
            differs = (now != then).any(1).cpu()
            every += int(differs.sum())
            frozen += 0 if held is None else int((held & differs).sum())
    return frozen, every
