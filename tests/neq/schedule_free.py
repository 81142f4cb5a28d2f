"""An optimizer that averages, as tests need one."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer


class ScheduleFree(Optimizer):
    """Schedule-free SGD (arXiv:2405.15682): gradients at y, steps of z, and x, their average, for evaluation.

    As the library of that name has it: the parameter is y while training and x in between, and z lies in the state.
    """

    def __init__(self, parameters: Iterable[Tensor], lr: float, weight_decay: float, beta: float = 0.9) -> None:
        super().__init__(
            parameters, {"lr": lr, "weight_decay": weight_decay, "beta": beta, "k": 0, "train_mode": False}
        )

    def _move(self, weight: Callable[[float], float], *, train: bool) -> None:
        for group in self.param_groups:
            if group["train_mode"] != train:
                for parameter in group["params"]:
                    if "z" in self.state[parameter]:
                        parameter.lerp_(self.state[parameter]["z"], weight(group["beta"]))
                group["train_mode"] = train

    @torch.no_grad()
    def eval(self) -> None:
        self._move(lambda beta: 1 - 1 / beta, train=False)

    @torch.no_grad()
    def train(self) -> None:
        self._move(lambda beta: 1 - beta, train=True)

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            assert group["train_mode"]
            group["k"] += 1
            for y in group["params"]:
                if y.grad is None:
                    continue
                z = self.state[y].setdefault("z", y.detach().clone())
                gradient = y.grad + group["weight_decay"] * y
                share = 1 / group["k"]
                y.lerp_(z, share)
                y.add_(gradient, alpha=group["lr"] * (group["beta"] * (1 - share) - 1))
                z.sub_(gradient, alpha=group["lr"])
