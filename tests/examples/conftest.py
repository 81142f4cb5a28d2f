"""A server for the examples: the fixtures of `tests/server`."""

from tests.server.conftest import address, app, settings, store

__all__ = ["address", "app", "settings", "store"]
