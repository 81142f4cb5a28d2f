"""A run as a stream of events, for programs."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header
from fastapi.sse import EventSourceResponse, ServerSentEvent

from db import END_STATES, Store, StoreUnreachable, UnknownRun
from server.descriptions import FormerNames, answered_event
from server.routes.dependencies import (
    EVERYWHERE,
    INVALID,
    LARGEST_CURSOR,
    UNKNOWN,
    Cursor,
    TheLive,
    TheRun,
    TheStore,
    invalid_header,
)

router = APIRouter(prefix="/runs/{run_id}", tags=["live"], responses=EVERYWHERE | UNKNOWN | INVALID)

EVENTS_AT_ONCE = 200
LOOK_AGAIN_SECONDS = 15.0
RETRY_SECONDS = 1.0

END = ServerSentEvent(event="end", raw_data="{}")


async def _start(
    last_event_id: Annotated[str, Header(description="Continue after this `seq`; sent by reconnecting clients.")] = "",
    after: Cursor = 0,
) -> int:
    """The cursor, judged before the stream begins; a word that is plainly no number is another's, and passed over."""
    if re.fullmatch("([A-Za-z][!-~]*)?", last_event_id):
        return after
    if re.fullmatch("[0-9]{1,16}", last_event_id) and int(last_event_id) <= LARGEST_CURSOR:
        return int(last_event_id)
    raise invalid_header("Last-Event-ID", f"Must be a whole number from 0 to {LARGEST_CURSOR}", last_event_id)


@router.get("/events", response_class=EventSourceResponse)
async def stream_events(
    store: TheStore,
    live: TheLive,
    run: TheRun,
    cursor: Annotated[int, Depends(_start)],
    former_names: FormerNames = True,
) -> AsyncIterator[ServerSentEvent]:
    """All events of the run, past and future (SSE): `id` is the `seq`, `event` the kind, `data` the payload.

    An `end` event follows the end of the run: close the stream then, or a browser's EventSource reconnects forever.
    """
    with live.watch(run.id) as changed:
        while not live.closing:
            changed.clear()
            try:
                sent, ended = await asyncio.to_thread(_read, store, run.id, cursor, former_names)
            except StoreUnreachable:
                await asyncio.sleep(RETRY_SECONDS)
                continue
            except UnknownRun:  # deleted meanwhile
                ended, sent = True, []
            for event in sent:
                yield event
                cursor = int(event.id or cursor)
            if ended:
                yield END
                return
            if not sent:
                await _wait_for(changed)


def _read(store: Store, run_id: str, cursor: int, former_names: bool) -> tuple[list[ServerSentEvent], bool]:
    """The next events, and whether they are the last ones that will ever come."""
    run = store.run(run_id)  # before its events: what comes between is read with the next look
    found = store.texts_after(run_id, cursor, limit=EVENTS_AT_ONCE)
    last = found[-1].seq if found else cursor
    sent = [
        ServerSentEvent(id=str(each.seq), event=each.kind, raw_data=answered_event(each, former_names=former_names))
        for each in found
    ]
    return sent, run.state in END_STATES and last >= run.last_seq


async def _wait_for(changed: asyncio.Event) -> None:
    """Wait for a change, but not for ever: the stream must not hang on a tail that has lost the store."""
    try:
        await asyncio.wait_for(changed.wait(), LOOK_AGAIN_SECONDS)
    except TimeoutError:
        return
