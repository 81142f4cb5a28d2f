"""What a supervisor asks, without a token: whether this process lives, and whether it can do its work."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from starlette.requests import HTTPConnection

from server import schemas
from server.readiness import Readiness
from server.serializers import json_answer

router = APIRouter(include_in_schema=False)  # the supervisor's, beside the API


async def _readiness(connection: HTTPConnection) -> Readiness:
    readiness: Readiness = connection.app.state.readiness
    return readiness


TheReadiness = Annotated[Readiness, Depends(_readiness)]


@router.head("/livez")
@router.get("/livez")
async def read_liveness() -> schemas.Liveness:
    """Liveness: the process responds; if this fails, restart it. Needs no token."""
    return schemas.Liveness()


@router.head("/readyz")
@router.get("/readyz", response_model=schemas.Readiness)
async def read_readiness(request: Request, readiness: TheReadiness) -> Response:
    """Readiness: the store can be read and written, has free space and the right schema. Needs no token."""
    condition = (await readiness.find()).condition
    # Asked without a token, so what is wrong is named without addresses; those stand in the log.
    told = {
        "store": "ok" if condition.store is None else "cannot be read and written",
        "schema": "ok" if condition.schema is None else "is not this program's",
        "disk": "ok" if condition.disk is None else "is full",
    }
    if not condition.problems:
        return json_answer({"status": "ready", "checks": told})
    request.state.cause = " ".join(condition.problems)
    return json_answer({"status": "not ready", "checks": told}, 503, {"Retry-After": "2"})
