"""What a client asks of a server, and what is wrong where it does not answer."""

from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from neq.client.errors import ClientError, ServerUnreachable, TokenRefused
from neq.display.html import allows_frames
from neq.recording.settings import Settings

if TYPE_CHECKING:
    import httpx
    import numpy.typing as npt

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 60.0


class Connection:
    """Reads from one server.

    Args:
        settings: its address and token.

    Attributes:
        may_frame: whether its last answer lets other pages show its own in a frame.
    """

    def __init__(self, settings: Settings) -> None:
        import httpx

        self.url = settings.url
        self.may_frame = False
        self._has_token = settings.token is not None
        self._client = httpx.Client(
            base_url=f"{settings.url}/api/v1",
            headers={"Authorization": f"Bearer {settings.token}"} if settings.token else {},
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
            trust_env=not settings.is_here,
        )

    def close(self) -> None:
        """Ends the connections."""
        self._client.close()

    def json(self, path: str, *fields: str, missing: ClientError | None = None, **query: Any) -> dict[str, Any]:
        """A JSON object.

        Args:
            path: below `/api/v1`.
            fields: that it must have.
            missing: to be raised where the server says that there is no such thing.
            query: what is None is left out.

        Raises:
            ClientError: there is none, or it is not the answer of a NEq server.
        """
        response = self._get(path, query, missing)
        try:
            found = response.json()
        except ValueError:
            found = None
        if not isinstance(found, dict) or any(field not in found for field in fields):
            raise ClientError(f"what answers at {self.url} is not a NEq server, or one of another version")
        return found

    def array(self, path: str, **query: Any) -> "npt.NDArray[Any]":
        """An array, which is never unpickled.

        Raises:
            ClientError: there is none, or it is not an array.
        """
        content = self._get(path, query, None).content
        try:
            return np.lib.format.read_array(BytesIO(content), allow_pickle=False)
        except ValueError as error:
            raise ClientError(f"{self.url} answered {path} with no array that can be read ({error})") from error

    def _get(self, path: str, query: dict[str, Any], missing: ClientError | None) -> "httpx.Response":
        import httpx

        try:
            response = self._client.get(
                path, params={name: value for name, value in query.items() if value is not None}
            )
        except (httpx.HTTPError, OSError) as error:
            raise ServerUnreachable(
                f"no server answers at {self.url} ({type(error).__name__}: {error}); `neq up` starts one, and url or "
                "NEQ_URL names another"
            ) from error
        if response.is_success:
            self.may_frame = allows_frames(response.headers.get("Content-Security-Policy", ""))
            return response
        if response.status_code == 401:
            what = "does not accept this token" if self._has_token else "asks for a token"
            raise TokenRefused(f"{self.url} {what}: give Client(token=…) or set NEQ_TOKEN to the server's")
        if response.status_code == 404 and missing is not None:
            raise missing
        raise ClientError(f"{self.url} answered {path} with HTTP {response.status_code}: {_detail(response)}")


def _detail(response: "httpx.Response") -> str:
    """The server's words; of a refused value, which one it is and why."""
    try:
        said = response.json()["detail"]
    except (ValueError, KeyError, TypeError):
        return response.reason_phrase or "no reason given"
    if isinstance(said, list):
        said = "; ".join(f"{each.get('field')}: {each.get('message')}" for each in said if isinstance(each, dict))
    return str(said)[:500]
