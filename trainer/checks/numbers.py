"""Numbers as people write them."""


def number(value: float) -> str:
    """Such as `2,147,483,647`, `0.001` or `1e-05`: exactly this number, and as short as that allows."""
    if isinstance(value, int) or (float(value).is_integer() and abs(value) < 1e15):
        return f"{int(value):,}"
    return repr(float(value)) if abs(value) < 1e15 else f"{value:g}"


def size(count: float) -> str:
    """A number of bytes, such as `3.5 GB`."""
    unit, steps = next(((u, s) for u, s in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)) if count >= s), ("kB", 1e3))
    return f"{count / steps:,.1f} {unit}"


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """Such as `1 epoch` or `1,200 images`."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
