"""What a model or a data set of your own derives its description from; see docs/your-own.md.

This module imports pydantic alone, and nothing of a run's description, so that a module with descriptions can be
imported by itself, by the web process (which has no torch) and by the worker.
"""

import warnings
from typing import Any, ClassVar, Literal

from pydantic import Field

from contract.base import ConfigModel, wrong_field

__all__ = ["DatasetPlugin", "ModelPlugin", "PluginBroken", "wrong_field"]


class PluginBroken(ImportError):
    """A model or data set that the operator offers cannot be used; the message says which, why, and what to do."""


class _Own(ConfigModel):
    """A piece of a run's description that an installed package or an operator's module adds.

    A subclass names its `kind`, in small letters and hyphens: `kind: Literal["my-net"] = "my-net"`.

    Attributes:
        task: what is asked of a network: a class an image, or a class a pixel.
        builder: `module:function` that the worker calls. It is imported there alone, when a run needs it.
    """

    kind: str
    task: ClassVar[Literal["classification", "segmentation"]] = "classification"
    builder: ClassVar[str]


class ModelPlugin(_Own):
    """A network of your own. Its builder takes this description and a `trainer.models.DataShape`, and
    gives the module."""

    @property
    def label(self) -> str:
        """A word for it in the name of a run."""
        return self.kind


class DatasetPlugin(_Own):
    """A data set of your own. Its builder takes this description and the data folder, and gives
    `trainer.data.DatasetSplits`.

    Attributes:
        train_samples: how many training images are used, the probe set included; None: all of them.
    """

    train_samples: int | None = Field(
        default=None,
        ge=2,
        title="Training images",
        description="Number of images used, including the probe set. Empty: all of them.",
        json_schema_extra={"unit": "images"},
    )


_OLD_NAMES = {"OwnModel": ModelPlugin, "OwnData": DatasetPlugin}


def __getattr__(name: str) -> Any:
    """What was called otherwise before works for one release more."""
    if name not in _OLD_NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    new = _OLD_NAMES[name]
    warnings.warn(f"{name} is now called {new.__name__}: import that from {__name__}", FutureWarning, stacklevel=2)
    return new
