"""Types of the API for the browser's code, from the server's own OpenAPI description.

`make types` writes dashboard/types/api.d.ts anew; a test holds it against the server.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from server.app import create_app
from server.settings import ServerSettings
from tests.stores import empty_store

ROOT = Path(__file__).parents[2]
WRITTEN = ROOT / "dashboard" / "types" / "api.d.ts"
GENERATOR = ROOT / "node_modules" / "openapi-typescript" / "bin" / "cli.js"
NODE = Path(sys.executable).parent / "node"
OPTIONS = ("--root-types", "--root-types-no-schema-prefix")


def description(folder: Path) -> dict[str, object]:
    """What the server says of its API."""
    url = f"sqlite:///{folder / 'neq.db'}"
    store = empty_store(url)
    try:
        said = create_app(store, ServerSettings(database_url=url, root_path="")).openapi()
    finally:
        store.close()
    return said


def generated() -> str:
    """The types that the server of this checkout asks for."""
    with tempfile.TemporaryDirectory() as folder:
        described = Path(folder) / "openapi.json"
        described.write_text(json.dumps(description(Path(folder))))
        command = [NODE, GENERATOR, described, *OPTIONS]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    WRITTEN.write_text(generated())
