"""Section `right`: frozen rows stay to the bit, rows computed alone are the same sums, φ is a CPU's."""

import copy
from dataclasses import dataclass
from itertools import product
from typing import Any

import torch
from torch import Tensor
from torch.optim import SGD

from bench.gpu_sections import expected
from bench.gpu_sections.experiment import Experiment
from bench.gpu_sections.stage import Stage, copies, kinds, masks, moved_rows, products, restore
from neq import NEq
from neq.savings.choice import ROUNDED


@dataclass(frozen=True)
class _Kind:
    precision: str
    channels_last: bool
    optimizer: str

    def __str__(self) -> str:
        return f"{self.precision} {'NHWC' if self.channels_last else 'NCHW'} {self.optimizer}"


_KINDS = [_Kind(*each) for each in product(("float32", "bf16", "fp16", "tf32"), (True, False), ("sgd", "adamw"))]
_DRY_KINDS = [_Kind("float32", True, "sgd"), _Kind("bf16", False, "adamw"), _Kind("fp16", True, "sgd")]
_FROZEN: tuple[tuple[str, bool | str], ...] = (("random 50", True), ("random 50", "rows"), ("prefix 50", True))


def run(here: Experiment) -> None:
    """Everything that must hold whatever the speed."""
    here.attempt("resnet32 gradients that are NaN", _not_a_number, here)
    for kind in _DRY_KINDS if here.dry else _KINDS:
        here.attempt(f"resnet32 {kind}", _still, here, kind)
    for name, precision in (("resnet32", "float32"), ("resnet32", "tf32"), ("vit-b", "bf16")):
        here.attempt(f"{name} {precision}", _rounding, here, name, precision)
    for precision in ("float32", "tf32"):
        here.attempt(f"phi in {precision}", _phi, here, precision)
    here.attempt("cached = streaming, state there and back", _cached, here)


def _staged(here: Experiment, name: str = "resnet32", **options: Any) -> Stage:
    return Stage(name, here.device, dry=here.dry, **options)


def _still(case: str, here: Experiment, kind: _Kind) -> None:
    with products(kind.precision, here.device):
        stage = _staged(here, precision=kind.precision, channels_last=kind.channels_last, kind=kind.optimizer)
        for what, savings in _FROZEN:
            with stage.watched(what, savings) as neq:
                before = copies(stage.model)
                for _ in range(3):
                    stage.step()
                frozen, every = moved_rows(neq, stage.model, before, masks(neq, what))
                title = f"{what}, {'planned' if savings is True else savings}"
                here.say(f"{case}, {title}", "frozen rows that moved", frozen, "", expected.NONE, f"{every} rows moved")
                here.say(f"{case}, {title}", "other rows moved", int(every > 0), "", expected.ALL, kinds(neq))


def _not_a_number(case: str, here: Experiment) -> None:
    """A gradient that is NaN goes into no frozen row, and into all others."""
    stage = _staged(here)
    with stage.watched("random 50", savings=False) as neq:
        stage.step()
        before = copies(stage.model)
        stage.inputs.fill_(float("nan"))
        stage.step()
        frozen, every = moved_rows(neq, stage.model, before, masks(neq, "random 50"))
        here.say(case, "frozen rows that moved", frozen, "", expected.NONE, f"{every} rows moved")


def _gradients(stage: Stage) -> dict[str, Tensor]:
    stage.passes()
    return {n: p.grad.detach().float().clone() for n, p in stage.model.named_parameters() if p.grad is not None}


def _rounding(case: str, here: Experiment, name: str, precision: str) -> None:
    with products(precision, here.device):
        stage = _staged(here, name, precision=precision)
        state = copies(stage.model)
        found: dict[str | bool, dict[str, Tensor]] = {}
        for savings in (False, "rows"):
            with stage.watched("random 50", savings) as neq:
                stage.step()
                told = kinds(neq)
                refused = sum(plan.reason == ROUNDED.reason for plan in neq.plans().values())
                restore(stage.model, state)
                found[savings] = _gradients(stage)
    whole, rows = found[False], found["rows"]
    worst = max(float((rows[n] - g).norm() / g.norm().clamp_min(1e-12)) for n, g in whole.items() if n in rows)
    here.say(case, "gradients, rows against whole", worst, "of the norm", expected.ROUNDING[precision], told)
    here.say(case, "layers refused as rounded otherwise", refused, "", expected.REFUSED)


def _phi(case: str, here: Experiment, precision: Any) -> None:
    """Torch's switches say the contrary meanwhile, which must not matter."""
    contrary = "tf32" if precision == "float32" else "float32"
    stage = _staged(here)
    host = copy.deepcopy(stage.model).cpu()
    ends: list[Tensor] = []
    with products(contrary, here.device):
        for model, inputs in ((stage.model, stage.inputs), (host, stage.inputs.cpu())):
            optimizer = SGD(model.parameters(), lr=0.1)
            with NEq(
                model, optimizer, [inputs[:32]], measure="streaming", phi_precision=precision, checks="off"
            ) as neq:
                still = neq.end_epoch()
                if not ends:
                    away = sum(int((one.phi != 1).sum()) for one in still.layers.values())
                    here.say(case, "neurons of a still network off 1", away, "", expected.NONE)
                _disturb(model)
                ends.append(torch.cat([one.phi.double() for one in neq.end_epoch().layers.values()]))
    device, cpu = ends
    here.say(case, "device against CPU", float((device - cpu).abs().max()), "", expected.PHI[precision])


@torch.no_grad()
def _disturb(model: torch.nn.Module) -> None:
    draw = torch.Generator().manual_seed(1)
    for parameter in model.parameters():
        by = 0.02 * torch.randn(parameter.shape, generator=draw)
        parameter.add_(by.to(parameter.device) * parameter.abs().mean())


def _cached(case: str, here: Experiment) -> None:
    stage = _staged(here)
    state = copies(stage.model)
    found: list[Tensor] = []
    ways: tuple[Any, ...] = ("cached", "streaming")
    for way in ways:
        restore(stage.model, state)
        with NEq(stage.model, stage.optimizer, [stage.inputs[:32]], measure=way, checks="off") as neq:
            _disturb(stage.model)
            found.append(torch.cat([one.phi for one in neq.end_epoch().layers.values()]))
            neq.load_state_dict(copy.deepcopy(neq.state_dict()))
            again = torch.cat([one.phi for one in neq.end_epoch().layers.values()])
            here.say(f"{case}, {way}", "neurons off 1 after it", int((again != 1).sum()), "", expected.NONE)
    here.say(case, "neurons that differ", int((found[0] != found[1]).sum()), "", expected.NONE)
