"""Runs that are cut off in every way, in the real system: `neq serve`, `neq worker`, and the store between them."""

from typing import Any

import pytest

from tests.endurance.records import standing, told, train
from tests.postgres import postgres_server_url, postgres_url

__all__ = ["postgres_server_url", "postgres_url"]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What a run records that nobody disturbs; it is the same in every system and store."""
    with standing(tmp_path_factory.mktemp("undisturbed")) as system:
        system.start_worker(slots=1)
        return told(system, train(system))
