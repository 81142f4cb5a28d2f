"""The former name of `contract.plugins`. It works for one release more."""

import warnings

from contract.plugins import DatasetPlugin as OwnData
from contract.plugins import ModelPlugin as OwnModel
from contract.plugins import PluginBroken, wrong_field

__all__ = ["OwnData", "OwnModel", "PluginBroken", "wrong_field"]

warnings.warn(
    "trainer.own is now called contract.plugins, OwnModel ModelPlugin and OwnData DatasetPlugin: write "
    "`from contract.plugins import ModelPlugin`",
    FutureWarning,
    stacklevel=2,
)
