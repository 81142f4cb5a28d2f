"""Runs that are cut off in every way, in the real system: `neq serve`, `neq worker`, and the store between them."""

from tests.postgres import postgres_server_url, postgres_url

__all__ = ["postgres_server_url", "postgres_url"]
