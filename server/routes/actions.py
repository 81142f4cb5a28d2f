"""What is done to many runs at once: each by itself, and each with its own answer."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Body, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from contract.base import wrong_field
from contract.config import Tag
from contract.filters import LONGEST_FILTER
from db import Store, StoreError, StoreUnreachable
from server import schemas
from server.checking import living
from server.extending import NotExtended, extend
from server.filters import read_where, stored_filter
from server.routes.dependencies import EVERYWHERE, INVALID, TheSettings, TheStore, refuse_unstorable
from server.routes.runs import Group
from server.serializers import json_answer
from server.settings import ServerSettings
from server.writers import IN_TURN

router = APIRouter(tags=["runs"], responses=EVERYWHERE | INVALID)

MOST_RUNS = 1_000
MOST_TAGS = 20
MOST_EPOCHS = 100_000
RunId = Annotated[str, StringConstraints(pattern="^[a-z0-9]{1,40}$")]
Action = Literal[
    "stop",
    "resume",
    "extend",
    "hold",
    "release",
    "prioritise",
    "move",
    "archive",
    "restore",
    "tag",
    "untag",
    "group",
    "delete",
]
NEEDS = {"prioritise": "priority", "extend": "epochs", "tag": "tags", "untag": "tags"}
"""What an action cannot be without."""
MEANS = {
    "priority": ("prioritise",),
    "tags": ("tag", "untag"),
    "name": ("group",),
    "before": ("move",),
    "epochs": ("extend",),
}
"""The actions that a field is for."""


class Actions(BaseModel):
    """An action, and the runs that it is for: their ids, a group, or what passes a filter."""

    model_config = ConfigDict(extra="forbid")
    action: Action
    ids: Annotated[list[RunId], Field(max_length=MOST_RUNS)] | None = None
    group: Group | None = None
    where: Annotated[str, StringConstraints(max_length=LONGEST_FILTER)] | None = Field(
        default=None, description="A filter that they pass."
    )
    priority: int | None = Field(default=None, ge=-10, le=10, description="For `prioritise`.")
    tags: Annotated[list[Tag], Field(min_length=1, max_length=MOST_TAGS)] | None = Field(
        default=None, description="For `tag` and `untag`."
    )
    epochs: int | None = Field(default=None, ge=1, le=MOST_EPOCHS, description="For `extend`: in all.")
    name: Group | None = Field(default=None, description="For `group`: the new one; null for none.")
    before: RunId | None = Field(
        default=None, description="For `move`: the queued run that they are put in front of; null for the end."
    )

    @model_validator(mode="after")
    def _says_for_which_runs_and_what(self) -> Self:
        if sum(each is not None for each in (self.ids, self.group, self.where)) != 1:
            raise wrong_field(
                "ids", "give the ids of the runs, or the group that they are in, or a filter: one of them"
            )
        needed = NEEDS.get(self.action)
        if needed and getattr(self, needed) is None:
            raise wrong_field(needed, f"{self.action} needs it")
        for field, actions in MEANS.items():
            if self.action not in actions and getattr(self, field) is not None:
                raise wrong_field(field, f"it is for {' and '.join(actions)}: leave it out")
        return self


Act = Callable[[Store, str, Actions], Any]


@router.post("/runs/actions", dependencies=[IN_TURN], response_model=schemas.ActionsDone)
def act_on_runs(store: TheStore, settings: TheSettings, body: Annotated[Actions, Body()]) -> Response:
    """Do one thing to many runs. Each is done or refused by itself, in the order given; what is refused says why.

    stop, resume and delete are as for a single run. extend: a run that has ended is trained on from its latest
    checkpoint to `epochs` in all, as another run of its group, tagged `extends:` and its id. hold: workers pass a
    queued run over, until release. prioritise and move change where queued runs wait. archive: lists leave a run out,
    until restore. tag, untag, group: change what runs are found by.
    """
    refuse_unstorable(body.model_dump())
    done: list[str] = []
    made: list[dict[str, str]] = []
    refused: list[dict[str, str]] = []
    act = _extending(store, settings, made) if body.action == "extend" else ACT[body.action]
    for run_id in _chosen(store, body):
        try:
            act(store, run_id, body)
            done.append(run_id)
        except StoreUnreachable:
            raise
        except (StoreError, NotExtended) as error:
            refused.append({"id": run_id, "message": str(error)})
    return json_answer({"done": done, "refused": refused, "made": made})


def _chosen(store: Store, body: Actions) -> Sequence[str]:
    if body.ids is not None:
        return list(dict.fromkeys(body.ids))
    where = None if body.where is None else stored_filter(read_where(body.where))
    page = store.runs(group=body.group, where=where, archived=None, limit=500)
    found = list(page.items)
    while page.next is not None:
        page = store.runs(group=body.group, where=where, archived=None, limit=500, cursor=page.next)
        found += page.items
    return [run.id for run in reversed(found)]  # the oldest first, as they were queued


def _tag(store: Store, run_id: str, body: Actions) -> None:
    added = body.tags or []
    tags = store.run(run_id).tags
    store.describe_run(run_id, tags=(*tags, *(tag for tag in added if tag not in tags))[:MOST_TAGS])


def _untag(store: Store, run_id: str, body: Actions) -> None:
    store.describe_run(run_id, tags=[tag for tag in store.run(run_id).tags if tag not in (body.tags or ())])


def _extending(store: Store, settings: ServerSettings, made: list[dict[str, str]]) -> Act:
    workers = living(store, settings.silence_limit_seconds)

    def act(store: Store, run_id: str, body: Actions) -> None:
        run = extend(store, store.run(run_id), body.epochs or 0, workers)
        made.append({"id": run.id, "name": run.name, "url": f"/runs/{run.id}"})

    return act


ACT: dict[str, Act] = {
    "stop": lambda store, run_id, _: store.request_stop(run_id),
    "resume": lambda store, run_id, _: store.resume(run_id),
    "hold": lambda store, run_id, _: store.hold(run_id, True),
    "release": lambda store, run_id, _: store.hold(run_id, False),
    "prioritise": lambda store, run_id, body: store.prioritise(run_id, body.priority or 0),
    "move": lambda store, run_id, body: store.move(run_id, body.before),
    "archive": lambda store, run_id, _: store.archive(run_id, True),
    "restore": lambda store, run_id, _: store.archive(run_id, False),
    "tag": _tag,
    "untag": _untag,
    "group": lambda store, run_id, body: store.put_in_group(run_id, body.name),
    "delete": lambda store, run_id, _: store.delete_run(run_id),
}
