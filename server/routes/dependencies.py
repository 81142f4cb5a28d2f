"""What routes are given: the store, the run they are about, the epochs they are asked for."""

import re
from collections.abc import Iterable
from functools import partial
from itertools import pairwise
from typing import Annotated, Any

from fastapi import Depends, Path, Query
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection

from db import Run, Store, UnknownRun
from server.arrays.layer_columns import Columns
from server.live.tail import Live
from server.recording import Recordings
from server.schemas import RUN_ID, FieldProblems, Problem
from server.settings import ServerSettings
from server.shared_reads import SharedReads

Responses = dict[int | str, dict[str, Any]]

UNKNOWN: Responses = {404: {"model": Problem, "description": "There is no such run, or no such layer."}}
INVALID: Responses = {422: {"model": FieldProblems, "description": "A value is wrong; it says which and why."}}
CONFLICT: Responses = {409: {"model": Problem, "description": "The run's state does not allow it."}}
EVERYWHERE: Responses = {
    401: {"model": Problem, "description": "The server requires a token; it was missing or wrong."},
    503: {"model": Problem, "description": "The database does not respond; try again."},
}


async def _store(connection: HTTPConnection) -> Store:
    store: Store = connection.app.state.store
    return store


async def _settings(connection: HTTPConnection) -> ServerSettings:
    settings: ServerSettings = connection.app.state.settings
    return settings


async def _live(connection: HTTPConnection) -> Live:
    live: Live = connection.app.state.live
    return live


async def _columns(connection: HTTPConnection) -> Columns:
    columns: Columns = connection.app.state.columns
    return columns


async def _recordings(connection: HTTPConnection) -> Recordings:
    recordings: Recordings = connection.app.state.recordings
    return recordings


async def _shared_reads(connection: HTTPConnection) -> SharedReads:
    reads: SharedReads = connection.app.state.shared_reads
    return reads


TheStore = Annotated[Store, Depends(_store)]
TheSettings = Annotated[ServerSettings, Depends(_settings)]
TheLive = Annotated[Live, Depends(_live)]
TheColumns = Annotated[Columns, Depends(_columns)]
TheRecordings = Annotated[Recordings, Depends(_recordings)]
TheSharedReads = Annotated[SharedReads, Depends(_shared_reads)]
Index = Annotated[int, Path(ge=0, le=1_000_000, description="The layer's index in forward order, from 0.")]


async def _run_id(run_id: Annotated[str, Path(description="The run's id.", examples=[RUN_ID])]) -> str:
    if not re.fullmatch("[a-z0-9]{1,40}", run_id):
        raise UnknownRun(run_id[:40])
    return run_id


TheRunId = Annotated[str, Depends(_run_id)]
"""The id of the run that the address names, which may not be there; 404 where it can be none."""


async def _run(store: TheStore, reads: TheSharedReads, run_id: TheRunId) -> Run:
    run: Run = await reads.get(("run", run_id), partial(run_in_threadpool, store.run, run_id))
    return run


TheRun = Annotated[Run, Depends(_run)]
"""The run that the address names; 404 where there is none."""

LARGEST_CURSOR = 2**53
Cursor = Annotated[int, Query(ge=0, le=LARGEST_CURSOR, description="Only events after this `seq`.")]


async def _epochs(
    run: TheRun,
    epochs: Annotated[
        str | None,
        Query(
            description="Half-open range `a:b` like a Python slice: either end may be omitted, negative numbers count "
            "from the latest epoch. Default: all epochs.",
            examples=["100:200", "-10:"],
        ),
    ] = None,
) -> range:
    if epochs is None:
        return range(run.epochs_done)
    parts = re.fullmatch(r"\s*(-?[0-9]{1,9})?\s*:\s*(-?[0-9]{1,9})?\s*", epochs)
    if parts is None:
        raise invalid_query("epochs", "Write a:b, such as 100:200, -10: or :50", epochs)
    first, stop = (None if part is None else int(part) for part in parts.groups())
    return range(run.epochs_done)[first:stop]


TheEpochs = Annotated[range, Depends(_epochs)]
"""The epochs asked for, among those that are finished."""


def finished(store: Store, run_id: str, epochs: range) -> tuple[list[int], int]:
    """The event numbers of the finished epochs among these, and one more than the last of them.

    An external run may lack epochs between them.
    """
    found = store.epoch_seqs(run_id, epochs.start, epochs.stop)
    return [seq for _, seq in found], stop_of(found, epochs)


def stop_of(found: list[tuple[int, int]], epochs: range) -> int:
    """One more than the last of these epochs; of none, the first that was asked for."""
    return found[-1][0] + 1 if found else epochs.start


def gaps(recorded: Iterable[int], first: int, stop: int) -> list[tuple[int, int]]:
    """The epochs from `first` up to before `stop` that are not among those recorded, as half-open ranges."""
    edges = [first - 1, *recorded, stop]
    return [(before + 1, after) for before, after in pairwise(edges) if after > before + 1]


MOST_DEEP = 50


def refuse_unstorable(body: object, place: tuple[str | int, ...] = ("body",)) -> None:
    """422 for text with a character of code 0, which PostgreSQL cannot keep, and for what no answer could hold."""
    if len(place) > MOST_DEEP:
        message = f"Objects and lists may lie {MOST_DEEP} deep within each other"
        raise RequestValidationError([{"type": "value_error", "loc": place[:5], "msg": message, "input": None}])
    if isinstance(body, str) and "\0" in body:
        message = "Text must not contain a NUL character"
        raise RequestValidationError([{"type": "value_error", "loc": place, "msg": message, "input": body}])
    parts = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list | tuple) else ()
    for key, value in parts:
        refuse_unstorable(key, place)
        refuse_unstorable(value, (*place, key))


def invalid_query(field: str, message: str, given: object) -> RequestValidationError:
    """A 422 for something in the query that only we can judge."""
    return RequestValidationError([{"type": "value_error", "loc": ("query", field), "msg": message, "input": given}])


def invalid_header(name: str, message: str, given: object) -> RequestValidationError:
    """The same for a header."""
    return RequestValidationError([{"type": "value_error", "loc": ("header", name), "msg": message, "input": given}])


def invalid_path(field: str, message: str, given: object) -> RequestValidationError:
    """The same for something in the address."""
    return RequestValidationError([{"type": "value_error", "loc": ("path", field), "msg": message, "input": given}])
