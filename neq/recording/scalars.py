"""What `run.log` takes: numbers under names, nested or not, that are on a device perhaps."""

import sys
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from numbers import Real
from typing import Any

LONGEST_NAME = 200
MOST_VALUES = 10_000
"""Of one call: what comes of it must fit into one part."""
Number = float | Callable[[], float]
"""A number, or how to get it later, off the training's thread."""


def flattened(values: Mapping[str, Any], prefix: str = "") -> dict[str, Number]:
    """The numbers by name, nested names joined by slashes.

    Raises:
        TypeError: a value is no single number; its name is told. None is left out.
        ValueError: a name is empty or longer than 200 characters, or there are more than 10,000.
    """
    if not isinstance(values, Mapping):
        raise TypeError(f"log takes a mapping of names to numbers, not a {type(values).__name__}: log({{'loss': 0.5}})")
    found = dict(_flat(values, prefix))
    if len(found) > MOST_VALUES:
        raise ValueError(f"log was given {len(found):,} values in one call; {MOST_VALUES:,} are the most")
    return found


def _flat(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Number]]:
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{name}/")
            continue
        if value is None:  # such as an accuracy that was not measured in this epoch
            continue
        if not name.isprintable():
            name = "".join(sign if sign.isprintable() else "?" for sign in name)
        if key == "" or len(name) > LONGEST_NAME:
            raise ValueError(f"a metric's name must have 1 to {LONGEST_NAME} characters; it is {name[:80]!r}")
        yield name, value if type(value) is float else number_of(value, name)


def number_of(value: Any, name: str) -> Number:
    """One value's number.

    Raises:
        TypeError: it is no single number.
        ValueError: it is larger than any float.
    """
    if isinstance(value, Real):  # numpy's numbers too
        try:
            return float(value)
        except OverflowError:
            raise ValueError(f"{name!r} is larger than any float") from None
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        return _of_tensor(value, name)
    if isinstance(value, Decimal):
        return float(value)
    if getattr(value, "size", None) == 1 and getattr(getattr(value, "dtype", None), "kind", "") in ("b", "i", "u", "f"):
        return float(value.item())
    raise TypeError(f"{name!r} is a {type(value).__name__}; log takes single numbers, and tensors of one")


def read_number(value: Number) -> float | None:
    """The number itself; None where its device cannot give it, such as a tensor's on `meta`."""
    if not callable(value):
        return value
    try:
        return value()
    except (RuntimeError, ValueError, TypeError):
        return None


def _of_tensor(value: Any, name: str) -> Number:
    if value.numel() != 1 or value.is_complex():
        shape = str(value.dtype) if value.numel() == 1 else f"shape {tuple(value.shape)}"
        raise TypeError(
            f"{name!r} is a tensor of {shape}; log takes single numbers: use .mean(), or log each under a name"
        )
    if value.device.type == "cpu":
        return float(value.detach())
    return _later(value)


def _later(value: Any) -> Callable[[], float]:
    """The number of a tensor on a device, without waiting for the device now.

    A copy, for the training may overwrite it. On CUDA the copy is read on a stream of its own, behind an event: reading
    it where the training computes would wait for all that is queued there by then.
    """
    torch = sys.modules["torch"]
    copy = value.detach().clone()
    if copy.device.type != "cuda":
        return lambda: float(copy)
    done = torch.cuda.Event()
    done.record(torch.cuda.current_stream(copy.device))

    def read() -> float:
        done.synchronize()
        with torch.cuda.stream(_side_stream(copy.device)):
            return float(copy)

    return read


_streams: dict[Any, Any] = {}


def _side_stream(device: Any) -> Any:
    if device not in _streams:
        _streams[device] = sys.modules["torch"].cuda.Stream(device)
    return _streams[device]
