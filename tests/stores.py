"""New stores for tests; on SQLite each is a copy of one that was made by the program once.

Making the tables takes ten times as long as copying them, and most tests of the suite want an empty store. The tests of
migrations, addresses and databases that refuse make theirs with `Store.open` alone.
"""

import tempfile
from functools import cache
from pathlib import Path

from db import Store

SQLITE = "sqlite:///"


@cache
def _template() -> bytes:
    """An empty database of this program's schema."""
    with tempfile.TemporaryDirectory(prefix="neq-template-") as folder:
        path = Path(folder) / "neq.db"
        Store.open(f"{SQLITE}{path}").close()
        assert [each.name for each in Path(folder).iterdir()] == ["neq.db"], "a store that is closed is one file"
        return path.read_bytes()


def empty_store(url: str) -> Store:
    """A store on a new database: an empty one of PostgreSQL, or a file that is not there yet in a folder that is."""
    if url.startswith(SQLITE):
        with Path(url.removeprefix(SQLITE)).open("xb") as file:
            file.write(_template())
    return Store.open(url)
