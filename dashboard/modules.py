"""The browser's modules: served under an address that says what is in them, and asked for before a page starts.

The address holds a digest of all modules, so that a browser may keep them for ever and never runs one beside another
of an older release; imports between them are relative and inherit it.
"""

import posixpath
import re
from hashlib import sha256
from pathlib import Path, PurePosixPath

from fastapi import FastAPI, HTTPException, Response

FOLDER = Path(__file__).parent / "scripts"
ENTRY = "main.js"
LENT = "lent.js"
"""Of a page's folder: what it lends to Dash, and where its modules begin."""
_IMPORTED = re.compile(r'^(?:import|export) [^"]*from "(\.[^"]+)";$', re.MULTILINE)
_FOREVER = "public, max-age=31536000, immutable"


class Modules:
    """All modules of the pages, read once."""

    def __init__(self, folder: Path = FOLDER) -> None:
        """Args: folder: with the modules and folders of them; their entry is `main.js`."""
        self.files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.js"))}
        digest = sha256()
        for name, content in self.files.items():
            digest.update(f"{name}\0{len(content)}\0".encode() + content)
        self.address = f"/scripts/{digest.hexdigest()[:16]}"

    @property
    def tag(self) -> str:
        """What starts Dash, which needs the id."""
        return f'<script id="_dash-renderer" type="module" src="{self.address}/{ENTRY}"></script>'

    def ahead(self, folder: str | None) -> str:
        """Tags that ask for all that a page needs, so that no module waits until another has named it.

        Args: folder: the page's; None: it has no scripts of its own.
        """
        names = self.needed(ENTRY, *([f"{folder}/{LENT}"] if folder else []))
        return "".join(f'<link rel="modulepreload" href="{self.address}/{name}">' for name in sorted(names))

    def needed(self, *names: str) -> set[str]:
        """These modules and all that they import, each other's imports included."""
        found: set[str] = set()
        waiting = [*names]
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += self.imported(name)
        return found

    def imported(self, name: str) -> list[str]:
        """What one module imports whenever it is loaded, by the names of `files`."""
        folder = PurePosixPath("/", name).parent
        named = _IMPORTED.findall(self.files[name].decode())
        return [posixpath.normpath(folder / each).lstrip("/") for each in named]

    def serve(self, app: FastAPI) -> None:
        """Answer their addresses, and no other path below them."""

        @app.get(self.address + "/{name:path}", include_in_schema=False)
        async def module(name: str) -> Response:
            if name not in self.files:
                raise HTTPException(404, f"There is no script {name!r}.")
            return Response(self.files[name], media_type="text/javascript", headers={"Cache-Control": _FOREVER})

        @app.get("/scripts/{address:path}", include_in_schema=False)
        async def former(address: str) -> Response:
            raise HTTPException(404, "These scripts belong to another release: reload the page.")
