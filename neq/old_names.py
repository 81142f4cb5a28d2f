"""What was called otherwise before: it works for one release more, and says what it is called now."""

import warnings


def warn_renamed(old: str, new: str, *, stacklevel: int = 2) -> None:
    """Warns that `old` is now called `new`.

    Args:
        old: as the caller wrote it.
        new: what to write instead.
        stacklevel: of the line to name, counted from the function that calls this one; 2 is its caller.
    """
    warnings.warn(
        f"{old} is now called {new}; the old name works for one release more", FutureWarning, stacklevel=stacklevel + 1
    )
