"""The live socket: one a browser tab."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from fastapi import APIRouter
from starlette.websockets import WebSocket, WebSocketDisconnect

from server.errors import problem
from server.live.tail import Live
from server.live.viewer import Viewer
from server.routes.dependencies import TheLive

router = APIRouter()

FULL = "Too many pages are connected to this server: close some, or raise NEQ_MOST_SOCKETS"
GOODBYE_SECONDS = 2.0
TOO_SLOW = 1013
"""Close code "try again later": the browser reconnects and goes on from its cursor."""


@router.post("/live", status_code=204, include_in_schema=False)
async def may_open_socket() -> None:
    """Check whether a page may open the live socket; a refusal says why, which browsers do not show for sockets."""


@router.websocket("/live")
async def live_socket(websocket: WebSocket, live: TheLive) -> None:
    """Serve one socket until it closes, is too slow, or the server ends."""
    if live.viewers >= websocket.app.state.settings.most_sockets:
        await websocket.send_denial_response(problem(503, FULL, {"Retry-After": "30"}))
        return
    await websocket.accept()
    viewer = live.join()
    try:
        await _first_done(
            _receive(websocket, live, viewer), _send(websocket, viewer), viewer.send_queue.overflowed.wait()
        )
    finally:
        live.leave(viewer)
    if viewer.send_queue.overflowed.is_set():
        # It may have left at this very moment, or not even take the goodbye: then the connection is just dropped.
        with suppress(RuntimeError, WebSocketDisconnect, TimeoutError):
            async with asyncio.timeout(GOODBYE_SECONDS):
                await websocket.close(TOO_SLOW, "too slow, come back")


async def _receive(websocket: WebSocket, live: Live, viewer: Viewer) -> None:
    while (received := await websocket.receive())["type"] != "websocket.disconnect":
        await live.receive(viewer, received.get("text") or "")


async def _send(websocket: WebSocket, viewer: Viewer) -> None:
    while True:
        message = await viewer.send_queue.take()
        try:
            await (websocket.send_text(message) if isinstance(message, str) else websocket.send_bytes(message))
        except (WebSocketDisconnect, RuntimeError):  # the latter where uvicorn has closed it for what it sent
            return


async def _first_done(*works: Coroutine[Any, Any, object]) -> None:
    """Run all of them until one ends, then end the others; what it failed with is raised."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
