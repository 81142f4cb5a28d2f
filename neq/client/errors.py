"""Why nothing could be read.

ClientError(Exception)      the server's answer is none that can be read; its words are in the message
    ServerUnreachable       nobody answers at the address
    TokenRefused            the server asks for a token, or for another one
    UnknownRun              (LookupError) there is no such run
    UnknownLayer            (LookupError) the run has no such layer
    UnknownMetric           (LookupError) the run has no such metric
"""

from collections.abc import Sequence

MOST_NAMED = 20


class ClientError(Exception):
    """What was asked for cannot be read from this server."""


class ServerUnreachable(ClientError):
    """Nobody answers at the address."""


class TokenRefused(ClientError):
    """The server asks for a token, or does not accept the one that it was given."""


class UnknownRun(ClientError, LookupError):
    """The server has no such run."""


class UnknownLayer(ClientError, LookupError):
    """The run watches no such layer."""


class UnknownMetric(ClientError, LookupError):
    """The run has no such metric."""


def listed(names: Sequence[str], nothing: str) -> str:
    """What there is instead, as the end of a sentence.

    Args:
        names: the first ones are named.
        nothing: is said where there are none.
    """
    if not names:
        return nothing
    more = len(names) - MOST_NAMED
    return "there are " + ", ".join(names[:MOST_NAMED]) + (f" and {more:,} more" if more > 0 else "")
