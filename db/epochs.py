"""What finished epochs say of their layers, read without parsing more of it than is asked for."""

import json
import zlib
from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, LargeBinary, select, type_coerce

from db.schema import epochs, events
from db.transactions import Transactions, reading

HISTOGRAMS = "velocity_histogram"
NAMES_A_QUERY = 500
_BEFORE = f',"{HISTOGRAMS}":'.encode()


class EpochQueries(Transactions):
    """What finished epochs say of their layers."""

    @reading
    def epoch_seqs(
        self,
        connection: Connection,
        run_id: str,
        first: int = 0,
        stop: int | None = None,
        *,
        among: Collection[int] | None = None,
    ) -> list[tuple[int, int]]:
        """The finished epochs from `first` up to before `stop`, each with its event's number, which is never reused.

        Args:
            among: only those whose number is one of these.
        """
        query = select(epochs.c.epoch, epochs.c.seq).where(epochs.c.run_id == run_id, epochs.c.epoch >= first)
        if stop is not None:
            query = query.where(epochs.c.epoch < stop)
        if among is not None:
            query = query.where(epochs.c.seq.in_(sorted(among)))
        return [(row.epoch, row.seq) for row in connection.execute(query.order_by(epochs.c.epoch))]

    @reading
    def epoch_columns(
        self, connection: Connection, run_id: str, seqs: Collection[int], *, histograms: bool = False
    ) -> dict[int, dict[str, Any]]:
        """The per-layer columns (`LayerCounts`) of the epochs with these numbers; histograms cost most."""
        found: dict[int, dict[str, Any]] = {}
        numbers = sorted(seqs)
        packed = type_coerce(events.c.layers, LargeBinary)
        for start in range(0, len(numbers), NAMES_A_QUERY):
            query = select(events.c.seq, packed.label("packed")).where(
                events.c.run_id == run_id, events.c.seq.in_(numbers[start : start + NAMES_A_QUERY])
            )
            for row in connection.execute(query):
                if row.packed is not None:
                    found[row.seq] = unpacked(row.packed, histograms=histograms)
        return found


def unpacked(packed: bytes, *, histograms: bool) -> dict[str, Any]:
    """An epoch's columns from the bytes in which they rest."""
    text = zlib.decompress(packed)
    read: dict[str, Any] = json.loads(text if histograms else _without_histograms(text))
    return read if histograms else {name: value for name, value in read.items() if name != HISTOGRAMS}


def _without_histograms(text: bytes) -> bytes:
    """The JSON without the histograms' text, where they follow other columns: numbers, without a quote."""
    cut = text.find(_BEFORE)
    if cut < 0:
        return text
    following = text.find(b'"', cut + len(_BEFORE))
    return text[:cut] + (b"}" if following < 0 else b"," + text[following:])
