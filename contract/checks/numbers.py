"""Numbers as people write them."""

from contract.counted import counted as counted


def number(value: float) -> str:
    """Such as `2,147,483,647`, `0.001` or `1e-05`: exactly this number, and as short as that allows."""
    if isinstance(value, int) or (float(value).is_integer() and abs(value) < 1e15):
        return f"{int(value):,}"
    return repr(float(value)) if abs(value) < 1e15 else f"{value:g}"


def size(count: float) -> str:
    """A number of bytes, such as `3.5 GB`."""
    unit, steps = next(((u, s) for u, s in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)) if count >= s), ("kB", 1e3))
    return f"{count / steps:,.1f} {unit}"
