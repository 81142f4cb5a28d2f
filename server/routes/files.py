"""A whole run as one file."""

from collections.abc import Iterator
from dataclasses import replace

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from contract.events import LayerSnapshot
from contract.runfile import Moment, RunHeader, run_file_chunks
from db import Run, Store
from server.descriptions import current
from server.logged_metrics import LoggedMetrics
from server.routes.dependencies import EVERYWHERE, INVALID, UNKNOWN, TheRun, TheStore
from server.routes.documentation import binary_documentation

router = APIRouter(prefix="/runs/{run_id}", tags=["what a run recorded"], responses=EVERYWHERE | UNKNOWN | INVALID)

MEDIA_TYPE = "application/zip"
EVENTS_AT_ONCE = 50


@router.get(
    "/file",
    response_class=StreamingResponse,
    responses=binary_documentation(MEDIA_TYPE, "A zip archive; docs/run-file.md describes it, `neq replay` reads it."),
)
def export_run(store: TheStore, run: TheRun) -> StreamingResponse:
    """Download the run with all events and arrays, lossless; for a running one, up to this moment."""
    config = run.config if run.source == "external" else current(run.config)
    header = RunHeader.model_validate(replace(run, config=config), from_attributes=True)
    name = f'attachment; filename="{run.id}.neq"'
    return StreamingResponse(
        run_file_chunks(header, _moments(store, run)), media_type=MEDIA_TYPE, headers={"Content-Disposition": name}
    )


def _moments(store: Store, run: Run) -> Iterator[Moment]:
    """The run's events up to its newest one, each finished epoch with its arrays."""
    cursor, logged = 0, LoggedMetrics(store, run.id)
    while cursor < run.last_seq:
        texts = [each for each in store.texts_after(run.id, cursor, limit=EVENTS_AT_ONCE) if each.seq <= run.last_seq]
        if not texts:
            return
        epochs = {seq: epoch for epoch, seq in store.epoch_seqs(run.id, among=[each.seq for each in texts])}
        for each in texts:
            epoch = epochs.get(each.seq)
            text = logged.whole(each.text) if each.kind == "metrics_logged" else each.text
            yield Moment(each.seq, each.at, text, () if epoch is None else _snapshots(store, run.id, epoch))
        cursor = texts[-1].seq


def _snapshots(store: Store, run_id: str, epoch: int) -> tuple[LayerSnapshot, ...]:
    return tuple(
        LayerSnapshot(each.layer, each.neurons, each.divergence, each.velocity, each.applied, each.frozen, each.phi)
        for each in store.snapshots_at(run_id, epoch)
    )
