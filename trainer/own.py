"""The former name of `contract.plugins`. It works for one release more."""

import warnings

from contract.plugins import OwnData, OwnModel, PluginBroken, wrong_field

__all__ = ["OwnData", "OwnModel", "PluginBroken", "wrong_field"]

warnings.warn(
    "trainer.own is now called contract.plugins: write `from contract.plugins import OwnModel`",
    FutureWarning,
    stacklevel=2,
)
