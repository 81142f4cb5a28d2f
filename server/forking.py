"""Runs that go on from a checkpoint of another: what is made of it, what is refused, and what their logs say."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from contract.checks.capabilities import Capabilities
from contract.checks.finding import Finding
from contract.config import RunConfig
from contract.config.forking import changes, refused
from contract.config.overlay import laid_over
from contract.cost_key import cost_key
from contract.former_names import with_current_names
from db import NewRun, Run, Store, UnknownCheckpoint
from server.checking import as_json, refuse_what_fails
from server.descriptions import current
from server.routes.dependencies import invalid_query, refuse_unstorable

LONGEST_NAME = 120


@dataclass(frozen=True, slots=True)
class PlannedFork:
    """A fork that its checkpoint bears.

    Attributes:
        of: the run that it begins with.
        after: the epoch after which it begins.
        before: the run's own config.
        config: the fork's.
    """

    of: Run
    after: int
    before: RunConfig
    config: RunConfig

    @property
    def warnings(self) -> list[dict[str, Any]]:
        """What is doubtful about its changes."""
        return _unchanged(self.before, self.config, self.after)


def planned_fork(run: Run, epoch: int | None, part: dict[str, Any]) -> PlannedFork:
    """A fork with this part of its config changed, after an epoch; None: after the latest checkpoint.

    Raises:
        RequestValidationError: the checkpoint does not bear the changes, or they make no config.
        UnknownCheckpoint: the run keeps no checkpoint.
    """
    after = _fork_point(run, epoch)
    before, config = _described(run), _changed(run, part)
    _refuse_change(before, config, after)
    return PlannedFork(run, after, before, config)


def queue_fork(
    store: Store, planned: PlannedFork, workers: Mapping[str, Capabilities | None], group: str | None = None
) -> tuple[Run, list[dict[str, Any]]]:
    """The fork, queued, and what is doubtful about it.

    Raises:
        RequestValidationError: it would fail on every living worker.
        StoreError: the store keeps no such checkpoint.
    """
    config = planned.config
    warnings = [*planned.warnings, *refuse_what_fails(config, workers)]
    new = NewRun(
        name=config.display_name(),
        notes=config.notes,
        tags=config.tags,
        config=config.model_dump(mode="json"),
        epochs_planned=config.training.epochs,
        group=group,
        cost_key=cost_key(config),
        warnings=warnings,
    )
    words = _words(planned.of, planned.after, planned.before, config)
    return store.fork(planned.of.id, planned.after, new, words=words), warnings


def _fork_point(run: Run, epoch: int | None) -> int:
    if epoch is not None:
        return epoch
    if run.checkpoint_epoch is None:
        raise UnknownCheckpoint(run.id, max(0, run.epochs_done - 1), ())
    return run.checkpoint_epoch


def _described(run: Run) -> RunConfig:
    try:
        return RunConfig.model_validate(run.config)
    except ValidationError as error:
        message = "This run's config was written by another version and cannot be read"
        raise invalid_query("run_id", message, run.id) from error


def _changed(run: Run, part: dict[str, Any]) -> RunConfig:
    own = {"name": f"{run.name[: LONGEST_NAME - 7]} · fork", "notes": run.notes, "tags": list(run.tags)}
    try:
        before = current(run.config) | own
        config = RunConfig.model_validate(laid_over(before, with_current_names(RunConfig, part, beside=before)))
    except ValidationError as error:
        raise RequestValidationError([{**each, "loc": ("body", *each["loc"])} for each in error.errors()]) from error
    refuse_unstorable(config.model_dump(mode="json"))
    return config


def _refuse_change(before: RunConfig, config: RunConfig, after: int) -> None:
    wrong = refused(before, config)
    if config.training.epochs <= after + 1:
        wrong["training.epochs"] = f"Must be above {after + 1}, the number of epochs already trained"
    if wrong:
        given = changes(before, config)
        raise RequestValidationError(
            [
                {
                    "type": "value_error",
                    "loc": ("body",),
                    "msg": why,
                    "input": given.get(path, (None, config.training.epochs))[1],
                    "ctx": {"field": path},
                }
                for path, why in wrong.items()
            ]
        )


def _unchanged(before: RunConfig, config: RunConfig, after: int) -> list[dict[str, Any]]:
    if changes(before, config):
        return []
    message = (
        f"Nothing is changed, so the fork would repeat the other run from epoch {after + 1} on: change neq.epsilon, "
        "the optimizer or the schedule for instance"
    )
    return as_json([Finding("", message)])


def _words(run: Run, after: int, before: RunConfig, config: RunConfig) -> str:
    told = ", ".join(f"{path} {was} → {now}" for path, (was, now) in changes(before, config).items())
    return f"Forked from run {run.id} ({run.name}) after epoch {after}: {told or 'nothing changed'}."
