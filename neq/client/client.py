"""`neq.Client`: reads runs back from a server."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, Self

from neq.client.connection import Connection
from neq.client.errors import ClientError, UnknownRun, listed
from neq.client.recorded_run import NEEDED, RecordedRun
from neq.recording.settings import Settings

PAGE = 100
"""Runs of one request."""
NEWEST = 5
"""Runs that are named where the one that was asked for is not there."""
_ID = re.compile(r"[a-z0-9]{1,40}")


class Client:
    """Reads what a server has recorded: runs, their metrics, and what their neurons did, as numpy arrays.

        client = neq.Client()
        run = client.run("k3v9x0qa2m")
        run.layer("conv1").phi  # float32, epochs × neurons
        run.metrics("val/loss").values

    It only reads. It may be used from several threads, and as a context manager, which closes its connections.

    Args:
        url: the server's address, or the link that `neq up` prints. None: NEQ_URL, else http://127.0.0.1:8000.
        token: that the server asks for. None: NEQ_TOKEN.

    Raises:
        TypeError: url or token is not a text.
        ValueError: the address or the token cannot be used.
    """

    def __init__(self, url: str | None = None, token: str | None = None) -> None:
        self._connection = Connection(Settings.read(url=url, token=token, mode="online"))

    def __repr__(self) -> str:
        return f"<neq.Client of {self.url}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        """The server's address, without a slash at the end."""
        return self._connection.url

    def close(self) -> None:
        """Ends the connections; nothing that came from this client can be asked for more then."""
        self._connection.close()

    def runs(
        self, state: str | None = None, tag: str | None = None, search: str | None = None, limit: int | None = None
    ) -> Iterator[RecordedRun]:
        """The runs, newest first, read page by page as they are asked for.

        Args:
            state: only those in it: `queued`, `running`, `finished`, `stopped` or `failed`.
            tag: only those with exactly this tag.
            search: only those whose name, notes, tags or id hold this text, in whatever case.
            limit: at most so many; None: all.

        Raises:
            ValueError: limit is negative.
            ServerUnreachable: nobody answers; while iterating, as the following ones.
            TokenRefused: the server asks for a token, or for another one.
            ClientError: any other refusal, in the server's words, such as that of a state that there is not.
        """
        return islice(self._every_run(state, tag, search, PAGE if limit is None else limit), limit)

    def run(self, run_id: str) -> RecordedRun:
        """A run as it stands now.

        Raises:
            UnknownRun: there is none with this id; the message names the newest.
            ServerUnreachable: nobody answers.
            TokenRefused: the server asks for a token, or for another one.
            ClientError: any other refusal, in the server's words.
        """
        try:
            if not _ID.fullmatch(run_id):
                raise UnknownRun(run_id)
            path, missing = f"/runs/{run_id}", UnknownRun(run_id)
            found = self._connection.json(path, *NEEDED, missing=missing, former_names="false")
        except UnknownRun:
            raise UnknownRun(f"{self.url} has no run {run_id!r}; {self._newest()}") from None
        return RecordedRun(self._connection, found)

    def _every_run(self, state: str | None, tag: str | None, search: str | None, wanted: int) -> Iterator[RecordedRun]:
        query: dict[str, Any] = {"state": state, "tag": tag, "search": search, "limit": max(1, min(wanted, PAGE))}
        cursor: str | None = None
        while True:
            page = self._connection.json("/runs", "runs", "next", **query, cursor=cursor, former_names="false")
            for told in page["runs"]:
                if any(field not in told for field in NEEDED):
                    raise ClientError(f"what answers at {self.url} is a NEq server of another version")
                yield RecordedRun(self._connection, told)
            cursor = page["next"]
            if cursor is None:
                return

    def _newest(self) -> str:
        names = [f"{run.id} ({run.name})" for run in self.runs(limit=NEWEST)]
        return listed(names, "it has none yet").replace("there are", "the newest are", 1)
