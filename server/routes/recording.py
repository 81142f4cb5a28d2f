"""External runs: told part by part by recorders in somebody else's scripts, and taken over by new ones."""

import math
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, HTTPException, Response
from pydantic import BaseModel, ConfigDict
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from contract.parts import LARGEST_PART, Part, WriterId, read_part
from contract.runfile import RunFileBroken
from db import EventRefused, PartGap, RunEnded, RunHeld, Store
from server import schemas
from server.housekeeping import round_seconds
from server.recording import Recordings
from server.routes.dependencies import (
    CONFLICT,
    EVERYWHERE,
    INVALID,
    UNKNOWN,
    TheRecordings,
    TheRun,
    TheRunId,
    TheSettings,
    TheStore,
)
from server.serializers import json_answer
from server.writers import IN_TURN

router = APIRouter(prefix="/runs/{run_id}", tags=["recording"], responses=EVERYWHERE | UNKNOWN | INVALID)

LONGEST_HEARTBEAT_SECONDS = 10.0
HEARTBEATS = 3
"""So often a recorder speaks within the time after which it is taken for lost."""

PART = {
    "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    "required": True,
    "description": f"A part as docs/run-file.md has it, {LARGEST_PART >> 20} MiB at most.",
}
REFUSED: dict[int | str, dict[str, Any]] = {
    409: {"model": schemas.PartRefused, "description": "This part cannot be taken; `reason` says why."},
    413: {"model": schemas.Problem, "description": "The part is too large."},
}


class TakeOver(BaseModel):
    """Who tells of the run from now on."""

    model_config = ConfigDict(extra="forbid")
    writer: WriterId


@router.post(
    "/parts",
    dependencies=[IN_TURN],
    response_model=schemas.PartTaken,
    responses=REFUSED,
    openapi_extra={"requestBody": PART},
)
async def take_part(
    request: Request, store: TheStore, settings: TheSettings, recordings: TheRecordings, run_id: TheRunId
) -> Response:
    """Store a part of an external run, wholly or not at all; what is stored already is passed over.

    A part without events is a heartbeat. The answer tells up to which event the run is stored.
    """
    body = await request.body()
    status, answer = await run_in_threadpool(_take, store, recordings, run_id, body)
    if status == 200:
        answer["heartbeat_seconds"] = min(LONGEST_HEARTBEAT_SECONDS, settings.silence_limit_seconds / HEARTBEATS)
    return json_answer(answer, status)


def _take(store: Store, recordings: Recordings, run_id: str, body: bytes) -> tuple[int, dict[str, Any]]:
    try:
        part = read_part(body)
        if part.header.run != run_id:
            raise RunFileBroken(f"It is a part of run {part.header.run}.")
        return _stored(store, recordings, part)
    except (RunFileBroken, EventRefused) as error:
        entry = {"field": "", "message": str(error).rstrip("."), "type": "part", "input": None}
        raise HTTPException(422, [entry]) from error


def _stored(store: Store, recordings: Recordings, part: Part) -> tuple[int, dict[str, Any]]:
    reason: Literal["gap", "ended", "writer"]
    try:
        taken = recordings.take(store, part.header.run, part)
        return 200, {"last_seq": taken.last_seq, "stop_requested": taken.stop_requested}
    except PartGap as gap:
        return 409, {"detail": str(gap), "reason": "gap", "last_seq": gap.last_seq}
    except RunEnded as error:
        reason, detail = "ended", str(error)
    except RunHeld as error:
        reason, detail = "writer", str(error)
    return 409, {"detail": detail, "reason": reason, "last_seq": store.run(part.header.run).writer_seq}


@router.post("/take-over", dependencies=[IN_TURN], response_model=schemas.TakenOver, responses=CONFLICT)
def take_over(store: TheStore, settings: TheSettings, run: TheRun, body: Annotated[TakeOver, Body()]) -> Response:
    """Hand an external run that has ended, or whose recorder is lost, to a new recorder.

    While another recorder holds it, `Retry-After` says by when it is lost unless it is heard again.
    """
    try:
        taken = store.take_over(run.id, body.writer)
    except RunHeld as error:
        limit = settings.silence_limit_seconds
        by_when = math.ceil(limit + 2 * round_seconds(limit))  # of two rounds, the one under way may look too early
        raise HTTPException(409, str(error), {"Retry-After": str(by_when)}) from error
    return json_answer(
        {
            "last_seq": taken.writer_seq,
            "last_step": store.greatest_step(taken.id),
            "last_sample": store.last_sample(taken.id),
            "epochs_done": taken.epochs_done,
            "layers": store.layers(taken.id),
        }
    )
