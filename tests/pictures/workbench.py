"""A page with the dashboard's scripts and nothing else, and a socket that does what a test tells it."""

import asyncio
import json
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import plotly
import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from fastapi.responses import FileResponse, HTMLResponse
from fastapi.staticfiles import StaticFiles

from dashboard.modules import Modules

ASSETS = Path(__file__).parents[2] / "dashboard" / "assets"
ENTRY = b"""
import * as live from "./api/live.js";
import * as print from "./ui/print.js";
import * as viewAddress from "./ui/view-address.js";

for (const part of [live, viewAddress, print]) part.start();
"""
"""What stands in the place of `main.js`, which starts Dash."""
PLOTLY = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"


class Line:
    """What the page's socket hears and says, steered from the test's thread."""

    def __init__(self) -> None:
        self.said: list[dict[str, Any]] = []
        self.connections = 0
        self._open: list[WebSocket] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self.refuses = False

    @property
    def open(self) -> int:
        """Sockets that are open now."""
        return len(self._open)

    async def serve(self, websocket: WebSocket) -> None:
        """One socket, until either side closes it."""
        if self.refuses:
            await websocket.close()
            return
        await websocket.accept()
        self._loop = asyncio.get_running_loop()
        self.connections += 1
        self._open.append(websocket)
        try:
            await websocket.send_json({"type": "hello", "version": "0"})
            while True:
                self.said.append(json.loads(await websocket.receive_text()))
        except WebSocketDisconnect:
            pass
        finally:
            self._open.remove(websocket)

    def tell(self, kind: str, **content: Any) -> None:
        """Send a message to the newest socket."""
        self._do(self._open[-1].send_json({"type": kind, **content}))

    def tell_events(self, run: str, *seqs: int) -> None:
        """Send events with these numbers."""
        events = [{"seq": seq, "at": "2026-01-01T00:00:00Z", "event": {"kind": "logged", "n": seq}} for seq in seqs]
        self.tell("events", run=run, events=events, last_seq=max(seqs))

    def tell_display(self, run: str, epoch: int, layers: dict[int, bytes]) -> None:
        """Send a binary frame."""
        sizes = [[layer, len(column)] for layer, column in layers.items()]
        header = json.dumps({"run": run, "epoch": epoch, "seq": epoch, "layers": sizes}).encode()
        frame = struct.pack("<I", len(header)) + header + b"".join(layers.values())
        self._do(self._open[-1].send_bytes(frame))

    def cut(self) -> None:
        """Close the newest socket from the server's side."""
        self._do(self._open[-1].close())

    def _do(self, coroutine: Any) -> None:
        assert self._loop
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)


def application(line: Line) -> FastAPI:
    """The modules without Dash, styles, Plotly, and the socket."""
    app = FastAPI()
    modules = Modules()
    modules.files["main.js"] = ENTRY
    modules.serve(app)
    styles = "".join(f'<link rel="stylesheet" href="/assets/{path.name}">' for path in sorted(ASSETS.glob("*.css")))
    head = f"<head>{styles}</head>"
    body = f"<!DOCTYPE html><html data-mantine-color-scheme='light'>{head}<body>{modules.tag}</body></html>"

    @app.get("/")
    async def page() -> HTMLResponse:
        return HTMLResponse(body)

    @app.get("/plotly.js")
    async def library() -> FileResponse:
        return FileResponse(PLOTLY)

    @app.get("/favicon.ico")
    async def icon() -> HTMLResponse:
        return HTMLResponse("")

    app.websocket("/api/v1/live")(line.serve)
    app.mount("/assets", StaticFiles(directory=ASSETS))
    return app


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The application on a free port, in a thread."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="error", ws="websockets-sansio", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(15)
        listener.close()
        assert not thread.is_alive()
