"""What is known of a run before it is launched, from what living workers say of themselves."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from fastapi.exceptions import RequestValidationError

from contract.checks.capabilities import Capabilities, said
from contract.checks.finding import Finding
from contract.checks.known import known
from contract.config import RunConfig
from db import Store, Worker
from server.dotted import value_at
from server.placing import NO_CLUSTER, placement_of

NO_WORKER = Finding("", "No worker is running: the run waits in the queue until one starts")


def is_alive(worker: Worker, silence_limit_seconds: float) -> bool:
    """Whether the worker was heard within the limit."""
    return silent_seconds(worker) <= silence_limit_seconds


def silent_seconds(worker: Worker) -> float:
    """For how long the worker has not been heard."""
    return max(0.0, (datetime.now(UTC) - worker.heard_at).total_seconds())


def living(store: Store, silence_limit_seconds: float) -> dict[str, Capabilities | None]:
    """What each living worker says that it has, by id; None where it has not said it yet."""
    now = datetime.now(UTC)
    return {
        worker.id: (found := said(worker.capabilities)) and found.at(now)
        for worker in store.workers()
        if is_alive(worker, silence_limit_seconds)
    }


def refuse_what_fails(config: RunConfig, workers: Mapping[str, Capabilities | None]) -> list[dict[str, Any]]:
    """422 where the run would fail on every living worker; else what is doubtful about it, as the store keeps it."""
    found = known(config, workers)
    if found.errors:
        raise refusal(found.errors, config)
    return as_json(found.warnings)


def of_now(workers: Mapping[str, Capabilities | None], config: RunConfig | None = None) -> list[dict[str, Any]]:
    """What is doubtful about launching just now. It is told once and not kept of the run: workers come and go.

    Args:
        workers: those that live.
        config: what is launched; None: more than one run, or one that the workers have had already.
    """
    if not workers:
        return as_json((NO_WORKER,))
    placement = None if config is None else placement_of(config.compute, workers.values(), before=0)
    lacks = placement is not None and (placement.state == "nowhere" or placement.text == NO_CLUSTER)
    return as_json((Finding("", f"{placement.text}; it stays in the queue"),) if placement and lacks else ())


def refusal(errors: Iterable[Finding], config: RunConfig) -> RequestValidationError:
    """A 422 for what is known to fail, at the fields that it is about."""
    given = config.model_dump(mode="json")
    return RequestValidationError(
        [
            {
                "type": "value_error",
                "loc": ("body",),
                "msg": each.message,
                "input": value_at(given, each.field),
                "ctx": {"field": each.field},
            }
            for each in errors
        ]
    )


def as_json(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Findings as the API and the store have them."""
    return [each.to_json() for each in findings]
