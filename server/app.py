"""The web application: the API, its documentation, and the security layer around all that is mounted on it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI, Request, Response
from starlette.routing import compile_path
from starlette.types import ASGIApp

from contract.version import VERSION
from db import Store
from server import docs, errors
from server.arrays.layer_columns import Columns
from server.compression import RemoteGzip, ScriptGzip
from server.housekeeping import look_after_room, requeue_silent_runs
from server.live.tail import Live
from server.readiness import Readiness
from server.recording import Recordings
from server.response_cache import ResponseCache
from server.root_path import BelowRootPath
from server.routes import include_api, probes
from server.security.middleware import SecurityMiddleware
from server.settings import ServerSettings
from server.shared_reads import SharedReads
from server.writers import Writers

ABOUT = """
Trains networks under neuronal equilibrium. A **run** has one config (`/schema/run-config`), is trained by a worker, and
reports what happens as a stream of numbered events; `seq` is the only cursor.

Epochs and layers count from 0, fractions and accuracies lie in 0–1, `null` means that there is no value. There are two
masks: `applied` was in force during an epoch, `frozen` was decided at its end and is in force during the next one.

Arrays come as `.npy` (`numpy.load(..., allow_pickle=False)`). A browser connects to the WebSocket `/api/v1/live`;
a program may read `/runs/{run_id}/events`. With a token set, send it as `Authorization: Bearer TOKEN`.
"""


class App(FastAPI):
    """FastAPI, with the security layer outside of every middleware, whoever adds one later."""

    def build_middleware_stack(self) -> ASGIApp:
        """The application as it is served."""
        inner = RemoteGzip(ScriptGzip(super().build_middleware_stack()))
        secured = SecurityMiddleware(inner, self.state.settings)
        return BelowRootPath(secured, self.state.settings.root_path)


def create_app(store: Store, settings: ServerSettings) -> FastAPI:
    """The application, on an open store that stays the caller's to close."""
    app = App(
        title="NEq",
        version=VERSION,
        description=ABOUT,
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
        servers=[{"url": settings.root_path}] if settings.root_path else None,
    )
    app.state.store = store
    app.state.settings = settings
    app.state.live = Live(store, VERSION)
    app.state.readiness = Readiness(store)
    app.state.columns = Columns()
    app.state.recordings = Recordings()
    app.state.writers = Writers()
    app.state.response_cache = ResponseCache()
    app.state.shared_reads = SharedReads()
    errors.install(app)
    app.include_router(probes.router)
    include_api(app)
    _answer_unknown(app)
    docs.install(app, settings.root_path)
    return app


def local_client(app: FastAPI, settings: ServerSettings) -> httpx.AsyncClient:
    """A client that asks the application inside this process, without a socket, and with its token."""
    headers = {} if settings.token is None else {"Authorization": f"Bearer {settings.token.get_secret_value()}"}
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1", headers=headers)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    live: Live = app.state.live
    await live.start()
    store, settings = app.state.store, app.state.settings
    keepers = (
        asyncio.create_task(requeue_silent_runs(store, settings.silence_limit_seconds)),
        asyncio.create_task(look_after_room(store, settings.disk_reserve_bytes)),
    )
    try:
        yield
    finally:
        for keeper in keepers:
            keeper.cancel()
        await live.stop()
        app.state.readiness.close()
        await asyncio.gather(*keepers, return_exceptions=True)


def _answer_unknown(app: FastAPI) -> None:
    """Answer addresses of the API that are none with JSON, before a page that takes every address is mounted."""

    @app.api_route(
        "/api/{path:path}",
        methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
        include_in_schema=False,
    )
    async def unknown(request: Request, path: str) -> Response:
        allowed = _methods_of(app, request.url.path)
        if allowed:
            return errors.problem(405, f"{request.method} is not allowed here, only {allowed}", {"Allow": allowed})
        return errors.problem(404, f"There is no /api/{path[:200]}; /docs lists what there is")


def _methods_of(app: FastAPI, path: str) -> str:
    """The methods that an address of the API answers to, separated by commas; empty where it is none."""
    for known, methods in app.openapi()["paths"].items():
        pattern, _, _ = compile_path(known)
        if pattern.match(path):
            return ", ".join(sorted(method.upper() for method in methods))
    return ""
