"""The API's routes: one file a noun."""

from fastapi import FastAPI

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

PREFIX = "/api/v1"


def include_api(app: FastAPI) -> None:
    """Answer everything below PREFIX.

    Each router is included by itself and with the prefix: FastAPI builds the routes of one that holds others, or comes
    without a prefix, twice, which was most of the time that making the application took.
    """
    recorded = (epochs, overview, small, plans, histograms, layers, coverage, metrics, events, files)
    # Before the runs, or "counts" would be the id of one.
    before = (actions, summaries)
    many = (*before, runs, fields, queue, sweeps, views, controls, comparing)
    for noun in (*many, recording, resume, checks, *recorded, schema, studies, health, live):
        app.include_router(noun.router, prefix=PREFIX)
