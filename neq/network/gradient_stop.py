"""A parameter that gets no gradient for now, without a word lost of what its owner wants of it."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Self

import torch
from torch import Tensor, nn

_WANTED = "_neq_requires_grad"


class StoppedParameter(nn.Parameter):
    """A parameter while it is stopped: the same object, of this class.

    It gets no gradient whatever its owner sets meanwhile, and what they set holds from when it is released. They read
    what they set: who puts the flags aside and back, as GANs do, or picks what to train by them, finds theirs.
    Copies and pickles are plain parameters that require a gradient where the owner wants one.
    """

    @property
    def requires_grad(self) -> bool:
        """What the owner wants. The compiler is told what autograd has."""
        return gets_gradient(self) if torch.compiler.is_compiling() else bool(vars(self)[_WANTED])

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        self.requires_grad_(wanted)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Puts down what the owner wants."""
        vars(self)[_WANTED] = bool(requires_grad)
        return self

    def retain_grad(self) -> None:
        """A parameter's gradient is retained in any case; torch refuses where there is none."""

    def __deepcopy__(self, memo: dict[int, Any]) -> nn.Parameter:
        copied = nn.Parameter(self.data.clone(memory_format=torch.preserve_format), trained(self))
        memo[id(self)] = copied
        return copied

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        own = {name: value for name, value in vars(self).items() if name != _WANTED}
        hooks: OrderedDict[int, Any] = OrderedDict()  # of no stated type, which `weights_only` would not load
        plain = self.data, trained(self), hooks
        if own:
            return torch._utils._rebuild_parameter_with_state, (*plain, own)
        return torch._utils._rebuild_parameter, plain


PLAIN: frozenset[type[Tensor]] = frozenset((nn.Parameter, StoppedParameter))
"""Classes of parameters that are their values and nothing else, which sharded and quantised ones are not."""


def is_plain(parameter: Tensor) -> bool:
    """Whether a parameter is its values and nothing else."""
    return type(parameter) in PLAIN


def stop(parameter: nn.Parameter) -> None:
    """Lets a plain parameter that requires a gradient get none from now on."""
    parameter.requires_grad_(False)
    parameter.grad = None
    parameter.__class__ = StoppedParameter
    parameter.requires_grad_(True)


def lift(parameter: nn.Parameter, requires_grad: bool) -> None:
    """Sets what autograd sees of a stopped parameter, which stays one."""
    torch.Tensor.requires_grad_(parameter, requires_grad)


def release(parameter: nn.Parameter) -> None:
    """Makes it what it was, but for what its owner has set since."""
    if isinstance(parameter, StoppedParameter):
        wanted = trained(parameter)
        parameter.__class__ = nn.Parameter  # type: ignore[assignment]
        vars(parameter).pop(_WANTED, None)
        parameter.requires_grad_(wanted)


def gets_gradient(parameter: Tensor) -> bool:
    """Whether autograd computes a gradient for it now."""
    return bool(torch.Tensor.requires_grad.__get__(parameter))  # type: ignore[attr-defined]


@contextmanager
def plainly(parameters: Iterable[nn.Parameter]) -> Iterator[None]:
    """Stopped parameters read as autograd has them meanwhile: for who must know which gradients will come."""
    stopped = [parameter for parameter in parameters if isinstance(parameter, StoppedParameter)]
    try:
        for parameter in stopped:
            parameter.__class__ = nn.Parameter  # type: ignore[assignment]
        yield
    finally:
        for parameter in stopped:
            parameter.__class__ = StoppedParameter


def trained(parameter: Tensor) -> bool:
    """Whether its owner wants a parameter to be trained."""
    return bool(vars(parameter)[_WANTED]) if isinstance(parameter, StoppedParameter) else parameter.requires_grad
