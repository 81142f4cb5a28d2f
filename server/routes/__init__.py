"""The API's routes: one file a noun."""

from fastapi import APIRouter

from server.routes import (
    epochs,
    events,
    files,
    frozen,
    going_on,
    health,
    histograms,
    layers,
    live,
    plans,
    runs,
    schema,
    small,
)


def api_router() -> APIRouter:
    """Everything below /api/v1."""
    router = APIRouter(prefix="/api/v1")
    for noun in (runs, going_on, epochs, frozen, small, plans, histograms, layers, events, files, schema, health, live):
        router.include_router(noun.router)
    return router
