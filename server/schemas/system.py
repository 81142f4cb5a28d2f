"""The state of the system."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from contract.checks.capabilities import Capabilities
from server.schemas.base import Answer


class StoreHealth(Answer):
    """The state of the store."""

    kind: Literal["sqlite", "postgresql"]
    reachable: bool
    problem: str | None = Field(description="What prevents writing, and the remedy; null if there is no known problem.")


class WorkerHealth(Answer):
    """A worker and the time of its last heartbeat."""

    id: str
    name: str
    host: str
    device: str
    slots: int
    heard_at: datetime
    heard_seconds_ago: float
    alive: bool
    capabilities: Capabilities | None = Field(
        description="Available data sets, weights, devices and memory; null until the worker has reported them."
    )


class Liveness(Answer):
    """The process responds."""

    status: Literal["alive"] = "alive"


class Checks(Answer):
    """The checks of readiness, each `ok` or what is wrong."""

    store: str
    schema_: str = Field(alias="schema")
    disk: str


class Readiness(Answer):
    """Whether the server can serve requests."""

    status: Literal["ready", "not ready"]
    checks: Checks


class Health(Answer):
    """The state of the whole system."""

    status: Literal["ok", "degraded"] = Field(description="degraded: see `problems`.")
    problems: tuple[str, ...] = Field(
        description="What prevents recording or training: the store, its disk, its schema, or no online worker."
    )
    version: str
    store: StoreHealth
    workers: list[WorkerHealth]
