"""Data sets by the name that a run's description gives them: found (`sources`), looked through (`inspection`), varied
(`transforms`) and handed out in batches (`datasets`)."""

from trainer.data.datasets.images import Augmentation, ImageData, ImageSet, Normalisation, TensorImages
from trainer.data.loading import load_data
from trainer.data.sources.plugins import OwnSets

__all__ = ["Augmentation", "ImageData", "ImageSet", "Normalisation", "OwnSets", "TensorImages", "load_data"]
