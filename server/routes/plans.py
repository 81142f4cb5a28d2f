"""What the backward pass did about each layer, epoch by epoch."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from contract.counted import counted
from server import schemas
from server.arrays.encoding import JSON
from server.plans import plans_of
from server.response_cache import cached_response
from server.routes.dependencies import EVERYWHERE, INVALID, UNKNOWN, TheRun, TheStore, invalid_query
from server.serializers import json_bytes

router = APIRouter(prefix="/runs/{run_id}", tags=["what a run recorded"], responses=EVERYWHERE | UNKNOWN | INVALID)


@router.get("/plans", response_model=schemas.Plans)
def read_plans(
    request: Request,
    store: TheStore,
    run: TheRun,
    epoch: Annotated[int | None, Query(ge=0, le=2**31, description="Default: the latest finished epoch.")] = None,
) -> Response:
    """Each layer's backward plan in an epoch: which gradients were computed and why, and the measured times."""
    wanted = run.epochs_done - 1 if epoch is None else epoch
    if epoch is not None and epoch >= run.epochs_done:
        raise invalid_query(
            "epoch", f"This run has finished {counted(run.epochs_done, 'epoch')}, counted from 0", epoch
        )
    seqs = [seq for _, seq in store.epoch_seqs(run.id, wanted, wanted + 1)] if wanted >= 0 else []

    def make() -> bytes:
        found = plans_of(store, run.id, wanted) if seqs else []
        return json_bytes({"epoch": wanted if seqs else None, "layers": found})

    return cached_response(request, (run.id, *seqs), make, media_type=JSON)
