"""The browser's modules: served under an address that says what is in them, and asked for before the pages start.

The address holds a digest of all modules, so that a browser may keep them for ever and never runs one beside another
of an older release; imports between them are relative and inherit it.
"""

from hashlib import sha256
from pathlib import Path

from fastapi import FastAPI, HTTPException, Response

FOLDER = Path(__file__).parent / "scripts"
ENTRY = "main.js"
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
    def tags(self) -> str:
        """What loads them: the entry, which starts Dash (that needs its id), and the others ahead of it."""
        names = [name for name in self.files if name != ENTRY]
        ahead = "".join(f'<link rel="modulepreload" href="{self.address}/{name}">' for name in names)
        return f'{ahead}<script id="_dash-renderer" type="module" src="{self.address}/{ENTRY}"></script>'

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
