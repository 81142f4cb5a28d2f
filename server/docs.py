"""/docs without another host: Swagger UI from an installed package, started by a script of our own.

Only files of the package `fastapi_offline` are used (docs/decisions/030-docs-without-a-cdn.md), and none is inline, so
that the content policy needs no exception for them.
"""

from importlib.util import find_spec
from pathlib import Path

from fastapi import FastAPI
from starlette.responses import FileResponse, HTMLResponse, Response

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>NEq · API</title><link rel="icon" href="data:,"><link rel="stylesheet" href="/docs/swagger-ui.css"></head>
<body><div id="swagger-ui"><p>The API as JSON: <a href="/openapi.json">openapi.json</a></p></div>
<script src="/docs/swagger-ui-bundle.js"></script><script src="/docs/start.js"></script></body></html>
"""

_START = """SwaggerUIBundle({
  url: "/openapi.json", dom_id: "#swagger-ui", deepLinking: true, layout: "BaseLayout",
  presets: [SwaggerUIBundle.presets.apis], validatorUrl: null, displayRequestDuration: true, tryItOutEnabled: true,
});
"""

_CACHED = {"Cache-Control": "max-age=3600"}


def _folder() -> Path:
    """Where the package's files are, found without running any of its code."""
    found = find_spec("fastapi_offline")
    assert found is not None and found.origin is not None  # noqa: S101  (a locked dependency)
    return Path(found.origin).parent / "static"


def install(app: FastAPI, root_path: str) -> None:
    """Serve the documentation under /docs; its own addresses get the path prefix."""
    folder = _folder()
    page_below, start_below = (text.replace('"/', f'"{root_path}/') for text in (_PAGE, _START))

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return HTMLResponse(page_below)

    @app.get("/docs/start.js", include_in_schema=False)
    async def start() -> Response:
        return Response(start_below, media_type="text/javascript")

    @app.get("/docs/swagger-ui.css", include_in_schema=False)
    async def style() -> Response:
        return FileResponse(folder / "swagger-ui.css", headers=_CACHED)

    @app.get("/docs/swagger-ui-bundle.js", include_in_schema=False)
    async def bundle() -> Response:
        return FileResponse(folder / "swagger-ui-bundle.js", headers=_CACHED)
