"""The API's routes: one file a noun."""

from fastapi import APIRouter

from server.routes import (
    actions,
    checks,
    comparing,
    controls,
    coverage,
    epochs,
    events,
    fields,
    files,
    health,
    histograms,
    layers,
    live,
    metrics,
    overview,
    plans,
    queue,
    recording,
    resume,
    runs,
    schema,
    small,
    studies,
    summaries,
    sweeps,
    views,
)


def api_router() -> APIRouter:
    """Everything below /api/v1."""
    router = APIRouter(prefix="/api/v1")
    recorded = (epochs, overview, small, plans, histograms, layers, coverage, metrics, events, files)
    # Before the runs, or "counts" would be the id of one.
    before = (actions, summaries)
    many = (*before, runs, fields, queue, sweeps, views, controls, comparing)
    for noun in (*many, recording, resume, checks, *recorded, schema, studies, health, live):
        router.include_router(noun.router)
    return router
