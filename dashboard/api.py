"""The dashboard's one way to everything it knows: the HTTP API, through one async client.

Every URL that the dashboard's Python uses is written here. The browser's share is in `scripts/api`: in `client.js`,
`runs.js`, `recorded.js` and `socket.js`.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import httpx

Json = dict[str, Any]

ROOT = "/api/v1"
TODAYS = "former_names=false"
"""Descriptions without the former names of renamed fields, which would be settings twice."""


class ApiError(Exception):
    """The API could not give what a page needs. The message is fit for a person to read."""


class NotThere(ApiError):
    """What was asked for does not exist."""


class Unreachable(ApiError):
    """The API did not answer, or could not read its store."""


class Api:
    """What the pages ask, in their own words.

    Args:
        client: whose base URL is the server's root. With an in-process ASGI transport nothing leaves this process.
    """

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def run(self, run_id: str) -> Json:
        """One run's record.

        Raises:
            NotThere: no run has this id.
        """
        return await self._get(f"{ROOT}/runs/{quote(run_id, safe='')}?{TODAYS}")

    async def runs(self, run_ids: Sequence[str]) -> list[Json]:
        """The records of these runs, in this order; raises as `run` does."""
        return [await self.run(run_id) for run_id in run_ids]

    async def comparison(self, run_ids: Sequence[str]) -> Json:
        """Runs side by side: their records, metrics and totals; ids of those that do not exist are `missing`."""
        if not run_ids:
            return {"runs": [], "missing": [], "metrics": [], "metrics_left_out": 0, "epoch_seconds": [], "totals": {}}
        return await self._get(f"{ROOT}/compare?runs={quote(','.join(run_ids), safe=',')}")

    async def checkpoints(self, run_id: str) -> list[Json]:
        """The checkpoints that a run can be forked from, oldest first: epoch, test_accuracy, last, best."""
        found: list[Json] = (await self._get(f"{ROOT}/runs/{quote(run_id, safe='')}/checkpoints"))["checkpoints"]
        return found

    async def layers(self, run_id: str) -> list[Json]:
        """The watched layers of a run in forward order; empty before it started."""
        found: list[Json] = (await self._get(f"{ROOT}/runs/{quote(run_id, safe='')}/layers"))["layers"]
        return found

    async def config_schema(self) -> Json:
        """The JSON Schema of a run's description, from which the form is drawn."""
        return await self._get(f"{ROOT}/schema/run-config")

    async def presets(self) -> list[Json]:
        """Named partial configurations to start from: name, title, description, config."""
        found: list[Json] = (await self._get(f"{ROOT}/presets?{TODAYS}"))["presets"]
        return found

    async def studies(self) -> list[Json]:
        """Studies from the paper at two scales, with what they will take; none while the store cannot be reached."""
        try:
            found: list[Json] = (await self._get(f"{ROOT}/studies"))["studies"]
        except Unreachable:
            return []
        return found

    async def _get(self, url: str) -> Json:
        try:
            response = await self._client.get(url)
        except httpx.HTTPError as error:
            raise Unreachable("The server's API did not respond.") from error
        if response.status_code == httpx.codes.NOT_FOUND:
            raise NotThere(_message(response))
        if response.is_error:
            raise Unreachable(_message(response))
        body: Json = response.json()
        return body


def _message(response: httpx.Response) -> str:
    try:
        detail = response.json()["detail"]
    except (ValueError, KeyError, TypeError):
        return f"The API responded with {response.status_code}."
    return detail if isinstance(detail, str) else f"The API responded with {response.status_code}."
