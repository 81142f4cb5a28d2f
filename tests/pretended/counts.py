"""What a pretended GPU is told (kernels), sent in passing (copies), and asked while the host waits (waits)."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Counts:
    """What a piece of code asked of the GPU.

    Attributes:
        kernels: operations that write. A GPU sees more of them: cuDNN, for one, changes layouts by kernels of its own.
        waits: how often the host waited for the GPU: for a value that it read, or a copy that is not asynchronous.
        copies: asynchronous copies from and to the host, out of pinned memory.
        by_kernel: kernels by torch's name of the operation.
        where: waits by what they were and the product's lines that they come from.
    """

    kernels: int
    waits: int
    copies: int
    by_kernel: Counter[str]
    where: Counter[str]


@dataclass
class _Record:
    kernels: Counter[str] = field(default_factory=Counter)
    waits: Counter[str] = field(default_factory=Counter)
    copies: Counter[str] = field(default_factory=Counter)
    where: Counter[str] = field(default_factory=Counter)
    capturing: bool = False


_RECORD = _Record()


def kernel(name: str, launches: int = 1) -> None:
    """So many kernels are launched."""
    _RECORD.kernels[name] += launches


def copied(kind: str) -> None:
    """Something is copied while the host goes on."""
    _RECORD.copies[kind] += 1


def wait(kind: str) -> None:
    """The host waits for the GPU.

    Raises:
        RuntimeError: a CUDA graph is captured, which forbids it.
    """
    place = where()
    if _RECORD.capturing:
        raise RuntimeError(f"CUDA error: operation not permitted when stream is capturing: {kind} [{place}]")
    _RECORD.waits[kind] += 1
    _RECORD.where[f"{kind} @ {place}"] += 1


def where() -> str:
    """The innermost two lines of the product that are being run."""
    found: list[str] = []
    frame = sys._getframe(1)
    while frame is not None and len(found) < 2:
        path = frame.f_code.co_filename
        if "/trainer/" in path and "/tests/" not in path:
            found.append(f"{path.split('/trainer/')[-1]}:{frame.f_lineno}")
        frame = frame.f_back  # type: ignore[assignment]
    return " < ".join(found) or "elsewhere"


def counted(run: Callable[[], object]) -> Counts:
    """What a call asks of the pretended GPU; the device's own errors pass through."""
    kernels, waits = _RECORD.kernels.copy(), _RECORD.waits.copy()
    copies, places = _RECORD.copies.copy(), _RECORD.where.copy()
    run()
    by_kernel = _RECORD.kernels - kernels
    return Counts(
        kernels=by_kernel.total(),
        waits=(_RECORD.waits - waits).total(),
        copies=(_RECORD.copies - copies).total(),
        by_kernel=by_kernel,
        where=_RECORD.where - places,
    )


def is_capturing() -> bool:
    """Whether a CUDA graph is being captured."""
    return _RECORD.capturing


@contextmanager
def capturing() -> Iterator[None]:
    """As while a CUDA graph is captured: kernels are noted, and whatever waits is an error."""
    _RECORD.capturing = True
    try:
        yield
    finally:
        _RECORD.capturing = False
