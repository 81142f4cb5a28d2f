"""The former name of `neq.integrations.transformers`. It works for one release more."""

import warnings

from neq.integrations.transformers import NEqTrainerCallback

__all__ = ["NEqTrainerCallback"]

warnings.warn(
    "trainer.integrations.transformers is now called neq.integrations.transformers", FutureWarning, stacklevel=2
)
