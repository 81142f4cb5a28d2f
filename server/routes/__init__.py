"""The API's routes: one file a noun."""

from fastapi import APIRouter

from server.routes import epochs, events, frozen, health, layers, live, runs, schema


def api_router() -> APIRouter:
    """Everything below /api/v1."""
    router = APIRouter(prefix="/api/v1")
    for noun in (runs, epochs, frozen, layers, events, schema, health, live):
        router.include_router(noun.router)
    return router
