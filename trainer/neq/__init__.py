"""The former name of `neq`. It works for one release more."""

import warnings
from typing import Any

import neq
from neq import *  # noqa: F403  # whatever it offers
from neq import LayerFilter as Watch
from neq import __all__ as todays

__all__ = [*todays, "Watch"]  # names, as the other list has them

warnings.warn("trainer.neq is now called neq: write `from neq import NEq`", FutureWarning, stacklevel=2)


def __getattr__(name: str) -> Any:
    return getattr(neq, name)  # what neq itself still has under an older name
