"""Data sets by the name that a run's description gives them: found (`sources`), looked through (`inspection`), varied
(`transforms`) and handed out in batches (`datasets`)."""

from typing import Any

from neq.old_names import warn_renamed
from trainer.data.datasets.images import Augmentation, ImageData, ImageSet, Normalisation, TensorImages
from trainer.data.loading import load_data
from trainer.data.sources.plugins import DatasetSplits

__all__ = ["Augmentation", "DatasetSplits", "ImageData", "ImageSet", "Normalisation", "TensorImages", "load_data"]


def __getattr__(name: str) -> Any:
    """What was called otherwise before works for one release more."""
    if name != "OwnSets":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warn_renamed("trainer.data.OwnSets", "trainer.data.DatasetSplits")
    return DatasetSplits
