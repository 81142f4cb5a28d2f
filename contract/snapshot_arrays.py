"""The arrays of one epoch in few bytes.

Field by field over all layers; the four bytes of each float32 apart, all first bytes before all second ones and so on:
neighbouring neurons share their exponents, which deflate then finds. 17 % smaller than the floats as they are,
and quicker to pack (Swin-B, measured; docs/LOG.md).
"""

from collections.abc import Iterable, Sequence

import numpy as np

from contract.events import LayerSnapshot

FLOATS = ("divergence", "velocity")
MASKS = ("applied", "frozen")
Sizes = list[int | None]


def arrays_bytes(neurons: Iterable[int]) -> int:
    """Bytes that one epoch's arrays take before they are compressed: two float32 and two bits a neuron.

    Args:
        neurons: of each watched layer, whose masks end at whole bytes.
    """
    return sum(4 * len(FLOATS) * count + len(MASKS) * ((count + 7) // 8) for count in neurons)


def table_of(snapshots: Sequence[LayerSnapshot]) -> list[Sizes]:
    """What the arrays are: layer, neurons, and the bytes of 1 − φ, velocity, applied and frozen (null: there is none).

    Where φ itself was recorded, it stands in the place of 1 − φ, see `holds_phi`.
    """
    fields = [
        (*(_floats(each, name) for name in FLOATS), *(getattr(each, name) for name in MASKS)) for each in snapshots
    ]
    return [
        [each.index, each.neurons, *(None if part is None else len(part) for part in parts)]
        for each, parts in zip(snapshots, fields, strict=True)
    ]


def holds_phi(snapshots: Sequence[LayerSnapshot]) -> bool:
    """Whether these are of an epoch of which φ itself was recorded."""
    return any(each.phi is not None for each in snapshots)


def _floats(snapshot: LayerSnapshot, name: str) -> bytes | None:
    found: bytes | None = getattr(snapshot, name)
    return snapshot.phi if name == "divergence" and found is None else found


def pack(snapshots: Sequence[LayerSnapshot]) -> bytes:
    """The arrays of these layers."""
    floats = [b"".join(_floats(each, name) or b"" for each in snapshots) for name in FLOATS]
    masks = [getattr(each, name) for name in MASKS for each in snapshots]
    return b"".join((*map(_split, floats), *masks))


def unpack(table: list[Sizes], packed: bytes, *, phi: bool = False) -> tuple[LayerSnapshot, ...]:
    """The layers again; the caller has seen to it that the table is sound.

    Args:
        table, packed: as `table_of` and `pack` made them.
        phi: the first array is φ itself.
    Raises:
        ValueError: the table announces another number of bytes.
    """
    columns = [[row[2 + place] for row in table] for place in range(4)]
    if sum(size or 0 for sizes in columns for size in sizes) != len(packed):
        raise ValueError(f"{len(packed):,} bytes of arrays, which differs from the announced size")
    parts: list[list[bytes | None]] = []
    place = 0
    for number, sizes in enumerate(columns):
        length = sum(size or 0 for size in sizes)
        field = packed[place : place + length]
        place += length
        parts.append(_cut(_join(field) if number < len(FLOATS) else field, sizes))
    return tuple(
        LayerSnapshot(
            int(row[0] or 0),
            int(row[1] or 0),
            None if phi else first,
            velocity,
            applied or b"",
            frozen or b"",
            first if phi else None,
        )
        for row, first, velocity, applied, frozen in zip(table, *parts, strict=True)
    )


def _cut(field: bytes, sizes: Sizes) -> list[bytes | None]:
    found: list[bytes | None] = []
    place = 0
    for size in sizes:
        found.append(None if size is None else field[place : place + size])
        place += size or 0
    return found


def _split(floats: bytes) -> bytes:
    return np.frombuffer(floats, np.uint8).reshape(-1, 4).T.tobytes()


def _join(planes: bytes) -> bytes:
    return np.frombuffer(planes, np.uint8).reshape(4, -1).T.tobytes()
