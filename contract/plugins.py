"""What a model or a data set of your own derives its description from; see docs/your-own.md.

This module imports pydantic alone, and nothing of a run's description, so that a module with descriptions can be
imported by itself, by the web process (which has no torch) and by the worker.
"""

from typing import ClassVar, Literal

from pydantic import Field

from contract.base import ConfigModel, wrong_field

__all__ = ["OwnData", "OwnModel", "PluginBroken", "wrong_field"]


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


class OwnModel(_Own):
    """A network of your own. Its builder takes this description and a `trainer.models.Shape`, and gives the module."""

    @property
    def label(self) -> str:
        """A word for it in the name of a run."""
        return self.kind


class OwnData(_Own):
    """A data set of your own. Its builder takes this description and the data folder, and gives `trainer.data.OwnSets`.

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
