"""The former name of `neq.integrations.lightning`. It works for one release more."""

import warnings

from neq.integrations.lightning import NEqCallback

__all__ = ["NEqCallback"]

warnings.warn("trainer.integrations.lightning is now called neq.integrations.lightning", FutureWarning, stacklevel=2)
